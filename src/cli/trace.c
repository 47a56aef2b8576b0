// SPDX-License-Identifier: GPL-2.0-only
#include "cli/trace.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/attachments.h"
#include "cli/cli.h"
#include "cli/explain.h"
#include "cli/names.h"
#include "daemon/keeper.h"
#include "load/attach.h"
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

static void trace_frame(const struct sl_tracer *tracer, struct sl_trace *trace)
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

/* What to trace */

/* All words that are left, as one; a single one may be a file. */
static char *join(const struct sl_cli *cli, struct sl_arena *arena)
{
	char *text = sl_arena_strdup(arena, cli->arguments[0]);

	for (u32 i = 1; i < cli->argument_count && text; i++)
		text = sl_arena_printf(arena, "%s %s", text, cli->arguments[i]);
	return text;
}

static int find_frames(const struct sl_cli *cli, const struct sl_program *program,
		       struct sl_frames *ret_frames, struct sl_diag *diag)
{
	const char *first = cli->arguments[0];
	char *text = join(cli, program->arena);

	if (!text)
		return sl_fail_memory(diag);
	if (cli->argument_count > 1 || (strchr(first, ' ') && access(first, F_OK)))
		return sl_frames_describe(program->arena, text, program, ret_frames, diag);
	return sl_frames_read(program->arena, first, ret_frames, diag);
}

/* The rules, and the program as it would run where it is attached. */

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

static int open_tracer(struct sl_tracer *tracer, struct sl_diag *diag)
{
	enum sl_hook_point point;
	int error = compile(tracer, diag);

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

static void close_tracer(struct sl_tracer *tracer)
{
	sl_runner_close(&tracer->runner);
	sl_compiled_free(tracer->compiled);
}

/* Output */

static void warn(const struct sl_trace *trace)
{
	fflush(stdout);
	fprintf(stderr,
		"sluice: WARNING: packet %u: the program says %s, the interpreter %s. That is a "
		"bug in sluice: please report it with the rules and the packet, and detach\n",
		trace->number, trace->run.drop ? "drop" : "pass",
		trace->run.drop ? "pass" : "drop");
}

static json_t *describe_all(const struct sl_tracer *tracer, json_t *packets, u32 disagreements)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:i}", "device", tracer->device, "attached",
			 sl_mode_name(tracer->attached), "tested_by",
			 tracer->runner.point == SL_POINT_TC ? "tc" : "xdp", "packets", packets,
			 "disagreements", (int)disagreements);
}

/* How many packets the two disagreed on. */
static u32 trace_all(const struct sl_tracer *tracer, const struct sl_frames *frames,
		     json_t *packets)
{
	u32 disagreements = 0;

	for (u32 i = 0; i < frames->list.count; i++) {
		struct sl_trace trace = {.number = i + 1, .frame = &frames->list.items[i]};

		trace_frame(tracer, &trace);
		if (packets)
			json_array_append_new(packets, sl_trace_describe(tracer, &trace));
		else
			sl_trace_print(tracer, &trace);
		if (trace.disagree)
			warn(&trace);
		disagreements += trace.disagree;
	}
	return disagreements;
}

static int trace(const struct sl_cli *cli, struct sl_tracer *tracer, u32 *ret_disagreements,
		 struct sl_diag *diag)
{
	json_t *packets = cli->json ? json_array() : NULL;
	struct sl_frames frames;
	int error = open_tracer(tracer, diag);

	if (!error)
		error = find_frames(cli, tracer->compiled->meaning, &frames, diag);
	if (error) {
		json_decref(packets);
		return error;
	}
	*ret_disagreements = trace_all(tracer, &frames, packets);
	if (packets)
		sl_json_print(describe_all(tracer, packets, *ret_disagreements));
	return 0;
}

int sl_command_trace(const struct sl_cli *cli)
{
	struct sl_tracer tracer = {.device = cli->device, .is_verbose = cli->verbose};
	struct sl_diag diag = {0};
	u32 disagreements = 0;
	int error;

	if (!sl_cli_need_device(cli, "trace"))
		return SL_EXIT_USAGE;
	if (!cli->argument_count)
		return sl_cli_usage("trace", "which packets? A capture file, or a packet such as: "
					     "ip saddr 192.0.2.1 tcp dport 22");
	if (!if_nametoindex(cli->device)) {
		sl_fail(&diag, ENODEV, "no device %s in this network namespace", cli->device);
		return sl_cli_refuse(&diag);
	}
	error = trace(cli, &tracer, &disagreements, &diag);
	close_tracer(&tracer);
	if (error)
		return sl_cli_refuse(&diag);
	return disagreements ? SL_EXIT_REFUSED : SL_EXIT_DONE;
}
