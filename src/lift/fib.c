// SPDX-License-Identifier: GPL-2.0-only
/*
 * nft_fib.c: what the routing tables say of an address. Only the type of the destination is known,
 * as any device of the namespace sees it, and where that is how xt_addrtype.c finds it: in IPv4.
 */
#include "lift/expr.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

static bool is_destination_type(const struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	return rule->chain->table->family == NFPROTO_IPV4 &&
	       expr->fib.result == NFT_FIB_RESULT_ADDRTYPE && expr->fib.flags == NFTA_FIB_F_DADDR;
}

static int lift(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	const struct sl_field type = {
		.base = SL_META, .length = sizeof(u32), .offset = SL_META_DADDR_TYPE};

	if (is_destination_type(rule, expr))
		sl_registers_load_field(&rule->registers, expr->fib.dreg, type, false);
	else if (expr->fib.result ==
		 NFT_FIB_RESULT_OIFNAME) /* up to a name, whose length is its own */
		sl_registers_forget(&rule->registers, "fib");
	else
		sl_registers_load_unknown(&rule->registers, expr->fib.dreg, sizeof(u32), true,
					  "fib");
	return 0;
}

const struct sl_expr_ops sl_expr_fib = {"fib", SL_EXPR_FIB, lift};
