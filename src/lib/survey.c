// SPDX-License-Identifier: GPL-2.0-only
#include "lib/survey.h"

#include <errno.h>
#include <string.h>

#include "ir/flow.h"
#include "ir/key.h"

/* Worlds at one point of the path: still walking, and passed to the kernel for good. */
struct flow {
	u8 live, passed;
};

/* What a packet can be, when sluice has asked all that it can ask. */
static u8 possible_worlds(const struct survey *survey)
{
	return survey->is_tracked ? survey->stranger : SL_WORLDS_ALL;
}

/* Packets that may be in one of these worlds are lost to the kernel, whatever the others say. */
static bool is_lost(const struct survey *survey, u8 passed)
{
	return !survey->knows_state && passed & possible_worlds(survey);
}

u32 sl_survey_blame(struct survey *survey, struct meeting *meeting,
		    const struct sl_obstacle *obstacle)
{
	struct sl_decisions *decisions = survey->decisions;
	struct sl_obstacle *slot;

	if (meeting->own)
		return meeting->own - 1;
	slot = sl_list_push(survey->program->arena, &decisions->obstacles);
	if (!slot) {
		survey->error = -ENOMEM;
		return NO_OBSTACLE;
	}
	*slot = *obstacle;
	slot->order = decisions->obstacles.count;
	meeting->own = decisions->obstacles.count;
	return meeting->own - 1;
}

/* A rule under way; `is_certain` until a match may fail. */
struct progress {
	const struct sl_chain *chain;
	const struct sl_rule *rule;
	struct meeting *meeting;
	u8 worlds;
	bool is_certain;
	const char *unsure;
};

static struct flow walk_chain(struct survey *survey, const struct sl_chain *chain, u8 live);

static u32 blame(struct survey *survey, const struct progress *at, const char *reason)
{
	const struct sl_obstacle obstacle = {
		.chain = at->chain, .rule = at->rule, .reason = reason};

	return sl_survey_blame(survey, at->meeting, &obstacle);
}

/* Every packet of `worlds` that gets here passes. */
static void pass(struct survey *survey, const struct progress *at, const char *reason,
		 struct flow *flow)
{
	u32 index = blame(survey, at, reason);

	if (!at->is_certain)
		return;
	if (survey->is_strict) {
		flow->live &= (u8)~at->worlds;
		flow->passed |= at->worlds;
	} else if (survey->obstacle == NO_OBSTACLE && at->worlds & survey->stranger) {
		survey->obstacle = index;
	}
}

/* A jump that only the kernel can decide on is behind its own match. */
static struct flow enter(struct survey *survey, const struct progress *at,
			 const struct sl_chain *chain)
{
	u32 outer = survey->obstacle;
	struct flow back = {.live = at->worlds};

	if (at->unsure && survey->is_strict)
		return back;
	if (at->unsure && outer == NO_OBSTACLE)
		survey->obstacle = blame(survey, at, at->unsure);
	back = walk_chain(survey, chain, at->worlds);
	if (at->unsure || !at->is_certain)
		survey->obstacle = outer;
	return back;
}

static void decide(struct survey *survey, const struct progress *at,
		   const struct sl_verdict *verdict, struct flow *flow, u8 *returned)
{
	struct flow back = {0};

	if (verdict->kind == SL_VERDICT_CONTINUE)
		return;
	if (at->unsure && verdict->kind == SL_VERDICT_DROP) {
		blame(survey, at, at->unsure);
		return;
	}
	if (verdict->kind == SL_VERDICT_KERNEL) {
		pass(survey, at, "verdict", flow);
		return;
	}
	if (verdict->chain)
		back = enter(survey, at, verdict->chain);
	if (verdict->kind == SL_VERDICT_GOTO || verdict->kind == SL_VERDICT_RETURN)
		*returned |= verdict->kind == SL_VERDICT_GOTO ? back.live : at->worlds;
	if (at->unsure) {
		pass(survey, at, at->unsure, flow);
		return;
	}
	if (!at->is_certain)
		return;
	flow->live &= (u8)~at->worlds;
	flow->passed |= back.passed;
	if (verdict->kind == SL_VERDICT_JUMP)
		flow->live |= back.live;
}

/* Some element decides, or none does: nothing is certain behind it. */
static void decide_map(struct survey *survey, struct progress *at, const struct sl_set *set,
		       struct flow *flow, u8 *returned)
{
	at->is_certain = false;
	for (u32 i = 0; i < set->elements.count; i++)
		decide(survey, at, &set->elements.items[i].verdict, flow, returned);
	if (set->has_catchall)
		decide(survey, at, &set->catchall, flow, returned);
}

/* The drop of a packet rests on a rule if it is met as the lowest world that it can be. */
static bool can_rest_on(const struct survey *survey, struct flow flow, u8 worlds)
{
	u8 possible = possible_worlds(survey);

	if (survey->knows_state)
		return worlds & (u8)~flow.passed;
	return !(flow.passed & possible) && worlds & possible & -possible;
}

