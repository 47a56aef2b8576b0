// SPDX-License-Identifier: GPL-2.0-only
#include "classify/table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "classify/partition.h"
#include "classify/tree.h"

/* Boxes on which partitions are tried. */
#define TRIAL_COUNT 1024

/* Memory: words a box, more with more lanes; and for small tables. */
#define WORDS_A_BOX 10
#define WORDS_SPARE 8192

/* Boxes looked at, for each box of the table: bounds the time. */
#define WORK_A_BOX 100

/* The parts of a partition, smallest first. */
struct parts {
	u32 count;
	struct {
		u32 start, count;
	} items[SL_TABLE_TREES_MAX];
	u32 *ids; /* malloc'd */
};

/* How to build. */
struct plan {
	struct sl_partition partition;
	double growth_ns;
};

#include <stdio.h>
static double G = 2;
static void __attribute__((constructor)) tune(void)
{
	if (getenv("G")) G = atof(getenv("G"));
}

struct build {
	const struct sl_boxes *boxes;
	const struct sl_lanes *lanes;
	const struct sl_columns *columns;
	u32 word_limit;
};

static void free_parts(struct parts *parts)
{
	free(parts->ids);
}

static void free_columns(struct sl_columns *columns)
{
	for (u32 lane = 0; lane < columns->lane_count; lane++)
		free(columns->lanes[lane]);
}

/* `stride`: every how many'th box. */
static int fill_columns(const struct sl_boxes *boxes, const struct sl_lanes *lanes, u32 stride,
			struct sl_columns *columns)
{
	u32 count = (boxes->list.count + stride - 1) / stride;

	columns->count = count;
	for (; columns->lane_count < lanes->count; columns->lane_count++) {
		u32 lane = columns->lane_count;
		struct sl_range *ranges = malloc(((size_t)count + 1) * sizeof *ranges);

		if (!ranges)
			return -ENOMEM;
		for (u32 i = 0; i < count; i++)
			ranges[i] = boxes->list.items[i * stride].lanes[lane];
		columns->lanes[lane] = ranges;
	}
	return 0;
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
	shape->depth += tree->depth;
	shape->steps += tree->steps;
	shape->nodes += tree->nodes;
	shape->items += tree->items;
	shape->cost_ns += tree->cost_ns;
	if (tree->leaf_max > shape->leaf_max)
		shape->leaf_max = tree->leaf_max;
}

/* Each tree gets its share of what is left; small ones, which come first, leave some to others. */
static int build_trees(const struct build *build, const struct plan *plan, struct parts *parts,
		       struct sl_image *image, u32 table, struct sl_table_shape *shape)
{
	struct sl_tree tree = {.boxes = build->boxes,
			       .columns = build->columns,
			       .image = image,
			       .growth_ns = plan->growth_ns,
			       .limits.words = build->word_limit,
			       .limits.work = (u64)WORK_A_BOX * (build->columns->count + 1000)};
	u64 root, empty = 0, work = 0;

	for (u32 i = 0; i < parts->count; i++) {
		struct sl_tree next = tree;
		u32 left = parts->count - i;
		int error;

		next.empty = empty;
		next.work = work;
		next.limits.nodes = (SL_TABLE_NODES_MAX - shape->depth) / left;
		next.limits.steps = (SL_TABLE_STEPS_MAX - shape->steps) / left;
		for (u32 lane = 0; lane < build->lanes->count; lane++)
			next.region.lanes[lane].hi = sl_lane_max(build->lanes, lane);
		error = sl_tree_build(&next, parts->ids + parts->items[i].start,
				      parts->items[i].count, &root);
		if (error)
			return error;
		image->words[table + 1 + i] = root;
		empty = next.empty;
		work = next.work;
		add_shape(shape, &next);
	}
	return 0;
}

