// SPDX-License-Identifier: GPL-2.0-only
/* The chains in the order in which a packet meets them, each once, with those that it jumps to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"

struct arranging {
	struct sl_report *report;
	struct sl_arena *arena;
	struct sl_report_chain **by_name; /* sorted by table and name */
	struct sl_report_chain **order;   /* as they are placed */
	u32 placed;
	int error;
};

static const struct sl_ruleset *rules_of(const struct sl_report *report)
{
	return report->plan->compiled->rules;
}

static u32 count_chains(const struct sl_ruleset *rules)
{
	u32 count = 0;

	for (u32 i = 0; i < rules->tables.count; i++)
		count += rules->tables.items[i]->chains.count;
	return count;
}

struct sl_count sl_report_early(const struct sl_report *report, const struct sl_decided *item)
{
	if (!item->has_counter)
		return (struct sl_count){0};
	return sl_early_find(&report->early, item->table->handle, item->chain->handle,
			     item->rule ? item->rule->handle : 0);
}

static void add_item(struct sl_report *report, struct sl_report_chain *chain,
		     const struct sl_decided *item)
{
	struct sl_count early = sl_report_early(report, item);

	if (item->rule)
		chain->decided[item->decision]++;
	if (item->packets + early.packets > report->most_packets)
		report->most_packets = item->packets + early.packets;
	if (item->drops && item->decision != SL_DECIDED_NOT_MET) {
		chain->dropped += item->packets;
		chain->dropped_early += early.packets;
	}
}

/* The decisions list all rules in this order, and behind those of a base chain its policy. */
static u32 add_chain(struct sl_report *report, const struct sl_nft_table *table,
		     const struct sl_nft_chain *source, u32 first)
{
	struct sl_report_chain *chain = &report->chains[report->chain_count];

	*chain = (struct sl_report_chain){
		.table = table,
		.chain = source,
		.index = report->chain_count++,
		.first = first,
		.count = source->rules.count + source->is_base,
	};
	for (u32 i = 0; i < chain->count; i++)
		add_item(report, chain, &report->plan->decisions.items.items[first + i]);
	return first + chain->count;
}

static void add_chains(struct sl_report *report)
{
	const struct sl_ruleset *rules = rules_of(report);
	u32 first = 0;

	for (u32 t = 0; t < rules->tables.count; t++)
		for (u32 c = 0; c < rules->tables.items[t]->chains.count; c++)
			first = add_chain(report, rules->tables.items[t],
					  rules->tables.items[t]->chains.items[c], first);
}

static int by_name(const void *left, const void *right)
{
	const struct sl_report_chain *a = *(struct sl_report_chain *const *)left;
	const struct sl_report_chain *b = *(struct sl_report_chain *const *)right;

	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	return strcmp(a->chain->name, b->chain->name);
}

static struct sl_report_chain *find_chain(const struct arranging *arranging,
					  const struct sl_nft_table *table, const char *name)
{
	const struct sl_nft_chain named = {.name = name};
	struct sl_report_chain wanted = {.table = table, .chain = &named}, *key = &wanted, **found;

	found = bsearch(&key, arranging->by_name, arranging->report->chain_count,
			sizeof *arranging->by_name, by_name);
	return found ? *found : NULL;
}

static void add_target(struct arranging *arranging, struct sl_report_chain *chain, const char *name)
{
	struct sl_report_chain *target = name ? find_chain(arranging, chain->table, name) : NULL;
	struct sl_report_chain **slot;

	for (u32 i = 0; i < chain->targets.count && target; i++)
		if (chain->targets.items[i] == target)
			return;
	if (!target)
		return;
	slot = sl_list_push(arranging->arena, &chain->targets);
	if (slot)
		*slot = target;
	else
		arranging->error = -ENOMEM;
}

static int by_index(const void *left, const void *right)
{
	const struct sl_report_chain *a = *(struct sl_report_chain *const *)left;
	const struct sl_report_chain *b = *(struct sl_report_chain *const *)right;

	return (a->index > b->index) - (a->index < b->index);
}

