/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A key, cut into stretches: each is the first bytes of a lane, perhaps with a prefix of them
 * masked, or bytes that are the same in every packet. nft shortens prefixes (a /8 is a load of one
 * byte), iptables masks whole addresses; cut like this, both ask the address's one lane.
 */
#ifndef SLUICE_CLASSIFY_STRETCH_H
#define SLUICE_CLASSIFY_STRETCH_H

#include "classify/boxes.h"

struct sl_stretch {
	u8 at, length;    /* bytes of the key, as one big-endian number: at most four */
	bool is_constant; /* `value`, always; else */
	u32 value;        /* … */
	u32 lane;         /* the number is lane's value >> shift … */
	u32 shift, mask;  /* … & mask: ones, then zeros */
};

struct sl_stretches {
	u32 count;
	struct sl_stretch items[SL_KEY_MAX]; /* in the order of the key, all of it */
};

/*
 * Cuts a key; `boxes`: at the borders of this set's fields too (NULL: of none). Adds lanes.
 * `header`: how many bytes of transport header all packets have that are asked for this key. 0,
 * -ENOMEM, or -ENOTSUP: not all of them have these bytes, or there are too many lanes.
 */
int sl_key_cut(const struct sl_key *key, const struct sl_set *boxes, const struct sl_place *place,
	       u32 header, struct sl_lanes *lanes, struct sl_arena *arena,
	       struct sl_stretches *ret_stretches);

#endif
