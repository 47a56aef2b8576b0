// SPDX-License-Identifier: GPL-2.0-only
#include "classify/cut.h"

#include <math.h>
#include <string.h>

/* Seven borders seldom help more boxes than this. */
#define RANGE_COUNT_MAX 1024

/* Boxes that a range node's borders are taken from. */
#define SAMPLE_MAX 64

/* Boxes that may be in one leaf without much harm, and words that one takes there. */
#define LEAF_COUNT 8
#define ITEM_WORDS 5.0

/* The share of a box's company that may stay with it; more, and the cut is not worth a look. */
#define PROGRESS 0.8

/*
 * The same where a cut cannot be helped; and what a doubling of memory is worth there, by itself
 * and as a share of what it is worth elsewhere.
 */
#define PROGRESS_MUST_CUT 0.99
#define MUST_CUT_NS       0.5
#define MUST_CUT_SHARE    0.4

/* For each halving of the boxes ahead, in nanoseconds. */
#define HALVING_NS 4.5

/* What children of different sizes cost, at least, as a share of what they do if all are alike. */
#define EVEN_SHARE 0.93

/* A cut that makes a node's boxes so many more is none. */
#define GROWTH_MAX 8

/* How many boxes begin and end in a child. */
struct edges {
	u32 begins, ends;
};

/* What the children of a cut come to, child by child. */
struct estimate {
	u64 boxes;      /* in all children together */
	double ahead;   /* the sum of what each costs yet */
	double company; /* the sum of how many each finds there, itself included */
	u32 active, ended, groups;
};

static u32 bits_of(u32 value)
{
	return value ? 32 - (u32)__builtin_clz(value) : 0;
}

/* The logarithm, straight between powers of two: quick, and near enough. */
static double halvings_of(u32 count)
{
	u32 whole = bits_of(count) - 1;

	return whole + (double)(count << (31 - whole)) / (1u << 31) - 1; /* by a constant */
}

/* What some boxes may cost yet, if they are cut well from here. */
static double cost_ahead(u32 count)
{
	if (count <= LEAF_COUNT)
		return SL_ITEM_NS * count;
	return SL_ITEM_NS * LEAF_COUNT +
	       HALVING_NS * (halvings_of(count) - halvings_of(LEAF_COUNT));
}

/*
 * Whether a cut cannot be better than the best so far, even if it gave each child as many boxes,
 * and none to two. Children of different sizes can come to a little less than that.
 */
static bool is_hopeless(double node_ns, u32 count, u32 children, const struct sl_cut *best)
{
	return node_ns + EVEN_SHARE * cost_ahead(count / children) >= best->cost_ns;
}

/* Children side by side that hold the same boxes become one. */
static inline void estimate_child(struct estimate *estimate, const struct edges *edges)
{
	bool is_new = !estimate->groups || edges->begins || estimate->ended;

	estimate->active += edges->begins - estimate->ended;
	estimate->ended = edges->ends;
	if (!is_new)
		return;
	estimate->groups++;
	estimate->boxes += estimate->active;
	estimate->ahead += estimate->active * cost_ahead(estimate->active);
	estimate->company += (double)estimate->active * estimate->active;
}

/* The more memory is spent already, the dearer is more. */
static double price_of_growth(const struct sl_price *price, double doublings)
{
	if (price->must_cut)
		return (MUST_CUT_NS + MUST_CUT_SHARE * price->growth_ns) * doublings;
	return price->growth_ns * doublings * (doublings + 2 * price->doublings);
}

/* Takes the cut if it is the best so far. */
static void consider(const struct estimate *estimate, const struct sl_cut *cut, u32 count,
		     double node_ns, const struct sl_price *price, struct sl_cut *best)
{
	double progress = price->must_cut ? PROGRESS_MUST_CUT : PROGRESS;
	double boxes = (double)estimate->boxes;
	double growth = (boxes + cut->children / ITEM_WORDS) / count, cost;

	if (estimate->groups < 2 || estimate->boxes > (u64)GROWTH_MAX * count)
		return;
	if (estimate->company > progress * boxes * count)
		return;
	cost = node_ns + estimate->ahead / (estimate->boxes ? boxes : 1);
	if (growth > 1)
		cost += price_of_growth(price, log2(growth));
	if (cost >= best->cost_ns)
		return;
	*best = *cut;
	best->cost_ns = cost;
}

