/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notices of change, for whoever keeps a compiled ruleset in step with the kernel's.
 *
 * Enters: the multicast groups of nf_tables, conntrack's expectations and rtnetlink in the network
 * namespace that the watch was opened in. Leaves: one decoded event after the other.
 * Promised: a lost notice is an event too (OVERRUN), and a transaction comes as one event that
 * either tells all that changed or says that only a dump can.
 *
 * There is no notice of elements that packets add, of elements that expire, of ipset, of legacy
 * tables, nor of most sysctls. Expectations are only told of connections that began while somebody
 * listened to conntrack's events (net.netfilter.nf_conntrack_events=2, the default).
 */
#ifndef SLUICE_SOURCE_WATCH_H
#define SLUICE_SOURCE_WATCH_H

#include "base/arena.h"
#include "base/diag.h"
#include "source/ruleset.h"

struct sl_watch;

enum sl_event_kind {
	SL_EVENT_RULES,       /* an nf_tables transaction, seen whole; others say no more: */
	SL_EVENT_LINK,        /* a device came, changed or went */
	SL_EVENT_ADDRESS,     /* an address of a device */
	SL_EVENT_NETCONF,     /* a device's forwarding, rp_filter … */
	SL_EVENT_TC,          /* a device's qdiscs or filters */
	SL_EVENT_ROUTE,       /* routes or routing rules */
	SL_EVENT_EXPECTATION, /* conntrack expects a related connection */
	SL_EVENT_OVERRUN,     /* notices were lost: everything may have changed. The transaction
				 that follows always needs a dump */
};

/* An element that came or went; one that came may also replace its own timeout or data. */
struct sl_element_change {
	u32 family;
	const char *table, *set;
	bool is_added;
	struct sl_nft_element element; /* a closed range, as in a dump */
};

/* One that is not newer than a dump that has been made meanwhile says nothing new: skip it. */
struct sl_rules_event {
	u32 generation; /* the transaction made this one */
	u32 pid;
	const char *process;
	bool elements_only; /* no table, chain, rule, set or object changed */
	bool needs_dump;    /* `changes` is not all: dump the rules again */
	/* In order: a key may go and come again. */
	SL_LIST(struct sl_element_change) changes;
};

struct sl_event {
	enum sl_event_kind kind;
	struct sl_rules_event rules; /* RULES */
};

/* Watches the calling thread's network namespace. */
int sl_watch_open(struct sl_watch **ret_watch, struct sl_diag *diag);
void sl_watch_close(struct sl_watch *watch); /* NULL is fine */

/* Readable while events wait; for poll and epoll. */
int sl_watch_fd(const struct sl_watch *watch);

/*
 * Hands over the next event, without waiting: 1, 0 where there is none, or a negative errno.
 * What it points to lives until the next call. `known` are the rules that the caller holds; only
 * changes to their sets can be told without a dump (NULL: none).
 * Expirations count from the last call that returned 0, and so err early by as much.
 */
int sl_watch_next(struct sl_watch *watch, const struct sl_ruleset *known,
		  struct sl_event *ret_event, struct sl_diag *diag);

#endif
