/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/reader.h"

/* Since Linux 6.16; not in the headers of 6.1. */
#define SET_TYPE  19
#define SET_COUNT 20

#define FLAGS_KNOWN                                                                                \
	(NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | NFT_SET_INTERVAL | NFT_SET_MAP | NFT_SET_TIMEOUT | \
	 NFT_SET_EVAL | NFT_SET_OBJECT | NFT_SET_CONCAT | NFT_SET_EXPR)

static const sl_attr_policy set_policy = {
	[NFTA_SET_TABLE] = SL_ATTR_TEXT,
	[NFTA_SET_NAME] = SL_ATTR_TEXT,
	[NFTA_SET_FLAGS] = SL_ATTR_U32,
	[NFTA_SET_KEY_TYPE] = SL_ATTR_U32,
	[NFTA_SET_KEY_LEN] = SL_ATTR_U32,
	[NFTA_SET_DATA_TYPE] = SL_ATTR_U32,
	[NFTA_SET_DATA_LEN] = SL_ATTR_U32,
	[NFTA_SET_POLICY] = SL_ATTR_HARMLESS,
	[NFTA_SET_DESC] = SL_ATTR_NESTED,
	[NFTA_SET_ID] = SL_ATTR_HARMLESS,
	[NFTA_SET_TIMEOUT] = SL_ATTR_U64,
	[NFTA_SET_GC_INTERVAL] = SL_ATTR_HARMLESS,
	[NFTA_SET_USERDATA] = SL_ATTR_HARMLESS,
	[NFTA_SET_PAD] = SL_ATTR_HARMLESS,
	[NFTA_SET_OBJ_TYPE] = SL_ATTR_U32,
	[NFTA_SET_HANDLE] = SL_ATTR_U64,
	/* What new elements will carry; each element tells for itself what it does. */
	[NFTA_SET_EXPR] = SL_ATTR_HARMLESS,
	[NFTA_SET_EXPRESSIONS] = SL_ATTR_HARMLESS,
	[SET_TYPE] = SL_ATTR_HARMLESS,
	[SET_COUNT] = SL_ATTR_HARMLESS,
};

static const sl_attr_policy desc_policy = {
	[NFTA_SET_DESC_SIZE] = SL_ATTR_HARMLESS,
	[NFTA_SET_DESC_CONCAT] = SL_ATTR_NESTED,
};

static const sl_attr_policy field_policy = {
	[NFTA_SET_FIELD_LEN] = SL_ATTR_U32,
};

static const sl_attr_policy list_policy = {
	[NFTA_SET_ELEM_LIST_TABLE] = SL_ATTR_TEXT,
	[NFTA_SET_ELEM_LIST_SET] = SL_ATTR_TEXT,
	[NFTA_SET_ELEM_LIST_ELEMENTS] = SL_ATTR_NESTED,
	[NFTA_SET_ELEM_LIST_SET_ID] = SL_ATTR_HARMLESS,
};

static void set_opaque(struct sl_nft_set *set, const char *reason)
{
	if (!set->opaque)
		set->opaque = reason;
}

static int complain(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_nft_set *set)
{
	if (!attrs->oddity || set->opaque)
		return 0;
	set->opaque = sl_attrs_complaint(attrs, reader->arena);
	return set->opaque ? 0 : -ENOMEM;
}

static int read_field(struct sl_reader *reader, const struct nlattr *nest, struct sl_nft_set *set)
{
	struct sl_attrs attrs;
	int error = sl_attrs_read_nested(&attrs, field_policy, nest);

	if (error)
		return sl_reader_malformed(reader, "set's field");
	error = complain(reader, &attrs, set);
	if (error)
		return error;
	if (set->field_count == SL_SET_FIELDS_MAX) {
		set_opaque(set, "has too many fields");
		return 0;
	}
	set->field_lengths[set->field_count++] = sl_attrs_u32(&attrs, NFTA_SET_FIELD_LEN);
	return 0;
}

