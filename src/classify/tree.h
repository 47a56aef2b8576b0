/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One decision tree: cut by cut, until what is left of the boxes is cheap enough to compare.
 */
#ifndef SLUICE_CLASSIFY_TREE_H
#define SLUICE_CLASSIFY_TREE_H

#include "classify/cut.h"
#include "classify/image.h"

/* What a tree may take. */
struct sl_tree_limits {
	u32 words;  /* of the whole image */
	u32 levels; /* on any way from the root, above the leaf */
	u32 steps;  /* in any leaf; one for each lane of its items, and one to leave it */
};

struct sl_tree {
	/* Set by the caller. */
	const struct sl_boxes *boxes;
	const struct sl_columns *columns;
	struct sl_image *image;
	double growth_ns; /* what doubling the memory is worth */
	struct sl_tree_limits limits;
	u64 *work_left; /* boxes that may be looked at yet, over all nodes: bounds the time */

	/* The result. */
	u32 nodes, items, depth, leaf_max,
		steps;  /* depth: levels; depth and steps: the most that one way takes */
	double cost_ns; /* expected, of a packet that boxes were made for */

	/* While it is built. */
	/*
	 * A packet is in the region, or in none of the boxes here; and it is in what is proven, in
	 * any case, so that no item needs to compare that again.
	 */
	struct sl_region region, proven;
	u64 empty; /* the leaf without items; 0 while there is none */
	u32 end;   /* behind the last leaf; 0 while there is none */
};

/*
 * Appends the tree of the boxes `ids`, in ascending order, which it moves about. *ret_root is its
 * root. 0, -ENOMEM, -ENOSPC or -E2BIG as sl_table_build(); the image may have grown then.
 */
int sl_tree_build(struct sl_tree *tree, u32 *ids, u32 count, u64 *ret_root);

/* leaf.c: the steps that a leaf of these boxes takes. */
u32 sl_leaf_steps(const struct sl_tree *tree, const u32 *ids, u32 count);

/* Appends a leaf. 0, -ENOMEM, -ENOSPC. */
int sl_leaf_write(struct sl_tree *tree, const u32 *ids, u32 count, u64 *ret_node);

#endif
