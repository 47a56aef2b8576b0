/* SPDX-License-Identifier: GPL-2.0-only */
/* What a pinned attachment says of itself, for any sluice that comes later. */
#ifndef SLUICE_ABI_INFO_H
#define SLUICE_ABI_INFO_H

#include <linux/types.h>

enum sl_attach_mode {
	SL_MODE_NONE,
	SL_MODE_NATIVE,  /* XDP in the driver */
	SL_MODE_TC,      /* TC ingress, behind GRO */
	SL_MODE_GENERIC, /* XDP behind the allocation of a buffer; on request only */
};

/* At TC, where the kernel has no TCX: a filter (tc.h) holds the program. */
#define SL_FILTER_IS_HOLD    1
#define SL_FILTER_MADE_QDISC 2 /* the clsact qdisc came with it, and goes with it */

/* What an attachment was asked for with, so that one like it can be made again. */
struct sl_asked {
	__u64 memory_limit; /* bytes; 0: nobody asked: sluice was not attached */
	__u32 wanted;       /* enum sl_wanted_mode (daemon/ladder.h) */
	__u32 padding;
};

/* The one value of the pinned map `info`, an array. */
struct sl_info {
	__u32 abi_version; /* SL_ABI_VERSION */
	__u32 mode;        /* enum sl_attach_mode */
	__u32 ifindex;
	__u32 watcher_pid;  /* when it last wrote here */
	__u64 attached_at;  /* seconds since 1970 */
	__u64 generations;  /* compiled and swapped in since */
	__u64 published_ns; /* CLOCK_MONOTONIC of the last publication; 0: never */
	__u64 withdrawn_ns; /* … of the last change seen that made it stale; 0: fresh */
	__u32 rules;        /* of the last compile */
	__u32 filter;       /* SL_FILTER_*; 0: a link holds the program */
	/* Milliseconds that the last compile took: until the rules were read, and from then on
	 * until its program ran. */
	__u32 read_ms, made_ms;
	char device[16];
	__u32 hook_places; /* SL_PLACE_*: where netfilter links are */
	__u32 padding;
	struct sl_asked asked, before; /* now, and with what else before: `sluice rollback` */
};

/* By family and hook. */
#define SL_PLACE_IP_INPUT    (1 << 0)
#define SL_PLACE_IP_FORWARD  (1 << 1)
#define SL_PLACE_IP6_INPUT   (1 << 2)
#define SL_PLACE_IP6_FORWARD (1 << 3)
#define SL_PLACES            4

/* A value of the pinned map `rules`, an array by counter: which rule it is, and what it had
 * counted early in generations before this one. Behind the counters are rules that this generation
 * leaves to the kernel. Handles are nf_tables'. The last value is of no rule: its `packets` are the
 * id of the map `rule_counters` that the others go with, for the two pins are not put as one. */
struct sl_rule_entry {
	__u64 table_handle;
	__u64 rule_handle; /* 0: the policy of the chain */
	__u64 chain_handle;
	__u64 packets, bytes;
};

_Static_assert(sizeof(struct sl_info) == 16 + 4 * 8 + 8 + 8 + 16 + 8 + 32, "shared with maps");
_Static_assert(sizeof(struct sl_rule_entry) == 40, "shared with maps");

#endif
