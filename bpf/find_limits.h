/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the rates that rules keep (abi/limit.h), by the handles of their rules. A table is found by
 * the hooks of its base chains, everything else from there. Somebody may change it all meanwhile:
 * reads then bring nothing, or anything, and the generation is another.
 */
#ifndef SLUICE_BPF_FIND_LIMITS_H
#define SLUICE_BPF_FIND_LIMITS_H

#include "../abi/limit.h"
#include "kernel.h"

#define TABLES_MAX      32
#define LIST_MAX        65536
#define EXPRESSIONS_MAX 64

__u32 limit_count; /* in */
struct sl_limit_query limit_queries[SL_LIMITS_MAX];
static struct nft_table *limit_tables[TABLES_MAX];
static __u32 limit_table_count;

/* Modules that are not loaded tell nothing; locks that sleep, or are debugged, are no plain word.
 */
#define KNOWS_LIMITS()                                                                             \
	(bpf_core_type_exists(struct nft_rule) && bpf_core_type_exists(struct nft_expr) &&         \
	 bpf_core_field_exists(((struct nft_limit *)0)->tokens) &&                                 \
	 bpf_core_field_exists(((struct nft_limit_priv_pkts *)0)->cost) &&                         \
	 bpf_core_type_size(struct spinlock) == sizeof(__u32))

/* Notes the table of a hook's chain. */
static __always_inline void note_table(struct nf_hook_ops *ops)
{
	struct nft_chain *chain = BPF_CORE_READ(ops, priv);
	__u32 at = limit_table_count;

	if (BPF_CORE_READ_BITFIELD_PROBED(ops, hook_ops_type) != NF_HOOK_OP_NF_TABLES ||
	    at >= TABLES_MAX)
		return;
	limit_tables[at] = BPF_CORE_READ(chain, table);
	limit_table_count = at + 1;
}

/* What a list is searched for: the element whose handle it is. */
struct hunt {
	struct list_head *head, *at;
	__u64 handle;
	bool is_of_rules;
	void *found;
};

static long look_at_element(__u32 index, struct hunt *hunt)
{
	struct list_head *at = hunt->at;
	void *element;
	__u64 handle;

	if (!at || at == hunt->head)
		return 1;
	if (hunt->is_of_rules) {
		struct nft_rule *rule = (void *)at - bpf_core_field_offset(struct nft_rule, list);

		element = rule;
		handle = BPF_CORE_READ_BITFIELD_PROBED(rule, handle);
	} else {
		struct nft_chain *chain =
			(void *)at - bpf_core_field_offset(struct nft_chain, list);

		element = chain;
		handle = BPF_CORE_READ(chain, handle);
	}
	if (handle == hunt->handle) {
		hunt->found = element;
		return 1;
	}
	hunt->at = BPF_CORE_READ(at, next);
	return 0;
}

static __always_inline void *find_by_handle(struct list_head *head, __u64 handle, bool is_of_rules)
{
	struct hunt hunt = {.head = head,
			    .at = BPF_CORE_READ(head, next),
			    .handle = handle,
			    .is_of_rules = is_of_rules};

	bpf_loop(LIST_MAX, look_at_element, &hunt, 0);
	return hunt.found;
}

static __always_inline struct nft_table *find_table(__u64 handle)
{
	for (__u32 i = 0; i < TABLES_MAX && i < limit_table_count; i++)
		if (BPF_CORE_READ(limit_tables[i], handle) == handle)
			return limit_tables[i];
	return NULL;
}

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
				       query->chain, false)
		      : NULL;
	rule = chain ? find_by_handle((void *)chain +
					      bpf_core_field_offset(struct nft_chain, rules),
				      query->rule, true)
		     : NULL;
	expression = rule ? find_expression(rule, query->expression) : NULL;
	if (!expression)
		return 0;
	data = (void *)expression + bpf_core_field_offset(struct nft_expr, data);
	note_place(data, &query->place);
	return 0;
}

#endif
