// SPDX-License-Identifier: GPL-2.0-only
#include "cli/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/names.h"
#include "cli/packet_text.h"
#include "load/attach.h"

/* Disagreements that are told in words, a second and, for --json, together. */
#define SHOWN_MAX 10
#define CASES_MAX 1000

/*
 * The rule by which the program dropped the packet: in the worlds of a miss, or in all. What there
 * is of the packet may be too little to tell that it is not INVALID, as the program could.
 */
static bool find_drop(const struct sl_compiled *compiled, const struct sl_frame *frame,
		      struct sl_outcome *ret_outcome)
{
	const u8 worlds[] = {compiled->program->miss_worlds, SL_WORLD_NEW, SL_WORLDS_ALL};

	for (u32 i = 0; i < SL_ARRAY_SIZE(worlds); i++)
		if (sl_deciders_find_drop(compiled->program, compiled->meaning, frame,
					  worlds[i] ? worlds[i] : SL_WORLDS_ALL, ret_outcome))
			return true;
	return false;
}

/* In words; malloc'd, or NULL. */
static char *describe_packet(const struct sl_auditor *auditor, const struct sl_compiled *compiled,
			     const struct sl_frame *frame)
{
	static const struct sl_device any;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	sl_packet_print(compiled ? &compiled->meaning->device : &any, auditor->cli->device,
			frame->bytes, frame->length, out);
	fclose(out);
	return text;
}

/* When it was decided, by the clock on the wall. */
static time_t wall_time(u64 at_ns)
{
	return time(NULL) - (time_t)((sl_monotonic_ns() - at_ns) / 1000000000);
}

static void show(struct sl_auditor *auditor, const struct sl_disagreement *disagreement)
{
	const struct sl_audit_entry *entry = disagreement->entry;
	struct sl_frame frame =
		sl_deciders_frame(&auditor->deciders, entry->bytes, entry->captured, entry->length);
	SL_CLEANUP(sl_free)
	char *packet = describe_packet(auditor, disagreement->compiled, &frame);
	struct sl_outcome outcome;
	struct sl_audit_case one = {
		.at = wall_time(entry->last_ns),
		.packets = disagreement->packets,
		.packet = packet ? packet : "",
		.reason = disagreement->reason,
		.is_known = disagreement->compiled,
	};

	if (disagreement->compiled && find_drop(disagreement->compiled, &frame, &outcome)) {
		one.is_explained = true;
		one.decider = sl_deciders_name(&auditor->deciders, disagreement->compiled,
					       outcome.chain, outcome.rule);
	}
	if (auditor->cases)
		json_array_append_new(auditor->cases, sl_audit_describe_case(&one));
	else
		sl_audit_print_case(auditor, &one);
}

static void hear_disagreement(void *context, const struct sl_disagreement *disagreement)
{
	struct sl_auditor *auditor = context;

	if (auditor->shown < SHOWN_MAX &&
	    (!auditor->cases || json_array_size(auditor->cases) < CASES_MAX)) {
		auditor->shown++;
		show(auditor, disagreement);
	} else {
		auditor->unshown++;
	}
}

static void hear_sample(void *context, const struct sl_audit_sample *sample,
			const struct sl_compiled *compiled)
{
	sl_rest_add(context, sample, compiled);
}

static bool hear_tick(void *context)
{
	struct sl_auditor *auditor = context;
	u64 limit_ns = auditor->cli->for_seconds * 1000000000ULL;

	auditor->shown = 0;
	auditor->rest.spent_ns = 0;
	auditor->ended_ns = sl_monotonic_ns();
	if (!auditor->cli->json && isatty(STDERR_FILENO))
		sl_audit_print_progress(auditor);
	return limit_ns && auditor->ended_ns - auditor->began_ns >= limit_ns;
}

struct sl_audit_summary sl_audit_summarise(const struct sl_auditor *auditor)
{
	struct sl_audit_summary summary = {.totals = sl_audit_totals(auditor->audit)};
	const struct sl_audit_totals *totals = &summary.totals;

	sl_keeper_fates(auditor->keeper, summary.fates);
	for (u32 i = 0; i < SL_FATE_COUNTS; i++)
		summary.packets += summary.fates[i].packets;
	summary.decided = summary.fates[SL_DROPPED].packets;
	summary.early = totals->agreed + totals->unexamined;
	summary.is_estimate = totals->unexamined;
	if (summary.early > totals->dropped)
		summary.early = totals->dropped;
	return summary;
}

double sl_audit_percent(u64 part, u64 whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 100.0;
}

static int begin(struct sl_auditor *auditor, char ladder[SL_LADDER_TEXT], struct sl_diag *diag)
{
	const struct sl_audit_listener listener = {
		.context = auditor,
		.disagreed = hear_disagreement,
		.sampled = hear_sample,
		.ticked = hear_tick,
	};
	const struct sl_cli *cli = auditor->cli;
	int error;

	if (cli->json)
		auditor->cases = json_array();
	if (sl_deciders_open(&auditor->deciders) || (cli->json && !auditor->cases))
		return sl_fail_memory(diag);
	error = sl_audit_open(&listener, &auditor->audit, diag);
	if (!error)
		error = sl_keeper_audit(cli->device, cli->mode, cli->memory_limit, auditor->audit,
					&auditor->keeper, ladder, diag);
	return error ? error : sl_keeper_start(auditor->keeper, true, diag);
}

static void announce(const struct sl_auditor *auditor, const char *ladder)
{
	const struct sl_cli *cli = auditor->cli;

	if (cli->json)
		return;
	printf("%s: auditing, mode %s; nothing is dropped\n", cli->device,
	       sl_mode_name(sl_keeper_mode(auditor->keeper)));
	if (cli->verbose)
		printf("%s\n", ladder);
	fflush(stdout);
}

static void end(struct sl_auditor *auditor)
{
	sl_keeper_free(auditor->keeper);
	sl_audit_free(auditor->audit);
	sl_rest_free(&auditor->rest);
	json_decref(auditor->cases);
	sl_deciders_close(&auditor->deciders);
}

static int run(struct sl_auditor *auditor, struct sl_diag *diag)
{
	char ladder[SL_LADDER_TEXT] = "";
	int error = begin(auditor, ladder, diag);

	if (error)
		return error;
	announce(auditor, ladder);
	auditor->began_ns = auditor->ended_ns = sl_monotonic_ns();
	error = sl_keeper_run(auditor->keeper, diag);
	if (error)
		return error;
	sl_rest_sort(&auditor->rest);
	if (auditor->cli->json)
		return sl_json_print(sl_audit_describe(auditor)) ? sl_fail_memory(diag) : 0;
	sl_audit_print_summary(auditor);
	return 0;
}

int sl_command_audit(const struct sl_cli *cli)
{
	struct sl_auditor auditor = {.cli = cli};
	struct sl_diag diag = {0};
	u64 disagreed = 0;
	int error;

	if (!sl_cli_need_device(cli, "audit"))
		return SL_EXIT_USAGE;
	if (cli->argument_count)
		return sl_cli_usage("audit", "\"%s\" is one word too many", cli->arguments[0]);
	error = run(&auditor, &diag);
	if (!error)
		disagreed = sl_audit_totals(auditor.audit).disagreed;
	end(&auditor);
	if (error)
		return sl_cli_refuse(&diag);
	return disagreed ? SL_EXIT_REFUSED : SL_EXIT_DONE;
}
