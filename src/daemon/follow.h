/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Following: what changed since the last generation, and the least that must be done about it.
 *
 * Enters: notices of the kernel, and looks at what it gives no notice of. Leaves: updated maps, a
 * new generation, or a new attachment. Promised: what cannot be followed exactly is compiled anew.
 */
#ifndef SLUICE_DAEMON_FOLLOW_H
#define SLUICE_DAEMON_FOLLOW_H

#include "daemon/keeper_state.h"

/* Takes in all notices that wait; true if there was any. */
bool sl_follow_notices(struct sl_keeper *keeper, struct sl_diag *diag);

/* Looks at what no notice tells of. */
void sl_follow_silence(struct sl_keeper *keeper);

/* Does what the changes that were seen want. */
void sl_follow_catch_up(struct sl_keeper *keeper);

#endif
