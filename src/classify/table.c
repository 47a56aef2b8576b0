// SPDX-License-Identifier: GPL-2.0-only
#include "classify/table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "classify/forest.h"

/* Boxes on which plans are tried; of many, more, since then memory is what counts. */
#define TRIAL_COUNT  1024
#define TRIAL_STRIDE 16

/* Trials with ever more memory, until some plan fits. */
#define TRIALS_MAX 8

#define PLANS_MAX 4

/*
 * Time: boxes looked at for each box, whatever is built of them, and half as many when that is
 * tried again; and those of trials.
 */
#define WORK_A_BOX 40
#define TRIAL_WORK 500

/* Memory: words a box, one more for each lane; and for small tables. */
#define WORDS_A_BOX 9
#define WORDS_SPARE 8192
#define TRIAL_SPARE 1024

/* What a plan that is tried is also judged by: its longest leaves, and its memory. */
#define WORST_SHARE 0.3
#define DOUBLING_NS 3.0

/* What memory is worth (cut.h): little, more, and a lot. */
#define GROWTH_LITTLE_NS 4.0
#define GROWTH_MORE_NS   12.0
#define GROWTH_LOT_NS    40.0

/* What trials tell. */
struct choice {
	struct sl_plan best;
	double best_ns;
	struct sl_plan
		thrifty;   /* most trees, so the fewest copies, however many boxes; of those, … */
	u32 thrifty_words; /* … the one with the least memory */
};

/* The plans that are worth building. */
struct plans {
	u32 count;
	struct sl_plan items[PLANS_MAX];
};

static void free_columns(struct sl_columns *columns)
{
	for (u32 lane = 0; lane < columns->lane_count; lane++)
		free(columns->lanes[lane]);
}

static int fill_columns(const struct sl_boxes *boxes, const struct sl_lanes *lanes,
			struct sl_columns *columns)
{
	u32 count = boxes->list.count;

	columns->count = count;
	for (; columns->lane_count < lanes->count; columns->lane_count++) {
		u32 lane = columns->lane_count;
		struct sl_range *ranges = malloc(((size_t)count + 1) * sizeof *ranges);

		if (!ranges)
			return -ENOMEM;
		for (u32 i = 0; i < count; i++)
			ranges[i] = boxes->list.items[i].lanes[lane];
		columns->lanes[lane] = ranges;
	}
	return 0;
}

static void free_list(struct sl_boxes *boxes)
{
	free(boxes->list.items);
}

/* Every `stride`th box. */
static int take_sample(const struct sl_boxes *boxes, u32 stride, struct sl_boxes *sample)
{
	sample->list.count = (boxes->list.count + stride - 1) / stride;
	sample->list.items = malloc(((size_t)sample->list.count + 1) * sizeof *sample->list.items);
	if (!sample->list.items)
		return -ENOMEM;
	for (u32 i = 0; i < sample->list.count; i++)
		sample->list.items[i] = boxes->list.items[i * stride];
	return 0;
}

static void try_plan(struct sl_forest *forest, const struct sl_plan *plan, struct choice *choice)
{
	struct sl_image image = {0};
	struct sl_table_shape shape;
	double cost_ns;
	u32 root;
	int error = sl_forest_build(forest, plan, &image, &root, &shape);

	sl_image_free(&image);
	if (error)
		return;
	cost_ns = shape.cost_ns + shape.steps * WORST_SHARE +
		  DOUBLING_NS * log2((double)shape.words / (forest->columns->count + 1));
	if (cost_ns < choice->best_ns) {
		choice->best = *plan;
		choice->best_ns = cost_ns;
	}
	if (plan->partition.lane_count > choice->thrifty.partition.lane_count ||
	    (plan->partition.lane_count == choice->thrifty.partition.lane_count &&
	     shape.words < choice->thrifty_words)) {
		choice->thrifty = (struct sl_plan){plan->partition, GROWTH_MORE_NS};
		choice->thrifty_words = shape.words;
	}
}

static void try_plans(struct sl_forest *forest, struct choice *choice)
{
	struct sl_partition partitions[SL_PARTITIONS_MAX];
	u32 count = sl_partition_list(forest->columns, forest->lanes, partitions);

	*choice = (struct choice){.best = {partitions[count - 1], GROWTH_MORE_NS},
				  .best_ns = INFINITY,
				  .thrifty = {{0}, GROWTH_MORE_NS},
				  .thrifty_words = UINT32_MAX};
	for (u32 i = 0; i < count; i++) {
		struct sl_plan plan = {partitions[i], GROWTH_LITTLE_NS};

		try_plan(forest, &plan, choice);
		plan.growth_ns = GROWTH_MORE_NS;
		try_plan(forest, &plan, choice);
	}
}

