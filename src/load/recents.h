/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the kernel keeps xt_recent's lists, and the seed of their hash, as bpf/recent.h wants them.
 *
 * The seed is learned once: in a private namespace a list is made, with the host's own
 * iptables-nft-restore, and filled with known addresses (recent_seed.h).
 */
#ifndef SLUICE_LOAD_RECENTS_H
#define SLUICE_LOAD_RECENTS_H

#include "load/observe.h"

/*
 * Of those among `filled` that are such lists, by their numbers, in the calling thread's network
 * namespace. Those that cannot be found, or looked into, stay zero: of them nothing is clear.
 */
void sl_recent_find(struct sl_observer *observer, const struct sl_filled *filled, u32 count,
		    struct sl_recent_place ret_places[SL_FILLED_MAX]);

#endif
