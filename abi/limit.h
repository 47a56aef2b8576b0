/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rates that the kernel's rules keep, and where: what bpf/snapshot.bpf.c is asked for, and finds,
 * and what bpf/limit.h reads before a drop that rests on it.
 */
#ifndef SLUICE_ABI_LIMIT_H
#define SLUICE_ABI_LIMIT_H

#include <linux/types.h>

#define SL_LIMITS_MAX 64 /* that are asked for; of those behind nothing is known */

/*
 * Left at a time are `tokens`, and one for each nanosecond since `last`: nft_limit.c's numbers, and
 * a 32-bit lock that is 0 while both fit together. All are kernel addresses, and 0 where not found.
 */
struct sl_limit_place {
	__u64 tokens, last, lock;
	__u64 cost; /* of a packet, in tokens */
};

/* An expression of a rule, by nf_tables' handles and its number in the rule. */
struct sl_rule_place {
	__u64 table, chain, rule;
	__u32 expression, padding;
};

struct sl_limit_query {
	struct sl_rule_place rule;
	struct sl_limit_place place; /* the answer */
};

_Static_assert(sizeof(struct sl_limit_place) == 32, "holes");
_Static_assert(sizeof(struct sl_limit_query) == 64, "holes");

#endif
