/* SPDX-License-Identifier: GPL-2.0-only */
/* The trees of one table, built to a given plan. */
#ifndef SLUICE_CLASSIFY_FOREST_H
#define SLUICE_CLASSIFY_FOREST_H

#include "classify/partition.h"
#include "classify/table.h"

struct sl_plan {
	struct sl_partition partition;
	double growth_ns; /* what memory is worth: struct sl_price in cut.h */
};

struct sl_forest {
	const struct sl_boxes *boxes;
	const struct sl_lanes *lanes;
	const struct sl_columns *columns; /* the boxes' ranges */
	u32 word_limit;                   /* of the whole image */
	u64 work_left; /* boxes that may be looked at yet, by all that is built */
};

/* As sl_table_build(); also -E2BIG when there is no work left. */
int sl_forest_build(struct sl_forest *forest, const struct sl_plan *plan, struct sl_image *image,
		    u32 *ret_root, struct sl_table_shape *ret_shape);

#endif
