/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where to cut a node. All estimates are in nanoseconds of one packet, whose chance to come to a
 * child grows with the boxes there.
 */
#ifndef SLUICE_CLASSIFY_CUT_H
#define SLUICE_CLASSIFY_CUT_H

#include "classify/region.h"

#define SL_CUT_BITS_MAX     12
#define SL_CUT_CHILDREN_MAX (1u << SL_CUT_BITS_MAX)

/* What a table is made of: the boxes' ranges, each lane on its own. */
struct sl_columns {
	u32 count, lane_count;
	struct sl_range *lanes[SL_TABLE_LANES_MAX];
};

struct sl_cut {
	enum sl_node_kind kind; /* CUT or RANGE */
	u32 lane;
	u32 shift, mask;               /* CUT */
	struct sl_range hull;          /* what is cut; no box here is elsewhere */
	u32 borders[SL_RANGE_BORDERS]; /* RANGE */
	u32 children;
	double cost_ns; /* of the node and all below it */
};

/* Measured: going through a node; comparing an item; a tree, however small. */
#define SL_CUT_NS   5.0
#define SL_RANGE_NS 9.0
#define SL_ITEM_NS  2.2
#define SL_TREE_NS  14.0

/* What memory is worth. */
struct sl_price {
	double growth_ns; /* of the first doubling; the second is three times that, and so on */
	double doublings; /* how often the boxes here have doubled on the way from the root */
	bool must_cut;    /* too many boxes for a leaf: any cut is better than none */
};

/*
 * The cheapest cut of `count` boxes. False where none tells them apart.
 */
bool sl_cut_choose(const struct sl_columns *columns, const struct sl_region *region, const u32 *ids,
		   u32 count, const struct sl_price *price, struct sl_cut *ret_cut);

/* The child that a value goes to; the values that go to a child, of the hull's if it is a CUT. */
u32 sl_cut_child(const struct sl_cut *cut, u32 value);
struct sl_range sl_cut_values(const struct sl_cut *cut, u32 child);

/* Whether no other of the proven values go there. */
bool sl_cut_proves(const struct sl_cut *cut, const struct sl_range *proven);

#endif
