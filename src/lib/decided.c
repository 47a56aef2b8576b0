// SPDX-License-Identifier: GPL-2.0-only
/* From what the walks of survey.c met to one word a rule. */
#include "lib/decided.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "lib/survey.h"

static const char of_connections[] = "packets of a connection pass: conntrack must see them";

const char *sl_decision_name(enum sl_decision decision)
{
	static const char *const names[] = {
		[SL_DECIDED_NOT_MET] = "not met", [SL_DECIDED_EARLY] = "early",
		[SL_DECIDED_HOOK] = "netfilter",  [SL_DECIDED_MAYBE] = "maybe",
		[SL_DECIDED_KERNEL] = "kernel",   [SL_DECIDED_BEHIND] = "behind",
	};

	return names[decision];
}

double sl_decisions_share(const struct sl_decisions *decisions)
{
	u32 early = decisions->counts[SL_DECIDED_EARLY] + decisions->counts[SL_DECIDED_HOOK];
	u32 met = early;

	if (decisions->dropped)
		return 100.0 * (double)(decisions->dropped_early + decisions->dropped_at_hooks) /
		       (double)decisions->dropped;
	for (int i = SL_DECIDED_MAYBE; i <= SL_DECIDED_BEHIND; i++)
		met += decisions->counts[i];
	return met ? 100.0 * early / met : 100.0;
}

static const char *doubt_of_key(const struct sl_key *key)
{
	for (u32 i = 0; i < key->part_count; i++) {
		if (key->parts[i].field.base != SL_META)
			continue;
		switch (key->parts[i].field.offset) {
		case SL_META_DADDR_TYPE:
			return "the type of a unicast address that is not the host's own";
		case SL_META_WAY_BACK:
		case SL_META_WAY_BACK_IF:
			return "fib: a way back by policy rules, several next hops or a broadcast";
		}
	}
	return NULL;
}

/* What not every packet has known; NULL: nothing of the kind is asked for. */
static const char *doubt_of(const struct sl_op *op)
{
	const char *doubt = doubt_of_key(&op->key);

	for (u32 i = 0; i < op->alternative_count && !doubt; i++)
		doubt = doubt_of(&op->alternatives[i]);
	return doubt;
}

static bool maps_to_kernel(const struct sl_op *op)
{
	if (op->kind != SL_OP_VMAP)
		return false;
	for (u32 i = 0; i < op->set->elements.count; i++)
		if (op->set->elements.items[i].verdict.kind == SL_VERDICT_KERNEL)
			return true;
	return false;
}

struct judgement {
	enum sl_decision decision;
	const char *reason;
};

static bool drops(const struct sl_rule *rule)
{
	const struct sl_op *last = rule->ops.count ? &rule->ops.items[rule->ops.count - 1] : NULL;

	return last && last->kind == SL_OP_VERDICT && last->verdict.kind == SL_VERDICT_DROP;
}

static struct judgement judge_met(const struct sl_rule *rule, const struct meeting *meeting)
{
	struct judgement judgement = {SL_DECIDED_EARLY, NULL};

	for (u32 i = 0; i < rule->ops.count; i++) {
		const struct sl_op *op = &rule->ops.items[i];

		if (op->kind == SL_OP_KERNEL)
			return (struct judgement){SL_DECIDED_KERNEL, op->reason};
		if ((op->kind == SL_OP_VERDICT && op->verdict.kind == SL_VERDICT_KERNEL) ||
		    maps_to_kernel(op))
			return (struct judgement){SL_DECIDED_KERNEL, "verdict"};
		if (op->kind == SL_OP_LIMIT && !op->invert)
			return (struct judgement){SL_DECIDED_KERNEL, op->reason};
		if (op->kind == SL_OP_UNKNOWN || op->kind == SL_OP_LIMIT || op->kind == SL_OP_FILL)
			judgement = (struct judgement){SL_DECIDED_MAYBE, op->reason};
		else if (judgement.decision == SL_DECIDED_EARLY && doubt_of(op))
			judgement = (struct judgement){SL_DECIDED_MAYBE, doubt_of(op)};
	}
	if (judgement.decision == SL_DECIDED_EARLY && drops(rule) && !meeting->drops_early)
		judgement = (struct judgement){
			SL_DECIDED_MAYBE,
			"only conntrack can tell most of its packets from new ones"};
	return judgement;
}

