/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A rule's tests are carried out one after the other on a *region*, a union of boxes that starts
 * as everything: each test leaves of every box what it matches. Boxes of one region may overlap.
 */
#include "classify/boxes.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "classify/stretch.h"
#include "ir/key.h"
#include "ir/packet.h"

struct product {
	struct sl_range lanes[SL_TABLE_LANES_MAX];
};

struct region {
	struct product *items; /* malloc'd */
	u32 count, capacity;
};

struct work {
	const struct sl_place *place;
	struct sl_lanes *lanes;
	struct sl_arena *arena;
	u32 limit; /* of a region */
	struct region now;
	u8 worlds;
	enum sl_item_action action;
	bool counts, unsure;
	u32 counter;
};

/* Some bytes of a key, compared as one: all of it, or a field of a concatenation. */
struct span {
	const struct sl_stretches *cut;
	u32 first, end; /* stretches */
	u32 at, length; /* bytes */
};

u32 sl_lane_max(const struct sl_lanes *lanes, u32 lane)
{
	return (u32)sl_value_max(lanes->keys[lane].length);
}

/* Regions */

static void free_region(struct region *region)
{
	free(region->items);
	*region = (struct region){0};
}

static int push(const struct work *work, struct region *region, const struct product *product)
{
	if (region->count == work->limit)
		return -ENOTSUP;
	if (region->count == region->capacity) {
		u32 capacity = region->capacity ? 2 * region->capacity : 4;
		struct product *items = reallocarray(region->items, capacity, sizeof *items);

		if (!items)
			return -ENOMEM;
		region->items = items;
		region->capacity = capacity;
	}
	region->items[region->count++] = *product;
	return 0;
}

static int push_all(const struct work *work, struct region *region, const struct region *more)
{
	int error = 0;

	for (u32 i = 0; i < more->count && !error; i++)
		error = push(work, region, &more->items[i]);
	return error;
}

/* Everything. Lanes that do not exist yet are cut to their size in the end. */
static int begin_region(const struct work *work, struct region *region)
{
	struct product product;

	for (u32 i = 0; i < SL_TABLE_LANES_MAX; i++)
		product.lanes[i] = (struct sl_range){0, UINT32_MAX};
	return push(work, region, &product);
}

/* Leaves what is in the ranges of a test: `to` gets what it leaves of `from`. */

/* The largest number that some bytes of a key can be. */
static u32 stretch_max(const struct sl_stretch *stretch)
{
	return (u32)sl_value_max(stretch->length);
}

/* The part of a lane where a stretch is in `asked`; false if it never is. */
static bool find_lane_range(const struct sl_stretch *stretch, const struct sl_range *asked,
			    struct sl_range *ret_range)
{
	u64 block = ~stretch->mask & stretch_max(stretch), lo = asked->lo, hi = asked->hi | block;

	if (lo & block)
		lo = (lo | block) + 1; /* between two multiples: the next is the first */
	if (lo > hi)
		return false;
	ret_range->lo = (u32)(lo << stretch->shift);
	ret_range->hi = (u32)(((hi + 1) << stretch->shift) - 1);
	return true;
}

static bool clip(struct product *product, const struct sl_stretch *stretch,
		 const struct sl_range *asked)
{
	struct sl_range *lane = &product->lanes[stretch->lane], range;

	if (stretch->is_constant)
		return stretch->value >= asked->lo && stretch->value <= asked->hi;
	if (asked->lo == 0 && asked->hi == stretch_max(stretch))
		return true;
	if (!find_lane_range(stretch, asked, &range))
		return false;
	if (range.lo > lane->lo)
		lane->lo = range.lo;
	if (range.hi < lane->hi)
		lane->hi = range.hi;
	return lane->lo <= lane->hi;
}

