/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The part of a generation that stands at netfilter's hooks.
 *
 * Enters: a keeper whose present generation is in its link. Leaves: what is left of the rules, at
 * the hooks. Promised: nothing of it ever makes an attachment fail; without it, the kernel decides.
 */
#ifndef SLUICE_DAEMON_HOOKS_H
#define SLUICE_DAEMON_HOOKS_H

#include "daemon/keeper_state.h"

/* Before a generation goes: nothing counts in its maps any more, from the hooks. */
void sl_hooks_retire(struct sl_keeper *keeper);

/*
 * Makes what the present generation has for the hooks, and stands there. True if that changed the
 * hooks themselves, so that the state of the kernel must be looked at again.
 */
bool sl_hooks_follow(struct sl_keeper *keeper);

/* Leaves the hooks. */
void sl_hooks_end(struct sl_keeper *keeper);

#endif
