// SPDX-License-Identifier: GPL-2.0-only
/* nft_immediate.c: a verdict, or constant bytes for a register. */
#include "lift/expr.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

static struct sl_verdict to_chain(const struct sl_lifter *lifter, const struct sl_nft_table *table,
				  enum sl_verdict_kind kind, const char *name)
{
	const struct sl_chain_lift *target = name ? sl_chain_find(lifter, table, name) : NULL;

	if (!target || !target->chain)
		return (struct sl_verdict){.kind = SL_VERDICT_KERNEL};
	return (struct sl_verdict){.kind = kind, .chain = target->chain};
}

struct sl_verdict sl_verdict_lift(const struct sl_lifter *lifter, const struct sl_nft_table *table,
				  const struct sl_nft_verdict *verdict)
{
	switch (verdict->code) {
	case NF_ACCEPT:
		return (struct sl_verdict){.kind = SL_VERDICT_ACCEPT};
	case NF_DROP:
		return (struct sl_verdict){.kind = SL_VERDICT_DROP};
	case NFT_CONTINUE:
	case NFT_BREAK: /* the same for what stands last in its rule */
		return (struct sl_verdict){.kind = SL_VERDICT_CONTINUE};
	case NFT_RETURN:
		return (struct sl_verdict){.kind = SL_VERDICT_RETURN};
	case NFT_JUMP:
		return to_chain(lifter, table, SL_VERDICT_JUMP, verdict->chain);
	case NFT_GOTO:
		return to_chain(lifter, table, SL_VERDICT_GOTO, verdict->chain);
	default:
		return (struct sl_verdict){.kind = SL_VERDICT_KERNEL};
	}
}

static int lift(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	struct sl_verdict verdict;

	if (!expr->immediate.is_verdict) {
		if (!expr->immediate.length || expr->immediate.length > SL_REGISTER_FILE_SIZE)
			sl_registers_forget(&rule->registers, "immediate of odd length");
		else
			sl_registers_load_value(&rule->registers, expr->immediate.dreg,
						expr->immediate.data, expr->immediate.length);
		return 0;
	}
	if (expr->immediate.verdict.code == NFT_CONTINUE)
		return 0;
	if (expr->immediate.verdict.code == NFT_BREAK)
		return sl_emit_never(rule);
	verdict = sl_verdict_lift(rule->lifter, rule->chain->table, &expr->immediate.verdict);
	if (verdict.kind == SL_VERDICT_DROP && rule->chain->contexts & SL_FROM_NAT)
		return sl_emit_kernel(rule, "drop in a nat chain, which only new connections meet");
	if (verdict.kind == SL_VERDICT_KERNEL)
		return sl_emit_kernel(rule, "a verdict that only the kernel can carry out");
	return sl_emit_verdict(rule, &verdict);
}

const struct sl_expr_ops sl_expr_immediate = {"immediate", SL_EXPR_IMMEDIATE, lift};
