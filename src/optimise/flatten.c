/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chains into the chains that jump to them. A jump `T → D` becomes D's rules, each behind the tests
 * T, so that a firewall cut into hundreds of chains is one run of rules again, and one table of
 * decision trees (gather.c). The jump's counter stays, as a rule of its own in front.
 *
 * That means the same because T can be asked again: it reads nothing but the packet and the states
 * that the worlds stand for, so it holds for each rule of D in the worlds in which it held for the
 * jump. What is left at D's end goes on behind the jump, as it does behind D's last rule. A RETURN
 * would skip the rest of D, which nothing here could say; unless it ends D, or nothing stands
 * behind the jump: then it leaves the chain that it now stands in, just like what it left.
 *
 * Only what all can be told as boxes is inlined, and only where enough of it comes together: one
 * test ahead of a chain costs straight code less than the same test in each of its rules.
 */
#include <errno.h>
#include <string.h>

#include "classify/boxes.h"
#include "ir/key.h"
#include "optimise/optimise.h"

/* What a rule of the chain at hand becomes. */
struct expansion {
	bool is_plain; /* can be a part of a table, as it is or inlined */
	bool is_jump;  /* … inlined: as these */
	SL_LIST(struct sl_rule) rules;
	u32 room; /* that they take, since they are not the chain's only copy */
};

/* Where boxes are made, to be looked at and forgotten. */
struct scratch {
	struct sl_arena *arena;
	struct sl_boxes boxes;
	u32 uses;
};

struct flattener {
	struct sl_program *program;
	const struct sl_place *places;
	u32 *references;  /* by chain index: jumps, verdict maps and steps that lead there */
	bool *is_done;    /* by chain index */
	bool *is_refused; /* by chain index: some rule of it cannot be inlined */
	u32 room;         /* rules that may still be copied; so they are at most doubled */
	u32 run_min;      /* neighbours that are worth it */
	struct scratch scratch;
};

/* References */

static void refer(const struct flattener *flattener, const struct sl_verdict *verdict, int more)
{
	if (verdict->chain)
		flattener->references[verdict->chain->index] += (u32)more;
}

static void refer_rule(const struct flattener *flattener, const struct sl_rule *rule, int more)
{
	for (u32 i = 0; i < rule->ops.count; i++) {
		const struct sl_op *op = &rule->ops.items[i];

		refer(flattener, &op->verdict, more);
		if (op->kind != SL_OP_VMAP)
			continue;
		refer(flattener, &op->set->catchall, more);
		for (u32 e = 0; e < op->set->elements.count; e++)
			refer(flattener, &op->set->elements.items[e].verdict, more);
	}
}

static void count_references(struct flattener *flattener)
{
	const struct sl_program *program = flattener->program;

	for (u32 i = 0; i < program->path.count; i++)
		if (program->path.items[i].kind == SL_STEP_CHAIN)
			flattener->references[program->path.items[i].chain->index]++;
	for (u32 c = 0; c < program->chains.count; c++) {
		const struct sl_chain *chain = program->chains.items[c];

		flattener->room += chain->rules.count;
		for (u32 r = 0; r < chain->rules.count; r++)
			refer_rule(flattener, &chain->rules.items[r], 1);
	}
}

/* Expansion */

static bool is_jump(const struct sl_rule *rule, bool is_last)
{
	const struct sl_op *last = rule->ops.count ? &rule->ops.items[rule->ops.count - 1] : NULL;

	if (!last || last->kind != SL_OP_VERDICT)
		return false;
	return last->verdict.kind == SL_VERDICT_JUMP ||
	       (is_last && last->verdict.kind == SL_VERDICT_GOTO);
}

/* A jump's tests, and its counter behind them; false where other ops stand there. */
static bool get_tests(const struct sl_rule *jump, u32 *ret_tests, bool *ret_counts)
{
	u32 tests = jump->ops.count - 1; /* without the verdict */

	*ret_counts = tests && jump->ops.items[tests - 1].kind == SL_OP_COUNTER;
	if (*ret_counts)
		tests--;
	for (u32 i = 0; i < tests; i++)
		if (jump->ops.items[i].kind > SL_OP_ANY ||
		    sl_op_is_unsure(&jump->ops.items[i]) ||   /* passes, even into an empty chain */
		    sl_op_asks_timeouts(&jump->ops.items[i])) /* can pass likewise */
			return false;
	*ret_tests = tests;
	return true;
}

/* An arena is dear to make, for it is zeroed; and it only grows. */
#define SCRATCH_USES_MAX 256

/* No boxes, in an arena that is new now and then. NULL when out of memory. */
static struct sl_boxes *no_boxes(struct scratch *scratch)
{
	if (scratch->uses++ % SCRATCH_USES_MAX == 0) {
		sl_arena_free(scratch->arena);
		scratch->arena = sl_arena_new();
		scratch->boxes = (struct sl_boxes){0};
	}
	scratch->boxes.list.count = 0;
	return scratch->arena ? &scratch->boxes : NULL;
}