/* `asked`: one range for each stretch of the span. */
static int clip_all(const struct work *work, const struct span *span, const struct sl_range *asked,
		    const struct region *from, struct region *to)
{
	int error = 0;

	for (u32 i = 0; i < from->count && !error; i++) {
		struct product product = from->items[i];
		bool remains = true;

		for (u32 j = span->first; j < span->end && remains; j++)
			remains = clip(&product, &span->cut->items[j], &asked[j]);
		if (remains)
			error = push(work, to, &product);
	}
	return error;
}

/* Ranges of byte strings: as many boxes as it takes, the edges apart. */

static u32 number_at(const struct sl_stretch *stretch, const u8 *bytes)
{
	return (u32)sl_value_number(bytes + stretch->at, stretch->length);
}

/* All that follows a stretch is this byte. */
static bool rest_is(const struct span *span, u32 stretch, const u8 *bytes, u8 byte)
{
	const struct sl_stretch *before = &span->cut->items[stretch];

	for (u32 i = before->at + before->length; i < span->at + span->length; i++)
		if (bytes[i] != byte)
			return false;
	return true;
}

static void ask_nothing(const struct span *span, u32 from, struct sl_range *asked)
{
	for (u32 i = from; i < span->end; i++)
		asked[i] = (struct sl_range){0, stretch_max(&span->cut->items[i])};
}

/*
 * What is equal to the edge up to stretch `from`, and on the inner side of it behind: above the
 * low edge, or below the high one.
 */
static int clip_edge(const struct work *work, const struct span *span, u32 from, const u8 *edge,
		     bool is_low, struct sl_range *asked, const struct region *region,
		     struct region *to)
{
	u8 end = is_low ? 0 : 0xff;
	bool is_last = false;
	int error = 0;

	for (u32 i = from; i < span->end && !error && !is_last; i++) {
		const struct sl_stretch *stretch = &span->cut->items[i];
		u32 number = number_at(stretch, edge), max = stretch_max(stretch);

		ask_nothing(span, i, asked);
		is_last = rest_is(span, i, edge, end);
		if (is_low)
			asked[i] = (struct sl_range){is_last ? number : number + 1, max};
		else
			asked[i] = (struct sl_range){0, is_last ? number : number - 1};
		if (is_last || number != (is_low ? max : 0))
			error = clip_all(work, span, asked, region, to);
		asked[i] = (struct sl_range){number, number};
	}
	return error;
}

static int clip_between(const struct work *work, const struct span *span, const u8 *lo,
			const u8 *hi, const struct region *from, struct region *to)
{
	struct sl_range asked[SL_KEY_MAX];
	u32 i = span->first;
	int error = 0;

	if (memcmp(lo + span->at, hi + span->at, span->length) > 0)
		return 0;
	for (; i < span->end; i++) {
		asked[i].lo = number_at(&span->cut->items[i], lo);
		asked[i].hi = number_at(&span->cut->items[i], hi);
		if (asked[i].lo != asked[i].hi)
			break;
	}
	if (i == span->end)
		return clip_all(work, span, asked, from, to);

	u32 low = asked[i].lo, high = asked[i].hi;
	bool low_is_whole = rest_is(span, i, lo, 0), high_is_whole = rest_is(span, i, hi, 0xff);

	ask_nothing(span, i + 1, asked);
	asked[i].lo = low_is_whole ? low : low + 1;
	asked[i].hi = high_is_whole ? high : high - 1;
	if (asked[i].lo <= asked[i].hi)
		error = clip_all(work, span, asked, from, to);
	if (!error && !low_is_whole) {
		asked[i] = (struct sl_range){low, low};
		error = clip_edge(work, span, i + 1, lo, true, asked, from, to);
	}
	if (!error && !high_is_whole) {
		asked[i] = (struct sl_range){high, high};
		error = clip_edge(work, span, i + 1, hi, false, asked, from, to);
	}
	return error;
}

static const u8 lowest[SL_KEY_MAX];
static const u8 highest[SL_KEY_MAX] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};

