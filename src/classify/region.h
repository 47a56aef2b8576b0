/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of space that is left of it somewhere in a decision tree, and what boxes still mean
 * there: common to trees of words (tree.h) and of code (forks.h).
 */
#ifndef SLUICE_CLASSIFY_REGION_H
#define SLUICE_CLASSIFY_REGION_H

#include "classify/boxes.h"

struct sl_region {
	struct sl_range lanes[SL_TABLE_LANES_MAX];
};

/* All of space. */
struct sl_region sl_region_all(const struct sl_lanes *lanes);

/*
 * Leaves out, of boxes in ascending order, those that none of the region's packets reaches; how
 * many are left.
 */
u32 sl_region_prune(const struct sl_region *region, u32 lane_count, const struct sl_boxes *boxes,
		    u32 *ids, u32 count);

/* The lanes in which packets of the region may miss the box, the likeliest first; how many. */
u32 sl_region_open_lanes(const struct sl_region *region, u32 lane_count, const struct sl_box *box,
			 u8 ret_lanes[SL_TABLE_LANES_MAX]);

static inline bool sl_range_covers(const struct sl_range *range, const struct sl_range *other)
{
	return range->lo <= other->lo && range->hi >= other->hi;
}

/* The part of a range that lies in the region; they meet. */
static inline struct sl_range sl_range_clip(const struct sl_range *range,
					    const struct sl_range *region)
{
	return (struct sl_range){
		range->lo > region->lo ? range->lo : region->lo,
		range->hi < region->hi ? range->hi : region->hi,
	};
}

#endif
