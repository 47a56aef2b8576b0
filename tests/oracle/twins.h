/* SPDX-License-Identifier: GPL-2.0-only */
/* Two programs that must mean the same, before and after a pass: random frames tell. */
#ifndef SLUICE_TESTS_ORACLE_TWINS_H
#define SLUICE_TESTS_ORACLE_TWINS_H

#include "ir/interp.h"

/*
 * Judges `frames` random frames by both; verdict and passing worlds must be equal, and the hits,
 * if they are asked for. Returns
 * how many were dropped; the first difference is printed, with both programs, and ends the test.
 */
u32 sl_twins_compare(u64 seed, const struct sl_program *plain, const struct sl_program *changed,
		     u32 frames, bool with_hits);
/* The same where legalising came in between. */
u32 sl_twins_compare_legal(u64 seed, const struct sl_program *plain, const struct sl_program *legal,
			   u32 frames);

/* Of one frame: verdict, passing worlds and hits. */
bool sl_outcomes_equal(const struct sl_outcome *a, const struct sl_outcome *b);
/* Legalising may only turn a drop into a pass, of some worlds or of all. */
bool sl_outcome_is_cautious(const struct sl_outcome *plain, const struct sl_outcome *legal);

#endif
