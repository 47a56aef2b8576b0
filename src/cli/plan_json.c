// SPDX-License-Identifier: GPL-2.0-only
/* The schema is docs/json.md. */
#include <stdio.h>
#include <string.h>

#include "cli/names.h"
#include "cli/plan.h"
#include "load/attach.h"

static json_t *describe_rule(const struct sl_plan *plan, const struct sl_decided *item)
{
	json_t *object = json_object();

	json_object_set_new(object, "family", json_string(sl_family_name(item->table->family)));
	json_object_set_new(object, "table", sl_json_text(item->table->name));
	json_object_set_new(object, "chain", sl_json_text(item->chain->name));
	if (item->rule) {
		json_object_set_new(object, "handle", json_integer((json_int_t)item->rule->handle));
		json_object_set_new(object, "text",
				    sl_json_text(sl_rule_text(&plan->texts, item->table->handle,
							      item->rule->handle, item->meaning)));
	} else {
		json_object_set_new(object, "policy", json_string(item->drops ? "drop" : "accept"));
	}
	json_object_set_new(object, "decided", json_string(sl_decision_name(item->decision)));
	json_object_set_new(object, "reason",
			    item->reason ? sl_json_text(item->reason) : json_null());
	if (item->has_counter) {
		json_object_set_new(object, "packets", json_integer((json_int_t)item->packets));
		json_object_set_new(object, "bytes", json_integer((json_int_t)item->bytes));
	}
	return object;
}

static json_t *describe_rules(const struct sl_plan *plan)
{
	json_t *rules = json_array();

	for (u32 i = 0; i < plan->decisions.items.count; i++)
		json_array_append_new(rules, describe_rule(plan, &plan->decisions.items.items[i]));
	return rules;
}

static json_t *describe_obstacle(const struct sl_plan *plan, const struct sl_obstacle *obstacle)
{
	const struct sl_chain *chain = obstacle->chain;
	json_t *object = json_pack("{s:I, s:I}", "rules_behind", (json_int_t)obstacle->rules_behind,
				   "dropped_packets", (json_int_t)obstacle->packets);

	json_object_set_new(object, "reason", sl_json_text(obstacle->reason));
	if (obstacle->step) {
		json_object_set_new(object, "hook",
				    json_string(sl_hook_name(obstacle->step->hook)));
		json_object_set_new(object, "priority", json_integer(obstacle->step->priority));
		return object;
	}
	json_object_set_new(object, "family", json_string(sl_family_name(chain->family)));
	json_object_set_new(object, "table", sl_json_text(chain->table));
	json_object_set_new(object, "chain", sl_json_text(chain->name));
	if (obstacle->rule) {
		const char *text = sl_rule_text_in(&plan->texts, chain, obstacle->rule);

		json_object_set_new(object, "handle",
				    json_integer((json_int_t)obstacle->rule->handle));
		json_object_set_new(object, "text", sl_json_text(text));
	}
	return object;
}

static json_t *describe_obstacles(const struct sl_plan *plan)
{
	json_t *obstacles = json_array();

	for (u32 i = 0; i < plan->decisions.obstacles.count; i++)
		json_array_append_new(obstacles,
				      describe_obstacle(plan, &plan->decisions.obstacles.items[i]));
	return obstacles;
}

static json_t *describe_ladder(const struct sl_plan *plan)
{
	json_t *refusals = json_array();
	const char *text = plan->ladder.text;

	while (*text) {
		size_t length = strcspn(text, "\n");

		json_array_append_new(refusals, json_stringn(text, length));
		text += length + (text[length] == '\n');
	}
	return refusals;
}

static json_t *describe_effects(const struct sl_plan *plan)
{
	json_t *effects = json_array();

	for (u32 i = 0; i < plan->side_effects.count; i++) {
		const struct sl_side_effect *effect = &plan->side_effects.items[i];

		json_array_append_new(effects,
				      json_pack("{s:s, s:s, s:s, s:s}", "device", effect->device,
						"feature", effect->feature, "before",
						effect->before, "after", effect->after));
	}
	return effects;
}

static json_t *describe_listeners(const struct sl_plan *plan)
{
	json_t *listeners = json_array();

	for (u32 i = 0; i < plan->listeners.count; i++) {
		const struct sl_listener *listener = &plan->listeners.items[i];
		json_t *object = json_pack("{s:i}", "pid", (int)listener->pid);

		json_object_set_new(object, "process", sl_json_text(listener->process));
		json_array_append_new(listeners, object);
	}
	return listeners;
}

static json_t *describe_counts(const struct sl_decisions *decisions)
{
	const u32 *counts = decisions->counts;

	return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "early", (int)counts[SL_DECIDED_EARLY],
			 "netfilter", (int)counts[SL_DECIDED_HOOK], "maybe",
			 (int)counts[SL_DECIDED_MAYBE], "kernel", (int)counts[SL_DECIDED_KERNEL],
			 "behind", (int)counts[SL_DECIDED_BEHIND], "not_met",
			 (int)counts[SL_DECIDED_NOT_MET]);
}

static void describe_device(const struct sl_plan *plan, json_t *object)
{
	json_object_set_new(object, "attached", json_string(sl_mode_name(plan->attached)));
	json_object_set_new(object, "mode", json_string(sl_mode_name(plan->mode)));
	json_object_set_new(object, "modes_refused", describe_ladder(plan));
	json_object_set_new(object, "side_effects", describe_effects(plan));
	json_object_set_new(object, "sniffers", describe_listeners(plan));
}

static json_t *describe_hooks(const struct sl_plan *plan)
{
	json_t *places = json_array();

	for (u32 i = 0; i < SL_PLACES; i++)
		if (plan->hook_legal && plan->hook_legal->places[i].is_used)
			json_array_append_new(places, json_string(sl_place_name(i)));
	return places;
}

json_t *sl_plan_describe(const struct sl_plan *plan, bool is_verbose)
{
	const struct sl_decisions *decisions = &plan->decisions;
	json_t *object = json_pack(
		"{s:s, s:b, s:o, s:f, s:b, s:I, s:I, s:o, s:b, s:b}", "device", plan->device,
		"live", plan->is_live, "rules", describe_counts(decisions), "share",
		sl_decisions_share(decisions), "share_is_of_packets", decisions->dropped != 0,
		"dropped_packets", (json_int_t)decisions->dropped, "dropped_early_packets",
		(json_int_t)decisions->dropped_early, "obstacles", describe_obstacles(plan),
		"asks_conntrack", decisions->asks_conntrack, "code_is_cut",
		plan->compiled->code_is_cut);

	json_object_set_new(object, "dropped_at_hooks_packets",
			    json_integer((json_int_t)decisions->dropped_at_hooks));
	json_object_set_new(object, "netfilter", describe_hooks(plan));
	json_object_set_new(object, "lookups", sl_plan_describe_tables(plan));
	json_object_set_new(object, "idle", sl_plan_describe_idle(plan));
	json_object_set_new(object, "size",
			    json_pack("{s:i, s:i, s:I, s:i}", "maps", (int)plan->memory.maps,
				      "entries", (int)plan->memory.entries, "bytes",
				      (json_int_t)plan->memory.bytes, "instructions",
				      (int)plan->insns));
	if (plan->is_live)
		describe_device(plan, object);
	if (is_verbose)
		json_object_set_new(object, "rule_by_rule", describe_rules(plan));
	return object;
}
