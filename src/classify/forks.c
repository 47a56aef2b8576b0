/* SPDX-License-Identifier: GPL-2.0-only */
#include "classify/forks.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "classify/region.h"

/*
 * Measured, in nanoseconds: a fork, of which the processor guesses every other one wrong; an item
 * that is compared; and coming here at all.
 */
#define FORK_NS  3.0
#define ITEM_NS  3.0
#define ENTRY_NS 3.0

/* What it is worth not to double the items: their code wants room in the caches. */
#define DOUBLING_NS 12.0

#define DEPTH_MAX 32

struct builder {
	const struct sl_boxes *boxes;
	const struct sl_lanes *lanes;
	struct sl_arena *arena;
	struct sl_region region; /* of the node at hand */
	struct sl_forks forks;
};

/* A node's boxes, and the way to it. */
struct node {
	u32 *ids;
	u32 count, depth;
	double share; /* of all packets that come here */
};

struct border {
	u32 lane, value;
	u32 below, above; /* boxes on either side */
	double cost_ns;
};

/* Where the boxes of a node begin and end in one lane, both in ascending order. */
struct ends {
	u32 count;
	u32 lo[SL_FORKS_BOXES_MAX], hi[SL_FORKS_BOXES_MAX];
};

static const struct sl_box *box_of(const struct builder *builder, u32 id)
{
	return &builder->boxes->list.items[id];
}

/* What some boxes may cost yet, if they are parted well from here. */
static double cost_ahead(u32 count)
{
	return ITEM_NS + (count > 1 ? FORK_NS * log2(count) : 0);
}

static double cost_of_border(const struct border *border, u32 count)
{
	u32 sum = border->below + border->above;
	double ahead = (border->below * cost_ahead(border->below) +
			border->above * cost_ahead(border->above)) /
		       sum;

	return FORK_NS + ahead + DOUBLING_NS * log2((double)sum / count);
}

static int by_value(const void *left, const void *right)
{
	const u32 *one = left, *other = right;

	return (*one > *other) - (*one < *other);
}

static void sort_ends(const struct builder *builder, const struct node *node, u32 lane,
		      struct ends *ends)
{
	ends->count = node->count;
	for (u32 i = 0; i < node->count; i++) {
		const struct sl_range *range = &box_of(builder, node->ids[i])->lanes[lane];

		ends->lo[i] = range->lo;
		ends->hi[i] = range->hi;
	}
	qsort(ends->lo, ends->count, sizeof *ends->lo, by_value);
	qsort(ends->hi, ends->count, sizeof *ends->hi, by_value);
}

/* Takes the border if it is the best so far. */
static void consider(struct border border, u32 count, struct border *best)
{
	border.cost_ns = cost_of_border(&border, count);
	if (border.cost_ns < best->cost_ns)
		*best = border;
}

/* The boxes' own ends are all that tell them apart; those beyond the region's do not. */
static void consider_lane(const struct ends *ends, const struct sl_range *region, u32 lane,
			  struct border *best)
{
	u32 ended = 0, begun = 0;

	for (u32 i = 0; i < ends->count; i++) {
		u32 value = ends->lo[i];

		while (ended < ends->count && ends->hi[ended] < value)
			ended++;
		if (value > region->lo && (!i || ends->lo[i - 1] != value))
			consider((struct border){lane, value, i, ends->count - ended, 0},
				 ends->count, best);
	}
	for (u32 i = 0; i < ends->count && ends->hi[i] < region->hi; i++) {
		u32 value = ends->hi[i] + 1;

		while (begun < ends->count && ends->lo[begun] < value)
			begun++;
		if (i + 1 == ends->count || ends->hi[i + 1] >= value)
			consider((struct border){lane, value, begun, ends->count - i - 1, 0},
				 ends->count, best);
	}
}

static struct border choose_border(const struct builder *builder, const struct node *node)
{
	struct border best = {.cost_ns = INFINITY};
	struct ends ends;

	for (u32 lane = 0; lane < builder->lanes->count; lane++) {
		sort_ends(builder, node, lane, &ends);
		consider_lane(&ends, &builder->region.lanes[lane], lane, &best);
	}
	return best;
}

/* Open on the sides that the region has closed already. */
static struct sl_fork_test make_test(const struct builder *builder, const struct sl_box *box,
				     u32 lane)
{
	const struct sl_range *range = &box->lanes[lane], *region = &builder->region.lanes[lane];

	return (struct sl_fork_test){lane,
				     {range->lo > region->lo ? range->lo : 0,
				      range->hi < region->hi ? range->hi : UINT32_MAX}};
}

