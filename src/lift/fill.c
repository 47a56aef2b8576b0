// SPDX-License-Identifier: GPL-2.0-only
/* What rules do to the sets of their table (nft_dynset.c), and whether it can be followed. */
#include <limits.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "lift/expr.h"

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

static enum sl_filling filling_by(const struct sl_nft_set *set, const struct sl_nft_rule *rule,
				  u32 at)
{
	const struct sl_expr *expr = &rule->exprs.items[at];

	if (strcmp(expr->name, "dynset") != 0)
		return SL_FILLS_NOTHING;
	if (expr->kind != SL_EXPR_DYNSET)
		return SL_FILLS_ODDLY;
	if (expr->dynset.set != set)
		return SL_FILLS_NOTHING;
	return expr->dynset.op != NFT_DYNSET_OP_DELETE && !expr->dynset.has_exprs &&
			       sl_rule_asks_source(set->table->family, rule, at, expr->dynset.sreg)
		       ? SL_FILLS_BY_SOURCE
		       : SL_FILLS_ODDLY;
}

enum sl_filling sl_set_filling(const struct sl_nft_set *set)
{
	enum sl_filling worst = SL_FILLS_NOTHING;

	for (u32 i = 0; i < set->table->chains.count; i++) {
		const struct sl_nft_chain *chain = set->table->chains.items[i];

		for (u32 k = 0; k < chain->rules.count; k++)
			for (u32 e = 0; e < chain->rules.items[k].exprs.count; e++) {
				enum sl_filling by = filling_by(set, &chain->rules.items[k], e);

				if (by > worst)
					worst = by;
			}
	}
	return worst;
}
