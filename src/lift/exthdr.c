// SPDX-License-Identifier: GPL-2.0-only
/*
 * nft_exthdr.c: extension headers of IPv6, and options of TCP, IPv4 and others. An ordinary frame
 * (ir/packet.h) has none of the first; of the others only TCP's are decoded.
 */
#include "lift/expr.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "tcp_options.h"

static bool is_extension_header(u32 type)
{
	return type == IPPROTO_HOPOPTS || type == IPPROTO_ROUTING || type == IPPROTO_FRAGMENT ||
	       type == IPPROTO_DSTOPTS;
}

/* In other tables the rule says itself that it means IPv6, and not every kernel looks. */
static bool is_missing(const struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	return rule->chain->table->family == NFPROTO_IPV6 &&
	       expr->exthdr.op == NFT_EXTHDR_OP_IPV6 && is_extension_header(expr->exthdr.type);
}

/* The kernel breaks the rule, or says that there is none. */
static int lift_missing(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	static const u8 zero;

	if (!(expr->exthdr.flags & NFT_EXTHDR_F_PRESENT))
		return sl_emit_never(rule);
	sl_registers_load_value(&rule->registers, expr->exthdr.dreg, &zero, sizeof zero);
	return 0;
}

/* Whole words are left alone: older kernels clear the register behind them, too. */
static bool is_tcp_option(const struct sl_expr *expr)
{
	u32 length = expr->exthdr.length;

	if (expr->exthdr.op != NFT_EXTHDR_OP_TCPOPT || !length || length > UINT8_MAX ||
	    expr->exthdr.offset > UINT8_MAX - length)
		return false;
	return expr->exthdr.flags == NFT_EXTHDR_F_PRESENT ||
	       (!expr->exthdr.flags && length < SL_TCP_OPTION_VALUE_MAX);
}

/* Presence is asked for so many bytes, and is one itself: the last of them stands for all. */
static void load_tcp_option(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	bool asks_presence = expr->exthdr.flags;
	u32 end = expr->exthdr.offset + expr->exthdr.length;
	u32 length = asks_presence ? 1 : expr->exthdr.length;
	struct sl_field field = {.base = asks_presence ? SL_HAS_TCP_OPTION : SL_TCP_OPTION,
				 .length = (u8)length,
				 .offset = (u16)(expr->exthdr.type << 8 | (end - length))};

	sl_registers_load_field(&rule->registers, expr->exthdr.dreg, field, !asks_presence);
}

static int lift(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	if (expr->exthdr.writes)
		return sl_emit_kernel(rule, "sets an option of the packet");
	if (is_missing(rule, expr))
		return lift_missing(rule, expr);
	if (is_tcp_option(expr))
		load_tcp_option(rule, expr);
	else
		sl_registers_load_unknown(
			&rule->registers, expr->exthdr.dreg, expr->exthdr.length, true,
			expr->exthdr.op == NFT_EXTHDR_OP_TCPOPT ? "TCP option" : "exthdr");
	return 0;
}

const struct sl_expr_ops sl_expr_exthdr = {"exthdr", SL_EXPR_EXTHDR, lift};
