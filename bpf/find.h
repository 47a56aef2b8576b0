/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds what nf_tables keeps, by its handles: a table by the hooks of its base chains, everything
 * else from there. Somebody may change it all meanwhile: reads then bring nothing, or anything, and
 * the generation is another.
 */
#ifndef SLUICE_BPF_FIND_H
#define SLUICE_BPF_FIND_H

#include "../abi/limit.h"
#include "kernel.h"

#define TABLES_MAX 32
#define LIST_MAX   65536

#define EXPRESSIONS_MAX 64

static struct nft_table *tables_met[TABLES_MAX];
static __u32 tables_met_count;

/* Notes the table of a hook's chain. */
static __always_inline void note_table(struct nf_hook_ops *ops)
{
	struct nft_chain *chain = BPF_CORE_READ(ops, priv);
	__u32 at = tables_met_count;

	if (BPF_CORE_READ_BITFIELD_PROBED(ops, hook_ops_type) != NF_HOOK_OP_NF_TABLES ||
	    at >= TABLES_MAX)
		return;
	tables_met[at] = BPF_CORE_READ(chain, table);
	tables_met_count = at + 1;
}

/* What a list is searched for: the element whose handle it is. */
struct hunt {
	struct list_head *head, *at;
	__u64 handle;
	enum list { OF_CHAINS, OF_RULES, OF_SETS } list;
	void *found;
};

#define at_element(at, type) ((void *)(at)-bpf_core_field_offset(type, list))

static long look_at_element(__u32 index, struct hunt *hunt)
{
	struct list_head *at = hunt->at;
	void *element;
	__u64 handle;

	if (!at || at == hunt->head)
		return 1;
	switch (hunt->list) {
	case OF_RULES:
		element = at_element(at, struct nft_rule);
		handle = BPF_CORE_READ_BITFIELD_PROBED((struct nft_rule *)element, handle);
		break;
	case OF_SETS:
		element = at_element(at, struct nft_set);
		handle = BPF_CORE_READ((struct nft_set *)element, handle);
		break;
	default:
		element = at_element(at, struct nft_chain);
		handle = BPF_CORE_READ((struct nft_chain *)element, handle);
	}
	if (handle == hunt->handle) {
		hunt->found = element;
		return 1;
	}
	hunt->at = BPF_CORE_READ(at, next);
	return 0;
}

static __always_inline void *find_by_handle(struct list_head *head, __u64 handle, enum list list)
{
	struct hunt hunt = {
		.head = head, .at = BPF_CORE_READ(head, next), .handle = handle, .list = list};

	bpf_loop(LIST_MAX, look_at_element, &hunt, 0);
	return hunt.found;
}

static __always_inline struct nft_table *find_table(__u64 handle)
{
	for (__u32 i = 0; i < TABLES_MAX && i < tables_met_count; i++)
		if (BPF_CORE_READ(tables_met[i], handle) == handle)
			return tables_met[i];
	return NULL;
}

static __always_inline struct nft_expr *nth_expression(struct nft_rule *rule, __u32 number)
{
	void *at = (void *)rule + bpf_core_field_offset(struct nft_rule, data);

	for (__u32 i = 0; i < EXPRESSIONS_MAX && i < number; i++)
		at += BPF_CORE_READ((struct nft_expr *)at, ops, size);
	return number < EXPRESSIONS_MAX ? at : NULL;
}

static __always_inline struct nft_expr *find_expression(const struct sl_rule_place *place)
{
	struct nft_table *table = find_table(place->table);
	struct nft_chain *chain =
		table ? find_by_handle((void *)table +
					       bpf_core_field_offset(struct nft_table, chains),
				       place->chain, OF_CHAINS)
		      : NULL;
	struct nft_rule *rule =
		chain ? find_by_handle((void *)chain +
					       bpf_core_field_offset(struct nft_chain, rules),
				       place->rule, OF_RULES)
		      : NULL;

	return rule ? nth_expression(rule, place->expression) : NULL;
}

#endif
