/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/element.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "source/data.h"

#define NS_PER_MS 1000000ull

/*
 * The kernel counts in ticks and names the time left from the last one, which may be a tick ago:
 * 10 ms with the coarsest clock (HZ=100).
 */
#define TICK_MS 10

static const sl_attr_policy element_policy = {
	[NFTA_SET_ELEM_KEY] = SL_ATTR_NESTED,
	[NFTA_SET_ELEM_DATA] = SL_ATTR_NESTED,
	[NFTA_SET_ELEM_FLAGS] = SL_ATTR_U32,
	[NFTA_SET_ELEM_TIMEOUT] = SL_ATTR_U64,
	[NFTA_SET_ELEM_EXPIRATION] = SL_ATTR_U64,
	[NFTA_SET_ELEM_USERDATA] = SL_ATTR_HARMLESS, /* the comment */
	[NFTA_SET_ELEM_EXPR] = SL_ATTR_NESTED,
	[NFTA_SET_ELEM_PAD] = SL_ATTR_HARMLESS,
	[NFTA_SET_ELEM_OBJREF] = SL_ATTR_TEXT,
	[NFTA_SET_ELEM_KEY_END] = SL_ATTR_NESTED,
	[NFTA_SET_ELEM_EXPRESSIONS] = SL_ATTR_NESTED,
};

static const sl_attr_policy expr_policy = {
	[NFTA_EXPR_NAME] = SL_ATTR_TEXT,
	[NFTA_EXPR_DATA] = SL_ATTR_BYTES,
};

#define FLAGS_KNOWN (NFT_SET_ELEM_INTERVAL_END | NFT_SET_ELEM_CATCHALL)

static void set_opaque(struct sl_nft_element *element, const char *reason)
{
	if (!element->opaque)
		element->opaque = reason;
}

static int read_key(const struct sl_element_context *context, const struct nlattr *nest,
		    struct sl_nft_element *element, const u8 **ret_key, u32 *ret_length)
{
	struct sl_data data;
	int error = sl_data_read(context->arena, nest, &data);

	if (error)
		return error;
	if (data.opaque || !data.bytes)
		set_opaque(element, data.opaque ?: "its key is not a value");
	*ret_key = data.bytes;
	*ret_length = data.length;
	return 0;
}

static int read_keys(const struct sl_element_context *context, const struct sl_attrs *attrs,
		     struct sl_raw_element *raw)
{
	const struct nlattr *key = attrs->at[NFTA_SET_ELEM_KEY];
	const struct nlattr *key_end = attrs->at[NFTA_SET_ELEM_KEY_END];
	u32 end_length;
	int error;

	if (raw->element.is_catchall)
		return key || key_end ? -EBADMSG : 0;
	if (!key) {
		set_opaque(&raw->element, "it has no key");
		return 0;
	}
	error = read_key(context, key, &raw->element, &raw->element.key, &raw->key_length);
	if (error || !key_end)
		return error;
	error = read_key(context, key_end, &raw->element, &raw->element.key_end, &end_length);
	if (!error && end_length != raw->key_length)
		error = -EBADMSG;
	return error;
}

static int read_data(const struct sl_element_context *context, const struct nlattr *nest,
		     struct sl_raw_element *raw)
{
	struct sl_nft_element *element = &raw->element;
	struct sl_data data;
	int error = nest ? sl_data_read(context->arena, nest, &data) : 0;

	if (error || !nest)
		return error;
	if (data.opaque)
		set_opaque(element, data.opaque);
	raw->has_verdict = data.is_verdict;
	element->verdict = data.verdict;
	element->data = data.bytes;
	element->data_length = data.length;
	return 0;
}

/*
 * An expiration that has no timeout runs on the set's. A timeout of 0 means never (Linux 6.12).
 * A timeout without an expiration is not something that a kernel lists.
 */
static void read_times(const struct sl_element_context *context, const struct sl_attrs *attrs,
		       struct sl_nft_element *element)
{
	bool has_timeout = attrs->at[NFTA_SET_ELEM_TIMEOUT];
	u64 timeout_ms =
		has_timeout ? sl_attrs_u64(attrs, NFTA_SET_ELEM_TIMEOUT) : context->set_timeout_ms;
	u64 left_ms = sl_attrs_u64(attrs, NFTA_SET_ELEM_EXPIRATION);

	if (attrs->at[NFTA_SET_ELEM_EXPIRATION]) {
		left_ms -= left_ms < TICK_MS ? left_ms : TICK_MS;
		if (left_ms > (UINT64_MAX - context->asked_at_ns) / NS_PER_MS)
			left_ms = (UINT64_MAX - context->asked_at_ns) / NS_PER_MS;
		element->timeout_ms = timeout_ms ? timeout_ms : left_ms + 1;
		element->expires_at_ns = context->asked_at_ns + left_ms * NS_PER_MS;
		if (!element->expires_at_ns)
			element->expires_at_ns = 1; /* 0 would mean never */
	} else if (has_timeout && timeout_ms) {
		element->timeout_ms = timeout_ms;
		set_opaque(element, "has a timeout without an expiration");
	}
}

/* A counter is named as such, since the reader of the model may not mind it. */
static int read_expr(const struct sl_element_context *context, const struct nlattr *nest,
		     struct sl_nft_element *element)
{
	struct sl_attrs attrs;
	const char *name;

