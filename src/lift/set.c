// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets, lifted when the first rule asks for them.
 *
 * A set is followed if the program can know at any time what is in it: its elements change only by
 * commits, which move the generation, and by timeouts, which are in the dump. Packets must not
 * change it, and looking something up in it must not leave a trace in it. What packets fill in a
 * simple way the data plane asks where the kernel keeps it.
 */
#include "lift/expr.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "filled.h"

/* Comparing all boxes of a verdict map with each other is quadratic; beyond this it is not tried.
 */
#define BOXES_MAX 2048

static u32 round_up_to_word(u32 length)
{
	return (length + 3) & ~3u;
}

static bool in_range(const u8 *key, const u8 *from, const u8 *to, u32 length)
{
	return memcmp(from, key, length) <= 0 && memcmp(key, to, length) <= 0;
}

static bool in_box(const struct sl_set *set, const struct sl_element *element, const u8 *key)
{
	for (u32 i = 0, at = 0; i < set->field_count; i++) {
		u32 length = set->field_lengths[i];

		if (!in_range(key + at, element->key + at, element->key_end + at, length))
			return false;
		at += round_up_to_word(length);
	}
	return true;
}

const struct sl_element *sl_set_find(const struct sl_set *set, const u8 *key)
{
	for (u32 i = 0; i < set->elements.count; i++) {
		const struct sl_element *element = &set->elements.items[i];

		if (set->kind == SL_SET_BOXES
			    ? in_box(set, element, key)
			    : in_range(key, element->key, element->key_end, set->key_length))
			return element;
	}
	return NULL;
}

/* Whether to follow it */

static bool is_verdict_map(const struct sl_nft_set *source)
{
	return source->flags & NFT_SET_MAP && source->data_type == NFT_DATA_VERDICT;
}

/*
 * Packets add only to hash sets that are not constant: interval sets have no way to, and verdict
 * maps are refused (nft_dynset_init). nft sets `dynamic` for the sets that it fills itself, but the
 * kernel does not ask for it.
 */
static enum sl_filling find_filling(const struct sl_nft_set *source)
{
	enum sl_filling filling;

	if (is_verdict_map(source))
		return SL_FILLS_NOTHING;
	filling = sl_set_filling(source);
	if (source->flags & NFT_SET_EVAL)
		return filling == SL_FILLS_NOTHING ? SL_FILLS_BY_SOURCE : filling;
	return source->flags & (NFT_SET_CONSTANT | NFT_SET_ANONYMOUS | NFT_SET_INTERVAL)
		       ? SL_FILLS_NOTHING
		       : filling;
}

static bool has_catchall(const struct sl_nft_set *source)
{
	for (u32 i = 0; i < source->elements.count; i++)
		if (source->elements.items[i].is_catchall)
			return true;
	return false;
}

/* Whether the data plane can ask the kernel's own table (bpf/filled.h). Legacy tables have none. */
static bool can_be_asked(const struct sl_lifter *lifter, const struct sl_nft_set *source)
{
	const u32 oddities = NFT_SET_CONSTANT | NFT_SET_ANONYMOUS | NFT_SET_INTERVAL;

	return !source->table->is_legacy && lifter->host->knows_filled &&
	       !(source->flags & oddities) && !has_catchall(source) && source->key_length &&
	       source->key_length % 4 == 0 && source->key_length <= SL_FILLED_KEY_MAX &&
	       lifter->program->filled.count < SL_FILLED_MAX;
}

static bool fields_fit(const struct sl_nft_set *source)
{
	u32 length = 0;

	for (u32 i = 0; i < source->field_count; i++) {
		if (!source->field_lengths[i])
			return false;
		length += round_up_to_word(source->field_lengths[i]);
	}
	return length == source->key_length;
}

static bool has_element_effects(const struct sl_nft_set *source)
{
	if (source->flags & NFT_SET_EXPR)
		return true;
	for (u32 i = 0; i < source->elements.count; i++)
		if (source->elements.items[i].opaque)
			return true;
	return false;
}

static bool has_mortal_catchall(const struct sl_nft_set *source)
{
	for (u32 i = 0; i < source->elements.count; i++) {
		const struct sl_nft_element *element = &source->elements.items[i];

		if (element->is_catchall && element->expires_at_ns)
			return true;
	}
	return false;
}

