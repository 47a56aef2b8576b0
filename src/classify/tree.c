// SPDX-License-Identifier: GPL-2.0-only
#include "classify/tree.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Fewer boxes than this are not worth a look for cuts. */
#define LEAF_ALWAYS 3

/* The way to a node, so far. */
struct way {
	u32 levels;
	double share; /* of all packets that come here */
	double ns;
	double doublings; /* of the boxes */
};

/* Children side by side that hold the same boxes. */
struct group {
	u32 first, last;  /* children */
	u32 start, count; /* of its boxes, in the lists of all groups */
};

struct groups {
	u32 count, box_count;
	struct group *items; /* malloc'd, as are the others; at most one a child */
	u32 *of_child;
	u32 *ids; /* of all groups */
};

static int build_node(struct sl_tree *tree, u32 *ids, u32 count, struct way way, u64 *ret_node);

static void free_groups(struct groups *groups)
{
	free(groups->items);
	free(groups->of_child);
	free(groups->ids);
}

static void find_children(const struct sl_tree *tree, const struct sl_cut *cut, u32 id, u32 *first,
			  u32 *last)
{
	struct sl_range range =
		sl_range_clip(&tree->columns->lanes[cut->lane][id], &tree->region.lanes[cut->lane]);

	*first = sl_cut_child(cut, range.lo);
	*last = sl_cut_child(cut, range.hi);
}

/* The groups, and how many boxes are in each. */
static int count_groups(const struct sl_tree *tree, const struct sl_cut *cut, const u32 *ids,
			u32 count, struct groups *groups)
{
	u32 begins[SL_CUT_CHILDREN_MAX], ends[SL_CUT_CHILDREN_MAX];
	const struct sl_range *values = &cut->hull;
	u32 active = 0, first, last;

	groups->items = malloc(cut->children * sizeof *groups->items);
	groups->of_child = malloc(cut->children * sizeof *groups->of_child);
	if (!groups->items || !groups->of_child)
		return -ENOMEM;
	memset(begins, 0, cut->children * sizeof *begins);
	memset(ends, 0, cut->children * sizeof *ends);
	for (u32 i = 0; i < count; i++) {
		find_children(tree, cut, ids[i], &first, &last);
		begins[first]++;
		ends[last]++;
	}
	for (u32 child = sl_cut_child(cut, values->lo); child <= sl_cut_child(cut, values->hi);
	     child++) {
		u32 ended = groups->count ? ends[child - 1] : 0;

		active += begins[child] - ended;
		if (!groups->count || begins[child] || ended) {
			groups->items[groups->count++] =
				(struct group){child, child, groups->box_count, active};
			groups->box_count += active;
		}
		groups->of_child[child] = groups->count - 1;
		groups->items[groups->count - 1].last = child;
	}
	return 0;
}

/* Each group's boxes, in their order. */
static int fill_groups(const struct sl_tree *tree, const struct sl_cut *cut, const u32 *ids,
		       u32 count, struct groups *groups)
{
	u32 filled[SL_CUT_CHILDREN_MAX], first, last;

	groups->ids = malloc(((size_t)groups->box_count + 1) * sizeof *groups->ids);
	if (!groups->ids)
		return -ENOMEM;
	for (u32 i = 0; i < groups->count; i++)
		filled[i] = groups->items[i].start;
	for (u32 i = 0; i < count; i++) {
		find_children(tree, cut, ids[i], &first, &last);
		for (u32 group = groups->of_child[first]; group <= groups->of_child[last]; group++)
			groups->ids[filled[group]++] = ids[i];
	}
	return 0;
}

static u64 describe_cut(const struct sl_cut *cut, u32 at)
{
	u64 node = (u64)cut->kind | cut->lane * sizeof(u32) | (u64)at << 32;

	if (cut->kind == SL_NODE_CUT)
		node |= cut->shift << SL_NODE_SHIFT_AT | (u64)cut->mask << SL_NODE_MASK_AT;
	return node;
}

/* Makes room for the children; *ret_first is the first of them. */
static int write_node(struct sl_tree *tree, const struct sl_cut *cut, u64 *ret_node, u32 *ret_first)
{
	u32 borders = cut->kind == SL_NODE_RANGE ? SL_RANGE_WORDS : 0, at;
	int error = 0;

	/* Borders that share a cache line. */
	while (borders && tree->image->count % SL_RANGE_WORDS && !error)
		error = sl_image_extend(tree->image, 1, tree->limits.words, &at);
	if (!error)
		error = sl_image_extend(tree->image, borders + cut->children, tree->limits.words,
					&at);
	if (error)
		return error;
	if (borders)
		for (u32 i = 0; i < SL_RANGE_BORDERS; i++)
			tree->image->words[at + i / 2] |= (u64)cut->borders[i] << i % 2 * 32;
	*ret_node = describe_cut(cut, at);
	*ret_first = at + borders;
	return 0;
}

