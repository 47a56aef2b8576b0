// SPDX-License-Identifier: GPL-2.0-only
/*
 * nft_exthdr.c: extension headers of IPv6, and options of TCP, IPv4 and others. An ordinary frame
 * (ir/packet.h) has none of the former; the latter are not decoded.
 */
#include "lift/expr.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

static bool is_extension_header(u32 type)
{
	return type == IPPROTO_HOPOPTS || type == IPPROTO_ROUTING || type == IPPROTO_FRAGMENT ||
	       type == IPPROTO_DSTOPTS;
}

/* In other tables the rule says itself that it means IPv6, and not every kernel looks. */
static bool is_missing(const struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	return rule->chain->table->family == NFPROTO_IPV6 &&
	       expr->exthdr.op == NFT_EXTHDR_OP_IPV6 && !expr->exthdr.flags &&
	       is_extension_header(expr->exthdr.type);
}

static int lift(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	if (expr->exthdr.writes)
		return sl_emit_kernel(rule, "sets an option of the packet");
	if (is_missing(rule, expr))
		return sl_emit_never(rule);
	sl_registers_load_unknown(&rule->registers, expr->exthdr.dreg, expr->exthdr.length, true,
				  expr->exthdr.op == NFT_EXTHDR_OP_TCPOPT ? "TCP option"
									  : "exthdr");
	return 0;
}

const struct sl_expr_ops sl_expr_exthdr = {"exthdr", SL_EXPR_EXTHDR, lift};
