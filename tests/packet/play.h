/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Plays a script in a lab and records what came of it.
 *
 * After each act everything is let settle, without a sleep: marker frames (their own ethertype)
 * follow the same queues through the dut and back out of it, so when they have arrived, so has
 * all that was ahead of them. What arrived is answered, and that is let settle too, until a round
 * brings nothing new.
 *
 * Enters: a lab with its rules loaded, a script. Leaves: a record.
 * Promised: bounded in time; a marker that does not come within five seconds is an error.
 */
#ifndef SLUICE_PACKET_PLAY_H
#define SLUICE_PACKET_PLAY_H

#include "candidate.h"
#include "foresight.h"
#include "record.h"
#include "script.h"
#include "services.h"

/* Where a script is played. */
struct sl_stage {
	const struct sl_lab *lab;
	struct sl_services *services;
	const struct sl_candidate *candidate; /* attached; given time to follow. May be NULL */
	struct sl_foresight *foresight;       /* may be NULL */
};

int sl_play(const struct sl_stage *stage, const struct sl_script *script,
	    struct sl_record **ret_record, struct sl_diag *diag);

#endif
