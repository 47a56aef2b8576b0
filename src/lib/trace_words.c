// SPDX-License-Identifier: GPL-2.0-only
/* Pieces of a packet's way in words, which a terminal and JSON say alike. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/tracer.h"

const char *sl_fate_text(enum sl_fate_count fate)
{
	static const char *const texts[SL_FATE_COUNTS] = {
		[SL_DROPPED] = "dropped",
		[SL_PASSED_ODD] = "not an ordinary packet",
		[SL_PASSED_RULES] = "by the rules",
		[SL_PASSED_CONNTRACK] = "a connection exists or may exist",
		[SL_PASSED_ROUTE] = "neither local nor plainly forwarded",
		[SL_PASSED_STALE] = "the rules have just changed",
		[SL_PASSED_UNDER_WAY] = "one ahead of it may add it to a set",
	};

	return texts[fate];
}

static void append(char text[SL_TRACE_VERDICT], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void append(char text[SL_TRACE_VERDICT], const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, SL_TRACE_VERDICT - used, format, args);
	va_end(args);
}

static const char *const world_names[] = {"new", "established", "related", "invalid", "untracked"};

void sl_trace_append_worlds(char text[SL_TRACE_VERDICT], const char *lead, u8 worlds)
{
	for (u32 i = 0; i < SL_ARRAY_SIZE(world_names); i++) {
		if (!(worlds & 1 << i))
			continue;
		append(text, "%s%s", lead, world_names[i]);
		lead = ",";
	}
}

/* The last op says what happens; those before it, under which condition. */
static void append_op(char text[SL_TRACE_VERDICT], const struct sl_op *op)
{
	static const char *const names[] = {
		[SL_VERDICT_CONTINUE] = "continue", [SL_VERDICT_ACCEPT] = "accept",
		[SL_VERDICT_DROP] = "drop",         [SL_VERDICT_JUMP] = "jump",
		[SL_VERDICT_GOTO] = "goto",         [SL_VERDICT_RETURN] = "return",
		[SL_VERDICT_KERNEL] = "kernel",
	};

	if (op->kind == SL_OP_KERNEL || op->kind == SL_OP_LIMIT || op->kind == SL_OP_FILL)
		append(text, "kernel: %s", op->reason);
	else if (op->kind == SL_OP_VMAP)
		append(text, "by map");
	else if (op->kind == SL_OP_VERDICT)
		append(text, "%s%s%s", names[op->verdict.kind], op->verdict.chain ? " " : "",
		       op->verdict.chain ? op->verdict.chain->name : "");
	else
		append(text, "continue");
}

void sl_trace_verdict(const struct sl_trace_step *step, char ret_text[SL_TRACE_VERDICT])
{
	const struct sl_rule *rule = step->rule;
	u8 worlds = step->worlds;

	ret_text[0] = '\0';
	if (rule->ops.count)
		append_op(ret_text, &rule->ops.items[rule->ops.count - 1]);
	else
		append(ret_text, "continue");
	for (u32 i = 0; i < rule->ops.count; i++) {
		const struct sl_op *op = &rule->ops.items[i];

		/* A set that packets fill is of the moment: here nothing is clear. */
		if (op->kind == SL_OP_UNKNOWN || op->kind == SL_OP_FILLED)
			append(ret_text, ", if it matches: %s", op->reason);
		if (op->kind == SL_OP_STATE)
			worlds &= op->worlds;
	}
	if (worlds != step->worlds)
		sl_trace_append_worlds(ret_text, " if ", worlds);
}

bool sl_trace_is_shown(const struct sl_trace *trace, u32 index, bool with_all)
{
	const struct sl_trace_step *steps = trace->steps.items, *step = &steps[index];
	u32 first = index, end = index + 1;

	if (step->matched || !with_all)
		return step->matched;
	while (first && steps[first - 1].chain == step->chain &&
	       steps[first - 1].rule->handle == step->rule->handle)
		first--;
	while (end < trace->steps.count && steps[end].chain == step->chain &&
	       steps[end].rule->handle == step->rule->handle)
		end++;
	for (u32 i = first; i < end; i++)
		if (steps[i].matched)
			return false;
	return index == first;
}

/* Where the program and the interpreter have their own reasons, the program's comes first. */
static void say_passed(const struct sl_trace *trace, char ret_text[SL_TRACE_REASON])
{
	static const char passed[] = "passed to the kernel";
	const struct sl_outcome *outcome = &trace->outcome;

	if (trace->run.ran && trace->run.fate == SL_PASSED_STALE)
		snprintf(ret_text, SL_TRACE_REASON, "%s: %s", passed,
			 sl_fate_text(SL_PASSED_STALE));
	else if (outcome->drop)
		snprintf(ret_text, SL_TRACE_REASON, "%s: left to it by the program (%s)", passed,
			 sl_fate_text(trace->run.fate));
	else
		snprintf(ret_text, SL_TRACE_REASON, "%s: %s%s%s", passed, outcome->reason,
			 outcome->subject ? ": " : "", outcome->subject ? outcome->subject : "");
}

void sl_trace_reason(const struct sl_tracer *tracer, const struct sl_trace *trace,
		     char ret_text[SL_TRACE_REASON])
{
	size_t used;

	if (trace->drop)
		snprintf(ret_text, SL_TRACE_REASON, "dropped early, at %s",
			 tracer->runner.point == SL_POINT_TC ? "TC" : "XDP");
	else
		say_passed(trace, ret_text);
	used = strlen(ret_text);
	if (!trace->run.ran)
		snprintf(ret_text + used, SL_TRACE_REASON - used,
			 " (by the interpreter alone; the program was not run: %s)",
			 trace->run.why_not);
}
