// SPDX-License-Identifier: GPL-2.0-only
/* nft_bitwise.c: mask and xor, shifts by a constant. */
#include "lift/expr.h"

#include <linux/netfilter/nf_tables.h>

/* 0 for what kernels from 6.13 on know besides: operations on two registers. */
static bool find_kind(u32 op, u8 *ret_kind)
{
	static const u8 kinds[] = {
		[NFT_BITWISE_MASK_XOR] = SL_MASK,
		[NFT_BITWISE_LSHIFT] = SL_SHL,
		[NFT_BITWISE_RSHIFT] = SL_SHR,
	};

	if (op >= SL_ARRAY_SIZE(kinds))
		return false;
	*ret_kind = kinds[op];
	return true;
}

static bool is_sound(const struct sl_expr *expr, u8 kind)
{
	if (!expr->bitwise.length || expr->bitwise.length > SL_REGISTER_FILE_SIZE)
		return false;
	if (kind == SL_MASK)
		return expr->bitwise.mask && expr->bitwise.xor ;
	return expr->bitwise.shift >= 1 && expr->bitwise.shift <= 31;
}

static int lift(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	struct sl_transform transform = {
		.length = (u8)expr->bitwise.length,
		.width = (u8)expr->bitwise.shift,
		.mask = expr->bitwise.mask,
		.xor = expr->bitwise.xor
		,
	};

	if (find_kind(expr->bitwise.op, &transform.kind) && is_sound(expr, transform.kind))
		sl_registers_transform(&rule->registers, expr->bitwise.sreg, expr->bitwise.dreg,
				       &transform);
	else
		sl_registers_forget(&rule->registers, "bitwise operation");
	return 0;
}

const struct sl_expr_ops sl_expr_bitwise = {"bitwise", SL_EXPR_BITWISE, lift};
