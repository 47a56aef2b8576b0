// SPDX-License-Identifier: GPL-2.0-only
/* nft_counter.c and nft_objref.c: a rule's own counter, and objects that rules share. */
#include "lift/expr.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

static bool is_of(const struct sl_counter *counter, const struct sl_chain *chain, u64 handle)
{
	return counter->handle == handle && counter->family == chain->family &&
	       !strcmp(counter->chain, chain->name) && !strcmp(counter->table, chain->table);
}

/* They come in the same order, but for those that only the front has. */
static int find_in_front(struct sl_lifter *lifter, const struct sl_chain *chain, u64 handle,
			 u32 *ret_counter)
{
	u32 count = lifter->program->counters.count;

	for (u32 i = 0; i < count; i++) {
		u32 at = (lifter->next_counter + i) % count;

		if (!is_of(&lifter->program->counters.items[at], chain, handle))
			continue;
		lifter->next_counter = at + 1;
		*ret_counter = at;
		return 0;
	}
	return -ENOENT;
}

int sl_counter_add(struct sl_lifter *lifter, const struct sl_chain_lift *chain, u64 handle,
		   u32 *ret_counter)
{
	struct sl_program *program = lifter->program;
	struct sl_counter *counter;

	if (lifter->front)
		return find_in_front(lifter, chain->chain, handle, ret_counter);
	counter = sl_list_push(program->arena, &program->counters);
	if (!counter)
		return -ENOMEM;
	*counter = (struct sl_counter){
		.table = chain->chain->table,
		.chain = chain->chain->name,
		.family = chain->chain->family,
		.handle = handle,
	};
	*ret_counter = program->counters.count - 1;
	return 0;
}

static bool has_counted(const struct sl_rule_lift *rule)
{
	for (u32 i = 0; i < rule->ops.count; i++)
		if (rule->ops.items[i].kind == SL_OP_COUNTER)
			return true;
	return false;
}

static int lift_counter(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	int error = 0;

	(void)expr;
	if (has_counted(rule)) /* counters are told apart by their rule's handle */
		return sl_emit_kernel(rule, "a second counter in one rule");
	if (rule->counter == SL_NO_COUNTER)
		error = sl_counter_add(rule->lifter, rule->chain, rule->source->handle,
				       &rule->counter);
	if (error == -ENOENT)
		return sl_emit_kernel(rule, "a counter that sluice does not keep ahead of here");
	return error ? error : sl_emit_counter(rule, rule->counter);
}

const struct sl_expr_ops sl_expr_counter = {"counter", SL_EXPR_COUNTER, lift_counter};

/*
 * Even a counter: several rules add to it, `nft reset` and quotas elsewhere read it, and the
 * program's counters are kept per rule.
 */
static int lift_objref(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	static const char *const names[] = {
		[NFT_OBJECT_COUNTER] = "named counter",
		[NFT_OBJECT_QUOTA] = "named quota",
		[NFT_OBJECT_CT_HELPER] = "ct helper",
		[NFT_OBJECT_LIMIT] = "named limit",
		[NFT_OBJECT_CONNLIMIT] = "named connlimit",
		[NFT_OBJECT_TUNNEL] = "tunnel",
		[NFT_OBJECT_CT_TIMEOUT] = "ct timeout",
		[NFT_OBJECT_SECMARK] = "named secmark",
		[NFT_OBJECT_CT_EXPECT] = "ct expectation",
		[NFT_OBJECT_SYNPROXY] = "named synproxy",
	};
	u32 type = expr->objref.type;
	const char *name = type < SL_ARRAY_SIZE(names) ? names[type] : NULL;

	return sl_emit_kernel(rule, name ? name : "named object");
}

const struct sl_expr_ops sl_expr_objref = {"objref", SL_EXPR_OBJREF, lift_objref};
