/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xt_recent's lists, and where the kernel keeps them: what bpf/snapshot.bpf.c is asked for, and
 * finds, and what bpf/recent.h looks an address up in. They share the numbers of sets that packets
 * fill (filled.h).
 */
#ifndef SLUICE_ABI_RECENT_H
#define SLUICE_ABI_RECENT_H

#include <linux/types.h>

#include "filled.h"

#define SL_RECENT_STAMPS 32 /* of an entry; lists that keep more are not known */

/* Addresses are the kernel's; a table of 0: not found. The rest are bytes into it, or an entry. */
struct sl_recent_place {
	__u64 table;
	__u32 seed, buckets; /* of its hash, and how many; a power of two */
	__u32 room;          /* entries; for one more the oldest goes */
	/* In jiffies: how far back packets count, 0 for all; and when it is too late to be sure. */
	__u32 window, grace;
	__u32 hits;   /* that many packets, at least 1 */
	__u32 length; /* of an address */
	__u16 family;
	__u16 table_count, table_ages, table_buckets;
	__u8 links, ages, address, entry_family, stamp_count, stamps;
	__u8 padding[6];
};

/* Words of the module's memory about its struct xt_match, among them the seed; and what proves it:
 * addresses, and the buckets that they are in. */
#define SL_RECENT_WORDS     384
#define SL_RECENT_WITNESSES 32

struct sl_recent_witness {
	__u32 address, bucket;
};

struct sl_recent_query {
	__s32 fd; /* of its file in /proc, opened by the caller */
	__u32 is_ip6;
	struct sl_recent_place place; /* the answer: what depends on the kernel */
};

_Static_assert(sizeof(struct sl_recent_place) == 56, "holes");
_Static_assert(sizeof(struct sl_recent_query) == 64, "holes");

#endif
