/* SPDX-License-Identifier: GPL-2.0-only */
/* What each rule has dropped early, summed over the devices that are attached. */
#ifndef SLUICE_LIB_EARLY_H
#define SLUICE_LIB_EARLY_H

#include "lib/attachments.h"

struct sl_early {
	struct sl_rule_entry *entries; /* sorted by handles, each once; malloc'd */
	u32 count;
};

int sl_early_sum(const struct sl_attachments *attachments, struct sl_early *ret_early);
void sl_early_free(struct sl_early *early);

/* By nf_tables' handles; `rule` 0: the chain's policy. Zero for what sluice does not count. */
struct sl_count sl_early_find(const struct sl_early *early, u64 table, u64 chain, u64 rule);

#endif
