/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interpreter held against the kernel itself: in the lab without a candidate it says beforehand
 * which frames are dead in every world that they can be in; nothing may come of those.
 *
 * Enters: a dut whose rules are loaded. Leaves: a word about each frame to in0. Promised: nothing
 * in the lab is changed by asking; connections are looked up through ctnetlink, routes are the
 * lab's own, and whatever is not known is not foretold.
 */
#ifndef SLUICE_PACKET_FORESIGHT_H
#define SLUICE_PACKET_FORESIGHT_H

#include "lab.h"

struct sl_foresight;
struct sl_observer;

/* Of the dut as it is now. `lab` must outlive it. */
int sl_foresight_open(struct sl_observer *observer, const struct sl_lab *lab,
		      struct sl_foresight **ret_foresight, struct sl_diag *diag);
void sl_foresight_close(struct sl_foresight *foresight); /* NULL is fine, and foretells nothing */

/* The dut has changed: rules and host are read again. */
int sl_foresight_renew(struct sl_foresight *foresight, struct sl_diag *diag);

bool sl_foresight_dooms(const struct sl_foresight *foresight, const u8 *frame, u32 length);

#endif