/* Below `lo` or above `hi`; an empty range has everything outside. */
static int clip_outside(const struct work *work, const struct span *span, const u8 *lo,
			const u8 *hi, const struct region *from, struct region *to)
{
	u8 edge[SL_KEY_MAX];
	int error = 0;

	if (memcmp(lo + span->at, hi + span->at, span->length) > 0)
		return push_all(work, to, from);
	memcpy(edge + span->at, lo + span->at, span->length);
	if (sl_value_step(edge + span->at, span->length, -1))
		error = clip_between(work, span, lowest, edge, from, to);
	memcpy(edge + span->at, hi + span->at, span->length);
	if (!error && sl_value_step(edge + span->at, span->length, 1))
		error = clip_between(work, span, edge, highest, from, to);
	return error;
}

/* Sets */

/* The range that starts with this element: as far as its neighbours go on without a gap. */
static const u8 *find_range_end(const struct sl_set *set, u32 *element)
{
	const u8 *end = set->elements.items[*element].key_end;
	u8 next[SL_KEY_MAX];

	for (;;) {
		(*element)++;
		memcpy(next, end, set->key_length);
		if (*element == set->elements.count || !sl_value_step(next, set->key_length, 1) ||
		    memcmp(next, set->elements.items[*element].key, set->key_length) != 0)
			return end;
		end = set->elements.items[*element].key_end;
	}
}

static int clip_ranges(const struct work *work, const struct span *span, const struct sl_set *set,
		       const struct region *from, struct region *to)
{
	int error = 0;

	for (u32 i = 0; i < set->elements.count && !error;) {
		const u8 *lo = set->elements.items[i].key, *hi = find_range_end(set, &i);

		error = clip_between(work, span, lo, hi, from, to);
	}
	return error;
}

static int clip_gaps(const struct work *work, const struct span *span, const struct sl_set *set,
		     const struct region *from, struct region *to)
{
	u8 gap[SL_KEY_MAX] = {0}, gap_end[SL_KEY_MAX];
	int error = 0;

	for (u32 i = 0; i < set->elements.count && !error;) {
		memcpy(gap_end, set->elements.items[i].key, set->key_length);
		if (sl_value_step(gap_end, set->key_length, -1))
			error = clip_between(work, span, gap, gap_end, from, to);
		memcpy(gap, find_range_end(set, &i), set->key_length);
		if (!error && !sl_value_step(gap, set->key_length, 1))
			return 0; /* the last value there is belongs to the set */
	}
	return error ? error : clip_between(work, span, gap, highest, from, to);
}

/* The stretches of a field of a concatenation, cut at its borders. */
static struct span field_span(const struct sl_stretches *cut, u32 at, u32 length)
{
	struct span span = {.cut = cut, .at = at, .length = length};

	while (span.first < cut->count && cut->items[span.first].at < at)
		span.first++;
	span.end = span.first;
	while (span.end < cut->count && cut->items[span.end].at < at + length)
		span.end++;
	return span;
}

/*
 * Splits `from` at one element of a set of boxes: what is in it goes to `in`, the rest to `out`;
 * NULL where that is of no interest.
 */
static int split_at_box(const struct work *work, const struct sl_stretches *cut,
			const struct sl_set *set, const struct sl_element *element,
			const struct region *from, struct region *in, struct region *out)
{
	struct region inside = {0}, next = {0};
	int error = push_all(work, &inside, from);

	for (u32 f = 0, at = 0; f < set->field_count && !error; f++) {
		struct span span = field_span(cut, at, set->field_lengths[f]);

		next.count = 0;
		if (out)
			error = clip_outside(work, &span, element->key, element->key_end, &inside,
					     out);
		if (!error)
			error = clip_between(work, &span, element->key, element->key_end, &inside,
					     &next);
		struct region kept = inside;

		inside = next;
		next = kept;
		at += (set->field_lengths[f] + 3) & ~3u;
	}
	if (!error && in)
		error = push_all(work, in, &inside);
	free_region(&inside);
	free_region(&next);
	return error;
}