/* The first rule that the code has no room for: behind it there is none for any. */
static void look_for_cut(struct survey *survey, const struct progress *at)
{
	const struct sl_code_cut *cut = survey->cut;

	if (!cut || survey->is_cut || cut->handle != at->rule->handle ||
	    cut->chain->family != at->chain->family ||
	    strcmp(cut->chain->table, at->chain->table) != 0 ||
	    strcmp(cut->chain->name, at->chain->name) != 0)
		return;
	survey->is_cut = true;
	survey->cut_obstacle = blame(survey, at, "the code grows too long from here on");
}

static u32 current_obstacle(const struct survey *survey)
{
	return survey->is_cut ? survey->cut_obstacle : survey->obstacle;
}

static void note_met(struct survey *survey, struct meeting *meeting, u8 live)
{
	if (survey->is_strict) {
		meeting->worlds |= live;
	} else if (!meeting->is_behind) {
		meeting->is_behind = true;
		meeting->obstacle = current_obstacle(survey);
	}
}

/* Returns true while the rule goes on. */
static bool walk_op(struct survey *survey, const struct sl_op *op, struct progress *at,
		    struct flow *flow, u8 *returned)
{
	switch (op->kind) {
	case SL_OP_COUNTER:
		if (at->unsure) /* a count that may be one too many */
			pass(survey, at, at->unsure, flow);
		return !at->unsure;
	case SL_OP_MARK:
		return true;
	case SL_OP_STATE:
		if (survey->is_tracked)
			at->worlds &= op->worlds;
		else if (!(op->worlds & SL_WORLD_INVALID))
			at->worlds = 0;
		return at->worlds;
	case SL_OP_UNKNOWN:
		at->unsure = op->reason;
		return true;
	case SL_OP_KERNEL:
		pass(survey, at, op->reason, flow);
		return false;
	case SL_OP_VERDICT:
		if (op->verdict.kind == SL_VERDICT_DROP && !at->unsure && survey->is_strict)
			at->meeting->drops_early |= can_rest_on(survey, *flow, at->worlds);
		decide(survey, at, &op->verdict, flow, returned);
		return false;
	case SL_OP_VMAP:
		decide_map(survey, at, op->set, flow, returned);
		return false;
	default:
		at->is_certain = false;
		return true;
	}
}

static bool can_match(const struct survey *survey, const struct sl_chain *chain,
		      const struct sl_rule *rule, u8 family)
{
	for (u32 i = 0; i < rule->ops.count; i++)
		if (sl_op_fold(&rule->ops.items[i], &survey->program->device, family,
			       chain->family) == SL_FOLD_FAILS)
			return false;
	return true;
}

/* What only the other family's packets can match is decided where those meet it. */
static bool is_of_other_family(const struct survey *survey, const struct sl_chain *chain,
			       const struct sl_rule *rule)
{
	return !can_match(survey, chain, rule, survey->family) &&
	       can_match(survey, chain, rule, survey->family ^ (SL_IP | SL_IP6));
}

static void walk_rule(struct survey *survey, const struct sl_chain *chain, u32 index,
		      struct flow *flow, u8 *returned)
{
	const struct sl_rule *rule = &chain->rules.items[index];
	struct progress at = {
		.chain = chain,
		.rule = rule,
		.meeting = &survey->chains[chain->index].rules[index],
		.worlds = flow->live,
		.is_certain = true,
	};

	look_for_cut(survey, &at);
	if ((survey->is_cut && survey->is_strict) || is_of_other_family(survey, chain, rule))
		return;
	note_met(survey, at.meeting, flow->live);
	for (u32 i = 0; i < rule->ops.count; i++)
		if (!walk_op(survey, &rule->ops.items[i], &at, flow, returned))
			return;
}

/*
 * Each chain is walked again only when a world is new to it, or the first time that nothing has
 * stopped the packets yet: a few times a step at most, however many ways lead there.
 */
static struct flow walk_chain(struct survey *survey, const struct sl_chain *chain, u8 live)
{
	struct chain_walk *walk = &survey->chains[chain->index];
	bool is_free = survey->obstacle == NO_OBSTACLE;
	struct flow flow = {.live = live};
	u8 returned = 0;

	if (live & (u8) ~(is_free ? walk->walked_free : walk->walked)) {
		walk->walked |= live;
		if (is_free)
			walk->walked_free |= live;
		for (u32 i = 0; i < chain->rules.count && flow.live; i++)
			if (!is_lost(survey, flow.passed))
				walk_rule(survey, chain, i, &flow, &returned);
		walk->returns |= flow.live | returned;
		walk->passes |= flow.passed;
		if (is_free)
			walk->obstacle = survey->obstacle;
	} else if (is_free) {
		survey->obstacle = walk->obstacle;
	}
	return (struct flow){walk->returns & live, walk->passes & live};
}

static void forget_chains(struct survey *survey)
{
	for (u32 i = 0; i < survey->program->chains.count; i++) {
		struct chain_walk *walk = &survey->chains[i];

		walk->walked = walk->walked_free = walk->returns = walk->passes = 0;
	}
}

