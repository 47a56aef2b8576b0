/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attached on probation: a process that ends with no terminal attaches, waits for `sluice confirm`,
 * and rolls back (rollback.h) when that has not come in time; whatever becomes of the command, of
 * its terminal and of the connection that this hangs on.
 */
#ifndef SLUICE_LIB_PROBATION_H
#define SLUICE_LIB_PROBATION_H

#include "lib/keep.h"
#include "lib/rollback.h"

/* How the story ended, through the pipe. */
struct sl_ending {
	bool is_confirmed;
	int error; /* then `diag` says why */
	char text[SL_ROLLBACK_TEXT];
	struct sl_diag diag;
};

/*
 * Starts the process, and waits until it has attached, or has failed: then nobody waits for
 * anything. *ret_fd is the pipe through which it tells how the story ends; nobody has to read it.
 */
void sl_probation_begin(const struct sl_wish *wish, u32 seconds, int *ret_fd,
			struct sl_child_outcome *ret_outcome);

#endif