static int build_group(struct sl_tree *tree, const struct sl_cut *cut, struct groups *groups,
		       const struct group *group, struct way way, u64 *ret_node)
{
	struct sl_range *region = &tree->region.lanes[cut->lane], region_before = *region;
	struct sl_range *proven = &tree->proven.lanes[cut->lane], proven_before = *proven;
	struct sl_range values = {sl_cut_values(cut, group->first).lo,
				  sl_cut_values(cut, group->last).hi};
	int error;

	way.share *= groups->box_count ? (double)group->count / groups->box_count : 0;
	if (sl_cut_proves(cut, proven))
		*proven = sl_range_clip(&values, proven);
	values = sl_range_clip(&values, &cut->hull);
	*region = sl_range_clip(&values, region);
	error = build_node(tree, groups->ids + group->start, group->count, way, ret_node);
	*region = region_before;
	*proven = proven_before;
	return error;
}

static int build_children(struct sl_tree *tree, const struct sl_cut *cut, const u32 *ids, u32 count,
			  struct way way, u64 *ret_node)
{
	SL_CLEANUP(free_groups) struct groups groups = {0};
	u64 empty, node;
	u32 first;
	int error = count_groups(tree, cut, ids, count, &groups);

	if (!error)
		error = fill_groups(tree, cut, ids, count, &groups);
	if (!error)
		error = write_node(tree, cut, ret_node, &first);
	if (!error)
		error = sl_leaf_write(tree, NULL, 0, &empty);
	if (error)
		return error;
	/* Of values that are not in the region. */
	for (u32 child = 0; child < cut->children; child++)
		tree->image->words[first + child] = empty;
	way.levels++;
	way.doublings += log2((double)groups.box_count / count);
	way.ns += cut->kind == SL_NODE_CUT ? SL_CUT_NS : SL_RANGE_NS;
	for (u32 i = 0; i < groups.count; i++) {
		const struct group *group = &groups.items[i];

		error = build_group(tree, cut, &groups, group, way, &node);
		if (error)
			return error;
		for (u32 child = group->first; child <= group->last; child++)
			tree->image->words[first + child] = node;
	}
	return 0;
}

static int build_leaf(struct sl_tree *tree, const u32 *ids, u32 count, u32 steps, struct way way,
		      u64 *ret_node)
{
	tree->cost_ns += way.share * (way.ns + SL_ITEM_NS * count);
	if (way.levels > tree->depth)
		tree->depth = way.levels;
	if (steps > tree->steps)
		tree->steps = steps;
	return sl_leaf_write(tree, ids, count, ret_node);
}

static int build_node(struct sl_tree *tree, u32 *ids, u32 count, struct way way, u64 *ret_node)
{
	struct sl_price price = {tree->growth_ns, way.doublings, false};
	struct sl_cut cut;
	bool fits, can_cut;
	u32 steps;

	tree->nodes++;
	if (*tree->work_left < count)
		return -E2BIG;
	*tree->work_left -= count;
	count = sl_region_prune(&tree->region, tree->columns->lane_count, tree->boxes, ids, count);
	steps = count <= SL_TABLE_STEPS_MAX ? sl_leaf_steps(tree, ids, count) : UINT32_MAX;
	fits = steps <= tree->limits.steps;
	price.must_cut = !fits;
	if (fits && count <= LEAF_ALWAYS)
		return build_leaf(tree, ids, count, steps, way, ret_node);
	can_cut = way.levels < tree->limits.levels &&
		  sl_cut_choose(tree->columns, &tree->region, ids, count, &price, &cut);
	if (fits && (!can_cut || cut.cost_ns >= SL_ITEM_NS * count))
		return build_leaf(tree, ids, count, steps, way, ret_node);
	if (!can_cut)
		return -E2BIG;
	return build_children(tree, &cut, ids, count, way, ret_node);
}

int sl_tree_build(struct sl_tree *tree, u32 *ids, u32 count, u64 *ret_root)
{
	return build_node(tree, ids, count, (struct way){.share = 1, .ns = SL_TREE_NS}, ret_root);
}
