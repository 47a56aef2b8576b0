/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules as boxes. What a rule tests becomes closed ranges of numbers, one for each *lane*: a lane
 * is up to four bytes that rules compare, as a big-endian number, so that its order is memcmp's.
 * An IPv6 address is four lanes.
 *
 * Enters: rules of one specialised chain (ir/ir.h). Leaves: boxes for table.h. Promised: a packet
 * is in one of a rule's boxes, in a world of the box, if and only if the interpreter finds that
 * the rule matches there; and codegen/key.c has code for each lane's key. A rule that cannot be
 * told so exactly is refused, never approximated.
 */
#ifndef SLUICE_CLASSIFY_BOXES_H
#define SLUICE_CLASSIFY_BOXES_H

#include "ir/ir.h"
#include "../abi/table.h"

/*
 * The lanes of one table: keys of 1–4 bytes that every ordinary packet of the family has; or every
 * one of TCP, and then no box that asks for them holds another packet, whatever the lane's value.
 */
struct sl_lanes {
	u32 count;
	struct sl_key keys[SL_TABLE_LANES_MAX];
};

struct sl_range {
	u32 lo, hi; /* closed; of a lane's value in host order */
};

/* One product of ranges in which a rule matches. */
struct sl_box {
	u32 position; /* the rule's, in its run */
	u8 worlds;    /* SL_WORLD_* in which it matches, ≠ 0; all boxes of a rule have the same */
	u8 action;    /* enum sl_item_action */
	bool counts;
	u32 counter;
	struct sl_range lanes[SL_TABLE_LANES_MAX]; /* of those that the table has: the whole range,
						      0 … sl_lane_max(), where nothing is asked */
};

struct sl_boxes {
	SL_LIST(struct sl_box) list; /* ascending positions */
};

enum sl_tracking {
	SL_BEFORE_CONNTRACK, /* STATE matches see INVALID in every world */
	SL_BEHIND_CONNTRACK,
	SL_AROUND_CONNTRACK, /* a chain that is jumped to from both sides */
};

/* Where a chain stands: the packets that its rules meet, and what is known of them. */
struct sl_place {
	const struct sl_device *device;
	u8 family;        /* SL_IP or SL_IP6; 0: nothing comes here */
	u32 chain_family; /* NFPROTO_* */
	enum sl_tracking tracking;
};

/*
 * place.c: the place of every chain of a specialised program, by its index; `family` is both where
 * the chain is met by both. NULL when out of memory.
 */
struct sl_place *sl_places_find(const struct sl_program *program, struct sl_arena *arena);

/* Most boxes that one rule may become; or if it asks a set of more elements than that. */
#define SL_BOXES_PER_RULE 64
#define SL_BOXES_PER_SET  4096

/*
 * Appends the boxes of a rule to `boxes`, and to `lanes`, which belong to these boxes alone, what
 * it needs and is not there yet. A rule that never does anything has none.
 * 0; -ENOMEM; -ENOTSUP where the rule has no boxes: an op, key, set or verdict of another kind, or
 * too many of them. Nothing was appended then.
 */
int sl_boxes_add_rule(struct sl_boxes *boxes, struct sl_lanes *lanes, struct sl_arena *arena,
		      const struct sl_rule *rule, u32 position, const struct sl_place *place);

/* The largest value of a lane. */
u32 sl_lane_max(const struct sl_lanes *lanes, u32 lane);

#endif