static int read_desc(struct sl_reader *reader, const struct nlattr *nest, struct sl_nft_set *set)
{
	struct sl_attrs attrs;
	const struct nlattr *fields;
	int error;

	if (sl_attrs_read_nested(&attrs, desc_policy, nest))
		return sl_reader_malformed(reader, "set's description");
	error = complain(reader, &attrs, set);
	fields = attrs.at[NFTA_SET_DESC_CONCAT];
	if (!error && fields && !sl_attr_nest_is_sound(fields))
		return sl_reader_malformed(reader, "set's description");
	for (const struct nlattr *field = fields ? sl_attr_first(fields) : NULL; field && !error;
	     field = sl_attr_next(fields, field))
		error = read_field(reader, field, set);
	return error;
}

static void check_sizes(struct sl_nft_set *set)
{
	u32 sum = 0;

	if (set->flags & ~(u32)FLAGS_KNOWN)
		set_opaque(set, "has an unknown flag");
	if (!set->key_length || set->key_length > NFT_DATA_VALUE_MAXLEN)
		set_opaque(set, "has keys of an impossible length");
	for (u32 i = 0; i < set->field_count; i++) {
		if (!set->field_lengths[i] || set->field_lengths[i] > NFT_DATA_VALUE_MAXLEN)
			set_opaque(set, "has a field of an impossible length");
		sum += (set->field_lengths[i] + 3) & ~3u;
	}
	if (set->field_count && sum != set->key_length)
		set_opaque(set, "has fields that do not add up to its key");
	if ((set->flags & NFT_SET_CONCAT) && !set->field_count)
		set_opaque(set, "is a concatenation of unknown fields");
}

static int fill(struct sl_reader *reader, const struct sl_attrs *attrs, struct sl_nft_set *set)
{
	const struct nlattr *desc = attrs->at[NFTA_SET_DESC];
	int error;

	set->name = sl_arena_strdup(reader->arena, sl_attrs_text(attrs, NFTA_SET_NAME));
	if (!set->name)
		return -ENOMEM;
	set->id = reader->ruleset->set_count++;
	set->handle = sl_attrs_u64(attrs, NFTA_SET_HANDLE);
	set->flags = sl_attrs_u32(attrs, NFTA_SET_FLAGS);
	set->key_type = sl_attrs_u32(attrs, NFTA_SET_KEY_TYPE);
	set->key_length = sl_attrs_u32(attrs, NFTA_SET_KEY_LEN);
	set->data_type = sl_attrs_u32(attrs, NFTA_SET_DATA_TYPE);
	set->data_length = sl_attrs_u32(attrs, NFTA_SET_DATA_LEN);
	set->timeout_ms = sl_attrs_u64(attrs, NFTA_SET_TIMEOUT);
	if (set->flags & NFT_SET_OBJECT)
		set->data_type = sl_attrs_u32(attrs, NFTA_SET_OBJ_TYPE);
	error = desc ? read_desc(reader, desc, set) : 0;
	check_sizes(set);
	return error ? error : complain(reader, attrs, set);
}

int sl_set_read(struct sl_reader *reader, const struct nlmsghdr *message)
{
	struct sl_nft_set **slot, *set;
	struct sl_nft_table *table;
	struct sl_attrs attrs;
	int error;

	if (sl_attrs_read_message(&attrs, set_policy, message, sizeof(struct nfgenmsg)) ||
	    !attrs.at[NFTA_SET_NAME])
		return sl_reader_malformed(reader, "set");
	error = sl_reader_owner(reader, message, sl_attrs_text(&attrs, NFTA_SET_TABLE), &table);
	if (error)
		return error;
	set = sl_arena_alloc(reader->arena, sizeof *set);
	slot = sl_list_push(reader->arena, &table->sets);
	if (!set || !slot)
		return -ENOMEM;
	*slot = set;
	set->table = table;
	reader->index = NULL;
	return fill(reader, &attrs, set);
}

