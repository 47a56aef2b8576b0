// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "api/handle.h"
#include "lib/tracer.h"

struct sluice_tracer {
	struct sluice *sluice;
	char device[IF_NAMESIZE];
	struct sl_tracer tracer;
};

/* What the caller sees is its beginning. */
struct told {
	struct sluice_trace trace;
	SL_LIST(struct sluice_step) steps;
};

struct question {
	struct sluice_tracer *tracer;
	const char *packet; /* in words; NULL: a frame */
	struct sl_frame frame;
	struct told *told;
};

static int open_tracer(struct sluice *sluice, void *context)
{
	struct sluice_tracer *tracer = context;

	if (!if_nametoindex(tracer->device))
		return sl_fail(&sluice->diag, ENODEV, "no device %s in this network namespace",
			       tracer->device);
	return sl_tracer_open(tracer->device, &tracer->tracer, &sluice->diag);
}

int sluice_tracer_open(struct sluice *sluice, const char *device, struct sluice_tracer **ret_tracer)
{
	struct sluice_tracer *tracer = calloc(1, sizeof *tracer);
	int error;

	if (!tracer)
		return sl_fail_memory(&sluice->diag);
	tracer->sluice = sluice;
	snprintf(tracer->device, sizeof tracer->device, "%s", device);
	error = sl_visit(sluice, open_tracer, tracer);
	if (error)
		sluice_tracer_close(tracer);
	else
		*ret_tracer = tracer;
	return error;
}

void sluice_tracer_close(struct sluice_tracer *tracer)
{
	if (!tracer)
		return;
	sl_tracer_close(&tracer->tracer);
	free(tracer);
}

static int tell_step(const struct sl_tracer *tracer, const struct sl_trace_step *step,
		     struct told *told)
{
	struct sl_arena *arena = tracer->compiled->meaning->arena;
	const struct sluice_rule rule = {
		.family = sl_family_name(step->chain->family),
		.table = step->chain->table,
		.chain = step->chain->name,
		.handle = step->rule->handle,
		.text = sl_rule_text_in(&tracer->texts, step->chain, step->rule),
	};
	struct sluice_step *slot = sl_list_push(arena, &told->steps);
	char verdict[SL_TRACE_VERDICT];

	if (!slot)
		return -ENOMEM;
	slot->rule = sl_rule_told(arena, &rule);
	slot->matched = step->matched;
	if (!step->matched)
		return slot->rule ? 0 : -ENOMEM;
	sl_trace_verdict(step, verdict);
	slot->verdict = sl_arena_strdup(arena, verdict);
	return slot->rule && slot->verdict ? 0 : -ENOMEM;
}

static int tell(const struct sl_tracer *tracer, const struct sl_trace *trace, struct told *told)
{
	char reason[SL_TRACE_REASON];
	int error = 0;

	sl_trace_reason(tracer, trace, reason);
	told->trace = (struct sluice_trace){
		.drops = trace->drop,
		.reason = sl_arena_strdup(tracer->compiled->meaning->arena, reason),
		.disagrees = trace->disagree,
	};
	for (u32 i = 0; i < trace->steps.count && !error; i++)
		if (sl_trace_is_shown(trace, i, true))
			error = tell_step(tracer, &trace->steps.items[i], told);
	return told->trace.reason ? error : -ENOMEM;
}

static int find_frame(struct question *question, struct sl_diag *diag)
{
	const struct sl_program *program = question->tracer->tracer.compiled->meaning;
	struct sl_frames frames;
	int error;

	if (!question->packet)
		return 0;
	error = sl_frames_describe(program->arena, question->packet, program, &frames, diag);
	if (!error)
		question->frame = frames.list.items[0];
	return error;
}

static int run_trace(struct sluice *sluice, void *context)
{
	struct question *question = context;
	const struct sl_tracer *tracer = &question->tracer->tracer;
	struct sl_trace trace = {.number = 1, .frame = &question->frame};
	struct told *told = sl_arena_alloc(tracer->compiled->meaning->arena, sizeof *told);
	int error = find_frame(question, &sluice->diag);

	if (error)
		return error;
	sl_tracer_run(tracer, &trace);
	if (!told || tell(tracer, &trace, told))
		return sl_fail_memory(&sluice->diag);
	question->told = told;
	return 0;
}

static int ask(struct question *question, const struct sluice_trace **ret_trace)
{
	int error = sl_visit(question->tracer->sluice, run_trace, question);

	if (!error)
		*ret_trace = &question->told->trace;
	return error;
}

int sluice_trace_frame(struct sluice_tracer *tracer, const void *frame, size_t length,
		       const struct sluice_trace **ret_trace)
{
	struct question question = {.tracer = tracer, .frame = {frame, (u32)length}};

	if (length > UINT16_MAX)
		return sl_fail(&tracer->sluice->diag, EMSGSIZE,
			       "a frame of %zu bytes: the longest is %d", length, UINT16_MAX);
	return ask(&question, ret_trace);
}

int sluice_trace_packet(struct sluice_tracer *tracer, const char *packet,
			const struct sluice_trace **ret_trace)
{
	struct question question = {.tracer = tracer, .packet = packet};

	return ask(&question, ret_trace);
}

const struct sluice_step *sluice_trace_step(const struct sluice_trace *trace, size_t index)
{
	const struct told *told = (const struct told *)trace;

	return index < told->steps.count ? &told->steps.items[index] : NULL;
}
