/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The filter of known connections, from its making to its end: bpf/known.h says what must be true
 * before the data plane may go by it, and this sees to it.
 *
 *	         hooks write both generations          hooks write the one that is read
 *	begin ──────────────────────────────▶ finish ──────────────────────────────────▶ begin …
 *	      a grace period, and old clashes         until it is full, or an entry came
 *	      are gone; then all that is in the       that no packet made
 *	      table is added, and it is read
 *
 * Enters: a keeper, every now and then. Leaves: its data plane with a filter that it may go by, or
 * with lookups. Promised: lookups whenever in doubt; nothing here can fail a keeper.
 */
#ifndef SLUICE_DAEMON_RENEWAL_H
#define SLUICE_DAEMON_RENEWAL_H

#include "compile.h"
#include "load/known_filter.h"

struct sl_keeper;

struct sl_renewal {
	struct sl_known *known; /* NULL: none */
	bool is_refused;        /* this kernel has none */
	bool is_making;
	u32 making;     /* which generation; if not, the one that is read */
	u64 began_ns;   /* the last time that one was to be begun */
	u64 pause_ns;   /* from then on, to the next time */
	u64 settled_ns; /* a grace period later */
	u64 version;    /* the last one published */
	u64 published_ns;
	u32 first_fullness; /* when it was published */
};

/* What `compiled` is to be loaded with: it will find the hooks in place. NULL: no filter. */
const struct sl_known *sl_renewal_prepare(struct sl_keeper *keeper, struct sl_compiled *compiled);

/* One step, whatever is due. */
void sl_renewal_keep(struct sl_keeper *keeper);

void sl_renewal_end(struct sl_renewal *renewal);

#endif