	if (sl_attrs_read_nested(&attrs, expr_policy, nest))
		return -EBADMSG;
	name = sl_attrs_text(&attrs, NFTA_EXPR_NAME);
	if (!name)
		return -EBADMSG;
	if (!strcmp(name, "counter")) {
		set_opaque(element, SL_ELEMENT_COUNTS);
		return 0;
	}
	/* Any other expression outweighs a counter. */
	element->opaque = sl_arena_printf(context->arena, "carries a %s expression", name);
	return element->opaque ? 0 : -ENOMEM;
}

static int read_exprs(const struct sl_element_context *context, const struct sl_attrs *attrs,
		      struct sl_nft_element *element)
{
	const struct nlattr *single = attrs->at[NFTA_SET_ELEM_EXPR];
	const struct nlattr *list = attrs->at[NFTA_SET_ELEM_EXPRESSIONS];
	int error = single ? read_expr(context, single, element) : 0;

	if (!error && list && !sl_attr_nest_is_sound(list))
		error = -EBADMSG;
	for (const struct nlattr *expr = list ? sl_attr_first(list) : NULL; expr && !error;
	     expr = sl_attr_next(list, expr))
		error = read_expr(context, expr, element);
	return error;
}

static int read_rest(const struct sl_element_context *context, const struct sl_attrs *attrs,
		     struct sl_nft_element *element)
{
	const char *object = sl_attrs_text(attrs, NFTA_SET_ELEM_OBJREF);
	int error = read_exprs(context, attrs, element);

	if (error)
		return error;
	if (object) {
		element->opaque = sl_arena_printf(context->arena, "refers to object %s", object);
		if (!element->opaque)
			return -ENOMEM;
	}
	if (attrs->oddity) {
		element->opaque = sl_attrs_complaint(attrs, context->arena);
		if (!element->opaque)
			return -ENOMEM;
	}
	return 0;
}

int sl_element_read(const struct sl_element_context *context, const struct nlattr *nest,
		    struct sl_raw_element *ret_raw)
{
	struct sl_raw_element raw = {0};
	struct sl_attrs attrs;
	u32 flags;
	int error = sl_attrs_read_nested(&attrs, element_policy, nest);

	if (error)
		return error;
	flags = sl_attrs_u32(&attrs, NFTA_SET_ELEM_FLAGS);
	raw.is_end = flags & NFT_SET_ELEM_INTERVAL_END;
	raw.element.is_catchall = flags & NFT_SET_ELEM_CATCHALL;
	if (flags & ~FLAGS_KNOWN)
		raw.element.opaque = "has an unknown flag";
	read_times(context, &attrs, &raw.element);
	error = read_keys(context, &attrs, &raw);
	if (!error)
		error = read_data(context, attrs.at[NFTA_SET_ELEM_DATA], &raw);
	if (!error)
		error = read_rest(context, &attrs, &raw.element);
	if (!error)
		*ret_raw = raw;
	return error;
}

static int compare_borders(const void *left, const void *right, void *key_length)
{
	const struct sl_raw_element *a = left, *b = right;
	int order = memcmp(a->element.key, b->element.key, *(const u32 *)key_length);

	/* At one key the end goes first: the range that starts there is a new one. */
	return order ? order : (int)b->is_end - (int)a->is_end;
}

static bool is_sorted(const struct sl_raw_elements *raws, u32 key_length)
{
	for (u32 i = 1; i < raws->count; i++)
		if (compare_borders(&raws->items[i - 1], &raws->items[i], &key_length) > 0)
			return false;
	return true;
}

static void reverse(struct sl_raw_elements *raws)
{
	for (u32 i = 0; i < raws->count / 2; i++) {
		struct sl_raw_element *a = &raws->items[i];
		struct sl_raw_element *b = &raws->items[raws->count - 1 - i];
		struct sl_raw_element swapped = *a;

		*a = *b;
		*b = swapped;
	}
}

/* The kernel lists from one end of its tree to the other, so sorting is hardly ever needed. */
static void sort_borders(struct sl_raw_elements *raws, u32 key_length)
{
	if (is_sorted(raws, key_length))
		return;
	reverse(raws);
	if (!is_sorted(raws, key_length))
		qsort_r(raws->items, raws->count, sizeof *raws->items, compare_borders,
			&key_length);
}

/* The key before `border`, or the top where there is none. */
static u8 *last_key(struct sl_arena *arena, const struct sl_raw_element *border, u32 key_length)
{
	u8 *key = sl_arena_alloc(arena, key_length);

	if (!key)
		return NULL;
	if (!border)
		return memset(key, 0xff, key_length);
	memcpy(key, border->element.key, key_length);
	for (u32 i = key_length; i-- > 0;)
		if (key[i]-- != 0)
			break;
	return key;
}

int sl_elements_join(struct sl_arena *arena, struct sl_raw_elements *raws, u32 key_length,
		     bool *ret_open)
{
	bool is_open = false;

	sort_borders(raws, key_length);
	for (u32 i = 0; i < raws->count; i++) {
		struct sl_raw_element *raw = &raws->items[i];
		struct sl_raw_element *next = i + 1 < raws->count ? raw + 1 : NULL;

		if (raw->is_end || raw->element.key_end)
			continue;
		is_open |= !next || !next->is_end;
		if (next && !memcmp(raw->element.key, next->element.key, key_length))
			return -EBADMSG;
		raw->element.key_end = last_key(arena, next, key_length);
		if (!raw->element.key_end)
			return -ENOMEM;
	}
	if (ret_open)
		*ret_open = is_open;
	return 0;
}
