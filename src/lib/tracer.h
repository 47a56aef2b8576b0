/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One packet after another through a copy of the program and through the interpreter, which must
 * agree. The interpreter tells the way; the program's verdict is the one that counts.
 */
#ifndef SLUICE_LIB_TRACER_H
#define SLUICE_LIB_TRACER_H

#include "compile.h"
#include "info.h"
#include "ir/interp.h"
#include "lib/frames.h"
#include "lib/rule_text.h"
#include "load/dataplane.h"

/* trace_run.c: the program, loaded a second time so that no counter of the live one moves. */
struct sl_runner {
	struct sl_dataplane *dataplane;
	enum sl_hook_point point;
	u32 ifindex;
};

struct sl_run {
	bool ran;
	const char *why_not; /* where it did not run: static */
	bool drop;
	enum sl_fate_count fate;
};

/*
 * By TC where the device cannot be tested by XDP, which wants a driver with its queues open.
 * `may_relate`: a packet of no connection may be RELATED.
 */
int sl_runner_open(struct sl_compiled *compiled, enum sl_hook_point point, bool may_relate,
		   struct sl_runner *ret_runner, struct sl_diag *diag);
void sl_runner_close(struct sl_runner *runner);
struct sl_run sl_runner_run(const struct sl_runner *runner, const struct sl_frame *frame);

/* A rule that the packet met. */
struct sl_trace_step {
	const struct sl_chain *chain;
	const struct sl_rule *rule;
	u8 worlds; /* in which it was met */
	bool matched;
};

struct sl_trace {
	u32 number; /* of the packet, from 1 */
	const struct sl_frame *frame;
	struct sl_run run;
	struct sl_outcome outcome; /* the interpreter's, of the rules as they were lifted */
	SL_LIST(struct sl_trace_step) steps;
	bool drop;     /* the program's verdict; the interpreter's where it did not run */
	bool disagree; /* the two differ, and nothing explains it */
};

struct sl_tracer {
	const char *device;
	enum sl_attach_mode attached;
	struct sl_compiled *compiled;
	struct sl_late_listing loaded;
	struct sl_rule_texts texts;
	struct sl_runner runner;
	bool may_relate; /* as the attached program has it; unattached, as it would */
};

/*
 * Compiles the live rules of the calling thread's network namespace for a device, as they run
 * where it is attached. 0 or -errno; close it in any case. The device's name is borrowed.
 */
int sl_tracer_open(const char *device, struct sl_tracer *tracer, struct sl_diag *diag);
void sl_tracer_close(struct sl_tracer *tracer);

/* Fills in all but the number and the frame; the steps are in the tracer's memory. */
void sl_tracer_run(const struct sl_tracer *tracer, struct sl_trace *trace);

/* trace_words.c */
const char *sl_fate_text(enum sl_fate_count fate);

/* What a rule that matched leads to: "drop if invalid", "jump CHAIN", "kernel: limit". */
#define SL_TRACE_VERDICT 192
void sl_trace_verdict(const struct sl_trace_step *step, char ret_text[SL_TRACE_VERDICT]);

/*
 * Rules that match, or all that are met. A rule that was lifted once for each state is one to
 * a reader: its copies that do not match are only shown, once, if none does.
 */
bool sl_trace_is_shown(const struct sl_trace *trace, u32 index, bool with_all);

/* Why the verdict: "dropped early, at XDP", "passed to the kernel: …". */
#define SL_TRACE_REASON 512
void sl_trace_reason(const struct sl_tracer *tracer, const struct sl_trace *trace,
		     char ret_text[SL_TRACE_REASON]);

/* " as new,invalid": the worlds behind `lead`, appended. */
void sl_trace_append_worlds(char text[SL_TRACE_VERDICT], const char *lead, u8 worlds);

#endif