/* Of so many boxes, one is in the sample. */
static u32 trial_stride(u32 count)
{
	u32 stride = (count + TRIAL_COUNT - 1) / TRIAL_COUNT;

	return stride > TRIAL_STRIDE ? TRIAL_STRIDE : stride ? stride : 1;
}

/*
 * On a sample, with less memory for each box than all may have: the more boxes there are, the more
 * copies a tree makes of each.
 */
static int choose_plans(const struct sl_boxes *boxes, const struct sl_lanes *lanes,
			struct choice *choice)
{
	u32 stride = trial_stride(boxes->list.count);
	SL_CLEANUP(free_columns) struct sl_columns columns = {0};
	SL_CLEANUP(free_list) struct sl_boxes sample = {0};
	struct sl_forest forest = {&sample, lanes, &columns, 0, 0};
	int error = take_sample(boxes, stride, &sample);

	if (!error)
		error = fill_columns(&sample, lanes, &columns);
	if (error)
		return error;
	forest.word_limit =
		(u32)((WORDS_A_BOX + lanes->count) * columns.count / (1 + log2(stride) / 10)) +
		(stride > 1 ? TRIAL_SPARE : WORDS_SPARE);
	forest.work_left = (u64)TRIAL_WORK * TRIAL_COUNT + (u64)WORK_A_BOX * boxes->list.count / 2;
	for (u32 i = 0; i < TRIALS_MAX; i++) {
		try_plans(&forest, choice);
		if (choice->best_ns < INFINITY)
			break;
		forest.word_limit += forest.word_limit / 4;
	}
	return 0;
}

static bool is_same_plan(const struct sl_plan *plan, const struct sl_plan *other)
{
	const struct sl_partition *one = &plan->partition, *two = &other->partition;

	if (plan->growth_ns != other->growth_ns || one->lane_count != two->lane_count)
		return false;
	for (u32 i = 0; i < one->lane_count; i++)
		if (one->lanes[i] != two->lanes[i])
			return false;
	return true;
}

static void add_plan(struct plans *plans, const struct sl_plan *plan)
{
	for (u32 i = 0; i < plans->count; i++)
		if (is_same_plan(&plans->items[i], plan))
			return;
	plans->items[plans->count++] = *plan;
}

/* The last, with one tree, has all the steps to itself. */
static struct plans list_plans(const struct choice *choice)
{
	struct plans plans = {.count = 0};

	add_plan(&plans, &choice->best);
	add_plan(&plans, &choice->thrifty);
	add_plan(&plans, &(struct sl_plan){choice->thrifty.partition, GROWTH_LOT_NS});
	add_plan(&plans, &(struct sl_plan){{0}, GROWTH_MORE_NS});
	return plans;
}

/* One plan after the other. -ENOSPC if more memory might help: with the plans that are left. */
static int build_any(struct sl_forest *forest, struct plans *plans, struct sl_image *image,
		     u32 *ret_root, struct sl_table_shape *ret_shape)
{
	u32 left = 0;

	for (u32 i = 0; i < plans->count; i++) {
		int error = sl_forest_build(forest, &plans->items[i], image, ret_root, ret_shape);

		if (!error || error == -ENOMEM)
			return error;
		if (error == -ENOSPC)
			plans->items[left++] = plans->items[i];
	}
	plans->count = left;
	return left ? -ENOSPC : -E2BIG;
}

int sl_table_build(const struct sl_boxes *boxes, const struct sl_lanes *lanes, u32 word_limit,
		   struct sl_image *image, u32 *ret_root, struct sl_table_shape *ret_shape)
{
	SL_CLEANUP(free_columns) struct sl_columns columns = {0};
	struct sl_forest forest = {boxes, lanes, &columns, word_limit, 0};
	u64 words = (u64)(WORDS_A_BOX + lanes->count) * boxes->list.count + WORDS_SPARE;
	struct choice choice;
	struct plans plans;
	int error = fill_columns(boxes, lanes, &columns);

	if (!error)
		error = choose_plans(boxes, lanes, &choice);
	if (error)
		return error;
	plans = list_plans(&choice);
	/* Rather with twice the memory than not at all. */
	for (u32 i = 1; i <= 2; i++) {
		bool is_last = image->count + i * words >= word_limit;

		forest.word_limit = is_last ? word_limit : (u32)(image->count + i * words);
		forest.work_left += (u64)WORK_A_BOX / i * (boxes->list.count + 1000);
		error = build_any(&forest, &plans, image, ret_root, ret_shape);
		if (error != -ENOSPC || is_last)
			return error;
	}
	return -E2BIG;
}
