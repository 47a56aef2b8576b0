// SPDX-License-Identifier: GPL-2.0-only
#include "classify/forest.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "classify/tree.h"

/* The memory of a tree, however small, means this much of the largest one's. */
#define WEIGHT_MIN 0.1

/* The parts of a partition, smallest first. */
struct parts {
	u32 count;
	struct {
		u32 start, count;
	} items[SL_TABLE_TREES_MAX];
	u32 *ids; /* malloc'd */
};

static void free_parts(struct parts *parts)
{
	free(parts->ids);
}

static int by_count(const void *left, const void *right)
{
	const u32 *one = left, *other = right;

	return (one[1] > other[1]) - (one[1] < other[1]);
}

static int fill_parts(const struct sl_partition *partition, const struct sl_columns *columns,
		      struct parts *parts)
{
	u32 filled = 0;

	parts->ids = malloc(((size_t)columns->count + 1) * sizeof *parts->ids);
	if (!parts->ids)
		return -ENOMEM;
	for (u32 part = 0; part < 1u << partition->lane_count; part++) {
		u32 start = filled;

		for (u32 i = 0; i < columns->count; i++)
			if (sl_partition_part(partition, columns, i) == part)
				parts->ids[filled++] = i;
		if (filled == start)
			continue;
		parts->items[parts->count].start = start;
		parts->items[parts->count++].count = filled - start;
	}
	if (!parts->count)
		parts->count = 1;
	qsort(parts->items, parts->count, sizeof parts->items[0], by_count);
	return 0;
}

static void add_shape(struct sl_table_shape *shape, const struct sl_tree *tree)
{
	shape->trees++;
	shape->steps += tree->steps;
	shape->nodes += tree->nodes;
	shape->items += tree->items;
	shape->cost_ns += tree->cost_ns;
	if (tree->depth > shape->depth)
		shape->depth = tree->depth;
	if (tree->leaf_max > shape->leaf_max)
		shape->leaf_max = tree->leaf_max;
}

/* A tree's share of what it and those behind it may take together. */
static double share_of(const struct parts *parts, u32 index)
{
	double mine = log2(parts->items[index].count + 2), all = 0;

	for (u32 i = index; i < parts->count; i++)
		all += log2(parts->items[i].count + 2);
	return mine / all;
}

/* A small tree's growth means little to the whole. */
static double weight_of(const struct parts *parts, u32 index)
{
	double weight =
		(parts->items[index].count + 1.0) / (parts->items[parts->count - 1].count + 1.0);

	return weight > WEIGHT_MIN ? weight : WEIGHT_MIN;
}

/* Where there is no tree. */
static int fill_roots(struct sl_tree *tree, u32 table, u32 filled)
{
	u64 empty;
	int error = sl_leaf_write(tree, NULL, 0, &empty);

	for (u32 i = filled; i < SL_TABLE_TREES_MAX && !error; i++)
		tree->image->words[table + 1 + i] = empty;
	return error;
}

/* Each tree gets its share of what is left; small ones, which come first, leave some to others. */
static int build_trees(struct sl_forest *forest, const struct sl_plan *plan, struct parts *parts,
		       struct sl_image *image, u32 table, struct sl_table_shape *shape)
{
	struct sl_tree tree = {
		.boxes = forest->boxes,
		.columns = forest->columns,
		.image = image,
		.growth_ns = plan->growth_ns,
		.limits = {.words = forest->word_limit, .levels = SL_TABLE_LEVELS_MAX},
		.work_left = &forest->work_left};
	u64 root, empty = 0;

	for (u32 i = 0; i < parts->count; i++) {
		struct sl_tree next = tree;
		int error;

		next.growth_ns *= weight_of(parts, i);
		next.empty = empty;
		next.limits.steps = (u32)((SL_TABLE_STEPS_MAX - shape->steps) * share_of(parts, i));
		next.region = next.proven = sl_region_all(forest->lanes);
		error = sl_tree_build(&next, parts->ids + parts->items[i].start,
				      parts->items[i].count, &root);
		if (error)
			return error;
		image->words[table + 1 + i] = root;
		empty = next.empty;
		add_shape(shape, &next);
	}
	tree.empty = empty;
	return fill_roots(&tree, table, parts->count);
}

int sl_forest_build(struct sl_forest *forest, const struct sl_plan *plan, struct sl_image *image,
		    u32 *ret_root, struct sl_table_shape *ret_shape)
{
	SL_CLEANUP(free_parts) struct parts parts = {0};
	u32 before = image->count, start = before ? before - SL_TABLE_TAIL : 0, table, tail;
	struct sl_table_shape shape = {0};
	int error = fill_parts(&plan->partition, forest->columns, &parts);

	if (error)
		return error;
	image->count = start;
	error = sl_image_extend(image, 1 + SL_TABLE_TREES_MAX, forest->word_limit, &table);
	if (!error)
		error = build_trees(forest, plan, &parts, image, table, &shape);
	if (!error)
		error = sl_image_extend(image, SL_TABLE_TAIL, forest->word_limit, &tail);
	if (error) {
		image->count = before;
		if (before)
			memset(image->words + start, 0, SL_TABLE_TAIL * sizeof *image->words);
		return error;
	}
	image->words[table] = parts.count - 1;
	shape.words = image->count - start;
	*ret_root = table;
	*ret_shape = shape;
	return 0;
}