static int clip_boxes(const struct work *work, const struct sl_stretches *cut,
		      const struct sl_set *set, const struct region *from, struct region *to)
{
	int error = 0;

	for (u32 i = 0; i < set->elements.count && !error; i++)
		error = split_at_box(work, cut, set, &set->elements.items[i], from, to, NULL);
	return error;
}

static int clip_outside_boxes(const struct work *work, const struct sl_stretches *cut,
			      const struct sl_set *set, const struct region *from,
			      struct region *to)
{
	struct region rest = {0}, next = {0};
	int error = push_all(work, &rest, from);

	for (u32 i = 0; i < set->elements.count && !error; i++) {
		next.count = 0;
		error = split_at_box(work, cut, set, &set->elements.items[i], &rest, NULL, &next);

		struct region kept = rest;

		rest = next;
		next = kept;
	}
	if (!error)
		error = push_all(work, to, &rest);
	free_region(&rest);
	free_region(&next);
	return error;
}

static int clip_set(const struct work *work, const struct span *span, const struct sl_set *set,
		    bool invert, const struct region *from, struct region *to)
{
	if (!set->is_constant || set->has_timeouts)
		return -ENOTSUP;
	if (set->has_catchall)
		return invert ? 0 : push_all(work, to, from);
	if (set->kind == SL_SET_BOXES)
		return invert ? clip_outside_boxes(work, span->cut, set, from, to)
			      : clip_boxes(work, span->cut, set, from, to);
	return invert ? clip_gaps(work, span, set, from, to)
		      : clip_ranges(work, span, set, from, to);
}

/* Tests */

static int clip_compare(const struct work *work, const struct span *span, const struct sl_op *op,
			bool invert, const struct region *from, struct region *to)
{
	static const enum sl_compare opposites[] = {
		[SL_EQ] = SL_NE, [SL_NE] = SL_EQ, [SL_LT] = SL_GE,
		[SL_GE] = SL_LT, [SL_LE] = SL_GT, [SL_GT] = SL_LE,
	};

	switch (invert ? opposites[op->compare] : (enum sl_compare)op->compare) {
	case SL_EQ:
		return clip_between(work, span, op->data, op->data, from, to);
	case SL_NE:
		return clip_outside(work, span, op->data, op->data, from, to);
	case SL_LT:
		return clip_outside(work, span, op->data, highest, from, to);
	case SL_LE:
		return clip_between(work, span, lowest, op->data, from, to);
	case SL_GT:
		return clip_outside(work, span, lowest, op->data, from, to);
	case SL_GE:
		return clip_between(work, span, op->data, highest, from, to);
	}
	return -ENOTSUP;
}

static bool is_protocol(const struct sl_key *key)
{
	return key->part_count == 1 && !key->transform_count &&
	       key->parts[0].field.base == SL_META && key->parts[0].field.offset == SL_META_L4PROTO;
}

/* What is left has passed a test for TCP. */
static bool is_tcp(const struct work *work, const struct region *region)
{
	u32 lane = 0;

	while (lane < work->lanes->count && !is_protocol(&work->lanes->keys[lane]))
		lane++;
	if (lane == work->lanes->count)
		return false;
	for (u32 i = 0; i < region->count; i++)
		if (region->items[i].lanes[lane].lo != IPPROTO_TCP ||
		    region->items[i].lanes[lane].hi != IPPROTO_TCP)
			return false;
	return true;
}

/* `negate`: leaves what the test does not match; its key is always there. */
static int clip_test(const struct work *work, const struct sl_op *op, bool negate,
		     const struct region *from, struct region *to)
{
	const struct sl_set *boxes =
		op->kind == SL_OP_SET && op->set->kind == SL_SET_BOXES ? op->set : NULL;
	bool invert = op->invert != negate;
	struct sl_stretches cut;
	u32 header = is_tcp(work, from) ? SL_TCP_MIN : SL_TRANSPORT_MIN;
	int error =
		sl_key_cut(&op->key, boxes, work->place, header, work->lanes, work->arena, &cut);
	struct span span = {.cut = &cut, .end = cut.count, .length = op->key.length};

	if (error)
		return error;
	if (op->kind == SL_OP_COMPARE)
		return clip_compare(work, &span, op, invert, from, to);
	if (op->kind == SL_OP_SET)
		return clip_set(work, &span, op->set, invert, from, to);
	return invert ? clip_outside(work, &span, op->data, op->data_end, from, to)
		      : clip_between(work, &span, op->data, op->data_end, from, to);
}

