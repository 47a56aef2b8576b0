/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The audit: a data plane that notes what it would drop, and passes it; a witness that sees the
 * kernel free packets; and user space, which holds the two against each other.
 *
 *	XDP or TC            kfree_skb               user space, each second
 *	would drop: +1 ───▶  drop of that: +1 ───▶   the table before: who is missing?
 *	      in the table of this second, or of the one before
 *
 * Two tables take turns (sl_audit_control.period), so that each has had a second without new
 * packets when it is read. A full one takes no more: what is not noted is counted.
 */
#ifndef SLUICE_ABI_AUDIT_H
#define SLUICE_ABI_AUDIT_H

#include <stddef.h>

#include <linux/types.h>

/* Different packets that a table has room for: about 4 MB. */
#define SL_AUDIT_KEYS 16384
/* Of a packet, from the Ethernet header on: what people are shown and rules are asked about. */
#define SL_AUDIT_BYTES 128
/* Room for about a hundred packets that the rules dropped and sluice did not. */
#define SL_AUDIT_RING_BYTES 16384
/* Packets that GRO makes one of, at most. */
#define SL_AUDIT_SEGMENTS_MAX 64

/*
 * What stays the same from the device to wherever the packet ends, GRO included: TTL, checksums,
 * IPv4's identification and what GRO gathers do not. Packets with equal keys are told apart by
 * their number alone.
 */
struct sl_audit_key {
	__be32 source[4], destination[4]; /* IPv4 in the first word */
	__be32 head; /* the first four bytes of transport: ports, or ICMP's type */
	__be32 tail; /* the next: TCP's sequence number; UDP's length, without the checksum */
	__u8 is_ip6, protocol;
	__u8 padding[2];
};

struct sl_audit_entry {
	__u32 decided;           /* to be dropped early */
	__u32 dropped;           /* of those: by the kernel's rules */
	__u32 freed;             /* of those: by the kernel, for another reason */
	__u32 reason;            /* enum skb_drop_reason of the first that was freed */
	__u64 first_ns, last_ns; /* CLOCK_MONOTONIC: when they were decided */
	__u32 length;            /* of the first frame */
	__u32 captured;
	__u8 bytes[SL_AUDIT_BYTES];
};

/* A packet that the kernel's rules dropped though sluice would have passed it. */
struct sl_audit_sample {
	__u32 length, captured;
	__u8 bytes[SL_AUDIT_BYTES];
};

/* Written by user space, read by both programs. */
struct sl_audit_control {
	__u64 period;     /* its lowest bit: the table that is written to */
	__u64 net_cookie; /* of the device's namespace */
	__u32 ifindex;    /* 0: nothing is on a device yet */
	__u32 splits; /* what GRO makes one of are many to the data plane, which sits before it */
};

enum sl_audit_count {
	SL_AUDIT_UNEXAMINED, /* would have been dropped, but the table was full */
	SL_AUDIT_DROPPED,    /* by the kernel's rules, of all that came by the device */
	SL_AUDIT_UNSAMPLED,  /* of those not decided early: not looked at, for want of room */
	SL_AUDIT_COUNTS,
};

_Static_assert(sizeof(struct sl_audit_key) == 44, "shared with maps, no holes");
_Static_assert(sizeof(struct sl_audit_entry) == 40 + SL_AUDIT_BYTES, "shared with maps, no holes");
_Static_assert(sizeof(struct sl_audit_control) == 24, "shared with maps");

#endif
