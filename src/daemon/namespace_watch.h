/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process in a network namespace keeps it alive, so a keeper must notice when everybody else has
 * left: it is mounted nowhere any more (as `ip netns` and container engines do), and no other
 * process is in it. One that nobody was ever seen in is held in a way that does not show, by an
 * open file; it is not given up.
 */
#ifndef SLUICE_DAEMON_NAMESPACE_WATCH_H
#define SLUICE_DAEMON_NAMESPACE_WATCH_H

#include "base/types.h"

struct sl_namespace_watch {
	u64 device, inode; /* of the namespace */
	bool is_host;      /* process 1 is in it: never left */
	bool may_be_host;  /* process 1 cannot be asked, as in many containers: only a mount that
			      is gone says that it was left */
	u32 calls, seen;   /* `seen`: looks that found somebody */
};

void sl_namespace_watch_init(struct sl_namespace_watch *watch);

/* Looks through /proc every few calls only; false when in doubt. */
bool sl_namespace_watch_is_left(struct sl_namespace_watch *watch);

#endif