static enum sl_set_use judge(const struct sl_rule_lift *rule, const struct sl_nft_set *source,
			     const char **ret_problem)
{
	bool is_concat = source->field_count > 1;
	enum sl_filling filling;

	*ret_problem = "holds what sluice does not understand";
	if (source->opaque || source->flags & NFT_SET_OBJECT)
		return SL_SET_EFFECT;
	*ret_problem = "counts per element, or holds what sluice does not understand";
	if (has_element_effects(source))
		return SL_SET_EFFECT;
	*ret_problem = "packets may add to it";
	filling = find_filling(source);
	if (filling == SL_FILLS_BY_SOURCE && can_be_asked(rule->lifter, source))
		return SL_SET_FILLED;
	if (filling != SL_FILLS_NOTHING)
		return SL_SET_UNKNOWN;
	*ret_problem = "its catch-all element expires";
	if (has_mortal_catchall(source))
		return SL_SET_UNKNOWN;
	*ret_problem = "its fields do not make up its key";
	if (!source->key_length || source->key_length > SL_KEY_MAX ||
	    (is_concat && source->flags & NFT_SET_INTERVAL && !fields_fit(source)))
		return SL_SET_UNKNOWN;
	*ret_problem = NULL;
	return SL_SET_FOLLOWS;
}

/* Elements */

static void copy_fields(struct sl_set *set, const struct sl_nft_set *source)
{
	set->field_count = 1;
	set->field_lengths[0] = source->key_length;
	if (source->field_count > 1 && fields_fit(source)) {
		set->field_count = source->field_count;
		memcpy(set->field_lengths, source->field_lengths, sizeof set->field_lengths);
	}
}

static enum sl_set_kind find_kind(const struct sl_nft_set *source)
{
	if (!(source->flags & NFT_SET_INTERVAL))
		return SL_SET_EXACT;
	return source->field_count > 1 ? SL_SET_BOXES : SL_SET_INTERVAL;
}

static int copy_element(struct sl_lifter *lifter, struct sl_set *set,
			const struct sl_nft_set *source, const struct sl_nft_element *from)
{
	struct sl_arena *arena = lifter->program->arena;
	struct sl_verdict verdict = {0};
	struct sl_element *element;

	if (set->is_vmap)
		verdict = sl_verdict_lift(lifter, source->table, &from->verdict);
	if (from->is_catchall) {
		set->has_catchall = true;
		set->catchall = verdict;
		return 0;
	}
	element = sl_list_push(arena, &set->elements);
	if (!element)
		return -ENOMEM;
	element->verdict = verdict;
	element->expires_at_ns = from->expires_at_ns;
	set->has_timeouts |= from->expires_at_ns != 0;
	element->key = sl_arena_copy(arena, from->key, set->key_length);
	element->key_end = sl_arena_copy(arena, from->key_end, set->key_length);
	return element->key && element->key_end ? 0 : -ENOMEM;
}

static int by_key(const void *left, const void *right, void *length)
{
	const struct sl_element *a = left, *b = right;
	int order = memcmp(a->key, b->key, *(const u32 *)length);

	return order ? order : memcmp(a->key_end, b->key_end, *(const u32 *)length);
}

static bool is_inverted_or_overlapping(const struct sl_set *set)
{
	for (u32 i = 0; i < set->elements.count; i++) {
		const struct sl_element *element = &set->elements.items[i];

		if (memcmp(element->key, element->key_end, set->key_length) > 0)
			return true;
		if (i && memcmp(element[-1].key_end, element->key, set->key_length) >= 0)
			return true;
	}
	return false;
}

static bool has_ranges(const struct sl_set *set)
{
	for (u32 i = 0; i < set->elements.count; i++)
		if (memcmp(set->elements.items[i].key, set->elements.items[i].key_end,
			   set->key_length) != 0)
			return true;
	return false;
}

static bool boxes_meet(const struct sl_set *set, const struct sl_element *a,
		       const struct sl_element *b)
{
	for (u32 i = 0, at = 0; i < set->field_count; i++) {
		u32 length = set->field_lengths[i];

		if (memcmp(a->key + at, b->key_end + at, length) > 0 ||
		    memcmp(b->key + at, a->key_end + at, length) > 0)
			return false;
		at += round_up_to_word(length);
	}
	return true;
}

/*
 * nft_set_pipapo.c accepts a box around an older one, and which of the two then decides depends on
 * when they came. For membership that is all the same.
 */
static bool has_ambiguous_boxes(const struct sl_set *set)
{
	if (!set->is_vmap)
		return false;
	if (set->elements.count > BOXES_MAX)
		return true;
	for (u32 i = 0; i < set->elements.count; i++)
		for (u32 k = 0; k < i; k++)
			if (boxes_meet(set, &set->elements.items[i], &set->elements.items[k]))
				return true;
	return false;
}

