/* SPDX-License-Identifier: GPL-2.0-only */
#include "trial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "changes.h"
#include "pools.h"
#include "side.h"

int sl_trial_draw(u64 seed, u32 frames, const struct sl_rules *rules, struct sl_trial **ret_trial,
		  struct sl_diag *diag)
{
	struct sl_arena *arena = sl_arena_new();
	struct sl_trial *trial = arena ? sl_arena_alloc(arena, sizeof *trial) : NULL;
	struct sl_random random = {seed};

	if (!trial) {
		sl_arena_free(arena);
		return sl_fail_memory(diag);
	}
	*trial = (struct sl_trial){
		.arena = arena, .seed = seed, .config = sl_lab_config_draw(&random)};
	u64 rules_seed = sl_random_next(&random), script_seed = sl_random_next(&random);
	trial->rules = rules ? *rules : sl_rules_draw(arena, rules_seed);
	trial->script = sl_script_draw(arena, script_seed, frames);
	trial->waits = sl_random_chance(&random, 5);
	trial->at_tc = sl_random_chance(&random, 50);
	bool changes = sl_random_chance(&random, 20);
	if (!trial->rules.text || !trial->script ||
	    (changes && !sl_script_add_changes(arena, sl_random_next(&random), trial->script))) {
		sl_trial_free(trial);
		return sl_fail_memory(diag);
	}
	*ret_trial = trial;
	return 0;
}

void sl_trial_free(struct sl_trial *trial)
{
	if (trial)
		sl_arena_free(trial->arena);
}

static void free_record(struct sl_record **record)
{
	sl_record_free(*record);
}

/* From the attach to the detach, which is tried also where the part between them fails. */
static int play_attached(const struct sl_trial *trial, struct sl_side *side,
			 struct sl_record **ret_record, struct sl_diag *diag)
{
	struct sl_diag ignored;
	int error = sl_side_attach(side, diag);

	if (!error && side->candidate && trial->waits)
		nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 100000000}, NULL);
	if (!error)
		error = sl_side_play(side, trial->script, ret_record, diag);
	int detach_error = sl_side_detach(side, error ? &ignored : diag);
	return error ? error : detach_error;
}

/* One side of the trial from a fresh lab to a record. `candidate` may be NULL. */
static int run_side(const struct sl_trial *trial, const struct sl_candidate *candidate,
		    struct sl_observer *foresees, struct sl_record **ret_record,
		    struct sl_diag *diag)
{
	SL_CLEANUP(sl_side_close) struct sl_side side = SL_SIDE_NONE;
	int error = sl_side_open(&trial->config, candidate, &side, diag);

	side.at_tc = trial->at_tc;
	side.foresees = foresees;
	if (!error)
		error = sl_rules_load(&side.lab, &trial->rules, diag);
	return error ? error : play_attached(trial, &side, ret_record, diag);
}

/*
 * New and invalid are counted as one, and reports that the dut makes by the clock are counted too.
 * A generation that lacks a rule forgets what it counted early.
 */
static bool counts_exactly(const struct sl_trial *trial)
{
	const char *rules = trial->rules.text;

	return !trial->stands && !sl_script_changes(trial->script) && !strstr(rules, "ct ") &&
	       !strstr(rules, "state") && !strstr(rules, "conntrack");
}

static bool is_for_dut(const u8 *address)
{
	const struct sl_pool_texts *own = &sl_pool_addresses[0][SL_POOL_DUT];

	for (u32 i = 0; i < own->count; i++) {
		u8 bytes[4];

		if (inet_pton(AF_INET, own->texts[i], bytes) == 1 && !memcmp(bytes, address, 4))
			return true;
	}
	return false;
}

/*
 * An IPv4 frame that the kernel throws away just ahead of its input rules. Where they would drop
 * it, sluice does, and counts it for them (docs/what-changes.md).
 */
static bool is_lost_ahead(const struct sl_trial *trial, const struct sl_act *act)
{
	struct sl_layout layout;

	if ((act->kind != SL_ACT_PEER_SENDS && act->kind != SL_ACT_BACK_SENDS) ||
	    !sl_layout_read(act->bytes, act->length, 14, &layout) || layout.is_ip6)
		return false;
	return sl_checksum(act->bytes + 14, 20, 0) != 0 ||
	       (!trial->config.forwards_ip && !is_for_dut(act->bytes + 14 + 16));
}

/* A count that is too low is a difference, and so is one that such frames do not explain. */
static u32 compare_counts(const struct sl_trial *trial, const struct sl_record *without,
			  const struct sl_record *with, FILE *report)
{
	u64 off = sl_compare_counts(without, with), lost_ahead = 0;

	for (u32 i = 0; i < trial->script->acts.count; i++)
		lost_ahead += is_lost_ahead(trial, &trial->script->acts.items[i]);
	if (sl_record_sum_counts(with) >= sl_record_sum_counts(without) && off <= lost_ahead)
		return 0;
	if (report)
		fprintf(report, "  rules' counts, early ones included, are off by %llu\n",
			(unsigned long long)off);
	return 1;
}

