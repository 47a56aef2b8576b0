/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attached on probation: a process that ends with no terminal attaches, waits for `sluice confirm`,
 * and rolls back (rollback.h) when that has not come in time; whatever becomes of the command, of
 * its terminal and of the connection that this hangs on.
 */
#ifndef SLUICE_CLI_PROBATION_H
#define SLUICE_CLI_PROBATION_H

#include "cli/keep.h"

/*
 * Starts the process, and waits until it has attached, or has failed: then nobody waits for
 * anything. *ret_fd is the pipe through which it tells how the story ends.
 */
void sl_probation_begin(const struct sl_wish *wish, u32 seconds, int *ret_fd,
			struct sl_child_outcome *ret_outcome);

/*
 * Asks whoever is at the terminal to press Enter; waits for that, for `sluice confirm` from
 * elsewhere, or for the end of the time, and says what happened (on standard error with `json`).
 * Closes `fd`. Returns the exit status.
 */
int sl_probation_wait(int fd, u64 net_cookie, const char *device, u32 seconds, bool json);

#endif
