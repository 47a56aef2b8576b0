/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nf_tables' netlink messages → struct sl_ruleset, one message at a time.
 *
 * Enters: the messages of a dump in the order tables, chains, sets, elements, objects,
 * flowtables, rules (dump.c asks for them so). Leaves: the ruleset. Does no system call, so that
 * a recorded dump can be replayed, truncated and bent in tests.
 * Promised: any bytes may be fed; they give a ruleset, or a negative errno and a message.
 */
#ifndef SLUICE_SOURCE_READER_H
#define SLUICE_SOURCE_READER_H

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "base/diag.h"
#include "source/attr.h"
#include "source/element.h"
#include "source/ruleset.h"

struct sl_reader {
	struct sl_ruleset *ruleset;
	struct sl_arena *arena; /* the ruleset's */
	struct sl_diag *diag;
	u64 asked_at_ns; /* CLOCK_MONOTONIC before the first request */
	u32 generation;  /* of the last NEWGEN message */
	/* What the last message was about: neighbours in a dump mostly share it. */
	struct sl_nft_table *table;
	struct sl_nft_chain *chain;
	/* Elements that wait for their set to be complete, in `waiting_arena`. */
	struct sl_nft_set *waiting_set;
	struct sl_arena *waiting_arena;
	struct sl_raw_elements waiting;
	/* The sets by table and name; built when the first rule asks. */
	struct sl_nft_set **index;
};

/* Starts a read; `diag` must outlive it. 0 or −ENOMEM; release in any case. */
int sl_reader_init(struct sl_reader *reader, struct sl_diag *diag);
void sl_reader_release(struct sl_reader *reader);

/*
 * Takes one message. 0; -EAGAIN where it refers to something that no message has brought (the
 * rules changed in between); another negative errno.
 */
int sl_reader_take(struct sl_reader *reader, const struct nlmsghdr *message);

/* Call behind the last message; the ruleset is the caller's then. */
int sl_reader_finish(struct sl_reader *reader, struct sl_ruleset **ret_ruleset);

/* The readers of single messages, each in the file of its noun. */
int sl_table_read(struct sl_reader *reader, const struct nlmsghdr *message);
int sl_chain_read(struct sl_reader *reader, const struct nlmsghdr *message);
int sl_set_read(struct sl_reader *reader, const struct nlmsghdr *message);
int sl_set_read_elements(struct sl_reader *reader, const struct nlmsghdr *message);
int sl_set_close(struct sl_reader *reader); /* the waiting elements are complete */
int sl_object_read(struct sl_reader *reader, const struct nlmsghdr *message);
int sl_flowtable_read(struct sl_reader *reader, const struct nlmsghdr *message);
int sl_rule_read(struct sl_reader *reader, const struct nlmsghdr *message);

/* One NFTA_LIST_ELEM of a rule. */
int sl_expr_read(struct sl_reader *reader, const struct nlattr *nest, struct sl_expr *ret_expr);

/* NFTA_HOOK_DEVS; false where it holds something unknown. Names go to `push`. */
typedef int sl_device_fn(struct sl_reader *reader, void *context, const char *name);
int sl_devices_read(struct sl_reader *reader, const struct nlattr *nest, sl_device_fn *push,
		    void *context, bool *ret_all_known);

/* Helpers for the above. */
u32 sl_message_family(const struct nlmsghdr *message);
int sl_reader_malformed(struct sl_reader *reader, const char *what);
/* -EAGAIN, saying which name was not there. */
int sl_reader_missing(struct sl_reader *reader, const char *what, const char *name);
/* The table of that name in the message's family. */
int sl_reader_owner(struct sl_reader *reader, const struct nlmsghdr *message, const char *name,
		    struct sl_nft_table **ret_table);
int sl_reader_find_set(struct sl_reader *reader, struct sl_nft_table *table, const char *name,
		       struct sl_nft_set **ret_set);

#endif