/* Tables have an order of their own, by address; it only has to be one. */
static int compare_sets(const void *left, const void *right)
{
	const struct sl_nft_set *a = *(struct sl_nft_set *const *)left;
	const struct sl_nft_set *b = *(struct sl_nft_set *const *)right;

	if (a->table != b->table)
		return (uintptr_t)a->table < (uintptr_t)b->table ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int build_index(struct sl_reader *reader)
{
	struct sl_ruleset *ruleset = reader->ruleset;
	u32 count = 0;

	reader->index = sl_arena_alloc(reader->arena, ruleset->set_count * sizeof *reader->index);
	if (!reader->index)
		return -ENOMEM;
	for (u32 i = 0; i < ruleset->tables.count; i++)
		for (u32 j = 0; j < ruleset->tables.items[i]->sets.count; j++)
			reader->index[count++] = ruleset->tables.items[i]->sets.items[j];
	qsort(reader->index, count, sizeof *reader->index, compare_sets);
	return 0;
}

int sl_reader_find_set(struct sl_reader *reader, struct sl_nft_table *table, const char *name,
		       struct sl_nft_set **ret_set)
{
	struct sl_nft_set wanted = {.table = table, .name = name}, *wanted_at = &wanted, **found;
	int error = reader->index ? 0 : build_index(reader);

	if (error)
		return error;
	found = bsearch(&wanted_at, reader->index, reader->ruleset->set_count,
			sizeof *reader->index, compare_sets);
	if (!found)
		return sl_reader_missing(reader, "set", name);
	*ret_set = *found;
	return 0;
}

/* Elements of these are borders, to be joined when all are there. */
static bool has_borders(const struct sl_nft_set *set)
{
	return (set->flags & NFT_SET_INTERVAL) && !(set->flags & NFT_SET_CONCAT);
}

/* A verdict or value that is missing must not read as 0, which is NF_DROP. */
static void check_data(const struct sl_nft_set *set, struct sl_raw_element *raw)
{
	struct sl_nft_element *element = &raw->element;
	bool is_map = (set->flags & NFT_SET_MAP) && !raw->is_end;
	const char *reason = NULL;

	if (is_map && set->data_type == NFT_DATA_VERDICT && !raw->has_verdict)
		reason = "lacks its verdict";
	else if (is_map && set->data_type != NFT_DATA_VERDICT &&
		 (!element->data || element->data_length != set->data_length))
		reason = "lacks its data";
	if (reason && !element->opaque)
		element->opaque = reason;
}

static int keep(struct sl_reader *reader, struct sl_nft_set *set,
		const struct sl_nft_element *element)
{
	struct sl_nft_element *slot = sl_list_push(reader->arena, &set->elements);

	if (!slot)
		return -ENOMEM;
	*slot = *element;
	if (!slot->key_end)
		slot->key_end = slot->key;
	return 0;
}

static int let_wait(struct sl_reader *reader, const struct sl_raw_element *raw)
{
	struct sl_raw_element *slot;

	if (!reader->waiting_arena)
		reader->waiting_arena = sl_arena_new();
	if (!reader->waiting_arena)
		return -ENOMEM;
	slot = sl_list_push(reader->waiting_arena, &reader->waiting);
	if (!slot)
		return -ENOMEM;
	*slot = *raw;
	return 0;
}

static int take_element(struct sl_reader *reader, struct sl_nft_set *set,
			struct sl_raw_element *raw)
{
	check_data(set, raw);
	if (raw->element.is_catchall)
		return keep(reader, set, &raw->element);
	if (!raw->element.key || raw->key_length != set->key_length) {
		set_opaque(set, raw->element.key ? "has an element of another length"
						 : raw->element.opaque);
		return 0;
	}
	if (has_borders(set))
		return let_wait(reader, raw);
	if (raw->is_end) {
		set_opaque(set, "has interval ends without being an interval set");
		return 0;
	}
	return keep(reader, set, &raw->element);
}

static int take_elements(struct sl_reader *reader, struct sl_nft_set *set,
			 const struct nlattr *list)
{
	struct sl_element_context context = {.arena = reader->arena,
					     .set_timeout_ms = set->timeout_ms,
					     .asked_at_ns = reader->asked_at_ns};
	int error = 0;

	if (!sl_attr_nest_is_sound(list))
		return sl_reader_malformed(reader, "set's elements");
	for (const struct nlattr *nest = sl_attr_first(list); nest && !error;
	     nest = sl_attr_next(list, nest)) {
		struct sl_raw_element raw;

		error = sl_element_read(&context, nest, &raw);
		if (error == -EBADMSG)
			return sl_reader_malformed(reader, "set's element");
		if (!error)
			error = take_element(reader, set, &raw);
	}
	return error;
}

static bool is_waiting(const struct sl_reader *reader, const struct sl_nft_table *table,
		       const char *name)
{
	const struct sl_nft_set *set = reader->waiting_set;

	return set && set->table == table && !strcmp(set->name, name);
}

int sl_set_read_elements(struct sl_reader *reader, const struct nlmsghdr *message)
{
	struct sl_nft_table *table;
	struct sl_attrs attrs;
	const struct nlattr *list;
	const char *name;
	int error;

	if (sl_attrs_read_message(&attrs, list_policy, message, sizeof(struct nfgenmsg)) ||
	    !attrs.at[NFTA_SET_ELEM_LIST_SET])
		return sl_reader_malformed(reader, "set's elements");
	error = sl_reader_owner(reader, message, sl_attrs_text(&attrs, NFTA_SET_ELEM_LIST_TABLE),
				&table);
	if (error)
		return error;
	name = sl_attrs_text(&attrs, NFTA_SET_ELEM_LIST_SET);
	if (!is_waiting(reader, table, name)) {
		error = sl_set_close(reader);
		if (!error)
			error = sl_reader_find_set(reader, table, name, &reader->waiting_set);
		if (error)
			return error;
	}
	list = attrs.at[NFTA_SET_ELEM_LIST_ELEMENTS];
	error = complain(reader, &attrs, reader->waiting_set);
	return error || !list ? error : take_elements(reader, reader->waiting_set, list);
}

/*
 * The kernel does not list expired elements. Where a range may end in the start of the next one,
 * that start may have expired, and the range would look too long. Named sets give every range an
 * end of its own.
 */
static void doubt_open_ranges(struct sl_nft_set *set, struct sl_raw_elements *raws)
{
	if (!(set->flags & NFT_SET_TIMEOUT))
		return;
	if (set->flags & NFT_SET_ANONYMOUS)
		set_opaque(set, "is anonymous and has elements that expire");
	for (u32 i = 0; i + 1 < raws->count; i++) {
		struct sl_nft_element *element = &raws->items[i].element;
		bool is_open = !raws->items[i].is_end && !raws->items[i + 1].is_end;

		if (is_open && !element->opaque)
			element->opaque = "its end may have expired";
	}
}

static int join_waiting(struct sl_reader *reader)
{
	struct sl_nft_set *set = reader->waiting_set;
	struct sl_raw_elements *raws = &reader->waiting;
	int error = sl_elements_join(reader->arena, raws, set->key_length, NULL);

	if (error == -EBADMSG) {
		set_opaque(set, "has two intervals that start at one key");
		return 0;
	}
	doubt_open_ranges(set, raws);
	for (u32 i = 0; i < raws->count && !error; i++)
		if (!raws->items[i].is_end)
			error = keep(reader, set, &raws->items[i].element);
	return error;
}

int sl_set_close(struct sl_reader *reader)
{
	int error = reader->waiting.count ? join_waiting(reader) : 0;

	sl_arena_free(reader->waiting_arena);
	reader->waiting_arena = NULL;
	reader->waiting = (struct sl_raw_elements){0};
	reader->waiting_set = NULL;
	return error;
}
