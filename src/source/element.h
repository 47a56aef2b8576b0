/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Set elements as they come over netlink, and how interval ends become closed ranges.
 *
 * Enters: NFTA_SET_ELEM_* nests of dumps and of events. Leaves: struct sl_nft_element.
 *
 * The kernel keeps an interval set as a line of borders: a start covers every key from itself to
 * the next border, whatever that is; behind an end nothing is covered.
 *
 *	keys    0 ……… 10 ▓▓▓▓▓▓▓▓▓ 20 ……… 30 ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓ (top)
 *	        end    start        end    start
 */
#ifndef SLUICE_SOURCE_ELEMENT_H
#define SLUICE_SOURCE_ELEMENT_H

#include "base/arena.h"
#include "source/attr.h"
#include "source/ruleset.h"

struct sl_raw_element {
	struct sl_nft_element element; /* key_end is NULL where the kernel gave none */
	u32 key_length;
	bool is_end; /* an interval's exclusive end */
	bool has_verdict;
};

struct sl_raw_elements {
	struct sl_raw_element *items;
	u32 count, capacity;
};

/* What its set says of an element. */
struct sl_element_context {
	struct sl_arena *arena;
	u64 set_timeout_ms;
	u64 asked_at_ns; /* CLOCK_MONOTONIC, before the element was asked for */
};

/*
 * 0, -EBADMSG, or −ENOMEM. What it does not know makes the element opaque; one that is opaque and
 * has neither a key nor is_catchall could be any key.
 */
int sl_element_read(const struct sl_element_context *context, const struct nlattr *nest,
		    struct sl_raw_element *ret_raw);

/*
 * Sorts borders (all with keys of `key_length` bytes) and calls them closed ranges: every start
 * gets its key_end, ends and elements that have one stay. A start without an end of its own
 * (another start or the top follows) is reported in `ret_open` if it is not NULL.
 * 0, -EBADMSG for two starts at one key, or −ENOMEM.
 */
int sl_elements_join(struct sl_arena *arena, struct sl_raw_elements *raws, u32 key_length,
		     bool *ret_open);

#endif
