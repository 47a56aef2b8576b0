/* SPDX-License-Identifier: GPL-2.0-only */
/* Two programs that must mean the same, before and after a pass: random frames tell. */
#ifndef SLUICE_TESTS_ORACLE_TWINS_H
#define SLUICE_TESTS_ORACLE_TWINS_H

#include "ir/ir.h"

/*
 * Judges `frames` random frames by both; verdict and passing worlds must be equal, and the hits,
 * if they are asked for. Returns
 * how many were dropped; the first difference is printed, with both programs, and ends the test.
 */
u32 sl_twins_compare(u64 seed, const struct sl_program *plain, const struct sl_program *changed,
		     u32 frames, bool with_hits);

#endif
