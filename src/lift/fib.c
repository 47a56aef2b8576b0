// SPDX-License-Identifier: GPL-2.0-only
/*
 * nft_fib.c: what the routing tables say of an address. Known are the type of the destination, as
 * any device of the namespace sees it, where that is how xt_addrtype.c finds it: in IPv4; and
 * whether the way back to the source leads through the device that the packet came by, in
 * prerouting: behind it newer kernels may ask a socket instead.
 */
#include "lift/expr.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

static bool is_destination_type(const struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	return rule->chain->table->family == NFPROTO_IPV4 &&
	       expr->fib.result == NFT_FIB_RESULT_ADDRTYPE && expr->fib.flags == NFTA_FIB_F_DADDR;
}

/* A mark matters to rules of routing policy alone, and with such nothing is known. */
static bool is_way_back(const struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	const u32 beside = NFTA_FIB_F_MARK | NFTA_FIB_F_PRESENT;

	return rule->chain->contexts == SL_FROM_PREROUTING &&
	       expr->fib.result == NFT_FIB_RESULT_OIF &&
	       (expr->fib.flags & ~beside) == (NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF);
}

static void load(struct sl_rule_lift *rule, u32 dreg, enum sl_meta meta)
{
	const struct sl_field field = {.base = SL_META, .length = sizeof(u32), .offset = meta};

	sl_registers_load_field(&rule->registers, dreg, field, false);
}

static int lift(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	if (is_destination_type(rule, expr))
		load(rule, expr->fib.dreg, SL_META_DADDR_TYPE);
	else if (is_way_back(rule, expr))
		load(rule, expr->fib.dreg,
		     expr->fib.flags & NFTA_FIB_F_PRESENT ? SL_META_WAY_BACK : SL_META_WAY_BACK_IF);
	else if (expr->fib.result ==
		 NFT_FIB_RESULT_OIFNAME) /* up to a name, whose length is its own */
		sl_registers_forget(&rule->registers, "fib");
	else
		sl_registers_load_unknown(&rule->registers, expr->fib.dreg, sizeof(u32), true,
					  "fib");
	return 0;
}

const struct sl_expr_ops sl_expr_fib = {"fib", SL_EXPR_FIB, lift};
