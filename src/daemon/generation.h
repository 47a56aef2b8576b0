/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Generations: what the rules were at one moment, compiled and in the kernel.
 *
 * Enters: a keeper. Leaves: its newest generation in the link, its maps pinned, the old one freed.
 * Promised: what fails up to the swap leaves the generation before in place; it is stale, and
 * passes. Behind the swap the new one is vouched for at once, and only pins can still fail: then
 * they speak of the generation before, as stale, until they are put. Nothing else rests on them.
 */
#ifndef SLUICE_DAEMON_GENERATION_H
#define SLUICE_DAEMON_GENERATION_H

#include "daemon/keeper_state.h"

/* With all that adopting it will take, so that nothing is missing then. */
int sl_generation_compile(struct sl_keeper *keeper, struct sl_compiled **ret_compiled,
			  struct sl_tally *ret_tally, struct sl_diag *diag);
int sl_generation_load(struct sl_compiled *compiled, enum sl_attach_mode mode,
		       const struct sl_handover *handover, struct sl_dataplane **ret_dataplane,
		       struct sl_diag *diag);

/*
 * Makes these, attached by now, the present generation, whatever fails; they are taken over. An
 * error is of the pins (sl_generation_pin), or of counters that could not be carried over.
 */
int sl_generation_adopt(struct sl_keeper *keeper, struct sl_compiled *compiled,
			struct sl_dataplane *dataplane, struct sl_tally *tally,
			struct sl_diag *diag);

/* Whose maps an audit's data planes share; NULL in earnest. */
const struct sl_witness *sl_generation_witness(const struct sl_keeper *keeper);

/* Where its data planes' samples go; NULL: an audit's, which drops nothing. */
const struct sl_sampling *sl_generation_sampling(const struct sl_keeper *keeper);

/* Puts all pins; `wants_pins` says whether that is still to be done. */
int sl_generation_pin(struct sl_keeper *keeper, struct sl_diag *diag);

/* Compiles anew and swaps. */
int sl_generation_refresh(struct sl_keeper *keeper, struct sl_diag *diag);

/* Vouches for the data plane if the kernel's state, as of `now`, is the one that was compiled. */
void sl_generation_publish(struct sl_keeper *keeper, const struct sl_snapshot *now);

/* Whether a packet of no connection may be RELATED all the same. */
bool sl_generation_may_relate(struct sl_keeper *keeper);

#endif
