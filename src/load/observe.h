/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looking at the kernel's own state: the snapshot that a compile assumes (abi/state.h), and the
 * netfilter hooks that a packet meets, whoever registered them.
 */
#ifndef SLUICE_LOAD_OBSERVE_H
#define SLUICE_LOAD_OBSERVE_H

#include "base/diag.h"
#include "base/types.h"
#include "filled.h"
#include "hooks.h"
#include "ir/ir.h"
#include "limit.h"
#include "recent.h"
#include "state.h"
#include "xt_tables.h"

struct sl_observer;

/* Needs CAP_SYS_ADMIN, by which the kernel tells the types of its modules, and BTF. */
int sl_observer_open(struct sl_observer **ret_observer, struct sl_diag *diag);
void sl_observer_free(struct sl_observer *observer); /* NULL is fine */

/*
 * Finds anew what the kernel's modules have: without generation_address, nf_tables was not loaded
 * when the observer was opened.
 */
int sl_observer_renew(struct sl_observer *observer, struct sl_diag *diag);

/* Of a device of the calling thread's network namespace; -ENODEV when it is not there. */
int sl_observer_look(struct sl_observer *observer, u32 ifindex, struct sl_snapshot *ret_snapshot,
		     struct sl_diag *diag);

/* The hooks as of the last look; SL_HOOK_LISTS lists, borrowed until the next. */
const struct sl_hook_list *sl_observer_hooks(const struct sl_observer *observer);

/*
 * Finds where the kernel keeps these rates, by the hooks as of the last look: `ret_places` has room
 * for SL_LIMITS_MAX, the others are not looked for. Those that are not found stay zero. What is
 * found is good for the generation of the rules that the handles are from. 0 or -errno.
 */
int sl_observer_find_limits(struct sl_observer *observer, const struct sl_limit *limits, u32 count,
			    struct sl_limit_place *ret_places, struct sl_diag *diag);

/* The same of sets that packets fill, for SL_FILLED_MAX places. */
int sl_observer_find_filled(struct sl_observer *observer, const struct sl_filled *sets, u32 count,
			    struct sl_filled_place *ret_places, struct sl_diag *diag);
/* Whether this kernel tells enough of itself for any to be found. */
bool sl_observer_knows_filled(struct sl_observer *observer);

/*
 * iptables-legacy's tables as of the last look, of SL_LEGACY_FAMILIES families; and the chunks of
 * one. Borrowed until the next.
 */
const struct sl_legacy_family *sl_observer_legacy(const struct sl_observer *observer);
const struct sl_legacy_chunk *sl_observer_legacy_chunks(const struct sl_observer *observer,
							u32 family);

/* Fills in the names of xtables' extensions, by their addresses. 0 or -errno. */
int sl_observer_name_extensions(struct sl_observer *observer, struct sl_legacy_name *names,
				u32 count, struct sl_diag *diag);

/*
 * The same of xt_recent's lists, whose files the queries have: fills in what of a place depends on
 * the kernel; a list that is not known keeps a table of 0.
 */
int sl_observer_find_recents(struct sl_observer *observer, struct sl_recent_query *queries,
			     u32 count, struct sl_diag *diag);
bool sl_observer_knows_recent(struct sl_observer *observer);

/* What lies about xt_recent's struct xt_match, and who is where in the list whose file `fd` is. */
struct sl_recent_lesson {
	u64 match; /* its address; 0: not found, and the rest is nothing */
	u32 words[SL_RECENT_WORDS];
	struct sl_recent_witness witnesses[SL_RECENT_WITNESSES];
	u32 witness_count;
};

/* `rule` has such a match; an `fd` of −1 brings no witnesses. 0 or -errno. */
int sl_observer_learn_of_recents(struct sl_observer *observer, const struct sl_limit *rule, int fd,
				 u32 buckets, struct sl_recent_lesson *ret_lesson,
				 struct sl_diag *diag);

/* Where among the words the seed of their hash was found (load/recents.h); kept by the observer. */
struct sl_recent_seed {
	u64 match; /* 0: not found yet */
	u32 index, seed;
};
struct sl_recent_seed *sl_observer_recent_seed(struct sl_observer *observer);

bool sl_snapshots_equal(const struct sl_snapshot *a, const struct sl_snapshot *b);

#endif