/* One of them matches: their union. None does: what each of them leaves, in turn. */
static int clip_any(struct work *work, const struct sl_op *op, struct region *to)
{
	struct region rest = {0};
	int error = 0;

	for (u32 i = 0; i < op->alternative_count && !error; i++) {
		const struct sl_op *alternative = &op->alternatives[i];

		if (!op->invert) {
			error = clip_test(work, alternative, false, &work->now, to);
			continue;
		}
		rest.count = 0;
		error = clip_test(work, alternative, true, &work->now, &rest);

		struct region kept = work->now;

		work->now = rest;
		rest = kept;
	}
	if (!error && op->invert)
		error = push_all(work, to, &work->now);
	free_region(&rest);
	return error;
}

static int take_test(struct work *work, const struct sl_op *op)
{
	struct region to = {0};
	int error;

	if (work->counts)
		return -ENOTSUP; /* it counts more than it decides */
	error = op->kind == SL_OP_ANY ? clip_any(work, op, &to)
				      : clip_test(work, op, false, &work->now, &to);
	free_region(&work->now);
	work->now = to;
	return error;
}

static int take_state(struct work *work, const struct sl_op *op)
{
	u8 worlds = op->worlds;

	if (work->counts)
		return -ENOTSUP;
	if (work->place->tracking == SL_BEFORE_CONNTRACK)
		worlds = worlds & SL_WORLD_INVALID ? SL_WORLDS_ALL : 0;
	else if (work->place->tracking == SL_AROUND_CONNTRACK && worlds && worlds != SL_WORLDS_ALL)
		return -ENOTSUP;
	work->worlds &= worlds;
	return 0;
}

/* Effects. Each may end the rule: its action is known then. */

/* Behind an UNKNOWN the kernel must see the packet; so nothing may have been counted. */
static int take_unknown(struct work *work)
{
	if (work->counts)
		return -ENOTSUP;
	work->unsure = true;
	return 0;
}

static int end_rule(struct work *work, enum sl_item_action action, bool *ret_ends)
{
	work->action = action;
	*ret_ends = true;
	return 0;
}

static int take_counter(struct work *work, const struct sl_op *op, bool *ret_ends)
{
	if (work->unsure)
		return end_rule(work, SL_ITEM_PASS, ret_ends);
	if (work->counts || op->counter > SL_TABLE_COUNTER_MAX)
		return -ENOTSUP;
	work->counts = true;
	work->counter = op->counter;
	return 0;
}

static int take_verdict(struct work *work, const struct sl_verdict *verdict, bool *ret_ends)
{
	switch (verdict->kind) {
	case SL_VERDICT_CONTINUE:
		return end_rule(work, SL_ITEM_CONTINUE, ret_ends);
	case SL_VERDICT_DROP:
		return work->unsure ? -ENOTSUP : end_rule(work, SL_ITEM_DROP, ret_ends);
	case SL_VERDICT_ACCEPT:
		return end_rule(work, work->unsure ? SL_ITEM_PASS : SL_ITEM_ACCEPT, ret_ends);
	case SL_VERDICT_RETURN:
		return end_rule(work, work->unsure ? SL_ITEM_PASS : SL_ITEM_RETURN, ret_ends);
	case SL_VERDICT_JUMP:
	case SL_VERDICT_GOTO:
		return work->unsure ? end_rule(work, SL_ITEM_PASS, ret_ends) : -ENOTSUP;
	case SL_VERDICT_KERNEL:
		return end_rule(work, SL_ITEM_PASS, ret_ends);
	}
	return -ENOTSUP;
}

