/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds the rates that rules keep (abi/limit.h), by the handles of their rules. */
#ifndef SLUICE_BPF_FIND_LIMITS_H
#define SLUICE_BPF_FIND_LIMITS_H

#include "../abi/limit.h"
#include "find.h"

__u32 limit_count; /* in */
struct sl_limit_query limit_queries[SL_LIMITS_MAX];

/* Modules that are not loaded tell nothing; locks that sleep, or are debugged, are no plain word.
 */
#define KNOWS_LIMITS()                                                                             \
	(bpf_core_type_exists(struct nft_rule) && bpf_core_type_exists(struct nft_expr) &&         \
	 bpf_core_field_exists(((struct nft_limit *)0)->tokens) &&                                 \
	 bpf_core_field_exists(((struct nft_limit_priv_pkts *)0)->cost) &&                         \
	 bpf_core_type_size(struct spinlock) == sizeof(__u32))

static __always_inline void note_place(void *data, struct sl_limit_place *place)
{
	struct nft_limit_priv_pkts *priv = data;
	struct nft_limit *limit = BPF_CORE_READ(priv, limit.limit);

	place->cost = BPF_CORE_READ(priv, cost);
	place->lock = (__u64)limit + bpf_core_field_offset(struct nft_limit, lock);
	place->last = (__u64)limit + bpf_core_field_offset(struct nft_limit, last);
	place->tokens = (__u64)limit + bpf_core_field_offset(struct nft_limit, tokens);
}

static long find_limit(__u32 index, void *unused)
{
	struct sl_limit_query *query;
	struct nft_expr *expression;

	if (index >= SL_LIMITS_MAX)
		return 1;
	query = &limit_queries[index];
	expression = find_expression(&query->rule);
	if (expression)
		note_place((void *)expression + bpf_core_field_offset(struct nft_expr, data),
			   &query->place);
	return 0;
}

#endif
