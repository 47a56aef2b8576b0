/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interpreter: the oracle that classifier, optimiser and generated code must agree with. It
 * follows ir.h word by word, allocates nothing, and is written to be read, not to be fast.
 */
#ifndef SLUICE_IR_INTERP_H
#define SLUICE_IR_INTERP_H

#include "ir/ir.h"

/* What the data plane can find out about a packet by asking the kernel. */
struct sl_oracle {
	/*
	 * The worlds that a conntrack lookup leaves possible; SL_WORLDS_ALL where the protocol
	 * has no lookup. NULL: nothing is known.
	 */
	u8 (*conntrack)(void *context, const u8 *frame, u32 length);
	/* The FIB's answer for ROUTE_LOOKUP; NULL: unknown. */
	enum sl_fate {
		SL_FATE_UNKNOWN,
		SL_FATE_INPUT,
		SL_FATE_FORWARD
	} (*route)(void *context, const u8 *frame, u32 length);
	void *context;
	u64 now_ns; /* CLOCK_MONOTONIC, for elements that expire */
};

#define SL_HITS_MAX 32

struct sl_outcome {
	bool drop;
	u8 pass;            /* worlds in which the kernel must see the packet */
	const char *reason; /* why it passes: a static or program-owned string, "" for a drop */
	/* The counters to add one packet to, in the order met; only for a drop. */
	u32 hits[SL_HITS_MAX], hit_count;
	/* The last rule that decided, for `trace`; NULL for a policy or where none did. */
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
