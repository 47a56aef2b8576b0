// SPDX-License-Identifier: GPL-2.0-only
#include "classify/region.h"

/* Up to so many boxes are compared with each other, to find those that hide others. */
#define PAIRS_MAX 24

struct sl_region sl_region_all(const struct sl_lanes *lanes)
{
	struct sl_region region = {0};

	for (u32 lane = 0; lane < lanes->count; lane++)
		region.lanes[lane].hi = sl_lane_max(lanes, lane);
	return region;
}

/* Whether one box holds all of the region's packets that are in another. */
static bool hides(const struct sl_region *region, u32 lane_count, const struct sl_box *box,
		  const struct sl_box *other)
{
	for (u32 lane = 0; lane < lane_count; lane++) {
		struct sl_range rest = sl_range_clip(&other->lanes[lane], &region->lanes[lane]);

		if (!sl_range_covers(&box->lanes[lane], &rest))
			return false;
	}
	return true;
}

static bool covers(const struct sl_box *box, const struct sl_region *region, u32 lane_count)
{
	for (u32 lane = 0; lane < lane_count; lane++)
		if (!sl_range_covers(&box->lanes[lane], &region->lanes[lane]))
			return false;
	return true;
}

/* The worlds that never get past the boxes before this one, where few enough are kept. */
static u8 worlds_taken(const struct sl_region *region, u32 lane_count, const struct sl_boxes *boxes,
		       const u32 *ids, u32 count, const struct sl_box *box)
{
	u8 taken = 0;

	if (count > PAIRS_MAX)
		return 0;
	for (u32 i = 0; i < count; i++) {
		const struct sl_box *before = &boxes->list.items[ids[i]];

		if (before->action != SL_ITEM_CONTINUE && hides(region, lane_count, before, box))
			taken |= before->worlds;
	}
	return taken;
}

u32 sl_region_prune(const struct sl_region *region, u32 lane_count, const struct sl_boxes *boxes,
		    u32 *ids, u32 count)
{
	u8 taken = 0; /* worlds that are gone, wherever in the region */
	u32 kept = 0;

	for (u32 i = 0; i < count; i++) {
		const struct sl_box *box = &boxes->list.items[ids[i]];

		if (!(box->worlds &
		      ~(taken | worlds_taken(region, lane_count, boxes, ids, kept, box))))
			continue;
		ids[kept++] = ids[i];
		if (box->action != SL_ITEM_CONTINUE && covers(box, region, lane_count))
			taken |= box->worlds;
	}
	return kept;
}

u32 sl_region_open_lanes(const struct sl_region *region, u32 lane_count, const struct sl_box *box,
			 u8 ret_lanes[SL_TABLE_LANES_MAX])
{
	double share[SL_TABLE_LANES_MAX];
	u32 count = 0;

	for (u32 lane = 0; lane < lane_count; lane++) {
		const struct sl_range *all = &region->lanes[lane];
		u32 at = count;

		if (sl_range_covers(&box->lanes[lane], all))
			continue;

		struct sl_range rest = sl_range_clip(&box->lanes[lane], all);
		double mine = ((double)rest.hi - rest.lo + 1) / ((double)all->hi - all->lo + 1);

		for (; at && share[at - 1] > mine; at--) {
			share[at] = share[at - 1];
			ret_lanes[at] = ret_lanes[at - 1];
		}
		share[at] = mine;
		ret_lanes[at] = (u8)lane;
		count++;
	}
	return count;
}
