// SPDX-License-Identifier: GPL-2.0-only
#include "cli/trace.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/capture.h"
#include "cli/cli.h"
#include "cli/names.h"
#include "load/attach.h"

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
static u32 trace_all(const struct sl_tracer *tracer, const struct sl_frames *frames, bool with_all,
		     json_t *packets)
{
	u32 disagreements = 0;

	for (u32 i = 0; i < frames->list.count; i++) {
		struct sl_trace trace = {.number = i + 1, .frame = &frames->list.items[i]};

		sl_tracer_run(tracer, &trace);
		if (packets)
			json_array_append_new(packets, sl_trace_describe(tracer, &trace, with_all));
		else
			sl_trace_print(tracer, &trace, with_all);
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
	int error = sl_tracer_open(cli->device, tracer, diag);

	if (!error)
		error = find_frames(cli, tracer->compiled->meaning, &frames, diag);
	if (error) {
		json_decref(packets);
		return error;
	}
	*ret_disagreements = trace_all(tracer, &frames, cli->verbose, packets);
	if (packets)
		sl_json_print(describe_all(tracer, packets, *ret_disagreements));
	return 0;
}

int sl_command_trace(const struct sl_cli *cli)
{
	struct sl_tracer tracer = {0};
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
	sl_tracer_close(&tracer);
	if (error)
		return sl_cli_refuse(&diag);
	return disagreements ? SL_EXIT_REFUSED : SL_EXIT_DONE;
}
