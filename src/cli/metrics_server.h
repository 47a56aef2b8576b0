/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Metrics over HTTP: one thread, few connections at a time, one page.
 *
 * Promised: whatever clients send or fail to read costs bounded memory and time; a page is whole
 * and of one moment, or an error with the reason.
 */
#ifndef SLUICE_CLI_METRICS_SERVER_H
#define SLUICE_CLI_METRICS_SERVER_H

#include "base/diag.h"

struct sl_observer;

/* Serves at `where` (listen.h) until SIGTERM or SIGINT. 0, or -errno where it cannot begin. */
int sl_metrics_serve(struct sl_observer *observer, const char *where, bool with_rules,
		     struct sl_diag *diag);

#endif
