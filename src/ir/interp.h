/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interpreter: the oracle that classifier, optimiser and generated code must agree with. It
 * follows ir.h word by word, allocates nothing, and is written to be read, not to be fast.
 */
#ifndef SLUICE_IR_INTERP_H
#define SLUICE_IR_INTERP_H

#include "filled.h"
#include "ir/ir.h"
#include "way_back.h"

/* What the data plane can find out about a packet by asking the kernel. */
struct sl_oracle {
	/*
	 * The worlds that a conntrack lookup leaves possible; SL_WORLDS_ALL where the protocol
	 * has no lookup; never 0. program->miss_worlds for a miss, of which the packet's form may
	 * leave one (ir/form.h); the packet's world for a program with a TRACKED step. Asked at
	 * most once, and only if the walk got as far as conntrack. NULL: nothing is known.
	 */
	u8 (*conntrack)(void *context, const u8 *frame, u32 length);
	/*
	 * The FIB's answer for ROUTE_LOOKUP, asked for a unicast destination that is not in
	 * program->local; FORWARD only if the packet fits the MTU of another device. NULL: unknown.
	 */
	enum sl_fate {
		SL_FATE_UNKNOWN,
		SL_FATE_INPUT,
		SL_FATE_FORWARD
	} (*route)(void *context, const u8 *frame, u32 length);
	/* For WAY_BACK. NULL: unknown. */
	enum sl_way_back (*way_back)(void *context, const u8 *frame, u32 length);
	/* Whether one of program->limits has surely nothing left. NULL: of none it is known. */
	bool (*is_spent)(void *context, u32 limit);
	/* Whether one of program->filled has a key. NULL: of none it is clear. */
	enum sl_filled_answer (*has)(void *context, u32 filled, const u8 *key);
	void *context;
	/* Of a packet at a netfilter hook. NULL: not known, and matches on it act as UNKNOWN. */
	const struct sl_facts *facts;
	u64 now_ns; /* CLOCK_MONOTONIC, for elements that expire */
};

#define SL_HITS_MAX 32

struct sl_outcome {
	bool drop;
	u8 pass; /* worlds in which the kernel must see the packet */
	/* Why it passes, for the first world that does: static or program-owned strings. */
	const char *reason;  /* "" for a drop */
	const char *subject; /* completes the reason: "limit"; NULL where nothing is to add */
	/*
	 * The counters to add one packet to, in the order met; only for a drop. A packet that
	 * meets more than SL_HITS_MAX of them, over all worlds, passes.
	 */
	u32 hits[SL_HITS_MAX], hit_count;
	/*
	 * Who decided, for `trace`: a rule and its chain, or a base chain by its policy (`rule` is
	 * NULL), or nobody's rules (both are).
	 */
	const struct sl_chain *chain;
	const struct sl_rule *rule;
};

/*
 * Called for each rule that is met, with the worlds that it was met in and whether it matched in
 * any; for `sluice trace`. NULL where not wanted.
 */
typedef void sl_trace_fn(void *context, const struct sl_chain *chain, const struct sl_rule *rule,
			 u8 worlds, bool matched);

/* Judges one Ethernet frame as it would arrive at the program's device. */
void sl_interp(const struct sl_program *program, const u8 *frame, u32 length,
	       const struct sl_oracle *oracle, sl_trace_fn *trace, void *trace_context,
	       struct sl_outcome *ret_outcome);

#endif
