// SPDX-License-Identifier: GPL-2.0-only
/* Rules that decide nothing: what optimise/shadow.c found, in words. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/names.h"
#include "cli/plan.h"

#define IDLE_SHOWN 5 /* of each kind, without -v */

static void print_idle(const struct sl_plan *plan, const struct sl_idle *idle)
{
	printf("    %s ", sl_family_name(idle->chain->family));
	sl_print_name(idle->chain->table);
	printf(" ");
	sl_print_name(idle->chain->name);
	printf(": ");
	sl_print_name(sl_rule_text_in(&plan->texts, idle->chain, &idle->rule));
	printf(" # handle %" PRIu64 "\n        %s\n", idle->rule.handle,
	       sl_plan_idle_reason(plan, idle));
}

static void print_kind(const struct sl_plan *plan, bool is_redundant, bool is_verbose)
{
	const struct sl_program *program = plan->compiled->program;
	u32 shown = 0;

	for (u32 i = 0; i < program->idle.count; i++) {
		if (program->idle.items[i].is_redundant != is_redundant)
			continue;
		if (shown++ == IDLE_SHOWN && !is_verbose) {
			printf("    … and more: sluice plan -v\n");
			return;
		}
		print_idle(plan, &program->idle.items[i]);
	}
}

void sl_plan_print_idle(const struct sl_plan *plan, bool is_verbose)
{
	const struct sl_program *program = plan->compiled->program;
	u32 redundant = 0;

	for (u32 i = 0; i < program->idle.count; i++)
		redundant += program->idle.items[i].is_redundant;
	if (!program->idle.count)
		return;
	printf("  idle         %u rule%s no packet from %s can match, %u change%s nothing\n",
	       program->idle.count - redundant, program->idle.count - redundant == 1 ? "" : "s",
	       plan->device, redundant, redundant == 1 ? "s" : "");
	print_kind(plan, false, is_verbose);
	print_kind(plan, true, is_verbose);
}

static json_t *describe(const struct sl_plan *plan, const struct sl_idle *idle)
{
	json_t *object = json_object();

	json_object_set_new(object, "family", json_string(sl_family_name(idle->chain->family)));
	json_object_set_new(object, "table", sl_json_text(idle->chain->table));
	json_object_set_new(object, "chain", sl_json_text(idle->chain->name));
	json_object_set_new(object, "handle", json_integer((json_int_t)idle->rule.handle));
	json_object_set_new(object, "text",
			    sl_json_text(sl_rule_text_in(&plan->texts, idle->chain, &idle->rule)));
	json_object_set_new(object, "never_matches", json_boolean(!idle->is_redundant));
	json_object_set_new(object, "by",
			    idle->by ? json_integer((json_int_t)idle->by) : json_null());
	json_object_set_new(object, "by_end", json_boolean(idle->by_end));
	return object;
}

json_t *sl_plan_describe_idle(const struct sl_plan *plan)
{
	json_t *list = json_array();

	for (u32 i = 0; i < plan->compiled->program->idle.count; i++)
		json_array_append_new(list,
				      describe(plan, &plan->compiled->program->idle.items[i]));
	return list;
}
