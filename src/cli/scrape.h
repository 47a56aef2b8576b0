/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What there is to know of the attachments of this network namespace, as metrics (docs/metrics.md).
 *
 * Enters: pins, and the names of tables and chains. Leaves: one page of Prometheus' text format.
 * Promised: the counts are those of `status` and `list`. The page grows with the rules that have a
 * counter, and with nothing that a packet can choose.
 */
#ifndef SLUICE_CLI_SCRAPE_H
#define SLUICE_CLI_SCRAPE_H

#include <stdio.h>

#include "base/diag.h"

struct sl_observer;

/* Without `with_rules`, nothing of single rules. 0, or -errno with nothing written. */
int sl_scrape(struct sl_observer *observer, FILE *out, bool with_rules, struct sl_diag *diag);

#endif
