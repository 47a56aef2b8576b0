/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A keeper (daemon/child.h) for whoever wants a device attached: sluiced's, where the device is
 * its, or one of its own.
 */
#ifndef SLUICE_LIB_KEEP_H
#define SLUICE_LIB_KEEP_H

#include "base/types.h"
#include "daemon/child.h"
#include "info.h"

struct sl_wish {
	const char *device;
	struct sl_asked asked;
	bool replaces;     /* takes another XDP program off first */
	bool asks_service; /* sluiced may have to do it */
	/* Told when it takes long, so that people who wait know for what; NULL: nobody is. */
	void (*is_slow)(const char *device);
	/*
	 * It is attached, as `former` says: the process that keeps it is ended, and the new one
	 * takes the attachment over. Should that fail, one like the former is started.
	 */
	bool is_again;
	u64 net_cookie;
	struct sl_asked former;
};

/* Starts it, and waits until it is attached, or has failed: `ret_outcome` says that then, also
 * where the former options are back. */
void sl_keep(const struct sl_wish *wish, struct sl_child_outcome *ret_outcome);

#endif
