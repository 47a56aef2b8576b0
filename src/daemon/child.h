/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A keeper in a process of its own, forked from whoever wants a device kept: the command line,
 * whose terminal it leaves, or sluiced, which supervises it.
 *
 * Enters: what is wanted of which device. Leaves: a process, and what became of its attach over a
 * pipe. Promised: whatever ends the process, at any time, leaves a whole attachment, which passes
 * what it cannot vouch for, or none.
 */
#ifndef SLUICE_DAEMON_CHILD_H
#define SLUICE_DAEMON_CHILD_H

#include <sys/types.h>

#include "base/diag.h"
#include "base/types.h"
#include "daemon/ladder.h"
#include "info.h"

struct sl_child_wish {
	const char *device;
	enum sl_wanted_mode mode;
	u64 memory_limit;
	bool replaces;
	/* It ends with its parent and says on standard error what goes wrong; else it leaves the
	 * terminal, and lives as long as its network namespace does. */
	bool is_supervised;
};

struct sl_child_outcome {
	int error; /* then `diag` says why */
	enum sl_attach_mode mode;
	u64 net_cookie;
	char ladder[SL_LADDER_TEXT];
	struct sl_diag diag;
};

/* Exit statuses. */
enum {
	SL_CHILD_ENDED,   /* asked to, by a signal */
	SL_CHILD_REFUSED, /* the outcome says why */
	SL_CHILD_REMOVED, /* somebody took the attachment away */
};

/* `ret_fd` becomes readable once there is an outcome; the caller closes it. */
int sl_child_start(const struct sl_child_wish *wish, pid_t *ret_pid, int *ret_fd,
		   struct sl_diag *diag);

/* Waits for the outcome; a process that ended without one is an outcome too. */
void sl_child_read(int fd, const char *device, struct sl_child_outcome *ret_outcome);

/* For processes that shall outlive the command that makes them. Nothing of the terminal's stays
 * open. */
void sl_child_leave_terminal(void);
/* Nothing that was inherited does but the standard streams and `fd`, whose number then is returned.
 */
int sl_child_keep_only(int fd);

#endif