/* A base chain. What it lets through meets the next one; nothing is known of who that is. */
static struct flow walk_base_chain(struct survey *survey, u32 index, struct flow flow)
{
	const struct sl_step *step = &survey->program->path.items[index];
	struct meeting *policy = &survey->policies[index];
	struct flow back;

	forget_chains(survey);
	back = walk_chain(survey, step->chain, flow.live);
	back.passed |= flow.passed;
	if (survey->is_strict && survey->is_cut)
		return (struct flow){0, SL_WORLDS_ALL};
	if (back.live && !(survey->is_strict && is_lost(survey, back.passed)))
		note_met(survey, policy, back.live);
	if (survey->is_strict && step->drops_by_policy)
		policy->drops_early |= can_rest_on(survey, back, back.live);
	return (struct flow){flow.live & (u8)~back.passed, back.passed};
}

static struct flow stop_at(struct survey *survey, u32 at, struct flow flow)
{
	const struct sl_step *step = &survey->program->path.items[at];
	const struct sl_obstacle obstacle = {.step = step, .reason = step->reason};
	u32 index = sl_survey_blame(survey, &survey->policies[at], &obstacle);

	if (survey->is_strict)
		return (struct flow){0, SL_WORLDS_ALL};
	if (survey->obstacle == NO_OBSTACLE)
		survey->obstacle = index;
	return flow;
}

static struct flow track(struct survey *survey, struct flow flow)
{
	const u8 connected = SL_WORLD_ESTABLISHED | SL_WORLD_RELATED;

	survey->is_tracked = true;
	if (survey->is_strict)
		return (struct flow){flow.live & (u8)~connected, flow.passed | connected};
	return flow;
}

static bool meets(const struct sl_step *step, u8 family, enum sl_hook fate)
{
	if (!(step->families & family))
		return false;
	return step->hook < SL_HOOK_INPUT || step->hook == fate;
}

static const struct sl_code_cut *find_cut(const struct survey *survey, u8 family, enum sl_hook hook)
{
	u32 stage = family == SL_IP ? 0 : SL_STAGES / 2;

	if (hook == SL_HOOK_INPUT)
		stage += 1;
	else if (hook == SL_HOOK_FORWARD)
		stage += 2;
	return survey->code && survey->code->cuts[stage].chain ? &survey->code->cuts[stage] : NULL;
}

/* One family's packets, on their way to INPUT or to FORWARD. */
static void walk_path(struct survey *survey, u8 family, enum sl_hook fate)
{
	struct flow flow = {.live = SL_WORLDS_ALL};

	survey->family = family;
	survey->is_tracked = survey->knows_state = false;
	survey->is_cut = false;
	survey->obstacle = NO_OBSTACLE;
	for (u32 i = 0; i < survey->program->path.count; i++) {
		const struct sl_step *step = &survey->program->path.items[i];

		if (!meets(step, family, fate))
			continue;
		if (survey->is_strict && is_lost(survey, flow.passed))
			return;
		survey->cut = find_cut(survey, family, step->hook);
		if (step->kind == SL_STEP_CHAIN)
			flow = walk_base_chain(survey, i, flow);
		else if (step->kind == SL_STEP_CONNTRACK)
			flow = track(survey, flow);
		else if (step->kind == SL_STEP_TRACKED)
			survey->is_tracked = survey->knows_state = true;
		else if (step->kind == SL_STEP_KERNEL)
			flow = stop_at(survey, i, flow);
	}
}

/* Packets that routing may answer pass; that is of the packet, not of the rules. */
static void walk_fates(struct survey *survey, u8 family, enum sl_route_mode mode)
{
	walk_path(survey, family, SL_HOOK_INPUT);
	if (mode == SL_ROUTE_LOOKUP || mode == SL_ROUTE_PASS)
		walk_path(survey, family, SL_HOOK_FORWARD);
}

void sl_survey_walk(struct survey *survey)
{
	survey->stranger =
		sl_program_asks_form(survey->program) ? SL_WORLD_NEW : survey->program->miss_worlds;
	for (int strict = 1; strict >= 0; strict--) {
		survey->is_strict = strict;
		walk_fates(survey, SL_IP, survey->program->route_ip);
		walk_fates(survey, SL_IP6, survey->program->route_ip6);
	}
}

/* Room for a note on each rule, chain by chain, from one block. */
int sl_survey_open(struct survey *survey)
{
	struct sl_program *program = survey->program;
	struct sl_arena *arena = program->arena;

	survey->chains =
		sl_arena_alloc(arena, (program->chains.count + 1) * sizeof *survey->chains);
	survey->policies =
		sl_arena_alloc(arena, (program->path.count + 1) * sizeof *survey->policies);
	if (!survey->chains || !survey->policies)
		return -ENOMEM;
	for (u32 i = 0; i < program->chains.count; i++) {
		u32 count = program->chains.items[i]->rules.count;

		survey->chains[i].rules =
			sl_arena_alloc(arena, (count + 1) * sizeof(struct meeting));
		if (!survey->chains[i].rules)
			return -ENOMEM;
	}
	return 0;
}
