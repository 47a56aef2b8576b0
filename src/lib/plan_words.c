// SPDX-License-Identifier: GPL-2.0-only
/* Pieces of a plan in words, which a terminal and a page say alike. */
#include <inttypes.h>

#include "lib/plan.h"

#include "ir/key.h"
#include "lib/words.h"
#include "load/attach.h"

#define NO_MEMORY "out of memory"

const char *sl_plan_tier(const struct sl_plan *plan)
{
	return plan->mode == SL_MODE_TC ? "TC" : "XDP";
}

u32 sl_plan_rules_met(const struct sl_decisions *decisions)
{
	u32 met = 0;

	for (int i = SL_DECIDED_EARLY; i <= SL_DECIDED_BEHIND; i++)
		met += decisions->counts[i];
	return met;
}

/* Obstacles */

static const char *place_of_step(const struct sl_plan *plan, const struct sl_step *step)
{
	const char *families = step->families == SL_IP    ? "IPv4 "
			       : step->families == SL_IP6 ? "IPv6 "
							  : "";

	if (step->hook == SL_HOOK_INGRESS)
		return sl_arena_printf(plan->legal->arena, "all %spackets pass", families);
	return sl_arena_printf(plan->legal->arena, "all %spackets pass at %s %d", families,
			       sl_hook_name(step->hook), step->priority);
}

const char *sl_plan_obstacle_place(const struct sl_plan *plan, const struct sl_obstacle *obstacle)
{
	const struct sl_chain *chain = obstacle->chain;
	const char *place;

	if (obstacle->step)
		place = place_of_step(plan, obstacle->step);
	else
		place = sl_arena_printf(
			plan->legal->arena, "%s %s %s: %s", sl_family_name(chain->family),
			chain->table, chain->name,
			obstacle->rule ? sl_rule_text_in(&plan->texts, chain, obstacle->rule)
				       : "policy");
	return place ? place : NO_MEMORY;
}

static bool is_copy(const struct sl_obstacle *a, const struct sl_obstacle *b)
{
	return a->rule && b->rule && a->chain == b->chain && a->rule->handle == b->rule->handle;
}

bool sl_plan_obstacle_is_copy(const struct sl_decisions *decisions, u32 index)
{
	for (u32 i = 0; i < index; i++)
		if (is_copy(&decisions->obstacles.items[i], &decisions->obstacles.items[index]))
			return true;
	return false;
}

/* Idle rules */

const char *sl_plan_idle_reason(const struct sl_plan *plan, const struct sl_idle *idle)
{
	const char *what = idle->is_redundant ? "changes nothing" : "can never match", *reason;
	struct sl_arena *arena = plan->legal->arena;

	if (idle->by && idle->is_redundant)
		reason = sl_arena_printf(arena,
					 "%s: handle %" PRIu64 " does the same with its packets",
					 what, idle->by);
	else if (idle->by)
		reason = sl_arena_printf(arena, "%s: handle %" PRIu64 " takes its packets", what,
					 idle->by);
	else if (idle->by_end)
		reason = "changes nothing: its packets fare the same at the end of the chain";
	else if (idle->is_redundant)
		reason = "changes nothing: rules behind it do the same with its packets";
	else
		reason = "can never match: rules before it take all of its packets";
	return reason ? reason : NO_MEMORY;
}

/* Costs */

static const char *conntrack_cost(const struct sl_plan *plan)
{
	char reason[128] = "no room within --memory";
	const char *cost;

	if (plan->memory.known_bytes && !sl_known_obstacle(reason))
		return "for packets that would be dropped after prerouting, a look at a filter of "
		       "known connections";
	cost = sl_arena_printf(plan->legal->arena,
			       "a conntrack lookup for packets that would be dropped after "
			       "prerouting; no filter spares it: %s",
			       reason);
	return cost ? cost : NO_MEMORY;
}

static bool asks_way_back(const struct sl_program *program)
{
	for (u32 c = 0; c < program->chains.count; c++) {
		const struct sl_chain *chain = program->chains.items[c];

		for (u32 r = 0; r < chain->rules.count; r++)
			for (u32 i = 0; i < chain->rules.items[r].ops.count; i++)
				if (sl_op_asks_way_back(&chain->rules.items[r].ops.items[i]))
					return true;
	}
	return false;
}

u32 sl_plan_costs(const struct sl_plan *plan, const char *ret_costs[SL_PLAN_COSTS])
{
	const struct sl_program *program = plan->compiled->program;
	u32 count = 0;

	if (plan->decisions.asks_conntrack)
		ret_costs[count++] = conntrack_cost(plan);
	if (program->route_ip == SL_ROUTE_LOOKUP || program->route_ip6 == SL_ROUTE_LOOKUP)
		ret_costs[count++] = "a route lookup for packets that are not for this host";
	if (asks_way_back(program))
		ret_costs[count++] = "a walk of the routing table for packets whose way back is "
				     "asked for";
	return count;
}
