/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which boxes share a tree. A box that is wide in a lane is copied wherever that lane is cut; so
 * boxes that are wide where others are narrow go into a tree of their own, which is not cut there.
 */
#ifndef SLUICE_CLASSIFY_PARTITION_H
#define SLUICE_CLASSIFY_PARTITION_H

#include "classify/cut.h"

#define SL_PARTITION_LANES 2
#define SL_PARTITIONS_MAX  8

/* By up to two lanes, each of which may halve the boxes. */
struct sl_partition {
	u32 lane_count;
	u32 lanes[SL_PARTITION_LANES];
};

/* The partitions that are worth a trial, the one without lanes first; how many. */
u32 sl_partition_list(const struct sl_columns *columns, const struct sl_lanes *lanes,
		      struct sl_partition ret_partitions[SL_PARTITIONS_MAX]);

/* The part that a box belongs to: a bit for each of the partition's lanes. */
u32 sl_partition_part(const struct sl_partition *partition, const struct sl_columns *columns,
		      u32 id);

#endif
