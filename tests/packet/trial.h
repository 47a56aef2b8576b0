/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A trial: one ruleset and one script, run in two fresh labs, one without and one with the
 * candidate, and judged.
 *
 * Enters: a seed (or rules), a candidate. Leaves: a verdict and figures.
 * Promised: a difference counts only if it comes again in new labs, and if two labs without a
 * candidate do not differ in the same trial.
 */
#ifndef SLUICE_PACKET_TRIAL_H
#define SLUICE_PACKET_TRIAL_H

#include "candidate.h"
#include "compare.h"
#include "rulesets.h"
#include "script.h"

struct sl_trial {
	struct sl_arena *arena; /* owns everything here */
	u64 seed;
	struct sl_lab_config config;
	struct sl_rules rules;
	struct sl_script *script;
	/*
	 * The candidate is given time first. Behind conntrack sluice drops nothing for a second
	 * after an attach where rules or routes may tell packets of one batch apart (bpf/batch.h).
	 */
	bool waits;
	/*
	 * It attaches at TC, where packets of one batch need no telling apart: at XDP most of what
	 * is dropped behind conntrack passes, since a script's packets come close together.
	 */
	bool at_tc;
	bool stands; /* in labs that had others before it (standing.h) */
};

/* The two sides. */
struct sl_sides {
	const struct sl_candidate *reference; /* pass_all, or nothing with --bare */
	const struct sl_candidate *candidate;
	FILE *noise; /* for differences that do not count; NULL where nobody wants them */
};

enum sl_trial_verdict {
	SL_TRIAL_SAME,
	SL_TRIAL_DIFFERENT, /* again and again, and only with the candidate */
	SL_TRIAL_UNSTEADY,  /* a difference that did not come again */
	SL_TRIAL_NOISY,     /* two labs without a candidate differ too */
	SL_TRIAL_VERDICT_COUNT,
};

/* Nothing that goes by the clock happens in the dut before. */
#define SL_TRIAL_STEADY_MS 900

struct sl_trial_result {
	enum sl_trial_verdict verdict;
	u32 differences;
	u32 acts, silent; /* silent: nothing was seen without the candidate */
	u32 doomed;       /* acts that the interpreter said nothing would come of */
	u64 early_drops;  /* by the candidate's count, else by the driver's */
	u64 hook_drops;   /* at netfilter's hooks, by the candidate's count */
	u64 early_hits;   /* of rules' counters, by sluice */
	u64 counts_off;   /* packets by which these, early ones included, are not what they were */
	u32 elapsed_ms;   /* of the longest run */
	u32 connections;  /* in the reference's table at the end */
	bool miscounts;   /* the candidate's count is not the driver's, where that has one */
};

/* Draws a trial of about `frames` acts. With `rules` (else NULL) these instead of random ones. */
int sl_trial_draw(u64 seed, u32 frames, const struct sl_rules *rules, struct sl_trial **ret_trial,
		  struct sl_diag *diag);
void sl_trial_free(struct sl_trial *trial); /* NULL is fine */

/* Two records of it: the figures, and SAME or, as long as nothing confirms it, UNSTEADY. */
void sl_trial_judge(const struct sl_trial *trial, const struct sl_record *without,
		    const struct sl_record *with, FILE *report, struct sl_trial_result *ret_result);

int sl_trial_run(const struct sl_trial *trial, const struct sl_sides *sides,
		 struct sl_trial_result *ret_result, struct sl_diag *diag);

/* One run of both, unconfirmed; where that was too slow to be steady, up to three. False where it
 * does not run. */
bool sl_trial_differs(const struct sl_trial *trial, const struct sl_sides *sides);

/* Runs the trial once more and writes what differs, as comments of a trial's file. */
int sl_trial_report(const struct sl_trial *trial, const struct sl_sides *sides, FILE *out,
		    struct sl_diag *diag);

#endif
