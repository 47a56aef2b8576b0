// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>

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

static void print_place(const struct sl_chain *chain)
{
	printf("%s ", sl_family_name(chain->family));
	sl_print_name(chain->table);
	printf(" ");
	sl_print_name(chain->name);
}

static void print_step(const struct sl_tracer *tracer, const struct sl_trace *trace,
		       const struct sl_trace_step *step, bool with_all)
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
	if (with_all && step->worlds != SL_WORLDS_ALL)
		sl_trace_append_worlds(text, " as ", step->worlds);
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

static void print_verdict(const struct sl_tracer *tracer, const struct sl_trace *trace)
{
	char reason[SL_TRACE_REASON];

	sl_trace_reason(tracer, trace, reason);
	printf("trace id %08x sluice: %s\n", trace->number, reason);
}

void sl_trace_print(const struct sl_tracer *tracer, const struct sl_trace *trace, bool with_all)
{
	printf("trace id %08x ", trace->number);
	print_packet(tracer, trace);
	for (u32 i = 0; i < trace->steps.count; i++)
		if (sl_trace_is_shown(trace, i, with_all))
			print_step(tracer, trace, &trace->steps.items[i], with_all);
	print_policy(trace);
	print_verdict(tracer, trace);
}
