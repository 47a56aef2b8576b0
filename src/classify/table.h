/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Builds the tables of abi/table.h: decision trees over boxes.
 *
 * Enters: boxes (boxes.h). Leaves: words of one image, which several tables share. Promised: for
 * every question that begins at position 0, sl_table_step() meets the same positions in the same
 * order as a look at each box in turn would; or the table is refused. (Boxes that none gets to are
 * left out, so a question that skips the ones before them would miss them.)
 */
#ifndef SLUICE_CLASSIFY_TABLE_H
#define SLUICE_CLASSIFY_TABLE_H

#include "base/diag.h"
#include "classify/boxes.h"

struct sl_image {
	__u64 *words; /* malloc'd */
	u32 count, capacity;
};

void sl_image_free(struct sl_image *image);

/* What a table came to, for `plan --verbose` and for tests. */
struct sl_table_shape {
	u32 trees;
	u32 depth;        /* levels of the deepest tree, above the leaves */
	u32 steps;        /* in the largest leaf of each tree, all together */
	u32 leaf_max;     /* items in the largest leaf */
	u32 nodes, items; /* items: boxes in leaves; one box can be in several */
	u32 words;        /* of the image that it takes */
	double cost_ns;   /* expected, of a packet that some rule matches */
};

/*
 * Appends a table to the image; *ret_root is its first word. `word_limit`: of the whole image.
 * 0; -ENOMEM; -ENOSPC where it would outgrow the limit; -E2BIG where the boxes overlap too much
 * for SL_TABLE_STEPS_MAX or SL_TABLE_LEVELS_MAX, or for twice the usual memory. The image is as
 * before on every error.
 */
int sl_table_build(const struct sl_boxes *boxes, const struct sl_lanes *lanes, u32 word_limit,
		   struct sl_image *image, u32 *ret_root, struct sl_table_shape *ret_shape);

#endif
