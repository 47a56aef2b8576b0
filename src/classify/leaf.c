// SPDX-License-Identifier: GPL-2.0-only
#include "classify/tree.h"

#include <assert.h>

/* The lanes that a box must still be compared in. */
static u32 count_lanes(const struct sl_tree *tree, const struct sl_box *box)
{
	u32 count = 0;

	for (u32 lane = 0; lane < tree->columns->lane_count; lane++)
		count += !sl_range_covers(&box->lanes[lane], &tree->proven.lanes[lane]);
	return count ? count : 1;
}

u32 sl_leaf_steps(const struct sl_tree *tree, const u32 *ids, u32 count)
{
	u32 steps = 1;

	for (u32 i = 0; i < count; i++)
		steps += count_lanes(tree, &tree->boxes->list.items[ids[i]]);
	return steps;
}

static int write_item(struct sl_tree *tree, const struct sl_box *box)
{
	u8 lanes[SL_TABLE_LANES_MAX] = {0};
	u32 count = sl_region_open_lanes(&tree->proven, tree->columns->lane_count, box, lanes), at;
	int error;

	count += !count; /* an item has one lane at least, which may be any */
	error = sl_image_extend(tree->image, 2 + count, tree->limits.words, &at);
	assert(box->position <= SL_TABLE_POSITION_MAX);
	assert(!box->counts || box->counter <= SL_TABLE_COUNTER_MAX);
	if (error)
		return error;

	__u64 *words = tree->image->words + at;

	words[0] = box->position | (u64)box->worlds << 24 | (u64)box->action << 32 |
		   (u64)count << 36 | (box->counts ? (u64)box->counter + 1 : 0) << 40;
	words[1] = ~0ull;
	for (u32 i = 0; i < count; i++) {
		const struct sl_range *range = &box->lanes[lanes[i]];

		words[1] &= ~((u64)(SL_LANE_END ^ lanes[i]) << 4 * i);
		words[2 + i] = range->lo | (u64)(range->hi - range->lo) << 32;
	}
	return 0;
}

/* The leaf before may end where this one begins. */
static int begin_leaf(struct sl_tree *tree, u32 *ret_first)
{
	if (!tree->end || tree->end != tree->image->count)
		return sl_image_extend(tree->image, 1, tree->limits.words, ret_first);
	*ret_first = tree->end - 1;
	return 0;
}

int sl_leaf_write(struct sl_tree *tree, const u32 *ids, u32 count, u64 *ret_node)
{
	u32 first, end;
	int error;

	if (!count && tree->empty) {
		*ret_node = tree->empty;
		return 0;
	}
	error = begin_leaf(tree, &first);
	if (error)
		return error;
	tree->image->words[first] = SL_NODE_LEAF_BITS | (u64)first << 32;
	*ret_node = tree->image->words[first];
	for (u32 i = 0; i < count && !error; i++)
		error = write_item(tree, &tree->boxes->list.items[ids[i]]);
	if (!error)
		error = sl_image_extend(tree->image, 1, tree->limits.words, &end);
	if (error)
		return error;
	tree->image->words[end] = SL_ITEM_NONE;
	tree->end = end + 1;
	if (!count)
		tree->empty = *ret_node;
	tree->items += count;
	if (count > tree->leaf_max)
		tree->leaf_max = count;
	return 0;
}
