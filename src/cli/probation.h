/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SLUICE_CLI_PROBATION_H
#define SLUICE_CLI_PROBATION_H

#include "lib/probation.h"

/*
 * Asks whoever is at the terminal to press Enter; waits for that, for `sluice confirm` from
 * elsewhere, or for the end of the time, and says what happened (on standard error with `json`).
 * Closes `fd`. Returns the exit status.
 */
int sl_probation_wait(int fd, u64 net_cookie, const char *device, u32 seconds, bool json);

#endif
