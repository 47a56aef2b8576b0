// SPDX-License-Identifier: GPL-2.0-only
/*
 * nft_limit.c: so many packets in a time. What is left of a rate is the kernel's to know, and the
 * data plane looks there (bpf/limit.h); so it has to be told where the rate stands. iptables' own
 * `limit` is the same expression, but for legacy tables.
 */
#include "lift/expr.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>

/* The one of the rule's expression, which several copies of the rule may share. */
static int find_limit(struct sl_rule_lift *rule, const struct sl_expr *expr, u32 *ret_limit)
{
	struct sl_program *program = rule->lifter->program;
	const struct sl_limit limit = {
		.table = rule->chain->table->handle,
		.chain = rule->chain->source->handle,
		.rule = rule->source->handle,
		.expression = (u32)(expr - rule->source->exprs.items),
	};
	struct sl_limit *slot;
	u32 i = program->limits.count;

	while (i-- > 0) {
		const struct sl_limit *other = &program->limits.items[i];

		if (other->table != limit.table || other->rule != limit.rule)
			break; /* copies are made one after the other */
		if (other->expression == limit.expression) {
			*ret_limit = i;
			return 0;
		}
	}
	slot = sl_list_push(program->arena, &program->limits);
	if (!slot)
		return -ENOMEM;
	*slot = limit;
	*ret_limit = program->limits.count - 1;
	return 0;
}

/* Legacy tables have no handles; a chain of type nat is not among those that can be found. */
static bool can_be_found(const struct sl_rule_lift *rule)
{
	return !rule->chain->table->is_legacy && !(rule->chain->contexts & SL_FROM_NAT);
}

static int lift(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	u32 limit;
	int error;

	if (expr->limit.type != NFT_LIMIT_PKTS) /* GRO may have merged packets */
		return sl_emit_kernel(rule, "limit of bytes");
	if (!can_be_found(rule))
		return sl_emit_kernel(rule, "limit");
	error = find_limit(rule, expr, &limit);
	return error ? error : sl_emit_limit(rule, limit, expr->limit.is_over, "limit");
}

const struct sl_expr_ops sl_expr_limit = {"limit", SL_EXPR_LIMIT, lift};
