/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The messages of one nf_tables transaction, collected until its NEWGEN. Does no system call.
 */
#ifndef SLUICE_SOURCE_TRANSACTION_H
#define SLUICE_SOURCE_TRANSACTION_H

#include <linux/netlink.h>

#include "source/element.h"
#include "source/watch.h"

/* More changes than this are cheaper to dump. */
#define SL_TRANSACTION_CHANGES_MAX 65536

struct sl_transaction {
	struct sl_arena *arena;
	struct sl_rules_event event;
	bool is_structural;
	/* Elements of one set that came, or that went, in a row: borders wait for their pair. */
	struct sl_nft_set *set;
	bool is_adding;
	struct sl_raw_elements waiting;
};

/* Forgets everything. 0 or −ENOMEM. */
int sl_transaction_reset(struct sl_transaction *transaction);
void sl_transaction_release(struct sl_transaction *transaction);

/*
 * Takes one message of NFNLGRP_NFTABLES. 1 when it ended the transaction: `event` is complete
 * then and must be used before the next reset. 0, -EBADMSG, or −ENOMEM.
 */
int sl_transaction_take(struct sl_transaction *transaction, const struct nlmsghdr *message,
			const struct sl_ruleset *known, u64 asked_at_ns);

#endif