void sl_trial_judge(const struct sl_trial *trial, const struct sl_record *without,
		    const struct sl_record *with, FILE *report, struct sl_trial_result *ret_result)
{
	u32 differences = sl_compare(trial->script, without, with, report);
	u32 elapsed_ms =
		without->elapsed_ms > with->elapsed_ms ? without->elapsed_ms : with->elapsed_ms;

	if (counts_exactly(trial))
		differences += compare_counts(trial, without, with, report);
	/* Changes take their time. Behind a second the dut's TCP says everything again. */
	if (elapsed_ms > SL_TRIAL_STEADY_MS && sl_script_changes(trial->script))
		differences = 0;
	*ret_result = (struct sl_trial_result){
		.verdict = differences ? SL_TRIAL_UNSTEADY : SL_TRIAL_SAME,
		.differences = differences,
		.acts = trial->script->acts.count,
		.silent = sl_record_count_silent(without),
		.doomed = sl_record_count_doomed(without),
		.early_drops = with->has_early_drops ? with->early_drops : with->xdp_drops,
		.hook_drops = with->hook_drops,
		.miscounts = with->has_early_drops && with->xdp_drops &&
			     with->early_drops != with->xdp_drops,
		.counts_off = sl_compare_counts(without, with),
		.early_hits = with->early_hits,
		.elapsed_ms = elapsed_ms,
	};
	for (const char *at = without->conntrack; (at = strchr(at, '\n')); at++)
		ret_result->connections++;
}

static int run_both(const struct sl_trial *trial, const struct sl_candidate *first,
		    const struct sl_candidate *second, FILE *report,
		    struct sl_trial_result *ret_result, struct sl_diag *diag)
{
	SL_CLEANUP(free_record) struct sl_record *without = NULL;
	SL_CLEANUP(free_record) struct sl_record *with = NULL;
	int error = run_side(trial, first, second ? second->observer : NULL, &without, diag);

	if (error)
		return sl_fail_in(diag, error, "without the candidate");
	error = run_side(trial, second, NULL, &with, diag);
	if (error)
		return sl_fail_in(diag, error, "with the candidate");
	sl_trial_judge(trial, without, with, report, ret_result);
	return 0;
}

#define CONFIRMATIONS 3
#define SLOW_TRIES    3

static void note_elapsed(struct sl_trial_result *result, const struct sl_trial_result *other)
{
	if (other->elapsed_ms > result->elapsed_ms)
		result->elapsed_ms = other->elapsed_ms;
}

/* A difference was seen once. What is it worth? */
static int confirm(const struct sl_trial *trial, const struct sl_sides *sides,
		   struct sl_trial_result *result, struct sl_diag *diag)
{
	result->verdict = SL_TRIAL_DIFFERENT;
	for (u32 i = 0; i < CONFIRMATIONS && result->verdict == SL_TRIAL_DIFFERENT; i++) {
		struct sl_trial_result again, control;
		int error = run_both(trial, sides->reference, sides->candidate, NULL, &again, diag);

		if (!error)
			error = run_both(trial, sides->reference, sides->reference, sides->noise,
					 &control, diag);
		if (error)
			return error;
		note_elapsed(result, &again);
		note_elapsed(result, &control);
		if (control.differences)
			result->verdict = SL_TRIAL_NOISY;
		else if (!again.differences)
			result->verdict = SL_TRIAL_UNSTEADY;
	}
	return 0;
}

int sl_trial_run(const struct sl_trial *trial, const struct sl_sides *sides,
		 struct sl_trial_result *ret_result, struct sl_diag *diag)
{
	struct sl_trial_result result;
	int error =
		run_both(trial, sides->reference, sides->candidate, sides->noise, &result, diag);

	if (!error && result.differences)
		error = confirm(trial, sides, &result, diag);
	if (!error)
		*ret_result = result;
	return error;
}

int sl_trial_report(const struct sl_trial *trial, const struct sl_sides *sides, FILE *out,
		    struct sl_diag *diag)
{
	SL_CLEANUP(sl_free) char *text = NULL;
	struct sl_trial_result result;
	size_t size = 0;
	FILE *report = open_memstream(&text, &size);

	if (!report)
		return sl_fail_memory(diag);
	int error = run_both(trial, sides->reference, sides->candidate, report, &result, diag);
	if (fclose(report))
		return error ? error : sl_fail_memory(diag);
	fprintf(out, "# differences, with %s:\n", sides->candidate->name);
	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");

		fprintf(out, "# %.*s\n", (int)length, line);
		line += length + (line[length] == '\n');
	}
	return error;
}

bool sl_trial_differs(const struct sl_trial *trial, const struct sl_sides *sides)
{
	struct sl_trial_result result = {0};
	struct sl_diag ignored;

	for (u32 i = 0; i < SLOW_TRIES; i++) {
		if (run_both(trial, sides->reference, sides->candidate, NULL, &result, &ignored))
			return false;
		if (!result.differences || result.elapsed_ms <= SL_TRIAL_STEADY_MS)
			break;
	}
	return result.differences;
}
