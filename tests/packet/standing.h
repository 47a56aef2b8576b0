/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two labs that stand for many trials: the candidate is attached once and follows the rules, as on
 * a host. Ten times as many rulesets go by as with labs of their own, and what is under test is
 * also that nothing of a ruleset outlives it.
 *
 * Enters: trials. Leaves: the first look at each: the same, or a difference, which is for labs of
 * the trial's own to confirm (trial.h).
 */
#ifndef SLUICE_PACKET_STANDING_H
#define SLUICE_PACKET_STANDING_H

#include "side.h"
#include "trial.h"

struct sl_standing {
	const struct sl_sides *sides;
	struct sl_lab_config config; /* of both, whatever a trial's own says */
	struct sl_side without, with;
	u32 trials; /* so far; 0: the labs are still to be built */
};

#define SL_STANDING_NONE                                                                           \
	{                                                                                          \
		.without = SL_SIDE_NONE, .with = SL_SIDE_NONE                                      \
	}

void sl_standing_init(struct sl_standing *standing, const struct sl_sides *sides);
void sl_standing_close(struct sl_standing *standing);

/*
 * Builds labs as the trial's configuration says where none stand, or those that do are old. The
 * verdict is SAME or UNSTEADY, which here is to say that it is not known yet.
 */
int sl_standing_run(struct sl_standing *standing, struct sl_trial *trial,
		    struct sl_trial_result *ret_result, struct sl_diag *diag);

#endif
