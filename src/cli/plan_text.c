// SPDX-License-Identifier: GPL-2.0-only
/* A plan on one screen; rule by rule when asked. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/names.h"
#include "cli/plan.h"
#include "load/attach.h"

#define OBSTACLES_SHOWN 5

static const char *plural(u64 count)
{
	return count == 1 ? "" : "s";
}

static const struct sl_link *place_of(const struct sl_plan *plan)
{
	return sl_ladder_place(plan->compiled, plan->ladder.link, plan->mode);
}

static void print_mode(const struct sl_plan *plan)
{
	const char *text = plan->ladder.text;

	if (!plan->is_live)
		return;
	if (plan->attached)
		printf("  attached     now: %s\n", sl_mode_name(plan->attached));
	printf("  mode         %s",
	       plan->mode ? sl_mode_name(plan->mode) : "none: the device takes no program");
	if (plan->mode && place_of(plan) != plan->ladder.link)
		printf(" on %s", place_of(plan)->name);
	printf("\n");
	while (*text) {
		int length = (int)strcspn(text, "\n");

		printf("    %.*s\n", length, text);
		text += length + (text[length] == '\n');
	}
}

static void print_effects(const struct sl_plan *plan)
{
	for (u32 i = 0; i < plan->side_effects.count; i++) {
		const struct sl_side_effect *effect = &plan->side_effects.items[i];

		printf("  %-12s %s: %s %s → %s\n", i ? "" : "changes", effect->device,
		       effect->feature, effect->before, effect->after);
	}
}

static void print_rules(const struct sl_plan *plan)
{
	const struct sl_decisions *decisions = &plan->decisions;
	const u32 *counts = decisions->counts;
	u32 met = sl_plan_rules_met(decisions);

	printf("  rules        %u of %u decided early (at %s)", counts[SL_DECIDED_EARLY], met,
	       sl_plan_tier(plan));
	if (counts[SL_DECIDED_HOOK])
		printf(", %u at netfilter's hooks", counts[SL_DECIDED_HOOK]);
	if (counts[SL_DECIDED_MAYBE])
		printf(", %u for some packets only", counts[SL_DECIDED_MAYBE]);
	if (counts[SL_DECIDED_KERNEL] + counts[SL_DECIDED_BEHIND])
		printf(", %u left to the kernel",
		       counts[SL_DECIDED_KERNEL] + counts[SL_DECIDED_BEHIND]);
	printf("\n");
	if (counts[SL_DECIDED_NOT_MET])
		printf("               %u more are never met by what arrives at %s\n",
		       counts[SL_DECIDED_NOT_MET], plan->device);
	if (counts[SL_DECIDED_NOT_MET] && plan->compiled->program->route_ip == SL_ROUTE_INPUT_ONLY)
		printf("               (IPv4 is not forwarded from %s: rules for forwarding are "
		       "among them)\n",
		       plan->device);
	if (plan->compiled->code_is_cut)
		printf("               the code grew too long: the last rules of a hook are left "
		       "to the kernel, too\n");
}

static void print_hooks(const struct sl_plan *plan)
{
	const char *comma = "";

	if (plan->lacks_hooks)
		printf("  netfilter    none: this kernel has no netfilter links (they came with "
		       "6.4)\n");
	if (!plan->hook_legal)
		return;
	printf("  netfilter    just ahead of the rules of ");
	for (u32 i = 0; i < SL_PLACES; i++) {
		if (!plan->hook_legal->places[i].is_used)
			continue;
		printf("%s%s", comma, sl_place_name(i));
		comma = ", ";
	}
	printf("\n");
}

static void print_share(const struct sl_plan *plan)
{
	const struct sl_decisions *decisions = &plan->decisions;

	if (!decisions->dropped) {
		printf("  drops        no counters show a dropped packet; by rules: %.1f %%\n",
		       sl_decisions_share(decisions));
		return;
	}
	printf("  drops        %.1f %% of the %" PRIu64
	       " packet%s that the rules' own counters show as dropped\n",
	       sl_decisions_share(decisions), decisions->dropped, plural(decisions->dropped));
	if (decisions->asks_conntrack && plan->hook_legal)
		printf("               (at XDP only TCP and UDP, behind conntrack; the others at "
		       "netfilter's hooks)\n");
	else if (decisions->asks_conntrack)
		printf("               (at most: behind conntrack only TCP and UDP can be dropped "
		       "early)\n");
}

static void print_obstacle(const struct sl_plan *plan, const struct sl_obstacle *obstacle)
{
	printf("    ");
	sl_print_name(sl_plan_obstacle_place(plan, obstacle));
	printf("\n        %s", obstacle->reason);
	if (obstacle->rules_behind)
		printf("; keeps %u rule%s behind it", obstacle->rules_behind,
		       plural(obstacle->rules_behind));
	if (obstacle->packets)
		printf("; %" PRIu64 " dropped packet%s", obstacle->packets,
		       plural(obstacle->packets));
	printf("\n");
}

static void print_obstacles(const struct sl_plan *plan)
{
	const struct sl_decisions *decisions = &plan->decisions;
	u32 shown = 0;

	for (u32 i = 0; i < decisions->obstacles.count && shown < OBSTACLES_SHOWN; i++) {
		if (sl_plan_obstacle_is_copy(decisions, i))
			continue;
		if (!shown++)
			printf("  what keeps the rest, most important first\n");
		print_obstacle(plan, &decisions->obstacles.items[i]);
	}
	if (decisions->obstacles.count > shown && shown == OBSTACLES_SHOWN)
		printf("    … and more: sluice plan -v\n");
}

static void print_listeners(const struct sl_plan *plan)
{
	const struct sl_listeners *listeners = &plan->listeners;

	for (u32 i = 0; i < listeners->count; i++) {
		const struct sl_listener *listener = &listeners->items[i];

		printf("%s", i ? ", " : "  sniffers     ");
		if (listener->pid)
			printf("%s (%u)", listener->process, listener->pid);
		else
			printf("a process that could not be found");
	}
	if (listeners->count)
		printf(": will not see what is dropped early\n");
}

static void print_cost(const struct sl_plan *plan, bool is_verbose)
{
	const struct sl_memory *memory = &plan->memory;
	const char *costs[SL_PLAN_COSTS];
	u32 count = sl_plan_costs(plan, costs);

	if (!plan->is_live && geteuid() != 0)
		printf("  not known    without root: IPsec, legacy tables and TC filters of this "
		       "host; taken as absent\n");
	printf("  memory       %u maps, %u entries, about %" PRIu64 " kB\n", memory->maps,
	       memory->entries, (memory->bytes + 1023) / 1024);
	sl_plan_print_tables(plan, is_verbose);
	printf("  code         %u instructions made of the rules\n", plan->insns);
	for (u32 i = 0; i < count; i++)
		printf("  cost         %s\n", costs[i]);
}

/* Rule by rule */

