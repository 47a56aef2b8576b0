/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Detaching from outside: ends the keeper of a device, if it has one, and removes what is attached.
 */
#ifndef SLUICE_DAEMON_DETACH_H
#define SLUICE_DAEMON_DETACH_H

#include "base/diag.h"
#include "base/types.h"

/*
 * Removes an attachment, whoever made it: link, pins, keeper. 0, or -ENOENT when there is none.
 */
int sl_keeper_detach(u64 net_cookie, const char *device, struct sl_diag *diag);

/* Ends the keeper alone, if there is one; the attachment stays, for another to take over. */
void sl_keeper_end(u64 net_cookie, const char *device);

/* The process that keeps the device in step; 0 when there is none. */
int sl_keeper_pid(u64 net_cookie, const char *device);

#endif
