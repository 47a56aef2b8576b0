// SPDX-License-Identifier: GPL-2.0-only
/* What rules do to the sets of their table (nft_dynset.c), and whether it can be followed. */
#include <limits.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <string.h>

#include "lift/expr.h"

#define SHORTEST_TIMEOUT_MS 1000

/* The family that a source address is of; 0: it is none. */
static u32 family_of_source(const struct sl_expr *load)
{
	if (load->payload.base != NFT_PAYLOAD_NETWORK_HEADER)
		return 0;
	if (load->payload.offset == 12 && load->payload.length == 4)
		return NFPROTO_IPV4;
	return load->payload.offset == 8 && load->payload.length == 16 ? NFPROTO_IPV6 : 0;
}

/* `test` goes on only with packets of the family, which `load` tells of. */
static bool tells_family(const struct sl_expr *load, const struct sl_expr *test, u32 family)
{
	static const u8 ip[] = {ETH_P_IP >> 8, ETH_P_IP & 0xff};
	static const u8 ip6[] = {ETH_P_IPV6 >> 8, ETH_P_IPV6 & 0xff};

	if (load->kind != SL_EXPR_META || load->meta.writes || test->kind != SL_EXPR_CMP ||
	    test->cmp.op != NFT_CMP_EQ || test->cmp.sreg != load->meta.dreg)
		return false;
	if (load->meta.key == NFT_META_NFPROTO)
		return test->cmp.length == 1 && test->cmp.data[0] == family;
	return load->meta.key == NFT_META_PROTOCOL && test->cmp.length == 2 &&
	       !memcmp(test->cmp.data, family == NFPROTO_IPV4 ? ip : ip6, 2);
}

/* Only packets of the family come as far as `end`. */
static bool is_of_family(u32 table_family, const struct sl_nft_rule *rule, u32 end, u32 family)
{
	if (table_family == family)
		return true;
	for (u32 i = 0; i + 1 < end; i++)
		if (tells_family(&rule->exprs.items[i], &rule->exprs.items[i + 1], family))
			return true;
	return false;
}

static bool is_load(const struct sl_expr *expr)
{
	return expr->kind == SL_EXPR_PAYLOAD && !expr->payload.writes;
}

/* An expression that leaves all registers alone. */
static bool writes_nothing(const struct sl_expr *expr)
{
	return expr->kind == SL_EXPR_CMP || expr->kind == SL_EXPR_RANGE ||
	       expr->kind == SL_EXPR_COUNTER || expr->kind == SL_EXPR_LIMIT;
}

bool sl_rule_asks_source(u32 family, const struct sl_nft_rule *rule, u32 at, u32 sreg)
{
	u32 room = UINT_MAX; /* from `sreg` to what is loaded behind it */

	for (u32 i = at; i-- > 0;) {
		const struct sl_expr *expr = &rule->exprs.items[i];
		u32 source;

		if (writes_nothing(expr))
			continue;
		if (!is_load(expr) || expr->payload.dreg < sreg)
			return false;
		source = family_of_source(expr);
		if (expr->payload.dreg == sreg)
			return source && expr->payload.length <= room &&
			       is_of_family(family, rule, i, source);
		if (expr->payload.dreg - sreg < room)
			room = expr->payload.dreg - sreg;
	}
	return false;
}

/* Where NAT may have given packets another source than they came with, or the host sends them. */
static bool is_behind_nat(u32 family, const struct sl_nft_chain *chain)
{
	if (!chain->is_base)
		return false;
	if (chain->opaque_hook)
		return true;
	if (family == NFPROTO_NETDEV)
		return chain->hook != NF_NETDEV_INGRESS;
	return chain->hook == NF_INET_LOCAL_OUT || chain->hook == NF_INET_POST_ROUTING ||
	       (chain->hook == NF_INET_LOCAL_IN && chain->priority >= NF_IP_PRI_NAT_SRC);
}

static bool leads_on(const struct sl_expr *expr)
{
	return (expr->kind == SL_EXPR_IMMEDIATE && expr->immediate.is_verdict &&
		expr->immediate.verdict.chain) ||
	       (expr->kind == SL_EXPR_LOOKUP && expr->lookup.is_verdict);
}

static bool has_jumps(const struct sl_nft_chain *chain)
{
	for (u32 i = 0; i < chain->rules.count; i++)
		for (u32 e = 0; e < chain->rules.items[i].exprs.count; e++)
			if (leads_on(&chain->rules.items[i].exprs.items[e]))
				return true;
	return false;
}

bool sl_chain_may_be_behind_nat(const struct sl_nft_table *table, const struct sl_nft_chain *chain)
{
	if (chain->is_base)
		return is_behind_nat(table->family, chain);
	for (u32 i = 0; i < table->chains.count; i++)
		if (is_behind_nat(table->family, table->chains.items[i]) &&
		    has_jumps(table->chains.items[i]))
			return true;
	return false;
}

/* Ends in less time than packets wait what would have lasted; bpf/filled.h sees only that. */
static bool shortens(const struct sl_expr *expr)
{
	u64 timeout_ms =
		expr->dynset.timeout_ms ? expr->dynset.timeout_ms : expr->dynset.set->timeout_ms;

	return expr->dynset.op == NFT_DYNSET_OP_UPDATE && timeout_ms &&
	       timeout_ms < SHORTEST_TIMEOUT_MS;
}

static bool adds_source(const struct sl_nft_set *set, const struct sl_nft_chain *chain,
			const struct sl_nft_rule *rule, u32 at)
{
	const struct sl_expr *expr = &rule->exprs.items[at];

	return expr->dynset.op != NFT_DYNSET_OP_DELETE && !expr->dynset.has_exprs &&
	       !shortens(expr) && !sl_chain_may_be_behind_nat(set->table, chain) &&
	       sl_rule_asks_source(set->table->family, rule, at, expr->dynset.sreg);
}

static enum sl_filling filling_by(const struct sl_nft_set *set, const struct sl_nft_chain *chain,
				  const struct sl_nft_rule *rule, u32 at)
{
	const struct sl_expr *expr = &rule->exprs.items[at];

	if (strcmp(expr->name, "dynset") != 0)
		return SL_FILLS_NOTHING;
	if (expr->kind != SL_EXPR_DYNSET)
		return SL_FILLS_ODDLY;
	if (expr->dynset.set != set)
		return SL_FILLS_NOTHING;
	return adds_source(set, chain, rule, at) ? SL_FILLS_BY_SOURCE : SL_FILLS_ODDLY;
}

enum sl_filling sl_set_filling(const struct sl_nft_set *set)
{
	enum sl_filling worst = SL_FILLS_NOTHING;

	for (u32 i = 0; i < set->table->chains.count; i++) {
		const struct sl_nft_chain *chain = set->table->chains.items[i];

		for (u32 k = 0; k < chain->rules.count; k++)
			for (u32 e = 0; e < chain->rules.items[k].exprs.count; e++) {
				enum sl_filling by =
					filling_by(set, chain, &chain->rules.items[k], e);

				if (by > worst)
					worst = by;
			}
	}
	return worst;
}
