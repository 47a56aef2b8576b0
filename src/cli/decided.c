// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two walks over the path, of all packets at once. The strict one goes as far as packets get early;
 * the other walks on behind what makes them pass, and remembers what that was.
 */
#include "cli/decided.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* What the walks found out about one lifted rule, or one step's policy. */
struct meeting {
	u8 worlds;        /* in which it is met early */
	bool drops_early; /* a packet's drop can rest on it */
	bool is_behind;   /* met, were it not for `obstacle` */
	u32 obstacle;     /* index; NO_OBSTACLE: connections, which are conntrack's */
	u32 own;          /* index + 1 of the obstacle that it is itself; 0: none */
};

#define NO_OBSTACLE ((u32)-1)

struct chain_walk {
	struct meeting *rules;
	/* Of the step at hand, in worlds: */
	u8 walked, walked_free; /* … the latter with no obstacle before it */
	u8 returns, passes;
	u32 obstacle; /* that is left to who calls it, with none before */
};

struct survey {
	struct sl_program *program;
	struct sl_decisions *decisions;
	struct chain_walk *chains; /* by index */
	struct meeting *policies;  /* by step */
	const struct sl_code *code;
	const struct sl_cut *cut; /* of the stage at hand; NULL: none */
	bool is_strict, is_tracked, is_cut;
	u32 obstacle; /* not strict: what all packets here have passed at */
	u32 cut_obstacle;
	int error;
};

/* Worlds at one point of the path: still walking, and passed to the kernel for good. */
struct flow {
	u8 live, passed;
};

static const char of_connections[] = "packets of a connection pass: conntrack must see them";

const char *sl_decision_name(enum sl_decision decision)
{
	static const char *const names[] = {
		[SL_DECIDED_NOT_MET] = "not met", [SL_DECIDED_EARLY] = "early",
		[SL_DECIDED_MAYBE] = "maybe",     [SL_DECIDED_KERNEL] = "kernel",
		[SL_DECIDED_BEHIND] = "behind",
	};

	return names[decision];
}

double sl_decisions_share(const struct sl_decisions *decisions)
{
	u32 early = decisions->counts[SL_DECIDED_EARLY], met = early;

	if (decisions->dropped)
		return 100.0 * (double)decisions->dropped_early / (double)decisions->dropped;
	for (int i = SL_DECIDED_MAYBE; i <= SL_DECIDED_BEHIND; i++)
		met += decisions->counts[i];
	return met ? 100.0 * early / met : 100.0;
}

/* What a packet can be, when sluice has asked all that it can ask. */
static u8 possible_worlds(const struct survey *survey)
{
	return survey->is_tracked ? survey->program->miss_worlds : SL_WORLDS_ALL;
}

/* One obstacle for each rule or step, however often it is met. */
static u32 add_obstacle(struct survey *survey, struct meeting *meeting,
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

	return add_obstacle(survey, at->meeting, &obstacle);
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
	} else if (survey->obstacle == NO_OBSTACLE && at->worlds & survey->program->miss_worlds) {
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

	return !(flow.passed & possible) && worlds & possible & -possible;
}

/* The first rule that the code has no room for: behind it there is none for any. */
static void look_for_cut(struct survey *survey, const struct progress *at)
{
	const struct sl_cut *cut = survey->cut;

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
	if (survey->is_cut && survey->is_strict)
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
			if (!(flow.passed & possible_worlds(survey)))
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
	if (back.live && !(survey->is_strict && back.passed & possible_worlds(survey)))
		note_met(survey, policy, back.live);
	if (survey->is_strict && step->drops_by_policy)
		policy->drops_early |= can_rest_on(survey, back, back.live);
	return (struct flow){flow.live & (u8)~back.passed, back.passed};
}

static struct flow stop_at(struct survey *survey, u32 at, struct flow flow)
{
	const struct sl_step *step = &survey->program->path.items[at];
	const struct sl_obstacle obstacle = {.step = step, .reason = step->reason};
	u32 index = add_obstacle(survey, &survey->policies[at], &obstacle);

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

static const struct sl_cut *find_cut(const struct survey *survey, u8 family, enum sl_hook hook)
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

	survey->is_tracked = false;
	survey->is_cut = false;
	survey->obstacle = NO_OBSTACLE;
	for (u32 i = 0; i < survey->program->path.count; i++) {
		const struct sl_step *step = &survey->program->path.items[i];

		if (!meets(step, family, fate))
			continue;
		if (survey->is_strict && flow.passed & possible_worlds(survey))
			return;
		survey->cut = find_cut(survey, family, step->hook);
		if (step->kind == SL_STEP_CHAIN)
			flow = walk_base_chain(survey, i, flow);
		else if (step->kind == SL_STEP_CONNTRACK)
			flow = track(survey, flow);
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

static void walk_all(struct survey *survey)
{
	for (int strict = 1; strict >= 0; strict--) {
		survey->is_strict = strict;
		walk_fates(survey, SL_IP, survey->program->route_ip);
		walk_fates(survey, SL_IP6, survey->program->route_ip6);
	}
}

/* From what the walks met to one word a rule */

static bool reads_address_type(const struct sl_op *op)
{
	for (u32 i = 0; i < op->key.part_count; i++)
		if (op->key.parts[i].field.base == SL_META &&
		    op->key.parts[i].field.offset == SL_META_DADDR_TYPE)
			return true;
	for (u32 i = 0; i < op->alternative_count; i++)
		if (reads_address_type(&op->alternatives[i]))
			return true;
	return false;
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
		if (op->kind == SL_OP_UNKNOWN)
			judgement = (struct judgement){SL_DECIDED_MAYBE, op->reason};
		else if (judgement.decision == SL_DECIDED_EARLY && reads_address_type(op))
			judgement = (struct judgement){
				SL_DECIDED_MAYBE,
				"the type of a unicast address that is not the host's own"};
	}
	if (judgement.decision == SL_DECIDED_EARLY && drops(rule) && !meeting->drops_early)
		judgement = (struct judgement){SL_DECIDED_MAYBE,
					       "only conntrack can tell its packets from new ones"};
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
	}
	if (item->decision == SL_DECIDED_BEHIND)
		charge_obstacle(survey, meeting->obstacle, item, true);
	else if (item->drops && item->decision != SL_DECIDED_EARLY)
		charge_obstacle(survey, add_obstacle(survey, meeting, &own), item, false);
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

/* Room for a note on each rule, chain by chain, from one block. */
static int allocate(struct survey *survey)
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

int sl_decide(struct sl_program *program, const struct sl_ruleset *rules,
	      const struct sl_code *code, struct sl_decisions *ret_decisions)
{
	struct sl_decisions decisions = {0};
	struct survey survey = {.program = program, .decisions = &decisions, .code = code};
	int error = allocate(&survey);

	if (error)
		return error;
	walk_all(&survey);
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
