/* SPDX-License-Identifier: GPL-2.0-only */
#include "self_proof.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "shrink.h"

#define QUIET_TRIALS 15
#define EXACT_TRIALS 5
#define HUNT_TRIALS  40 /* for each mutant, at most */
#define SLOW_TRIES   5
#define FRAMES       200

/* A host as they are: some services open, the rest dropped. */
static const char exact_rules[] = "table ip filter {\n"
				  "\tchain input {\n"
				  "\t\ttype filter hook input priority 0; policy accept;\n"
				  "\t\tudp dport 9000 drop\n"
				  "\t}\n"
				  "}\n";

static const char *const hunted[] = {
	"mutant_ttl_one",     "mutant_fragments",  "mutant_udp_68",
	"mutant_icmp_errors", "mutant_other_macs", "mutant_ip_options",
	"mutant_first_data",  "mutant_vlan_tags",  "mutant_ip6_options",
};

static void close_trial(struct sl_trial **trial)
{
	sl_trial_free(*trial);
}

/* Runs one trial; on an error it prints it and returns false. */
static bool run_one(u64 seed, const struct sl_rules *rules, bool forwards,
		    const struct sl_sides *sides, struct sl_trial_result *ret_result)
{
	SL_CLEANUP(close_trial) struct sl_trial *trial = NULL;
	struct sl_diag diag = {""};
	int error = sl_trial_draw(seed, FRAMES, rules, &trial, &diag);

	if (!error) {
		trial->config.forwards_ip &= forwards;
		trial->config.has_guest &= forwards;
		error = sl_trial_run(trial, sides, ret_result, &diag);
	}
	if (error)
		printf("seed %llu: %s\n%s\n", (unsigned long long)seed, diag.text,
		       trial ? trial->rules.text : "");
	return !error;
}

/*
 * Behind a second the dut's TCP says everything again: what a machine is too slow for proves
 * nothing, and is tried again.
 */
static bool run_steadily(u64 seed, const struct sl_rules *rules, const struct sl_sides *sides,
			 struct sl_trial_result *ret_result)
{
	for (u32 i = 0; i < SLOW_TRIES; i++) {
		if (!run_one(seed, rules, !rules, sides, ret_result))
			return false;
		if (ret_result->verdict != SL_TRIAL_UNSTEADY ||
		    ret_result->elapsed_ms <= SL_TRIAL_STEADY_MS)
			break;
	}
	return true;
}

/* With random rules where `rules` is NULL. `drops` says whether something has to be dropped. */
static bool stays_quiet(const struct sl_sides *sides, const struct sl_rules *rules, u64 seed,
			u32 trials, bool drops)
{
	u64 early = 0;

	for (u32 i = 0; i < trials; i++) {
		struct sl_trial_result result;

		if (!run_steadily(seed + i, rules, sides, &result))
			return false;
		early += result.early_drops;
		if (result.verdict == SL_TRIAL_SAME || result.verdict == SL_TRIAL_NOISY)
			continue;
		printf("FAIL %s: seed %llu differs (%s, in %u ms)\n", sides->candidate->name,
		       (unsigned long long)(seed + i),
		       result.verdict == SL_TRIAL_DIFFERENT ? "always" : "once", result.elapsed_ms);
		return false;
	}
	if (drops != (early > 0)) {
		printf("FAIL %s: %llu early drops\n", sides->candidate->name,
		       (unsigned long long)early);
		return false;
	}
	printf("ok   %s differs in nothing: %u trials, %llu early drops\n", sides->candidate->name,
	       trials, (unsigned long long)early);
	return true;
}

static bool is_caught(const struct sl_sides *sides, u64 seed)
{
	for (u32 i = 0; i < HUNT_TRIALS; i++) {
		struct sl_trial_result result;

		if (!run_one(seed + i, NULL, true, sides, &result))
			return false;
		if (result.verdict != SL_TRIAL_DIFFERENT)
			continue;
		printf("ok   %s is caught by trial %u: %u differences\n", sides->candidate->name,
		       i + 1, result.differences);
		return true;
	}
	printf("FAIL %s: not caught in %u trials\n", sides->candidate->name, HUNT_TRIALS);
	return false;
}

static u32 count_lines(const char *text)
{
	u32 lines = 0;

	for (; (text = strchr(text, '\n')); text++)
		lines++;
	return lines;
}

/* A difference comes down to what a person can look at. */
static bool shrinks(const struct sl_sides *sides, u64 seed)
{
	for (u32 i = 0; i < HUNT_TRIALS; i++) {
		SL_CLEANUP(close_trial) struct sl_trial *trial = NULL;
		struct sl_trial_result result;
		struct sl_diag diag = {""};

		if (sl_trial_draw(seed + i, FRAMES, NULL, &trial, &diag) ||
		    sl_trial_run(trial, sides, &result, &diag))
			return false;
		if (result.verdict != SL_TRIAL_DIFFERENT)
			continue;
		(void)sl_trial_shrink(trial, sides, &diag);
		u32 acts = trial->script->acts.count, rules = count_lines(trial->rules.text);
		bool is_small = acts <= 2 && rules <= 3;
		printf("%s %s shrinks to %u acts and %u lines of rules\n",
		       is_small ? "ok  " : "FAIL", sides->candidate->name, acts, rules);
		return is_small;
	}
	return false;
}

bool sl_self_proof(const struct mutants_bpf *mutants, u64 seed)
{
	struct sl_rules rules = {SL_RULES_NFT, exact_rules};
	struct sl_candidate pass_all, exact, mutant;
	struct sl_sides sides = {.reference = &pass_all, .candidate = &pass_all};
	bool good = true;

	if (sl_mutants_find(mutants, "pass_all", &pass_all) ||
	    sl_mutants_find(mutants, "exact_udp_9000", &exact))
		return false;
	printf("seed %llu\n", (unsigned long long)seed);
	good &= stays_quiet(&sides, NULL, seed, QUIET_TRIALS, false);
	sides.candidate = &exact;
	good &= stays_quiet(&sides, &rules, seed, EXACT_TRIALS, true);
	sides.candidate = &mutant;
	for (u32 i = 0; i < SL_ARRAY_SIZE(hunted); i++)
		good &= !sl_mutants_find(mutants, hunted[i], &mutant) && is_caught(&sides, seed);
	good &= !sl_mutants_find(mutants, "mutant_udp_68", &mutant) && shrinks(&sides, seed);
	return good;
}
