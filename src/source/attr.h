/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Netlink attributes, read strictly: one level of a message at a time, against a policy that names
 * every attribute that sluice knows.
 *
 * Enters: bytes from the kernel, or from somebody who wishes us ill. Leaves: the attributes by
 * number. Promised: nothing outside the bytes is read, and whatever is not understood is reported
 * as an oddity. Integers of nf_tables are big-endian; the getters return host order.
 */
#ifndef SLUICE_SOURCE_ATTR_H
#define SLUICE_SOURCE_ATTR_H

#include <linux/netlink.h>

#include "base/arena.h"
#include "base/types.h"

#define SL_ATTR_NUMBERS 40

enum sl_attr_kind {
	SL_ATTR_UNKNOWN,
	SL_ATTR_HARMLESS, /* known, and without meaning for a packet: padding, use counts … */
	SL_ATTR_U8,
	SL_ATTR_U32,
	SL_ATTR_U64,
	SL_ATTR_TEXT, /* ends in its only NUL */
	SL_ATTR_BYTES,
	SL_ATTR_NESTED,
};

/* One level's vocabulary: enum sl_attr_kind by attribute number. */
typedef u8 sl_attr_policy[SL_ATTR_NUMBERS];

struct sl_attrs {
	const struct nlattr *at[SL_ATTR_NUMBERS]; /* NULL where absent or odd */
	const char *oddity; /* what is wrong with attribute `odd`; NULL: all were understood */
	u32 odd;            /* the first one that was not */
};

/* 0, or -EBADMSG when the bytes are not a sequence of attributes. */
int sl_attrs_read(struct sl_attrs *ret_attrs, const sl_attr_policy policy, const void *data,
		  size_t length);
int sl_attrs_read_nested(struct sl_attrs *ret_attrs, const sl_attr_policy policy,
			 const struct nlattr *nest);
/* The attributes of a message, behind its family's fixed header. */
int sl_attrs_read_message(struct sl_attrs *ret_attrs, const sl_attr_policy policy,
			  const struct nlmsghdr *message, size_t header_size);

/* "attribute 9 is not known", for `opaque` fields; NULL only when out of memory. */
const char *sl_attrs_complaint(const struct sl_attrs *attrs, struct sl_arena *arena);

/* Absent attributes read as 0 and NULL. */
u8 sl_attrs_u8(const struct sl_attrs *attrs, u32 number);
u32 sl_attrs_u32(const struct sl_attrs *attrs, u32 number);
u64 sl_attrs_u64(const struct sl_attrs *attrs, u32 number);
const char *sl_attrs_text(const struct sl_attrs *attrs, u32 number);

const void *sl_attr_payload(const struct nlattr *attr);
u32 sl_attr_length(const struct nlattr *attr);

/*
 * Walks the children of a nest: `for (attr = sl_attr_first(nest); attr; attr = sl_attr_next(nest,
 * attr))`. Ends early where the nest is malformed; sl_attr_nest_is_sound tells beforehand.
 */
const struct nlattr *sl_attr_first(const struct nlattr *nest);
const struct nlattr *sl_attr_next(const struct nlattr *nest, const struct nlattr *attr);
bool sl_attr_nest_is_sound(const struct nlattr *nest);

#endif
