/* SPDX-License-Identifier: GPL-2.0-only */
/* How many packets there were in each second of the last minute. */
#ifndef SLUICE_CLI_TOP_HISTORY_H
#define SLUICE_CLI_TOP_HISTORY_H

#include "base/types.h"

#define SL_TOP_SECONDS 60

/* Starts as zeros. */
struct sl_top_history {
	double packets[SL_TOP_SECONDS + 1]; /* by second, modulo: the present one is not over */
	u64 second;                         /* the present one */
};

/* They came evenly between the two, of which the first is where the last call ended. */
void sl_top_history_add(struct sl_top_history *history, u64 from_ns, u64 to_ns, double packets);

/* In the second that ended `ago` whole seconds ago, 1 to SL_TOP_SECONDS. */
double sl_top_history_at(const struct sl_top_history *history, u32 ago);
double sl_top_history_peak(const struct sl_top_history *history);

#endif
