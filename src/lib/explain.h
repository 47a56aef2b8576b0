/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a packet was judged as it was: the interpreter, told what the program has found out of the
 * kernel.
 */
#ifndef SLUICE_LIB_EXPLAIN_H
#define SLUICE_LIB_EXPLAIN_H

#include "lib/frames.h"
#include "ir/interp.h"

/* What the kernel would answer. */
struct sl_answers {
	u8 worlds; /* that a conntrack lookup leaves */
	enum sl_fate route;
	enum sl_way_back way_back; /* to the source */
};

/* `trace` may be NULL. */
void sl_explain(const struct sl_program *program, const struct sl_frame *frame,
		const struct sl_answers *answers, sl_trace_fn *trace, void *trace_context,
		struct sl_outcome *ret_outcome);

/*
 * Which way routing sends the packet, and where the way back leads, only the program knows; it does
 * not say. So the interpreter is asked for each; false if none of them leads to the program's
 * verdict.
 */
bool sl_explain_find_route(const struct sl_program *program, const struct sl_frame *frame,
			   bool drop, struct sl_answers *answers);

#endif
