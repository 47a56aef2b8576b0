/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An attachment on probation: a file beside the device's lock (lock.h) asks for confirmation.
 * Whoever removes it decides, once and for all: the person who confirms, or the process that waits
 * for it, when time is over and it takes the attachment back.
 */
#ifndef SLUICE_DAEMON_CONFIRM_H
#define SLUICE_DAEMON_CONFIRM_H

#include "base/diag.h"
#include "base/types.h"

/*
 * By the process that waits: asks, until `deadline_ns` of CLOCK_MONOTONIC. The file descriptor
 * shows that it is alive, and is closed by it.
 */
int sl_confirm_ask(u64 net_cookie, const char *device, u64 deadline_ns, int *ret_fd,
		   struct sl_diag *diag);
/* Whether somebody has confirmed, wherever the device's name has gone meanwhile. */
bool sl_confirm_is_given(int fd);

/* Milliseconds that are left; 0: nobody waits for a confirmation of this device. */
u32 sl_confirm_left_ms(u64 net_cookie, const char *device);

/* 0: the decision is the caller's. -ENOENT: it has been taken, or nobody has asked for any. */
int sl_confirm_take(u64 net_cookie, const char *device);

#endif