static int copy_set(struct sl_lifter *lifter, struct sl_set_lift *lift)
{
	const struct sl_nft_set *source = lift->source;
	const struct sl_nft_table *table = source->table;
	struct sl_set *set =
		sl_program_add_set(lifter->program, table->family, table->name, source->name);
	int error = set ? 0 : -ENOMEM;

	if (error)
		return error;
	lift->set = set;
	set->kind = find_kind(source);
	set->is_constant = source->flags & (NFT_SET_ANONYMOUS | NFT_SET_CONSTANT);
	set->is_vmap = is_verdict_map(source);
	set->has_timeouts = source->flags & NFT_SET_TIMEOUT;
	set->key_length = source->key_length;
	copy_fields(set, source);
	for (u32 i = 0; !error && i < source->elements.count; i++)
		error = copy_element(lifter, set, source, &source->elements.items[i]);
	if (!error && set->elements.count)
		qsort_r(set->elements.items, set->elements.count, sizeof *set->elements.items,
			by_key, &set->key_length);
	return error;
}

/* A box that ends before it starts does not even meet itself. */
static bool has_inverted_boxes(const struct sl_set *set)
{
	for (u32 i = 0; i < set->elements.count; i++)
		if (!boxes_meet(set, &set->elements.items[i], &set->elements.items[i]))
			return true;
	return false;
}

/* What only shows once the elements are in order. Such a set stays in the program, unused. */
static const char *find_bad_elements(const struct sl_set *set)
{
	if (set->kind == SL_SET_EXACT && has_ranges(set))
		return "a range among single values";
	if (set->kind == SL_SET_BOXES && has_inverted_boxes(set))
		return "a range ends before it starts";
	if (set->kind == SL_SET_BOXES)
		return has_ambiguous_boxes(set) ? "its ranges overlap" : NULL;
	return is_inverted_or_overlapping(set) ? "its elements overlap" : NULL;
}

static int add_filled(struct sl_lifter *lifter, struct sl_set_lift *lift)
{
	struct sl_arena *arena = lifter->program->arena;
	const struct sl_nft_set *source = lift->source;
	struct sl_filled *filled = sl_list_push(arena, &lifter->program->filled);

	if (!filled)
		return -ENOMEM;
	lift->filled = lifter->program->filled.count - 1;
	*filled = (struct sl_filled){
		.name = sl_arena_strdup(arena, source->name),
		.table_name = sl_arena_strdup(arena, source->table->name),
		.family = source->table->family,
		.table = source->table->handle,
		.set = source->handle,
		.key_length = source->key_length,
	};
	return filled->name && filled->table_name ? 0 : -ENOMEM;
}

static int lift_set(struct sl_rule_lift *rule, struct sl_set_lift *lift)
{
	struct sl_lifter *lifter = rule->lifter;
	const char *problem;
	int error = 0;

	lift->use = judge(rule, lift->source, &problem);
	if (lift->use == SL_SET_FOLLOWS) {
		error = copy_set(lifter, lift);
		if (error)
			return error;
		problem = find_bad_elements(lift->set);
		if (problem) {
			lift->use = SL_SET_UNKNOWN;
			lift->set->elements.count = 0;
		}
	}
	if (lift->use == SL_SET_FILLED) {
		error = add_filled(lifter, lift);
		if (error)
			return error;
	}
	if (!problem)
		return 0;
	lift->reason =
		sl_arena_printf(lifter->program->arena, "set %s: %s", lift->source->name, problem);
	return lift->reason ? 0 : -ENOMEM;
}

static u32 slot_of(const struct sl_lifter *lifter, const struct sl_nft_set *source)
{
	u64 hash = (u64)(uintptr_t)source * 0x9e3779b97f4a7c15ULL;
	u32 slot = (u32)(hash >> 32) & (lifter->set_slots - 1);

	while (lifter->set_table[slot] && lifter->set_table[slot]->source != source)
		slot = (slot + 1) & (lifter->set_slots - 1);
	return slot;
}

int sl_sets_prepare(struct sl_lifter *lifter)
{
	u32 count = 0, slots = 8;

	for (u32 i = 0; i < lifter->rules->tables.count; i++)
		count += lifter->rules->tables.items[i]->sets.count;
	while (slots < count * 2)
		slots *= 2;
	lifter->set_slots = slots;
	lifter->set_table =
		sl_arena_alloc(lifter->program->arena, slots * sizeof(struct sl_set_lift *));
	return lifter->set_table ? 0 : -ENOMEM;
}

int sl_set_lift(struct sl_rule_lift *rule, const struct sl_nft_set *source,
		const struct sl_set_lift **ret_set)
{
	struct sl_lifter *lifter = rule->lifter;
	u32 slot = slot_of(lifter, source);
	struct sl_set_lift *lift = lifter->set_table[slot];
	int error;

	if (!lift) {
		lift = sl_arena_alloc(lifter->program->arena, sizeof *lift);
		if (!lift)
			return -ENOMEM;
		lift->source = source;
		error = lift_set(rule, lift);
		if (error)
			return error;
		lifter->set_table[slot] = lift;
	}
	*ret_set = lift;
	return 0;
}
