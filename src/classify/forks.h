/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A decision tree to be made into code: the same boxes as a table's (table.h), but compares and
 * jumps instead of words to be read. For few boxes that costs a packet a third; for many the code
 * grows too long.
 *
 * A *fork* asks one lane: values below a border go one way, the others the other. A way ends in a
 * *leaf*, with the boxes that a packet may yet match, in the order of their positions.
 *
 * Enters: boxes (boxes.h). Leaves: forks, in arena memory. Promised: whoever looks at the items of
 * his leaf in turn meets the same boxes in the same order as by a look at each box in turn, but
 * for boxes that come too late for all worlds.
 */
#ifndef SLUICE_CLASSIFY_FORKS_H
#define SLUICE_CLASSIFY_FORKS_H

#include "classify/boxes.h"

/* Boxes of one tree, and what it may have of them in all leaves together. */
#define SL_FORKS_BOXES_MAX 256
#define SL_FORKS_ITEMS_MAX 640

/* A lane that a box is still to be compared in. The range is open where nothing can miss it. */
struct sl_fork_test {
	u32 lane;
	struct sl_range values;
};

struct sl_fork_item {
	const struct sl_box *box;
	u32 test_count; /* 0: whoever comes here matches */
	const struct sl_fork_test *tests;
};

struct sl_fork {
	const struct sl_fork *below, *above; /* NULL, both: a leaf */
	u32 lane, border;                    /* below < border ≤ above */
	u32 item_count;                      /* of a leaf */
	const struct sl_fork_item *items;
};

struct sl_forks {
	const struct sl_fork *root;
	u32 forks, items, depth; /* depth: forks on the longest way */
	double cost_ns;          /* expected, of a packet that boxes were made for */
};

/* 0; -ENOMEM; -E2BIG: too many boxes, or they overlap too much. Copies the boxes to the arena. */
int sl_forks_build(const struct sl_boxes *boxes, const struct sl_lanes *lanes,
		   struct sl_arena *arena, struct sl_forks *ret_forks);

#endif
