/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/attr.h"

#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <string.h>

const void *sl_attr_payload(const struct nlattr *attr)
{
	return mnl_attr_get_payload(attr);
}

u32 sl_attr_length(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr);
}

static bool is_text(const struct nlattr *attr)
{
	u32 length = sl_attr_length(attr);

	return length && strnlen(sl_attr_payload(attr), length) == length - 1;
}

/* What is wrong with the attribute; NULL where nothing is. */
static const char *find_oddity(const struct nlattr *attr, enum sl_attr_kind kind)
{
	u32 length = sl_attr_length(attr);
	bool is_sound = true;

	switch (kind) {
	case SL_ATTR_UNKNOWN:
		return "is not known";
	case SL_ATTR_U8:
		is_sound = length == sizeof(u8);
		break;
	case SL_ATTR_U32:
		is_sound = length == sizeof(u32);
		break;
	case SL_ATTR_U64:
		is_sound = length == sizeof(u64);
		break;
	case SL_ATTR_TEXT:
		is_sound = is_text(attr);
		break;
	case SL_ATTR_HARMLESS:
	case SL_ATTR_BYTES:
	case SL_ATTR_NESTED:
		break;
	}
	return is_sound ? NULL : "has an unexpected length";
}

static void take_attr(struct sl_attrs *attrs, const sl_attr_policy policy,
		      const struct nlattr *attr)
{
	u32 number = mnl_attr_get_type(attr);
	enum sl_attr_kind kind = number < SL_ATTR_NUMBERS ? policy[number] : SL_ATTR_UNKNOWN;
	const char *oddity = find_oddity(attr, kind);

	if (!oddity && kind != SL_ATTR_HARMLESS && attrs->at[number])
		oddity = "is given twice";
	if (!oddity) {
		attrs->at[number] = attr;
	} else if (!attrs->oddity) {
		attrs->oddity = oddity;
		attrs->odd = number;
	}
}

int sl_attrs_read(struct sl_attrs *ret_attrs, const sl_attr_policy policy, const void *data,
		  size_t length)
{
	const u8 *next = data;
	size_t left = length;

	memset(ret_attrs, 0, sizeof *ret_attrs);
	while (left) {
		const struct nlattr *attr = (const void *)next;

		if (left < sizeof *attr || attr->nla_len < sizeof *attr || attr->nla_len > left)
			return -EBADMSG;
		take_attr(ret_attrs, policy, attr);

		size_t step = MNL_ALIGN(attr->nla_len);

		/* The last attribute's padding may be missing. */
		step = step < left ? step : left;
		next += step;
		left -= step;
	}
	return 0;
}

int sl_attrs_read_nested(struct sl_attrs *ret_attrs, const sl_attr_policy policy,
			 const struct nlattr *nest)
{
	return sl_attrs_read(ret_attrs, policy, sl_attr_payload(nest), sl_attr_length(nest));
}

int sl_attrs_read_message(struct sl_attrs *ret_attrs, const sl_attr_policy policy,
			  const struct nlmsghdr *message, size_t header_size)
{
	size_t head = MNL_NLMSG_HDRLEN + MNL_ALIGN(header_size);

	if (message->nlmsg_len < head)
		return -EBADMSG;
	return sl_attrs_read(ret_attrs, policy, (const u8 *)message + head,
			     message->nlmsg_len - head);
}

const char *sl_attrs_complaint(const struct sl_attrs *attrs, struct sl_arena *arena)
{
	return sl_arena_printf(arena, "attribute %u %s", attrs->odd, attrs->oddity);
}

u8 sl_attrs_u8(const struct sl_attrs *attrs, u32 number)
{
	return attrs->at[number] ? *(const u8 *)sl_attr_payload(attrs->at[number]) : 0;
}

u32 sl_attrs_u32(const struct sl_attrs *attrs, u32 number)
{
	return attrs->at[number] ? be32toh(mnl_attr_get_u32(attrs->at[number])) : 0;
}

u64 sl_attrs_u64(const struct sl_attrs *attrs, u32 number)
{
	return attrs->at[number] ? be64toh(mnl_attr_get_u64(attrs->at[number])) : 0;
}

const char *sl_attrs_text(const struct sl_attrs *attrs, u32 number)
{
	return attrs->at[number] ? sl_attr_payload(attrs->at[number]) : NULL;
}

/* The attribute at `at` if all of it lies before `end`. */
static const struct nlattr *attr_within(const u8 *at, const u8 *end)
{
	const struct nlattr *attr = (const void *)at;
	size_t left = at < end ? (size_t)(end - at) : 0;

	if (left < sizeof *attr || attr->nla_len < sizeof *attr || attr->nla_len > left)
		return NULL;
	return attr;
}

static const u8 *nest_end(const struct nlattr *nest)
{
	return (const u8 *)sl_attr_payload(nest) + sl_attr_length(nest);
}

const struct nlattr *sl_attr_first(const struct nlattr *nest)
{
	return attr_within(sl_attr_payload(nest), nest_end(nest));
}

const struct nlattr *sl_attr_next(const struct nlattr *nest, const struct nlattr *attr)
{
	return attr_within((const u8 *)attr + MNL_ALIGN(attr->nla_len), nest_end(nest));
}

bool sl_attr_nest_is_sound(const struct nlattr *nest)
{
	const u8 *end = sl_attr_payload(nest);

	for (const struct nlattr *attr = sl_attr_first(nest); attr; attr = sl_attr_next(nest, attr))
		end = (const u8 *)attr + MNL_ALIGN(attr->nla_len);
	return end >= nest_end(nest);
}