/* A map has no order of its own that would be the same tomorrow. */
static void add_targets(struct arranging *arranging, struct sl_report_chain *chain,
			const struct sl_expr *expr)
{
	u32 before = chain->targets.count;
	const struct sl_nft_set *set;

	if (expr->kind == SL_EXPR_IMMEDIATE && expr->immediate.is_verdict)
		add_target(arranging, chain, expr->immediate.verdict.chain);
	if (expr->kind != SL_EXPR_LOOKUP || !expr->lookup.is_verdict)
		return;
	set = expr->lookup.set;
	for (u32 i = 0; i < set->elements.count; i++)
		add_target(arranging, chain, set->elements.items[i].verdict.chain);
	if (chain->targets.count > before)
		qsort(chain->targets.items + before, chain->targets.count - before,
		      sizeof(struct sl_report_chain *), by_index);
}

static void find_targets(struct arranging *arranging, struct sl_report_chain *chain)
{
	for (u32 i = 0; i < chain->chain->rules.count; i++) {
		const struct sl_nft_rule *rule = &chain->chain->rules.items[i];

		for (u32 e = 0; e < rule->exprs.count; e++)
			add_targets(arranging, chain, &rule->exprs.items[e]);
	}
}

/* The longest way counts, so that jumps only ever lead on. The kernel allows so many, no loops. */
static void measure_depths(struct sl_report *report)
{
	bool has_changed = true;

	for (u32 round = 0; round < SL_JUMP_DEPTH_MAX && has_changed; round++) {
		has_changed = false;
		for (u32 i = 0; i < report->chain_count; i++) {
			const struct sl_report_chain *chain = &report->chains[i];

			if (chain->depth != round || (!round && !chain->chain->is_base))
				continue;
			for (u32 t = 0; t < chain->targets.count; t++)
				chain->targets.items[t]->depth = round + 1;
			has_changed |= chain->targets.count != 0;
		}
	}
}

static void place(struct arranging *arranging, struct sl_report_chain *chain, u32 depth)
{
	if (chain->is_placed || depth > SL_JUMP_DEPTH_MAX)
		return;
	chain->is_placed = true;
	arranging->order[arranging->placed++] = chain;
	for (u32 i = 0; i < chain->targets.count; i++)
		place(arranging, chain->targets.items[i], depth + 1);
}

static void add_lane(struct arranging *arranging, const struct sl_step *step)
{
	struct sl_report *report = arranging->report;
	struct sl_report_lane *lane = sl_list_push(arranging->arena, &report->lanes);
	const struct sl_nft_table *table;
	struct sl_report_chain *chain = NULL;

	if (!lane) {
		arranging->error = -ENOMEM;
		return;
	}
	*lane = (struct sl_report_lane){
		.step = step,
		.chains = arranging->order + arranging->placed,
		.count = arranging->placed,
	};
	if (step->kind == SL_STEP_CHAIN) {
		table = sl_ruleset_find_table(rules_of(report), step->chain->family,
					      step->chain->table);
		chain = table ? find_chain(arranging, table, step->chain->name) : NULL;
	}
	if (chain)
		place(arranging, chain, 0);
	lane->count = arranging->placed - lane->count;
}

int sl_report_arrange(struct sl_report *report)
{
	struct sl_program *program = report->plan->legal;
	struct arranging arranging = {.report = report, .arena = program->arena};
	u32 count = count_chains(rules_of(report));

	report->chains = sl_arena_alloc(program->arena, (count + 1) * sizeof *report->chains);
	arranging.by_name = sl_arena_alloc(program->arena, (count + 1) * sizeof(void *));
	arranging.order = sl_arena_alloc(program->arena, (count + 1) * sizeof(void *));
	if (!report->chains || !arranging.by_name || !arranging.order)
		return -ENOMEM;
	add_chains(report);
	for (u32 i = 0; i < count; i++)
		arranging.by_name[i] = &report->chains[i];
	qsort(arranging.by_name, count, sizeof *arranging.by_name, by_name);
	for (u32 i = 0; i < count; i++)
		find_targets(&arranging, &report->chains[i]);
	measure_depths(report);
	for (u32 i = 0; i < program->path.count; i++)
		add_lane(&arranging, &program->path.items[i]);
	return arranging.error;
}