/* The part of the region that any box is in. */
static struct sl_range find_hull(const struct sl_range *ranges, const struct sl_range *region,
				 const u32 *ids, u32 count)
{
	struct sl_range hull = {UINT32_MAX, 0};

	for (u32 i = 0; i < count; i++) {
		struct sl_range range = sl_range_clip(&ranges[ids[i]], region);

		hull.lo = range.lo < hull.lo ? range.lo : hull.lo;
		hull.hi = range.hi > hull.hi ? range.hi : hull.hi;
	}
	return hull;
}

/*
 * Cuts with fewer and fewer children, each counted from the one before. Only the hull is cut: what
 * lies elsewhere matches no box, whichever child its bits lead to.
 */
static void consider_cuts(const struct sl_columns *columns, const struct sl_range *region, u32 lane,
			  const u32 *ids, u32 count, const struct sl_price *price,
			  struct sl_cut *best)
{
	const struct sl_range *ranges = columns->lanes[lane];
	struct sl_range hull = find_hull(ranges, region, ids, count);
	u32 width = bits_of(hull.lo ^ hull.hi), bits = bits_of(count) + 1;
	struct edges edges[SL_CUT_CHILDREN_MAX];
	struct sl_cut cut = {.kind = SL_NODE_CUT, .lane = lane, .hull = hull};

	bits = bits > SL_CUT_BITS_MAX ? SL_CUT_BITS_MAX : bits;
	bits = bits > width ? width : bits;
	memset(edges, 0, sizeof *edges << bits);
	cut.shift = width - bits;
	cut.mask = (1u << bits) - 1;
	for (u32 i = 0; i < count; i++) {
		struct sl_range range = sl_range_clip(&ranges[ids[i]], region);

		edges[sl_cut_child(&cut, range.lo)].begins++;
		edges[sl_cut_child(&cut, range.hi)].ends++;
	}
	for (; bits && !is_hopeless(SL_CUT_NS, count, cut.mask + 1, best); bits--) {
		struct estimate estimate = {0};

		cut.children = cut.mask + 1;
		for (u32 child = sl_cut_child(&cut, hull.lo); child <= sl_cut_child(&cut, hull.hi);
		     child++)
			estimate_child(&estimate, &edges[child]);
		consider(&estimate, &cut, count, SL_CUT_NS, price, best);
		cut.shift++;
		cut.mask >>= 1;
		for (u32 child = 0; child <= cut.mask; child++) {
			const struct edges *halves = &edges[2 * child];

			edges[child] = (struct edges){halves[0].begins + halves[1].begins,
						      halves[0].ends + halves[1].ends};
		}
	}
}

static void insert(u32 *values, u32 *count, u32 value)
{
	u32 at = (*count)++;

	for (; at && values[at - 1] > value; at--)
		values[at] = values[at - 1];
	values[at] = value;
}

/* Borders at even distances among the boxes' own; those left over stand at the last value. */
static bool place_borders(const struct sl_range *ranges, const struct sl_range *region,
			  const u32 *ids, u32 count, u32 *borders)
{
	u32 values[2 * SAMPLE_MAX], value_count = 0, distinct = 0, placed = 0;
	u32 stride = (count + SAMPLE_MAX - 1) / SAMPLE_MAX;

	for (u32 i = 0; i < count; i += stride) {
		const struct sl_range *range = &ranges[ids[i]];

		if (range->lo > region->lo)
			insert(values, &value_count, range->lo);
		if (range->hi < region->hi)
			insert(values, &value_count, range->hi + 1);
	}
	if (!value_count)
		return false;
	for (u32 i = 0; i < value_count; i++)
		distinct += !i || values[i] != values[i - 1];
	for (u32 i = 0; i < value_count && placed < SL_RANGE_BORDERS; i++) {
		u32 due = value_count * (placed + 1) / (SL_RANGE_BORDERS + 1);

		if (i && values[i] == values[i - 1])
			continue;
		if (distinct <= SL_RANGE_BORDERS || i >= due)
			borders[placed++] = values[i];
	}
	for (u32 i = placed; i < SL_RANGE_BORDERS; i++)
		borders[i] = UINT32_MAX;
	return true;
}

