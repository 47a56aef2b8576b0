/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet as generated code sees it: bpf/sluice.bpf.c fills it in on its stack, the code that
 * src/codegen/ splices in reads it (and keeps its own notes there).
 */
#ifndef SLUICE_ABI_CURSOR_H
#define SLUICE_ABI_CURSOR_H

#include <stddef.h>

#include <linux/types.h>

#include "table.h"

/* Counted rules that one packet can meet; one more, and it passes (see ir/interp.h). */
#define SL_CURSOR_HITS 32
/* At ingress, where packets still have their padding, which the counter measures too. */
#define SL_HIT_PADDED 0x20
/* Nested jumps and gotos whose worlds can differ (see codegen/chain.c). */
#define SL_CURSOR_DEPTH 21

/*
 * The verifier follows numbers through the stack, and where a branch asks for one it proves the
 * program again for each value. It loses sight of what is stored elsewhere than at a multiple of
 * 8, unless it is 0. So every field that rules ask for or change stands elsewhere, and its first
 * value is not 0; what is loaded back is any number to the verifier.
 */
struct sl_cursor {
	/* Packet pointers; the verifier knows them, and that 8 bytes of transport are there. */
	__u64 network, transport, end;
	__u32 room;       /* bytes from `transport` to the end of the IP packet */
	__u32 frame_room; /* … to the end of the frame, which the ingress hook may look at */
	__u8 padding;
	__u8 protocol;    /* transport protocol */
	__u8 packet_type; /* PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST; marked */
	__u8 certain;     /* worlds in which no drop was ignored that may have taken the packet */
	__u32 mark;       /* the packet's, veiled: SL_CURSOR_VEIL */
	__u8 padding2;
	__u8 hits_left; /* free entries of hits[], from the front: it fills from the back */
	__u8 marked;    /* worlds in which `mark` is known to be the packet's; marked */
	__u8 padding3;
	__u32 worlds;               /* to lose sight of a register's value */
	__u32 hits[SL_CURSOR_HITS]; /* counter index << 8 | SL_HIT_PADDED | worlds it counts in */
	__u8 saved[24];             /* worlds that wait at the end of a chain, marked: SL_SAVED() */
	/* Room for one thing at a time: it is the largest piece of a stack of 512 bytes. */
	union {
		__u8 key[72];                /* a map key under construction, from key + 8 on */
		struct sl_question question; /* of a table */
		__u64 scratch[8 + 2];        /* bpf/'s own, between the rules and behind them */
	};
};

/*
 * At a netfilter hook: what the packet has come to have by then. It lies just ahead of what
 * `network` points to.
 */
struct sl_facts {
	__u32 status, ct_mark; /* of its connection */
	__u32 mark;            /* its own */
	__u32 oif;             /* the device that it leaves by; 0: none */
	__u8 oifname[16];      /* NUL padded */
	__u8 direction;        /* in its connection */
	__u8 padding[7];
};

/* Where a field of them is, from `network`. */
#define SL_FACT(field) ((int)offsetof(struct sl_facts, field) - (int)sizeof(struct sl_facts))

/* Keeps a byte that may be 0 from being it. */
#define SL_CURSOR_MARK 0x80

/* The same for a word: what is stored is the value ^ this. */
#define SL_CURSOR_VEIL 0x51ce0000u

/* The offset of one of SL_CURSOR_DEPTH saved sets of worlds. */
#define SL_SAVED(slot) (offsetof(struct sl_cursor, saved) + (slot) / 7 * 8 + 1 + (slot) % 7)

/* Where generated code goes: `call SL_MARKER_…` in the object that clang built. */
enum sl_marker {
	SL_MARKER_FIRST = 0x51ce00,
	SL_MARKER_IP_PREROUTING = SL_MARKER_FIRST,
	SL_MARKER_IP_INPUT,
	SL_MARKER_IP_FORWARD,
	SL_MARKER_IP6_PREROUTING,
	SL_MARKER_IP6_INPUT,
	SL_MARKER_IP6_FORWARD,
	SL_MARKER_LAST = SL_MARKER_IP6_FORWARD,
};

/*
 * What a marker takes in r2 and leaves in r0: three sets of worlds (ir/ir.h) in one register.
 * Bits 24–31 are the generated code's own (the worlds of the rule at hand) and 0 outside it.
 */
#define SL_LIVE_SHIFT     0
#define SL_ACCEPTED_SHIFT 8
#define SL_PASS_SHIFT     16
#define SL_RULE_SHIFT     24
#define SL_WORLDS_MASK    0xff

/* The value of every hash map of a set. */
struct sl_set_value {
	__u64 expires_at_ns; /* CLOCK_MONOTONIC; 0: never. Behind it see SL_EXPIRY_GRACE_NS */
	__u32 verdict;       /* verdict maps: which of the set's distinct verdicts */
	__u32 counter;       /* the counter of the rule that this element was; or SL_NO_HIT */
};

#define SL_NO_HIT 0xffffffffu

/* For so long behind an element's expiry it may or may not be there (ir/ir.h). */
#define SL_EXPIRY_GRACE_NS 2000000000ULL

_Static_assert(sizeof(struct sl_cursor) ==
		       24 + 8 + 8 + 8 + 4 * SL_CURSOR_HITS + 24 + sizeof(struct sl_question),
	       "no holes that clang and gcc could fill differently");
_Static_assert(offsetof(struct sl_cursor, protocol) % 8 == 1 &&
		       offsetof(struct sl_cursor, mark) % 8 == 4 &&
		       offsetof(struct sl_cursor, hits_left) % 8 == 1 &&
		       offsetof(struct sl_cursor, worlds) % 8 == 4 &&
		       offsetof(struct sl_cursor, saved) % 8 == 0,
	       "out of the verifier's sight");
_Static_assert(offsetof(struct sl_cursor, question) % 8 == 0, "written in words of 8 bytes");
_Static_assert(sizeof(struct sl_facts) == 40, "no holes, and what follows it is aligned");
_Static_assert(sizeof(struct sl_set_value) == 16, "shared with maps");

#endif
