/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NFTA_DATA_*: a value or a verdict, the common coin of expressions and set elements.
 */
#ifndef SLUICE_SOURCE_DATA_H
#define SLUICE_SOURCE_DATA_H

#include "base/arena.h"
#include "source/attr.h"
#include "source/ruleset.h"

struct sl_data {
	bool is_verdict;
	struct sl_nft_verdict verdict;
	const u8 *bytes; /* NULL for a verdict, and where all of it is unknown */
	u32 length;
	const char *opaque; /* it holds something unknown; NULL where it does not */
};

/* 0, -EBADMSG, or −ENOMEM. */
int sl_data_read(struct sl_arena *arena, const struct nlattr *nest, struct sl_data *ret_data);

#endif
