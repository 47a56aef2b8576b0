// SPDX-License-Identifier: GPL-2.0-only
#include "lib/tracer.h"

#include <errno.h>

#include "lib/attachments.h"
#include "lib/explain.h"
#include "load/memory.h"
#include "source/conntrack.h"

#define PATIENCE_MS 2000

static u8 worlds_found(const struct sl_tracer *tracer, const struct sl_run *run)
{
	u8 miss = tracer->compiled->program->miss_worlds;

	if (tracer->may_relate)
		miss |= SL_WORLD_RELATED;
	return run->ran && run->fate == SL_PASSED_CONNTRACK ? SL_WORLDS_ALL : miss;
}

struct recording {
	struct sl_arena *arena;
	struct sl_trace *trace;
};

static void record(void *context, const struct sl_chain *chain, const struct sl_rule *rule,
		   u8 worlds, bool matched)
{
	struct recording *recording = context;
	struct sl_trace_step *step = sl_list_push(recording->arena, &recording->trace->steps);

	if (step)
		*step = (struct sl_trace_step){chain, rule, worlds, matched};
}

void sl_tracer_run(const struct sl_tracer *tracer, struct sl_trace *trace)
{
	const struct sl_compiled *compiled = tracer->compiled;
	struct recording recording = {compiled->meaning->arena, trace};
	const struct sl_frame *frame = trace->frame;
	struct sl_answers answers = {.route = SL_FATE_UNKNOWN};
	bool is_explained;

	trace->run = sl_runner_run(&tracer->runner, trace->frame);
	answers.worlds = worlds_found(tracer, &trace->run);
	is_explained = !trace->run.ran || trace->run.fate == SL_PASSED_STALE ||
		       sl_explain_find_route(compiled->program, frame, trace->run.drop, &answers) ||
		       (!trace->run.drop && compiled->code_is_cut);
	trace->disagree = !is_explained;
	sl_explain(compiled->meaning, frame, &answers, record, &recording, &trace->outcome);
	trace->drop = trace->run.ran ? trace->run.drop : trace->outcome.drop;
}

static int compile(struct sl_tracer *tracer, struct sl_diag *diag)
{
	struct sl_attachments attachments;
	u32 own = 0;
	bool is_attached;
	struct sl_observer *observer;
	int error = sl_attachments_read(tracer->device, &attachments, diag);

	if (error)
		return error;
	is_attached = attachments.count && attachments.items[0].is_alive;
	if (is_attached) {
		tracer->may_relate = attachments.items[0].may_relate;
		tracer->attached = (enum sl_attach_mode)attachments.items[0].info.mode;
		if (tracer->attached == SL_MODE_TC)
			own = sl_attachment_program(&attachments, &attachments.items[0]);
	}
	sl_attachments_free(&attachments);
	if (!is_attached)
		tracer->may_relate = sl_conntrack_expects(NULL) || sl_conntrack_has_helpers(NULL);
	error = sl_observer_open(&observer, diag);
	if (error)
		return error;
	error = sl_compile_live(observer, tracer->device, own, false, PATIENCE_MS,
				SL_MEMORY_UNLIMITED, &tracer->compiled, diag);
	sl_observer_free(observer);
	return error;
}

int sl_tracer_open(const char *device, struct sl_tracer *tracer, struct sl_diag *diag)
{
	enum sl_hook_point point;
	int error;

	*tracer = (struct sl_tracer){.device = device};
	error = compile(tracer, diag);

	if (error)
		return error;
	tracer->texts.rules = tracer->compiled->rules;
	tracer->texts.program = tracer->compiled->meaning;
	tracer->texts.loaded = &tracer->loaded;
	point = tracer->attached == SL_MODE_TC || tracer->compiled->program->device.wants_tc
			? SL_POINT_TC
			: SL_POINT_XDP;
	return sl_runner_open(tracer->compiled, point, tracer->may_relate, &tracer->runner, diag);
}

void sl_tracer_close(struct sl_tracer *tracer)
{
	sl_runner_close(&tracer->runner);
	sl_compiled_free(tracer->compiled);
}