static void consider_range(const struct sl_columns *columns, const struct sl_range *region,
			   u32 lane, const u32 *ids, u32 count, const struct sl_price *price,
			   struct sl_cut *best)
{
	struct edges edges[SL_RANGE_BORDERS + 1] = {{0}};
	struct sl_cut cut = {.kind = SL_NODE_RANGE,
			     .lane = lane,
			     .children = SL_RANGE_BORDERS + 1,
			     .hull = *region};
	struct estimate estimate = {0};

	if (is_hopeless(SL_RANGE_NS, count, cut.children, best) ||
	    !place_borders(columns->lanes[lane], region, ids, count, cut.borders))
		return;
	for (u32 i = 0; i < count; i++) {
		struct sl_range range = sl_range_clip(&columns->lanes[lane][ids[i]], region);

		edges[sl_cut_child(&cut, range.lo)].begins++;
		edges[sl_cut_child(&cut, range.hi)].ends++;
	}
	for (u32 child = 0; child <= sl_cut_child(&cut, region->hi); child++)
		estimate_child(&estimate, &edges[child]);
	consider(&estimate, &cut, count, SL_RANGE_NS, price, best);
}

static bool tells_apart(const struct sl_columns *columns, const struct sl_range *region, u32 lane,
			const u32 *ids, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (!sl_range_covers(&columns->lanes[lane][ids[i]], region))
			return true;
	return false;
}

bool sl_cut_choose(const struct sl_columns *columns, const struct sl_region *region, const u32 *ids,
		   u32 count, const struct sl_price *price, struct sl_cut *ret_cut)
{
	struct sl_cut best = {.cost_ns = INFINITY};
	u32 lanes[SL_TABLE_LANES_MAX], lane_count = 0;

	for (u32 lane = 0; lane < columns->lane_count; lane++)
		if (tells_apart(columns, &region->lanes[lane], lane, ids, count))
			lanes[lane_count++] = lane;
	for (u32 i = 0; i < lane_count; i++)
		consider_cuts(columns, &region->lanes[lanes[i]], lanes[i], ids, count, price,
			      &best);
	/* All boxes may be within few values of many. */
	if (count <= RANGE_COUNT_MAX || best.cost_ns == INFINITY)
		for (u32 i = 0; i < lane_count; i++)
			consider_range(columns, &region->lanes[lanes[i]], lanes[i], ids, count,
				       price, &best);
	if (best.cost_ns == INFINITY)
		return false;
	*ret_cut = best;
	return true;
}

u32 sl_cut_child(const struct sl_cut *cut, u32 value)
{
	u32 child = 0;

	if (cut->kind == SL_NODE_CUT)
		return value >> cut->shift & cut->mask;
	for (u32 i = 0; i < SL_RANGE_BORDERS; i++)
		child += cut->borders[i] <= value;
	return child;
}

struct sl_range sl_cut_values(const struct sl_cut *cut, u32 child)
{
	struct sl_range values;

	if (cut->kind == SL_NODE_CUT) {
		u32 width = cut->shift + bits_of(cut->mask);
		u64 base = (u64)cut->hull.lo >> width << width;

		values.lo = (u32)(base + ((u64)child << cut->shift));
		values.hi = (u32)(base + ((u64)(child + 1) << cut->shift) - 1);
	} else {
		values.lo = child ? cut->borders[child - 1] : 0;
		values.hi = child < SL_RANGE_BORDERS ? cut->borders[child] - 1 : UINT32_MAX;
	}
	return values;
}

bool sl_cut_proves(const struct sl_cut *cut, const struct sl_range *proven)
{
	return cut->kind == SL_NODE_RANGE ||
	       bits_of(proven->lo ^ proven->hi) <= cut->shift + bits_of(cut->mask);
}