static struct judgement judge(const struct sl_decisions *decisions, const struct sl_rule *rule,
			      const struct meeting *meeting)
{
	if (meeting->worlds && rule)
		return judge_met(rule, meeting);
	if (meeting->worlds)
		return (struct judgement){SL_DECIDED_EARLY, NULL};
	if (!meeting->is_behind)
		return (struct judgement){SL_DECIDED_NOT_MET, NULL};
	return (struct judgement){SL_DECIDED_BEHIND,
				  meeting->obstacle == NO_OBSTACLE
					  ? of_connections
					  : decisions->obstacles.items[meeting->obstacle].reason};
}

/* Kernel counters of a rule, and whether it ends in a drop. */
static void read_source(struct sl_decided *item)
{
	for (u32 i = 0; i < item->rule->exprs.count; i++) {
		const struct sl_expr *expr = &item->rule->exprs.items[i];

		if (expr->kind == SL_EXPR_COUNTER) {
			item->has_counter = true;
			item->packets = expr->counter.packets;
			item->bytes = expr->counter.bytes;
		} else if (expr->kind == SL_EXPR_IMMEDIATE && expr->immediate.is_verdict) {
			item->drops = expr->immediate.verdict.code == NF_DROP;
		}
	}
}

static void charge_obstacle(struct survey *survey, u32 index, const struct sl_decided *item,
			    bool is_behind)
{
	struct sl_obstacle *obstacle;

	if (index == NO_OBSTACLE)
		return;
	obstacle = &survey->decisions->obstacles.items[index];
	obstacle->rules_behind += is_behind && item->rule;
	if (item->drops)
		obstacle->packets += item->packets;
}

static struct sl_decided *add_item(struct survey *survey, const struct sl_decided *item)
{
	struct sl_decided *slot = sl_list_push(survey->program->arena, &survey->decisions->items);

	if (!slot)
		survey->error = -ENOMEM;
	else
		*slot = *item;
	return slot;
}

/* A rule that was lifted several times is as bad as its worst copy that is met. */
static void merge_copy(struct survey *survey, struct sl_decided *item, const struct sl_rule *rule,
		       const struct meeting *meeting)
{
	struct judgement judgement = judge(survey->decisions, rule, meeting);
	bool is_worse = judgement.decision > item->decision;

	item->drops_early |= meeting->drops_early;
	if (!item->meaning)
		item->meaning = rule;
	if (judgement.decision == SL_DECIDED_BEHIND && item->decision != SL_DECIDED_NOT_MET)
		return;
	if (is_worse || item->decision == SL_DECIDED_BEHIND) {
		if (judgement.decision != SL_DECIDED_NOT_MET) {
			item->decision = judgement.decision;
			item->reason = judgement.reason;
		}
	}
}

/* What was undecided before may be decided at a hook. Both list the same rules in one order. */
static void look_behind(const struct survey *survey, struct sl_decided *item)
{
	const struct sl_decisions *hooks = survey->hooks;
	u32 index = survey->decisions->items.count;
	const struct sl_decided *behind;

	if (!hooks || index >= hooks->items.count || item->decision <= SL_DECIDED_HOOK)
		return;
	behind = &hooks->items.items[index];
	if (behind->decision != SL_DECIDED_EARLY || item->drops != behind->drops)
		return;
	item->decision = SL_DECIDED_HOOK;
	item->reason = NULL;
}

/* What is not early adds to the weight of whatever keeps it so. */
static void charge(struct survey *survey, const struct sl_decided *item, struct meeting *meeting,
		   const struct sl_chain *chain)
{
	const struct sl_obstacle own = {
		.chain = chain, .rule = item->meaning, .reason = item->reason};
	struct sl_decisions *decisions = survey->decisions;

	if (item->rule)
		decisions->counts[item->decision]++;
	if (item->decision == SL_DECIDED_NOT_MET || !meeting)
		return;
	if (item->drops && item->has_counter) {
		decisions->dropped += item->packets;
		if (item->decision == SL_DECIDED_EARLY)
			decisions->dropped_early += item->packets;
		if (item->decision == SL_DECIDED_HOOK)
			decisions->dropped_at_hooks += item->packets;
	}
	if (item->decision == SL_DECIDED_BEHIND)
		charge_obstacle(survey, meeting->obstacle, item, true);
	else if (item->drops && item->decision > SL_DECIDED_HOOK)
		charge_obstacle(survey, sl_survey_blame(survey, meeting, &own), item, false);
}

