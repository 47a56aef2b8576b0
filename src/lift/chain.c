// SPDX-License-Identifier: GPL-2.0-only
/* Chains and their rules: which ones packets can reach, and what each rule says. */
#include "lift/expr.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

/* The index */

static int index_table(struct sl_lifter *lifter, const struct sl_nft_table *table)
{
	for (u32 i = 0; i < table->chains.count; i++) {
		struct sl_chain_lift *chain = sl_list_push(lifter->program->arena, &lifter->chains);

		if (!chain)
			return -ENOMEM;
		chain->table = table;
		chain->source = table->chains.items[i];
	}
	return 0;
}

static int by_table_and_name(const void *left, const void *right)
{
	const struct sl_chain_lift *a = *(struct sl_chain_lift *const *)left;
	const struct sl_chain_lift *b = *(struct sl_chain_lift *const *)right;

	if (a->table != b->table)
		return (uintptr_t)a->table < (uintptr_t)b->table ? -1 : 1;
	return strcmp(a->source->name, b->source->name);
}

int sl_chains_index(struct sl_lifter *lifter)
{
	u32 count;
	int error = 0;

	for (u32 i = 0; !error && i < lifter->rules->tables.count; i++)
		error = index_table(lifter, lifter->rules->tables.items[i]);
	if (error)
		return error;
	count = lifter->chains.count;
	lifter->by_name = sl_arena_alloc(lifter->program->arena,
					 (count + 1) * sizeof(struct sl_chain_lift *));
	if (!lifter->by_name)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++)
		lifter->by_name[i] = &lifter->chains.items[i];
	qsort(lifter->by_name, count, sizeof(struct sl_chain_lift *), by_table_and_name);
	return 0;
}

struct sl_chain_lift *sl_chain_find(const struct sl_lifter *lifter,
				    const struct sl_nft_table *table, const char *name)
{
	struct sl_nft_chain source = {.name = name};
	struct sl_chain_lift wanted = {.table = table, .source = &source}, *key = &wanted, **found;

	found = bsearch(&key, lifter->by_name, lifter->chains.count, sizeof(struct sl_chain_lift *),
			by_table_and_name);
	return found ? *found : NULL;
}

/* Reachability. Contexts only ever grow, so that it ends even on a loop. */

static void reach_by_verdict(struct sl_lifter *lifter, const struct sl_chain_lift *from,
			     const struct sl_nft_verdict *verdict)
{
	struct sl_chain_lift *to;

	if ((verdict->code != NFT_JUMP && verdict->code != NFT_GOTO) || !verdict->chain)
		return;
	to = sl_chain_find(lifter, from->table, verdict->chain);
	if (to)
		sl_chain_reach(lifter, to, from->contexts);
}

static void reach_by_expr(struct sl_lifter *lifter, const struct sl_chain_lift *from,
			  const struct sl_expr *expr)
{
	if (expr->kind == SL_EXPR_IMMEDIATE && expr->immediate.is_verdict)
		reach_by_verdict(lifter, from, &expr->immediate.verdict);
	if (expr->kind != SL_EXPR_LOOKUP || !expr->lookup.is_verdict)
		return;
	for (u32 i = 0; i < expr->lookup.set->elements.count; i++)
		reach_by_verdict(lifter, from, &expr->lookup.set->elements.items[i].verdict);
}

void sl_chain_reach(struct sl_lifter *lifter, struct sl_chain_lift *chain, u32 contexts)
{
	if (!(contexts & ~chain->contexts))
		return;
	chain->contexts |= contexts;
	for (u32 i = 0; i < chain->source->rules.count; i++) {
		const struct sl_nft_rule *rule = &chain->source->rules.items[i];

		for (u32 k = 0; k < rule->exprs.count; k++)
			reach_by_expr(lifter, chain, &rule->exprs.items[k]);
	}
}

/* Rules */

static int commit_rule(struct sl_rule_lift *lift)
{
	struct sl_arena *arena = lift->lifter->program->arena;
	struct sl_rule *rule = sl_list_push(arena, &lift->chain->chain->rules);

	if (!rule)
		return -ENOMEM;
	rule->handle = lift->source->handle;
	if (lift->source->comment) {
		rule->comment = sl_arena_strdup(arena, lift->source->comment);
		if (!rule->comment)
			return -ENOMEM;
	} else {
		rule->comment = lift->comment;
	}
	rule->ops.items = lift->ops.items;
	rule->ops.count = lift->ops.count;
	rule->ops.capacity = lift->ops.capacity;
	return 0;
}

/* 0, -errno or SL_LIFT_SPLIT. */
static int lift_exprs(struct sl_rule_lift *lift)
{
	int error = 0;

	for (u32 i = 0; !error && !lift->ends && i < lift->source->exprs.count; i++)
		error = sl_expr_lift(lift, &lift->source->exprs.items[i]);
	return error;
}

static void start_rule(struct sl_rule_lift *lift, u32 world)
{
	lift->registers.count = 0;
	lift->registers.lost_break = false;
	lift->ops.items = NULL;
	lift->ops.count = lift->ops.capacity = 0;
	lift->comment = NULL;
	lift->world = world;
	lift->ends = false;
}

static bool has_effect(const struct sl_rule_lift *lift)
{
	for (u32 i = 0; i < lift->ops.count; i++)
		if (lift->ops.items[i].kind >= SL_OP_COUNTER)
			return true;
	return false;
}

/*
 * A rule that means something else in each world becomes a rule for each, of which a packet in one
 * world only ever meets one. Those that do nothing are left out.
 */
static int lift_by_world(struct sl_rule_lift *lift)
{
	int error = 0;

	for (u32 world = 0; !error && world < SL_WORLD_COUNT; world++) {
		start_rule(lift, world);
		error = sl_emit_states(lift, (u8)(1 << world));
		if (!error)
			error = lift_exprs(lift);
		if (!error && has_effect(lift))
			error = commit_rule(lift);
	}
	return error;
}

static int lift_rule(struct sl_rule_lift *lift, const struct sl_nft_rule *source)
{
	int error;

	lift->source = source;
	lift->counter = SL_NO_COUNTER;
	start_rule(lift, SL_WORLD_COUNT);
	error = lift_exprs(lift);
	if (error == SL_LIFT_SPLIT)
		return lift_by_world(lift);
	return error ? error : commit_rule(lift);
}

static int lift_chain(struct sl_lifter *lifter, const struct sl_chain_lift *chain)
{
	struct sl_rule_lift lift = {.lifter = lifter, .chain = chain};
	int error = 0;

	for (u32 i = 0; !error && i < chain->source->rules.count; i++)
		error = lift_rule(&lift, &chain->source->rules.items[i]);
	return error;
}

int sl_chains_lift(struct sl_lifter *lifter)
{
	int error = 0;

	for (u32 i = 0; i < lifter->chains.count; i++) {
		struct sl_chain_lift *chain = &lifter->chains.items[i];

		if (!chain->contexts)
			continue;
		chain->chain = sl_program_add_chain(lifter->program, chain->table->family,
						    chain->table->name, chain->source->name);
		if (!chain->chain)
			return -ENOMEM;
	}
	for (u32 i = 0; !error && i < lifter->chains.count; i++)
		if (lifter->chains.items[i].contexts)
			error = lift_chain(lifter, &lifter->chains.items[i]);
	return error;
}
