/* SPDX-License-Identifier: GPL-2.0-only */
/* Finds the rates that rules keep (abi/limit.h), by the handles of their rules. */
#ifndef SLUICE_BPF_FIND_LIMITS_H
#define SLUICE_BPF_FIND_LIMITS_H

#include "../abi/limit.h"
#include "find.h"

#define EXPRESSIONS_MAX 64

__u32 limit_count; /* in */
struct sl_limit_query limit_queries[SL_LIMITS_MAX];

/* Modules that are not loaded tell nothing; locks that sleep, or are debugged, are no plain word.
 */
#define KNOWS_LIMITS()                                                                             \
	(bpf_core_type_exists(struct nft_rule) && bpf_core_type_exists(struct nft_expr) &&         \
	 bpf_core_field_exists(((struct nft_limit *)0)->tokens) &&                                 \
	 bpf_core_field_exists(((struct nft_limit_priv_pkts *)0)->cost) &&                         \
	 bpf_core_type_size(struct spinlock) == sizeof(__u32))

static __always_inline struct nft_expr *find_expression(struct nft_rule *rule, __u32 number)
{
	void *at = (void *)rule + bpf_core_field_offset(struct nft_rule, data);

	for (__u32 i = 0; i < EXPRESSIONS_MAX && i < number; i++)
		at += BPF_CORE_READ((struct nft_expr *)at, ops, size);
	return number < EXPRESSIONS_MAX ? at : NULL;
}

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
	struct nft_table *table;
	struct nft_chain *chain;
	struct nft_rule *rule;
	struct nft_expr *expression;
	void *data;

	if (index >= SL_LIMITS_MAX)
		return 1;
	query = &limit_queries[index];
	table = find_table(query->table);
	chain = table ? find_by_handle((void *)table +
					       bpf_core_field_offset(struct nft_table, chains),
				       query->chain, OF_CHAINS)
		      : NULL;
	rule = chain ? find_by_handle((void *)chain +
					      bpf_core_field_offset(struct nft_chain, rules),
				      query->rule, OF_RULES)
		     : NULL;
	expression = rule ? find_expression(rule, query->expression) : NULL;
	if (!expression)
		return 0;
	data = (void *)expression + bpf_core_field_offset(struct nft_expr, data);
	note_place(data, &query->place);
	return 0;
}

#endif
