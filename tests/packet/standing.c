// SPDX-License-Identifier: GPL-2.0-only
#include "standing.h"

#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "changes.h"

/* Then it is time for another kind of host, and another way to attach. */
#define TRIALS_MAX 24

/*
 * The kernel gives up on a fragment's siblings after 30 seconds, and says so; and TIME_WAIT ends
 * after 60. Younger labs hear nothing of the trials before.
 */
#define AGE_MAX_NS (20000 * SL_NS_PER_MS)

static void free_record(struct sl_record **record)
{
	sl_record_free(*record);
}

void sl_standing_init(struct sl_standing *standing, const struct sl_sides *sides)
{
	*standing = (struct sl_standing)SL_STANDING_NONE;
	standing->sides = sides;
}

/* In the session, whose first process this is, keepers that have ended are left to it. */
static void bury_keepers(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

void sl_standing_close(struct sl_standing *standing)
{
	sl_side_close(&standing->without);
	sl_side_close(&standing->with);
	bury_keepers();
	standing->trials = 0;
}

static int build(struct sl_standing *standing, const struct sl_trial *trial, struct sl_diag *diag)
{
	const struct sl_sides *sides = standing->sides;

	sl_standing_close(standing);
	standing->config = trial->config;
	/* Under a macvlan nothing is dropped early: that is for single trials to show. */
	standing->config.has_guest = false;
	int error = sl_side_open(&standing->config, sides->reference, &standing->without, diag);

	if (!error)
		error = sl_side_open(&standing->config, sides->candidate, &standing->with, diag);
	standing->without.lab.lasts = standing->with.lab.lasts = true;
	standing->with.at_tc = trial->at_tc;
	standing->without.foresees = sides->candidate->observer;
	if (!error)
		error = sl_side_attach(&standing->without, diag);
	return error ? error : sl_side_attach(&standing->with, diag);
}

/* The candidate follows its rules while the other side plays, which needs no waiting. */
static int play_both(struct sl_standing *standing, const struct sl_trial *trial,
		     struct sl_record **ret_without, struct sl_record **ret_with,
		     struct sl_diag *diag)
{
	struct sl_side *without = &standing->without, *with = &standing->with;
	int error = sl_side_renew(with, &trial->rules, diag);

	if (!error)
		error = sl_side_renew(without, &trial->rules, diag);
	if (!error)
		error = sl_side_play(without, trial->script, ret_without, diag);
	if (!error)
		error = sl_side_settle(with, diag);
	return error ? error : sl_side_play(with, trial->script, ret_with, diag);
}

static bool is_worn(const struct sl_standing *standing)
{
	return standing->trials % TRIALS_MAX == 0 ||
	       sl_monotonic_ns() - standing->without.opened_ns > AGE_MAX_NS;
}

int sl_standing_run(struct sl_standing *standing, struct sl_trial *trial,
		    struct sl_trial_result *ret_result, struct sl_diag *diag)
{
	SL_CLEANUP(free_record) struct sl_record *without = NULL;
	SL_CLEANUP(free_record) struct sl_record *with = NULL;
	int error = is_worn(standing) ? build(standing, trial, diag) : 0;

	standing->trials++;
	trial->config = standing->config;
	trial->at_tc = standing->with.at_tc;
	if (!error)
		error = play_both(standing, trial, &without, &with, diag);
	if (error) {
		sl_standing_close(standing);
		return error;
	}
	sl_trial_judge(trial, without, with, NULL, ret_result);
	if (ret_result->verdict != SL_TRIAL_SAME) /* it may never come again */
		(void)sl_compare(trial->script, without, with, stdout);
	/* Nothing follows in labs that differ, or have become others; rules are replaced anyway. */
	if (ret_result->verdict != SL_TRIAL_SAME || sl_script_changes_host(trial->script))
		sl_standing_close(standing);
	return 0;
}