/* *ret_action: SL_ITEM_CONTINUE where the rule does nothing, which *ret_matters tells. */
static int tell(struct flattener *flattener, const struct sl_chain *chain,
		const struct sl_rule *rule, enum sl_item_action *ret_action, bool *ret_matters)
{
	struct sl_boxes *boxes = no_boxes(&flattener->scratch);
	struct sl_lanes lanes = {0};
	int error;

	if (!boxes)
		return -ENOMEM;
	error = sl_boxes_add_rule(boxes, &lanes, flattener->scratch.arena, rule, 0,
				  &flattener->places[chain->index]);
	*ret_matters = boxes->list.count;
	*ret_action = boxes->list.count ? boxes->list.items[0].action : SL_ITEM_CONTINUE;
	return error;
}

/* The jump's first ops and, behind them, the rule's. */
static int join(struct sl_arena *arena, const struct sl_rule *jump, u32 tests,
		const struct sl_rule *rule, struct sl_rule *ret_rule)
{
	struct sl_rule joined = *rule;
	struct sl_op *ops = sl_arena_alloc(arena, (tests + rule->ops.count) * sizeof *ops);

	if (!ops)
		return -ENOMEM;
	memcpy(ops, jump->ops.items, tests * sizeof *ops);
	if (rule->ops.count)
		memcpy(ops + tests, rule->ops.items, rule->ops.count * sizeof *ops);
	joined.ops.items = ops;
	joined.ops.count = joined.ops.capacity = tests + rule->ops.count;
	*ret_rule = joined;
	return 0;
}

static int add_rule(const struct flattener *flattener, struct expansion *expansion,
		    const struct sl_rule *rule)
{
	struct sl_rule *slot = sl_list_push(flattener->program->arena, &expansion->rules);

	if (!slot)
		return -ENOMEM;
	*slot = *rule;
	return 0;
}

/* The tests and the counter of a jump that counts. */
static int add_counter(struct flattener *flattener, const struct sl_chain *chain,
		       const struct sl_rule *jump, u32 tests, struct expansion *expansion)
{
	struct sl_rule counts = *jump;
	enum sl_item_action action;
	bool matters;
	int error;

	counts.ops.count = counts.ops.capacity = tests + 1;
	error = tell(flattener, chain, &counts, &action, &matters);
	return error ? error : add_rule(flattener, expansion, &counts);
}

/* One rule of the inlined chain. -ENOTSUP: it cannot be. */
static int add_inlined(struct flattener *flattener, const struct sl_chain *into,
		       const struct sl_rule *jump, u32 tests, bool nothing_follows, u32 index,
		       struct expansion *expansion)
{
	const struct sl_chain *from = jump->ops.items[jump->ops.count - 1].verdict.chain;
	enum sl_item_action action;
	struct sl_rule joined;
	bool matters;
	int error =
		join(flattener->program->arena, jump, tests, &from->rules.items[index], &joined);

	if (!error)
		error = tell(flattener, into, &joined, &action, &matters);
	if (error || !matters)
		return error;
	if (action == SL_ITEM_RETURN && !nothing_follows) {
		if (index + 1 < from->rules.count)
			return -ENOTSUP;
		joined.ops.count--; /* it would go on there anyway */
		if (!joined.ops.count ||
		    joined.ops.items[joined.ops.count - 1].kind != SL_OP_COUNTER)
			return 0;
	}
	joined.home = sl_rule_home(&from->rules.items[index], from);
	return add_rule(flattener, expansion, &joined);
}

static int expand_jump(struct flattener *flattener, const struct sl_chain *chain, u32 index,
		       struct expansion *expansion)
{
	const struct sl_rule *jump = &chain->rules.items[index];
	const struct sl_chain *target = jump->ops.items[jump->ops.count - 1].verdict.chain;
	bool nothing_follows = index + 1 == chain->rules.count, counts;
	u32 tests;
	int error = 0;

	if (flattener->is_refused[target->index] || !get_tests(jump, &tests, &counts))
		return -ENOTSUP;
	if (flattener->references[target->index] > 1)
		expansion->room = target->rules.count;
	if (expansion->room > flattener->room)
		return -ENOTSUP;
	if (counts)
		error = add_counter(flattener, chain, jump, tests, expansion);
	for (u32 i = 0; i < target->rules.count && !error; i++) {
		error = add_inlined(flattener, chain, jump, tests, nothing_follows, i, expansion);
		flattener->is_refused[target->index] = error != 0; /* asked no second time */
	}
	if (!error)
		flattener->room -= expansion->room;
	expansion->is_jump = true;
	return error;
}

static int expand(struct flattener *flattener, const struct sl_chain *chain, u32 index,
		  struct expansion *ret_expansion)
{
	const struct sl_rule *rule = &chain->rules.items[index];
	struct expansion expansion = {0};
	enum sl_item_action action;
	bool matters;
	int error = is_jump(rule, index + 1 == chain->rules.count)
			    ? expand_jump(flattener, chain, index, &expansion)
			    : tell(flattener, chain, rule, &action, &matters);