/* The image is as before on every error; but for its tail, which is empty in both. */
static int build_table(const struct build *build, const struct plan *plan, struct sl_image *image,
		       u32 *ret_root, struct sl_table_shape *ret_shape)
{
	SL_CLEANUP(free_parts) struct parts parts = {0};
	u32 before = image->count, start = before ? before - SL_TABLE_TAIL : 0, table, tail;
	struct sl_table_shape shape = {0};
	int error = fill_parts(&plan->partition, build->columns, &parts);

	if (error)
		return error;
	image->count = start;
	error = sl_image_extend(image, 1 + parts.count, build->word_limit, &table);
	if (!error)
		error = build_trees(build, plan, &parts, image, table, &shape);
	if (!error)
		error = sl_image_extend(image, SL_TABLE_TAIL, build->word_limit, &tail);
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

/* Tries a partition on some of the boxes; what a packet and the memory would cost. */
static double try_partition(const struct build *build, const struct plan *plan)
{
	struct sl_image image = {0};
	struct sl_table_shape shape;
	double cost_ns = INFINITY;
	u32 root;

	if (!build_table(build, plan, &image, &root, &shape))
		cost_ns = shape.cost_ns + plan->growth_ns * log2((double)shape.words / build->columns->count);
	if (getenv("V")) fprintf(stderr, "try %u lanes %u %u: %g (%g, %u words)\n", plan->partition.lane_count, plan->partition.lanes[0], plan->partition.lanes[1], cost_ns, shape.cost_ns, shape.words);
	sl_image_free(&image);
	return cost_ns;
}

static int choose_partition(const struct sl_boxes *boxes, const struct sl_lanes *lanes,
			    double growth_ns, struct sl_partition *ret_partition)
{
	u32 stride = boxes->list.count / TRIAL_COUNT + 1, count;
	SL_CLEANUP(free_columns) struct sl_columns columns = {0};
	struct sl_partition partitions[SL_PARTITIONS_MAX];
	struct sl_boxes sample = {0};
	double best = INFINITY;
	int error = fill_columns(boxes, lanes, stride, &columns);

	if (error)
		return error;
	sample.list.count = columns.count;
	sample.list.items = malloc(((size_t)columns.count + 1) * sizeof *sample.list.items);
	if (!sample.list.items)
		return -ENOMEM;
	for (u32 i = 0; i < columns.count; i++)
		sample.list.items[i] = boxes->list.items[i * stride];
	count = sl_partition_list(&columns, lanes, partitions);
	*ret_partition = partitions[0];
	for (u32 i = 0; i < count && count > 1; i++) {
		struct build build = {&sample, lanes, &columns, WORDS_A_BOX * columns.count + 500};
		struct plan plan = {partitions[i], growth_ns};
		double cost_ns = try_partition(&build, &plan);

		if (cost_ns < best) {
			best = cost_ns;
			*ret_partition = partitions[i];
		}
	}
	free(sample.list.items);
	return 0;
}

static bool fits_format(const struct sl_boxes *boxes)
{
	for (u32 i = 0; i < boxes->list.count; i++) {
		const struct sl_box *box = &boxes->list.items[i];

		if (box->position > SL_TABLE_POSITION_MAX ||
		    (box->counts && box->counter > SL_TABLE_COUNTER_MAX))
			return false;
	}
	return true;
}

/* Ever thriftier: with the best partition, then with one tree, which has all steps to itself. */
static int build_thriftily(const struct build *build, const struct sl_partition *partition,
			   struct sl_image *image, u32 *ret_root, struct sl_table_shape *ret_shape)
{
	const struct plan plans[] = {
		{*partition, G},
		{*partition, 4*G},
		{{0}, G},
		{{0}, 8*G},
	};
	int error = -E2BIG;

	for (u32 i = 0; i < SL_ARRAY_SIZE(plans); i++) {
		error = build_table(build, &plans[i], image, ret_root, ret_shape);
		if (getenv("V")) fprintf(stderr, "plan %u: %d\n", i, error);
		if (!error || error == -ENOMEM)
			break;
	}
	return error;
}

int sl_table_build(const struct sl_boxes *boxes, const struct sl_lanes *lanes, u32 word_limit,
		   struct sl_image *image, u32 *ret_root, struct sl_table_shape *ret_shape)
{
	SL_CLEANUP(free_columns) struct sl_columns columns = {0};
	struct build build = {boxes, lanes, &columns, word_limit};
	u64 thrifty = (u64)(WORDS_A_BOX + lanes->count) * boxes->list.count + WORDS_SPARE;
	struct sl_partition partition;
	int error;

	if (!fits_format(boxes))
		return -E2BIG;
	if (image->count + thrifty < word_limit)
		build.word_limit = (u32)(image->count + thrifty);
	error = fill_columns(boxes, lanes, 1, &columns);
	if (!error)
		error = choose_partition(boxes, lanes, G, &partition);
	if (error)
		return error;
	return build_thriftily(&build, &partition, image, ret_root, ret_shape);
}
