/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a keeper knows, for the files that make it up:
 *
 *	keeper.c       opens, runs, closes it
 *	attachment.c   puts a program on the device, finds the one that an earlier keeper left
 *	generation.c   compiles, swaps, vouches
 *	hooks.c        stands at netfilter's hooks with what is left
 *	renewal.c      keeps its filter of known connections
 *	follow.c       sees changes and decides which of these they want
 *
 * Nobody else looks in here.
 */
#ifndef SLUICE_DAEMON_KEEPER_STATE_H
#define SLUICE_DAEMON_KEEPER_STATE_H

#include <net/if.h>

#include "base/clock.h"
#include "compile.h"
#include "daemon/audit.h"
#include "daemon/keeper.h"
#include "daemon/namespace_watch.h"
#include "daemon/renewal.h"
#include "daemon/tally.h"
#include "load/dataplane.h"
#include "load/hold.h"
#include "load/hook_links.h"
#include "load/observe.h"
#include "source/netlink.h"
#include "source/watch.h"

struct sl_keeper {
	char device[IF_NAMESIZE];
	u32 ifindex;
	u64 net_cookie;
	enum sl_wanted_mode wanted;
	u64 memory_limit;
	bool replaces; /* another XDP program may be taken off, once */
	/* NULL: in earnest. Else nothing is dropped, and nothing pinned: what holds the program is
	 * this process. */
	struct sl_audit *audit;
	enum sl_attach_mode mode;

	struct sl_observer *observer;
	struct sl_watch *watch;
	struct sl_namespace_watch namespace_watch;
	struct sl_netlink *conntrack; /* to ask it by */
	int lock_fd, info_fd;
	struct sl_hold hold;

	struct sl_compiled *compiled; /* of `dataplane` */
	struct sl_dataplane *dataplane;
	struct sl_hook_links *hooks;         /* NULL: none yet, or none wanted */
	struct sl_dataplane *hook_dataplane; /* of `compiled`, behind `dataplane`; or NULL */
	bool lacks_hooks;                    /* this kernel has none */
	struct sl_sampling sampling;         /* none of an audit */
	struct sl_tally tally;
	struct sl_info info;
	struct sl_renewal renewal;

	bool has_helpers;   /* some connection may have one; true until looked for */
	u64 helpers_due_ns; /* when to look again */
	bool wants_compile; /* something changed that only a recompile can follow */
	bool wants_look;    /* devices, addresses or hooks changed, perhaps ones that matter */
	bool wants_pins;    /* those of the present generation are not all there */
	bool removed;       /* somebody took the attachment away */
	u64 ticked_ns;
	u64 quiet_ns; /* when no event was waiting, last */
};

/* Tells whoever reads the pins how things stand. */
void sl_keeper_write_info(struct sl_keeper *keeper);

#endif
