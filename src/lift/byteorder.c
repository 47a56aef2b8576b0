// SPDX-License-Identifier: GPL-2.0-only
/*
 * nft_byteorder.c: to the other byte order; on little-endian hosts both ways are a swap.
 * Kernels before 6.5 stepped by four bytes whatever the word size, so that words of two or eight
 * bytes are the same everywhere only when there is just one.
 */
#include "lift/expr.h"

#include <endian.h>

static bool is_portable(u32 length, u32 size)
{
	if (size == 4)
		return length && length % 4 == 0;
	return (size == 2 || size == 8) && length == size;
}

static int lift(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	struct sl_transform transform = {
		.kind = SL_SWAP,
		.length = (u8)expr->byteorder.length,
		.width = (u8)expr->byteorder.size,
	};

	_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "a swap is no conversion here");
	if (expr->byteorder.length <= SL_REGISTER_FILE_SIZE &&
	    is_portable(expr->byteorder.length, expr->byteorder.size))
		sl_registers_transform(&rule->registers, expr->byteorder.sreg, expr->byteorder.dreg,
				       &transform);
	else
		sl_registers_forget(&rule->registers, "byteorder of several words");
	return 0;
}

const struct sl_expr_ops sl_expr_byteorder = {"byteorder", SL_EXPR_BYTEORDER, lift};
