// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/names.h"
#include "cli/packet_text.h"
#include "cli/trace.h"

static void print_packet(const struct sl_tracer *tracer, const struct sl_trace *trace)
{
	printf("packet: ");
	sl_packet_print(&tracer->compiled->meaning->device, tracer->device, trace->frame->bytes,
			trace->frame->length, stdout);
	printf("\n");
}

/* Its way */

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

static void append_worlds(char text[SL_TRACE_VERDICT], const char *lead, u8 worlds)
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
		append_worlds(ret_text, " if ", worlds);
}

bool sl_trace_is_shown(const struct sl_tracer *tracer, const struct sl_trace *trace, u32 index)
{
	const struct sl_trace_step *steps = trace->steps.items, *step = &steps[index];
	u32 first = index, end = index + 1;

	if (step->matched || !tracer->is_verbose)
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

static void print_place(const struct sl_chain *chain)
{
	printf("%s ", sl_family_name(chain->family));
	sl_print_name(chain->table);
	printf(" ");
	sl_print_name(chain->name);
}

static void print_step(const struct sl_tracer *tracer, const struct sl_trace *trace,
		       const struct sl_trace_step *step)
{
	char text[SL_TRACE_VERDICT] = "";

	printf("trace id %08x ", trace->number);
	print_place(step->chain);
	printf(" rule ");
	sl_print_name(sl_rule_text_in(&tracer->texts, step->chain, step->rule));
	printf(" # handle %" PRIu64, step->rule->handle);
	if (step->matched)
		sl_trace_verdict(step, text);
	if (step->matched)
		printf(" (verdict %s)", text);
	else
		printf(" (no match)");
	text[0] = '\0';
	if (tracer->is_verbose && step->worlds != SL_WORLDS_ALL)
		append_worlds(text, " as ", step->worlds);
	printf("%s\n", text);
}

static void print_policy(const struct sl_trace *trace)
{
	const struct sl_outcome *outcome = &trace->outcome;

	if (!outcome->chain || outcome->rule)
		return;
	printf("trace id %08x ", trace->number);
	print_place(outcome->chain);
	printf(" policy %s\n", outcome->drop ? "drop" : "accept");
}

/* Where the program and the interpreter have their own reasons, the program's comes first. */
static void print_reason(const struct sl_trace *trace)
{
	const struct sl_outcome *outcome = &trace->outcome;

	printf("passed to the kernel: ");
	if (trace->run.ran && trace->run.fate == SL_PASSED_STALE)
		printf("%s", sl_fate_text(SL_PASSED_STALE));
	else if (outcome->drop)
		printf("left to it by the program (%s)", sl_fate_text(trace->run.fate));
	else
		printf("%s%s%s", outcome->reason, outcome->subject ? ": " : "",
		       outcome->subject ? outcome->subject : "");
}

static void print_verdict(const struct sl_tracer *tracer, const struct sl_trace *trace)
{
	printf("trace id %08x sluice: ", trace->number);
	if (trace->drop)
		printf("dropped early, at %s", tracer->runner.point == SL_POINT_TC ? "TC" : "XDP");
	else
		print_reason(trace);
	if (!trace->run.ran)
		printf(" (by the interpreter alone; the program was not run: %s)",
		       trace->run.why_not);
	printf("\n");
}

void sl_trace_print(const struct sl_tracer *tracer, const struct sl_trace *trace)
{
	printf("trace id %08x ", trace->number);
	print_packet(tracer, trace);
	for (u32 i = 0; i < trace->steps.count; i++)
		if (sl_trace_is_shown(tracer, trace, i))
			print_step(tracer, trace, &trace->steps.items[i]);
	print_policy(trace);
	print_verdict(tracer, trace);
}
