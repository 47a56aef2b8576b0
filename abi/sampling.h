/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Samples of what was dropped early: one in so many, while somebody watches.
 *
 *	data plane                                  watcher (load/samples.h)
 *	drop: every? random? ──▶ ring ────────────▶ reads
 *	          ▲                                    │
 *	          └── cell: every, until ◀─────────────┘ each second: until = now + some seconds
 *
 * A watcher that was killed renews nothing: the first sample behind `until_ns` turns sampling off.
 */
#ifndef SLUICE_ABI_SAMPLING_H
#define SLUICE_ABI_SAMPLING_H

#include <linux/types.h>

/* The ring's size: room for 1,500 samples. A full one takes no more: `lost` counts. */
#define SL_SAMPLING_RING_BYTES (256 * 1024)
/* Of a packet: headers, and a little of what they carry. */
#define SL_SAMPLE_BYTES 128

enum sl_sample_place {
	SL_SAMPLE_XDP,  /* bytes from the Ethernet header on, as on the device: without its tag */
	SL_SAMPLE_TC,   /* the same */
	SL_SAMPLE_HOOK, /* at a netfilter hook: bytes from the IP header on */
};

/* The one value of the pinned array `sampling`. */
struct sl_sampling_cell {
	__u32 every;    /* one of so many drops, by chance; 0: nobody watches */
	__u32 watcher;  /* the process that does, until then */
	__u64 until_ns; /* CLOCK_MONOTONIC; 0: nobody */
	__u64 lost;     /* samples that found no room, or could not be read; never set back */
};

/* A record of the pinned ring buffer `samples`. */
struct sl_sample {
	__u64 at_ns; /* CLOCK_MONOTONIC */
	__u32 ifindex;
	__u32 every;      /* it stands for so many drops */
	__u32 generation; /* of nf_tables, whose rules dropped it */
	/* The last rule with a counter that the packet met, which need not be the one that dropped
	 * it: an index of the map `rule_counters` with this id, or SL_NO_HIT. */
	__u32 counters, counter;
	__u32 length; /* of the whole packet, from where `bytes` begin */
	__u16 captured;
	__u8 place;  /* enum sl_sample_place */
	__u8 worlds; /* those that it can have been in (ir/ir.h) */
	__u32 padding;
	__u8 bytes[SL_SAMPLE_BYTES];
};

_Static_assert(sizeof(struct sl_sampling_cell) == 24, "shared with maps");
_Static_assert(sizeof(struct sl_sample) == 40 + SL_SAMPLE_BYTES, "shared with maps, no holes");

#endif
