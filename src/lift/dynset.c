// SPDX-License-Identifier: GPL-2.0-only
/*
 * nft_dynset.c: adds the packet to a set. Where it is there already `add` changes nothing, nor does
 * `update` without a timeout that it would begin again.
 */
#include "lift/expr.h"

#include <linux/netfilter/nf_tables.h>

static bool leaves_what_is_there(const struct sl_expr *expr)
{
	const struct sl_nft_set *set = expr->dynset.set;

	if (expr->dynset.invert || expr->dynset.has_exprs)
		return false;
	return expr->dynset.op == NFT_DYNSET_OP_ADD ||
	       (expr->dynset.op == NFT_DYNSET_OP_UPDATE && !(set->flags & NFT_SET_TIMEOUT));
}

static int lift(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	const struct sl_set_lift *set;
	struct sl_reading reading;
	int error = sl_set_lift(rule, expr->dynset.set, &set);

	if (error)
		return error;
	if (!leaves_what_is_there(expr) || !sl_lookup_is_of_filled(rule, expr, set))
		return sl_emit_kernel(rule, expr->name);
	sl_registers_read(&rule->registers, expr->dynset.sreg, expr->dynset.set->key_length,
			  &reading);
	return reading.kind == SL_READ_KEY
		       ? sl_emit_fill(rule, &reading.key, set->filled, expr->name)
		       : sl_emit_kernel(rule, expr->name);
}

const struct sl_expr_ops sl_expr_dynset = {"dynset", SL_EXPR_DYNSET, lift};