	if (error == -ENOTSUP) {
		*ret_expansion = (struct expansion){0};
		return 0;
	}
	expansion.is_plain = true;
	*ret_expansion = expansion;
	return error;
}

/* Runs */

static u32 size_of(const struct expansion *expansion)
{
	return expansion->is_jump ? expansion->rules.count : 1;
}

/* A chain that nothing leads to any more has no rules; nor do its own jumps count then. */
static void let_go(struct flattener *flattener, struct sl_chain *chain)
{
	if (--flattener->references[chain->index])
		return;
	for (u32 i = 0; i < chain->rules.count; i++)
		refer_rule(flattener, &chain->rules.items[i], -1);
	chain->rules.count = 0;
}

static int put_rules(struct flattener *flattener, struct sl_chain *to, const struct sl_rule *rules,
		     u32 count)
{
	for (u32 i = 0; i < count; i++) {
		struct sl_rule *slot = sl_list_push(flattener->program->arena, &to->rules);

		if (!slot)
			return -ENOMEM;
		*slot = rules[i];
	}
	return 0;
}

static int put_inlined(struct flattener *flattener, struct sl_chain *to, const struct sl_rule *jump,
		       const struct expansion *expansion)
{
	int error = put_rules(flattener, to, expansion->rules.items, expansion->rules.count);

	for (u32 i = 0; i < expansion->rules.count; i++)
		refer_rule(flattener, &expansion->rules.items[i], 1);
	let_go(flattener, jump->ops.items[jump->ops.count - 1].verdict.chain);
	return error;
}

/* Plain neighbours, or one rule that is not. */
static int put_run(struct flattener *flattener, struct sl_chain *to, const struct sl_rule *rules,
		   const struct expansion *expansions, u32 count)
{
	u32 size = 0;
	int error = 0;

	for (u32 i = 0; i < count; i++)
		size += size_of(&expansions[i]);
	for (u32 i = 0; i < count && !error; i++) {
		if (expansions[i].is_jump && size >= flattener->run_min) {
			error = put_inlined(flattener, to, &rules[i], &expansions[i]);
			continue;
		}
		error = put_rules(flattener, to, &rules[i], 1);
		flattener->room += expansions[i].room;
	}
	return error;
}

static int flatten_runs(struct flattener *flattener, struct sl_chain *chain,
			const struct expansion *expansions)
{
	struct sl_chain old = *chain;
	int error = 0;

	chain->rules.items = NULL;
	chain->rules.count = chain->rules.capacity = 0;
	for (u32 i = 0, length; i < old.rules.count && !error; i += length) {
		length = 1;
		while (expansions[i].is_plain && i + length < old.rules.count &&
		       expansions[i + length].is_plain)
			length++;
		error = put_run(flattener, chain, &old.rules.items[i], &expansions[i], length);
	}
	return error;
}

static int flatten(struct flattener *flattener, struct sl_chain *chain)
{
	struct expansion *expansions;
	bool jumps = false;
	int error = 0;

	if (flattener->is_done[chain->index] || !flattener->places[chain->index].family)
		return 0;
	flattener->is_done[chain->index] = true;
	/* First the chains that it leads to: jump cycles do not exist, so that comes to an end. */
	for (u32 i = 0; i < chain->rules.count && !error; i++) {
		const struct sl_rule *rule = &chain->rules.items[i];

		if (!is_jump(rule, i + 1 == chain->rules.count))
			continue;
		jumps = true;
		error = flatten(flattener, rule->ops.items[rule->ops.count - 1].verdict.chain);
	}
	if (error || !jumps)
		return error;
	expansions =
		sl_arena_alloc(flattener->program->arena, chain->rules.count * sizeof *expansions);
	if (!expansions)
		return -ENOMEM;
	for (u32 i = 0; i < chain->rules.count && !error; i++)
		error = expand(flattener, chain, i, &expansions[i]);
	return error ? error : flatten_runs(flattener, chain, expansions);
}

int sl_optimise_flatten(struct sl_program *program, u32 run_min)
{
	u32 count = program->chains.count;
	struct flattener flattener = {
		.program = program,
		.run_min = run_min,
		.places = sl_places_find(program, program->arena),
		.references = sl_arena_alloc(program->arena, (count + 1) * sizeof(u32)),
		.is_done = sl_arena_alloc(program->arena, (count + 1) * sizeof(bool)),
		.is_refused = sl_arena_alloc(program->arena, (count + 1) * sizeof(bool)),
	};
	int error = 0;

	if (!flattener.places || !flattener.references || !flattener.is_done ||
	    !flattener.is_refused)
		return -ENOMEM;
	count_references(&flattener);
	for (u32 i = 0; i < count && !error; i++)
		error = flatten(&flattener, program->chains.items[i]);
	sl_arena_free(flattener.scratch.arena);
	return error;
}
