// SPDX-License-Identifier: GPL-2.0-only
#include "classify/partition.h"

/* Lanes that are tried, alone and in pairs. */
#define CANDIDATES_MAX 3

/* Narrow is less than a sixteenth of all values: a prefix of more than four bits. */
#define NARROW_SHIFT 4

/* Fewer boxes than one in so many do not make a tree. */
#define RARE 200

struct candidate {
	u32 lane;
	u32 minority; /* boxes that are narrow there, or that are not, whichever is less */
};

static bool is_narrow(const struct sl_columns *columns, u32 lane, u32 id)
{
	const struct sl_range *range = &columns->lanes[lane][id];

	return range->hi - range->lo < UINT32_MAX >> NARROW_SHIFT;
}

static bool same_split(const struct sl_columns *columns, u32 lane, u32 other)
{
	u32 differ = 0;

	for (u32 i = 0; i < columns->count; i++)
		differ += is_narrow(columns, lane, i) != is_narrow(columns, other, i);
	return differ <= columns->count / RARE;
}

/* Four-byte lanes only: the others have too few values to be worth it. */
static u32 find_candidates(const struct sl_columns *columns, const struct sl_lanes *lanes,
			   struct candidate *candidates)
{
	u32 count = 0;

	for (u32 lane = 0; lane < columns->lane_count; lane++) {
		u32 narrow = 0, minority, at;

		if (lanes->keys[lane].length < 4)
			continue;
		for (u32 i = 0; i < columns->count; i++)
			narrow += is_narrow(columns, lane, i);
		minority = narrow < columns->count - narrow ? narrow : columns->count - narrow;
		if (minority <= columns->count / RARE)
			continue;
		for (at = 0; at < count; at++)
			if (same_split(columns, lane, candidates[at].lane))
				break;
		if (at < count)
			continue;
		if (count < CANDIDATES_MAX)
			count++;
		else if (candidates[count - 1].minority >= minority)
			continue;
		for (at = count - 1; at && candidates[at - 1].minority < minority; at--)
			candidates[at] = candidates[at - 1];
		candidates[at] = (struct candidate){lane, minority};
	}
	return count;
}

u32 sl_partition_list(const struct sl_columns *columns, const struct sl_lanes *lanes,
		      struct sl_partition ret_partitions[SL_PARTITIONS_MAX])
{
	struct candidate candidates[CANDIDATES_MAX];
	u32 candidate_count = find_candidates(columns, lanes, candidates), count = 0;

	ret_partitions[count++] = (struct sl_partition){0};
	for (u32 i = 0; i < candidate_count; i++) {
		ret_partitions[count++] = (struct sl_partition){1, {candidates[i].lane}};
		for (u32 j = 0; j < i; j++)
			ret_partitions[count++] = (struct sl_partition){
				2, {candidates[j].lane, candidates[i].lane}};
	}
	return count;
}

u32 sl_partition_part(const struct sl_partition *partition, const struct sl_columns *columns,
		      u32 id)
{
	u32 part = 0;

	for (u32 i = 0; i < partition->lane_count; i++)
		part |= (u32)is_narrow(columns, partition->lanes[i], id) << i;
	return part;
}