static int take_op(struct work *work, const struct sl_op *op, bool *ret_ends)
{
	switch (op->kind) {
	case SL_OP_COMPARE:
	case SL_OP_RANGE:
	case SL_OP_SET:
	case SL_OP_ANY:
		return take_test(work, op);
	case SL_OP_STATE:
		return take_state(work, op);
	case SL_OP_UNKNOWN:
		return take_unknown(work);
	case SL_OP_COUNTER:
		return take_counter(work, op, ret_ends);
	case SL_OP_KERNEL:
		return end_rule(work, SL_ITEM_PASS, ret_ends);
	case SL_OP_VERDICT:
		return take_verdict(work, &op->verdict, ret_ends);
	case SL_OP_VMAP:
		return work->unsure ? end_rule(work, SL_ITEM_PASS, ret_ends) : -ENOTSUP;
	default:
		return -ENOTSUP;
	}
}

static u32 find_limit(const struct sl_rule *rule)
{
	for (u32 i = 0; i < rule->ops.count; i++) {
		const struct sl_op *op = &rule->ops.items[i];

		if (op->kind == SL_OP_SET && op->set->elements.count > SL_BOXES_PER_RULE)
			return SL_BOXES_PER_SET;
	}
	return SL_BOXES_PER_RULE;
}

/* Leaves the region empty where the rule does nothing. */
static int walk_rule(struct work *work, const struct sl_rule *rule)
{
	bool ends = false;
	int error = begin_region(work, &work->now);

	for (u32 i = 0; i < rule->ops.count && !error && !ends; i++) {
		error = take_op(work, &rule->ops.items[i], &ends);
		if (!work->worlds)
			work->now.count = 0;
		if (!error && !work->now.count)
			return 0;
	}
	if (!error && work->action == SL_ITEM_CONTINUE && !work->counts)
		work->now.count = 0;
	return error;
}

/* Boxes from before a lane was there ask nothing of it. */
static void widen(struct sl_boxes *boxes, const struct sl_lanes *lanes, u32 from)
{
	for (u32 lane = from; lane < lanes->count; lane++)
		for (u32 i = 0; i < boxes->list.count; i++)
			boxes->list.items[i].lanes[lane] =
				(struct sl_range){0, sl_lane_max(lanes, lane)};
}

static int append(const struct work *work, struct sl_boxes *boxes, u32 position)
{
	for (u32 i = 0; i < work->now.count; i++) {
		struct sl_box *box = sl_list_push(work->arena, &boxes->list);

		if (!box)
			return -ENOMEM;
		*box = (struct sl_box){.position = position,
				       .worlds = work->worlds,
				       .action = (u8)work->action,
				       .counts = work->counts,
				       .counter = work->counter};
		memcpy(box->lanes, work->now.items[i].lanes, sizeof box->lanes);
		for (u32 lane = 0; lane < work->lanes->count; lane++)
			if (box->lanes[lane].hi > sl_lane_max(work->lanes, lane))
				box->lanes[lane].hi = sl_lane_max(work->lanes, lane);
	}
	return 0;
}

int sl_boxes_add_rule(struct sl_boxes *boxes, struct sl_lanes *lanes, struct sl_arena *arena,
		      const struct sl_rule *rule, u32 position, const struct sl_place *place)
{
	struct work work = {.place = place,
			    .lanes = lanes,
			    .arena = arena,
			    .limit = find_limit(rule),
			    .worlds = SL_WORLDS_ALL};
	u32 box_count = boxes->list.count, lane_count = lanes->count;
	int error = position > SL_TABLE_POSITION_MAX ? -ENOTSUP : walk_rule(&work, rule);

	if (!error)
		error = append(&work, boxes, position);
	if (error || boxes->list.count == box_count) {
		boxes->list.count = box_count;
		lanes->count = lane_count;
	} else {
		u32 all = boxes->list.count;

		boxes->list.count = box_count;
		widen(boxes, lanes, lane_count);
		boxes->list.count = all;
	}
	free_region(&work.now);
	return error;
}