static int make_item(const struct builder *builder, const struct sl_box *box,
		     struct sl_fork_item *item)
{
	u8 lanes[SL_TABLE_LANES_MAX];
	u32 count = sl_region_open_lanes(&builder->region, builder->lanes->count, box, lanes);
	struct sl_fork_test *tests = sl_arena_alloc(builder->arena, count * sizeof *tests);

	item->box = sl_arena_copy(builder->arena, box, sizeof *box);
	item->tests = tests;
	item->test_count = count;
	if (!item->box || !tests)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++)
		tests[i] = make_test(builder, box, lanes[i]);
	return 0;
}

static int make_leaf(struct builder *builder, const struct node *node, struct sl_fork *fork)
{
	struct sl_fork_item *items = sl_arena_alloc(builder->arena, node->count * sizeof *items);
	int error = items ? 0 : -ENOMEM;

	for (u32 i = 0; i < node->count && !error; i++)
		error = make_item(builder, box_of(builder, node->ids[i]), &items[i]);
	fork->items = items;
	fork->item_count = node->count;
	builder->forks.items += node->count;
	builder->forks.cost_ns += node->share * (node->depth * FORK_NS + node->count * ITEM_NS);
	if (node->depth > builder->forks.depth)
		builder->forks.depth = node->depth;
	return !error && builder->forks.items > SL_FORKS_ITEMS_MAX ? -E2BIG : error;
}

static int build_node(struct builder *builder, struct node *node, const struct sl_fork **ret_fork);

/* The boxes that reach into the region's part `values` of the lane, which it becomes meanwhile. */
static int build_side(struct builder *builder, const struct node *node, const struct border *border,
		      struct sl_range values, const struct sl_fork **ret_fork)
{
	struct sl_range *lane = &builder->region.lanes[border->lane], before = *lane;
	struct node side = {.ids = sl_arena_alloc(builder->arena, node->count * sizeof *side.ids),
			    .depth = node->depth + 1};
	int error;

	if (!side.ids)
		return -ENOMEM;
	for (u32 i = 0; i < node->count; i++) {
		const struct sl_range *range = &box_of(builder, node->ids[i])->lanes[border->lane];

		if (range->lo <= values.hi && range->hi >= values.lo)
			side.ids[side.count++] = node->ids[i];
	}
	side.share = node->share * side.count / (border->below + border->above);
	*lane = values;
	error = build_node(builder, &side, ret_fork);
	*lane = before;
	return error;
}

static int build_node(struct builder *builder, struct node *node, const struct sl_fork **ret_fork)
{
	struct sl_fork *fork = sl_arena_alloc(builder->arena, sizeof *fork);
	struct border border = {.cost_ns = INFINITY};
	const struct sl_range *lane;
	int error;

	if (!fork)
		return -ENOMEM;
	*ret_fork = fork;
	node->count = sl_region_prune(&builder->region, builder->lanes->count, builder->boxes,
				      node->ids, node->count);
	if (node->count > 1 && node->depth < DEPTH_MAX)
		border = choose_border(builder, node);
	if (border.cost_ns >= ITEM_NS * node->count)
		return make_leaf(builder, node, fork);
	fork->lane = border.lane;
	fork->border = border.value;
	builder->forks.forks++;
	lane = &builder->region.lanes[border.lane];
	error = build_side(builder, node, &border, (struct sl_range){lane->lo, border.value - 1},
			   &fork->below);
	if (!error)
		error = build_side(builder, node, &border,
				   (struct sl_range){border.value, lane->hi}, &fork->above);
	return error;
}

int sl_forks_build(const struct sl_boxes *boxes, const struct sl_lanes *lanes,
		   struct sl_arena *arena, struct sl_forks *ret_forks)
{
	struct builder builder = {.boxes = boxes,
				  .lanes = lanes,
				  .arena = arena,
				  .region = sl_region_all(lanes),
				  .forks.cost_ns = ENTRY_NS};
	u32 ids[SL_FORKS_BOXES_MAX];
	struct node root = {.ids = ids, .count = boxes->list.count, .share = 1};
	int error;

	if (boxes->list.count > SL_FORKS_BOXES_MAX)
		return -E2BIG;
	for (u32 i = 0; i < root.count; i++)
		ids[i] = i;
	error = build_node(&builder, &root, &builder.forks.root);
	if (!error)
		*ret_forks = builder.forks;
	return error;
}
