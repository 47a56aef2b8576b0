/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a service manager is told: sd_notify(3)'s protocol, one datagram to $NOTIFY_SOCKET. Without
 * that nothing is said.
 */
#ifndef SLUICE_SERVICE_NOTIFY_H
#define SLUICE_SERVICE_NOTIFY_H

#include "base/types.h"

/* "READY=1", "STATUS=…", a line each. */
void sl_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says that the configuration is read again, as of now. */
void sl_notify_reloading(void);

/* How often it wants a sign of life; 0: not at all. Reads the environment. */
u64 sl_notify_watchdog_ns(void);

#endif
