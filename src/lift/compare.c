// SPDX-License-Identifier: GPL-2.0-only
/* nft_cmp.c and nft_range.c: both are memcmp(). */
#include "lift/expr.h"

#include <linux/netfilter/nf_tables.h>
#include <string.h>

static bool holds(u32 op, int order)
{
	switch (op) {
	case NFT_CMP_EQ:
		return order == 0;
	case NFT_CMP_NEQ:
		return order != 0;
	case NFT_CMP_LT:
		return order < 0;
	case NFT_CMP_LTE:
		return order <= 0;
	case NFT_CMP_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

static int compare_values(struct sl_rule_lift *rule, const struct sl_values *values,
			  const struct sl_expr *expr)
{
	u8 worlds = 0;

	for (u32 i = 0; i < SL_WORLD_COUNT; i++)
		if (holds(expr->cmp.op, memcmp(values->bytes[i], expr->cmp.data, expr->cmp.length)))
			worlds |= (u8)(1 << i);
	return sl_emit_states(rule, worlds);
}

static int lift_cmp(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	static const u8 compares[] = {
		[NFT_CMP_EQ] = SL_EQ,  [NFT_CMP_NEQ] = SL_NE, [NFT_CMP_LT] = SL_LT,
		[NFT_CMP_LTE] = SL_LE, [NFT_CMP_GT] = SL_GT,  [NFT_CMP_GTE] = SL_GE,
	};
	struct sl_reading reading;

	if (expr->cmp.op >= SL_ARRAY_SIZE(compares))
		return sl_emit_unknown(rule, "cmp of an unknown kind");
	sl_registers_read(&rule->registers, expr->cmp.sreg, expr->cmp.length, &reading);
	switch (reading.kind) {
	case SL_READ_VALUE:
		return compare_values(rule, &reading.values, expr);
	case SL_READ_KEY:
		return sl_emit_compare(rule, &reading.key, compares[expr->cmp.op], expr->cmp.data);
	case SL_READ_SPLIT:
		return SL_LIFT_SPLIT;
	default:
		return sl_emit_unknown(rule, reading.reason);
	}
}

const struct sl_expr_ops sl_expr_cmp = {"cmp", SL_EXPR_CMP, lift_cmp};

static int range_values(struct sl_rule_lift *rule, const struct sl_values *values,
			const struct sl_expr *expr)
{
	u32 length = expr->range.length;
	u8 worlds = 0;

	for (u32 i = 0; i < SL_WORLD_COUNT; i++) {
		const u8 *value = values->bytes[i];
		bool inside = memcmp(value, expr->range.from, length) >= 0 &&
			      memcmp(value, expr->range.to, length) <= 0;

		if (inside == (expr->range.op == NFT_RANGE_EQ))
			worlds |= (u8)(1 << i);
	}
	return sl_emit_states(rule, worlds);
}

static int lift_range(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	struct sl_reading reading;

	if (expr->range.op > NFT_RANGE_NEQ)
		return sl_emit_unknown(rule, "range of an unknown kind");
	sl_registers_read(&rule->registers, expr->range.sreg, expr->range.length, &reading);
	switch (reading.kind) {
	case SL_READ_VALUE:
		return range_values(rule, &reading.values, expr);
	case SL_READ_KEY:
		return sl_emit_range(rule, &reading.key, expr->range.from, expr->range.to,
				     expr->range.op == NFT_RANGE_NEQ);
	case SL_READ_SPLIT:
		return SL_LIFT_SPLIT;
	default:
		return sl_emit_unknown(rule, reading.reason);
	}
}

const struct sl_expr_ops sl_expr_range = {"range", SL_EXPR_RANGE, lift_range};