static void add_rules(struct survey *survey, const struct sl_nft_table *table,
		      const struct sl_nft_chain *source, const struct sl_chain *chain)
{
	u32 next = 0;

	for (u32 i = 0; i < source->rules.count && !survey->error; i++) {
		struct sl_decided item = {
			.table = table, .chain = source, .rule = &source->rules.items[i]};
		struct meeting *last = NULL;

		read_source(&item);
		/* Copies follow each other, in the order of their sources. */
		while (chain && next < chain->rules.count &&
		       chain->rules.items[next].handle == item.rule->handle) {
			last = &survey->chains[chain->index].rules[next];
			merge_copy(survey, &item, &chain->rules.items[next], last);
			next++;
		}
		look_behind(survey, &item);
		charge(survey, &item, last, chain);
		add_item(survey, &item);
	}
}

static void add_policy(struct survey *survey, const struct sl_nft_table *table,
		       const struct sl_nft_chain *source, const struct sl_chain *chain)
{
	struct sl_decided item = {
		.table = table,
		.chain = source,
		.drops = source->policy == NF_DROP,
		.has_counter = source->has_counters,
		.packets = source->packets,
		.bytes = source->bytes,
	};
	struct meeting *last = NULL;

	if (!source->is_base)
		return;
	for (u32 i = 0; chain && i < survey->program->path.count; i++) {
		const struct sl_step *step = &survey->program->path.items[i];

		if (step->kind != SL_STEP_CHAIN || step->chain != chain)
			continue;
		last = &survey->policies[i];
		merge_copy(survey, &item, NULL, last);
	}
	if (item.decision == SL_DECIDED_EARLY && item.drops && !item.drops_early) {
		item.decision = SL_DECIDED_MAYBE;
		item.reason = of_connections;
	}
	look_behind(survey, &item);
	charge(survey, &item, last, chain);
	add_item(survey, &item);
}

static const struct sl_chain *find_chain(const struct sl_program *program,
					 const struct sl_nft_table *table, const char *name)
{
	for (u32 i = 0; i < program->chains.count; i++) {
		const struct sl_chain *chain = program->chains.items[i];

		if (chain->family == table->family && !strcmp(chain->table, table->name) &&
		    !strcmp(chain->name, name))
			return chain;
	}
	return NULL;
}

static void collect(struct survey *survey, const struct sl_ruleset *rules)
{
	for (u32 t = 0; t < rules->tables.count; t++) {
		const struct sl_nft_table *table = rules->tables.items[t];

		for (u32 c = 0; c < table->chains.count && !survey->error; c++) {
			const struct sl_nft_chain *source = table->chains.items[c];
			const struct sl_chain *chain =
				find_chain(survey->program, table, source->name);

			add_rules(survey, table, source, chain);
			add_policy(survey, table, source, chain);
		}
	}
}

/* A step stops everything; then what costs the most drops, then the most rules. */
static int compare_obstacles(const void *left, const void *right)
{
	const struct sl_obstacle *a = left, *b = right;

	if (!a->step != !b->step)
		return !a->step - !b->step;
	if (a->packets != b->packets)
		return a->packets < b->packets ? 1 : -1;
	if (a->rules_behind != b->rules_behind)
		return a->rules_behind < b->rules_behind ? 1 : -1;
	return a->order < b->order ? -1 : 1;
}

static bool asks_conntrack(const struct sl_program *program)
{
	bool is_tracked = false;

	for (u32 i = 0; i < program->path.count; i++) {
		is_tracked |= program->path.items[i].kind == SL_STEP_CONNTRACK;
		if (is_tracked && program->path.items[i].kind == SL_STEP_CHAIN)
			return true;
	}
	return false;
}

int sl_decide(struct sl_program *program, const struct sl_ruleset *rules,
	      const struct sl_code *code, const struct sl_decisions *hooks,
	      struct sl_decisions *ret_decisions)
{
	struct sl_decisions decisions = {0};
	struct survey survey = {
		.program = program, .decisions = &decisions, .code = code, .hooks = hooks};
	int error = sl_survey_open(&survey);

	if (error)
		return error;
	sl_survey_walk(&survey);
	if (!survey.error)
		collect(&survey, rules);
	if (survey.error)
		return survey.error;
	decisions.asks_conntrack = asks_conntrack(program);
	if (decisions.obstacles.count)
		qsort(decisions.obstacles.items, decisions.obstacles.count,
		      sizeof *decisions.obstacles.items, compare_obstacles);
	*ret_decisions = decisions;
	return 0;
}
