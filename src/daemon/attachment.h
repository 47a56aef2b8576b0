/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The attachment: how a keeper's program gets on its device, and stays after the keeper.
 *
 * Enters: a keeper whose namespace, lock and watch are open. Leaves: a pinned link, or a
 * filter, that runs the present generation. Promised: it is attached with all its pins, or nothing
 * is left behind.
 */
#ifndef SLUICE_DAEMON_ATTACHMENT_H
#define SLUICE_DAEMON_ATTACHMENT_H

#include "daemon/keeper_state.h"

/* Takes over what a keeper that died left, or climbs the ladder; `ret_ladder` may be NULL. */
int sl_attachment_begin(struct sl_keeper *keeper, char *ret_ladder, struct sl_diag *diag);

enum sl_attachment_state {
	SL_ATTACHED,
	SL_DEVICE_GONE, /* or in another namespace, or another one has its index */
	SL_TAKEN_OFF,   /* somebody has deleted the filter, while the device is still here */
};

/* How it stands; SL_ATTACHED with the state of the kernel. */
enum sl_attachment_state sl_attachment_look(const struct sl_keeper *keeper,
					    struct sl_snapshot *ret_now);

/* The index of the device that a mode's program stands on: a VLAN device's native one is below. */
u32 sl_attachment_place(const struct sl_keeper *keeper, const struct sl_snapshot *snapshot,
			enum sl_attach_mode mode);

/* The device went, perhaps to come back under the same name. True when attached again. */
bool sl_attachment_resume(struct sl_keeper *keeper, struct sl_diag *diag);

/* Takes the program off, and removes what else there is of it. */
void sl_attachment_end(struct sl_keeper *keeper);

/* False when somebody has removed the pin by hand. */
bool sl_attachment_is_pinned(const struct sl_keeper *keeper);

#endif