static void print_chain_head(const struct sl_nft_table *table, const struct sl_nft_chain *chain)
{
	printf("  %s ", sl_family_name(table->family));
	sl_print_name(table->name);
	printf(" ");
	sl_print_name(chain->name);
	printf("\n");
}

static void print_item(const struct sl_plan *plan, const struct sl_decided *item)
{
	printf("    %-9s  ", sl_decision_name(item->decision));
	if (item->rule)
		sl_print_name(sl_rule_text(&plan->texts, item->table->handle, item->rule->handle,
					   item->meaning));
	else
		printf("policy %s", item->drops ? "drop" : "accept");
	if (item->rule)
		printf(" # handle %" PRIu64, item->rule->handle);
	printf("\n");
	if (item->reason)
		printf("               ↳ %s\n", item->reason);
}

static void print_items(const struct sl_plan *plan)
{
	const struct sl_nft_chain *chain = NULL;

	printf("\n");
	for (u32 i = 0; i < plan->decisions.items.count; i++) {
		const struct sl_decided *item = &plan->decisions.items.items[i];

		if (item->chain != chain)
			print_chain_head(item->table, item->chain);
		chain = item->chain;
		print_item(plan, item);
	}
}

void sl_plan_print(const struct sl_plan *plan, bool is_verbose)
{
	printf("%s: %s\n", plan->device,
	       plan->is_live ? "what attaching would do" : "what these rules would do there");
	print_mode(plan);
	print_effects(plan);
	print_rules(plan);
	print_hooks(plan);
	print_share(plan);
	print_obstacles(plan);
	sl_plan_print_idle(plan, is_verbose);
	print_listeners(plan);
	print_cost(plan, is_verbose);
	if (is_verbose)
		print_items(plan);
}

void sl_plan_print_line(const struct sl_plan *plan)
{
	const struct sl_decisions *decisions = &plan->decisions;

	printf("%-15s %-7s %u of %u rules early, ", plan->device, sl_mode_name(plan->mode),
	       decisions->counts[SL_DECIDED_EARLY], sl_plan_rules_met(decisions));
	if (decisions->counts[SL_DECIDED_HOOK])
		printf("%u at netfilter's hooks, ", decisions->counts[SL_DECIDED_HOOK]);
	if (decisions->dropped)
		printf("%.1f %% of %" PRIu64 " dropped packets", sl_decisions_share(decisions),
		       decisions->dropped);
	else
		printf("no counters");
	if (decisions->obstacles.count && decisions->obstacles.items[0].step)
		printf("; %s", decisions->obstacles.items[0].reason);
	printf("\n");
}
