/* SPDX-License-Identifier: GPL-2.0-only */
#include "trial.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
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
	if (!trial->rules.text || !trial->script) {
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
		    struct sl_record **ret_record, struct sl_diag *diag)
{
	SL_CLEANUP(sl_side_close) struct sl_side side = SL_SIDE_NONE;
	int error = sl_side_open(&trial->config, candidate, &side, diag);

	side.at_tc = trial->at_tc;
	if (!error)
		error = sl_rules_load(&side.lab, &trial->rules, diag);
	return error ? error : play_attached(trial, &side, ret_record, diag);
}

void sl_trial_judge(const struct sl_trial *trial, const struct sl_record *without,
		    const struct sl_record *with, FILE *report, struct sl_trial_result *ret_result)
{
	u32 differences = sl_compare(trial->script, without, with, report);

	*ret_result = (struct sl_trial_result){
		.verdict = differences ? SL_TRIAL_UNSTEADY : SL_TRIAL_SAME,
		.differences = differences,
		.acts = trial->script->acts.count,
		.silent = sl_record_count_silent(without),
		.early_drops = with->has_early_drops ? with->early_drops : with->xdp_drops,
		.hook_drops = with->hook_drops,
		.miscounts = with->has_early_drops && with->xdp_drops &&
			     with->early_drops != with->xdp_drops,
		.counters_miss = sl_compare_counters(without, with),
		.elapsed_ms = without->elapsed_ms > with->elapsed_ms ? without->elapsed_ms
								     : with->elapsed_ms,
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
	int error = run_side(trial, first, &without, diag);

	if (error)
		return sl_fail_in(diag, error, "without the candidate");
	error = run_side(trial, second, &with, diag);
	if (error)
		return sl_fail_in(diag, error, "with the candidate");
	sl_trial_judge(trial, without, with, report, ret_result);
	return 0;
}

#define CONFIRMATIONS 3

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

static void print_script(const struct sl_script *script, FILE *out)
{
	char text[512];

	for (u32 i = 0; i < script->acts.count; i++) {
		const struct sl_act *act = &script->acts.items[i];

		sl_act_describe(act, text, sizeof text);
		fprintf(out, "%3u %s\n    ", i, text);
		for (u32 j = 0; j < act->length; j++)
			fprintf(out, "%02x", act->bytes[j]);
		fputc('\n', out);
	}
}

int sl_trial_report(const struct sl_trial *trial, const struct sl_sides *sides, FILE *out,
		    struct sl_diag *diag)
{
	static const char *const formats[] = {"nft", "iptables-save", "ip6tables-save"};
	struct sl_trial_result result;
	char config[256];

	sl_lab_config_describe(&trial->config, config, sizeof config);
	fprintf(out, "seed %llu, candidate %s\nhost: %s\nrules (%s):\n%s\nscript:\n",
		(unsigned long long)trial->seed, sides->candidate->name, config,
		formats[trial->rules.format], trial->rules.text);
	print_script(trial->script, out);
	fputs("differences:\n", out);
	return run_both(trial, sides->reference, sides->candidate, out, &result, diag);
}

/* --- shrinking ------------------------------------------------------------------------------ */

#define SHRINK_MS 60000

struct shrinker {
	struct sl_trial *trial;
	const struct sl_sides *sides;
	struct timespec start;
};

static bool is_out_of_time(const struct shrinker *shrinker)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - shrinker->start.tv_sec) * 1000 > SHRINK_MS;
}

/* A trial that no longer runs, say because a chain is gone that a rule jumps to, shows nothing. */
static bool still_differs(const struct shrinker *shrinker)
{
	struct sl_trial_result result;
	struct sl_diag ignored;

	return !run_both(shrinker->trial, shrinker->sides->reference, shrinker->sides->candidate,
			 NULL, &result, &ignored) &&
	       result.differences;
}

static bool try_without_acts(struct shrinker *shrinker, u32 from, u32 count)
{
	struct sl_script *script = shrinker->trial->script;
	struct sl_script whole = *script;
	u32 rest = whole.acts.count - from - count;
	struct sl_act *fewer = sl_arena_alloc(shrinker->trial->arena,
					      (whole.acts.count - count + 1) * sizeof *fewer);

	if (!fewer)
		return false;
	memcpy(fewer, whole.acts.items, from * sizeof *fewer);
	memcpy(fewer + from, whole.acts.items + from + count, rest * sizeof *fewer);
	script->acts.items = fewer;
	script->acts.count = from + rest;
	if (still_differs(shrinker))
		return true;
	*script = whole;
	return false;
}

/* The rules are lines of text; the tools tell whether what is left of them still makes sense. */
static bool try_without_lines(struct shrinker *shrinker, u32 from, u32 count)
{
	const char *whole = shrinker->trial->rules.text;
	char *fewer = sl_arena_alloc(shrinker->trial->arena, strlen(whole) + 1), *out = fewer;
	u32 number = 0;

	if (!fewer)
		return false;
	for (const char *line = whole; *line; number++) {
		const char *end = strchr(line, '\n');
		size_t length = end ? (size_t)(end - line) + 1 : strlen(line);

		if (number < from || number >= from + count) {
			memcpy(out, line, length);
			out += length;
		}
		line += length;
	}
	*out = '\0';
	shrinker->trial->rules.text = fewer;
	if (still_differs(shrinker))
		return true;
	shrinker->trial->rules.text = whole;
	return false;
}

static u32 count_lines(const char *text)
{
	u32 lines = 0;

	for (; (text = strchr(text, '\n')); text++)
		lines++;
	return lines;
}

/* Halves, quarters, … single pieces, from the end to the beginning. */
static void shrink_by(struct shrinker *shrinker, u32 count,
		      bool (*try_without)(struct shrinker *shrinker, u32 from, u32 count))
{
	for (u32 size = count / 2 ? count / 2 : 1; size; size /= 2) {
		for (u32 end = count; end && !is_out_of_time(shrinker);) {
			u32 from = end > size ? end - size : 0;

			if (count > end - from && try_without(shrinker, from, end - from))
				count -= end - from;
			end = from;
		}
	}
}

int sl_trial_shrink(struct sl_trial *trial, const struct sl_sides *sides, struct sl_diag *diag)
{
	struct shrinker shrinker = {.trial = trial, .sides = sides};

	clock_gettime(CLOCK_MONOTONIC, &shrinker.start);
	if (!still_differs(&shrinker))
		return sl_fail(diag, EAGAIN, "the difference did not come again");
	shrink_by(&shrinker, trial->script->acts.count, try_without_acts);
	shrink_by(&shrinker, count_lines(trial->rules.text), try_without_lines);
	shrink_by(&shrinker, trial->script->acts.count, try_without_acts);
	return 0;
}
