// SPDX-License-Identifier: GPL-2.0-only
#include "cli/list.h"
#include "cli/names.h"

static json_t *describe_counts(const struct sluice_counter *counter)
{
	if (!counter->counts) /* nobody counts it */
		return json_object();
	return json_pack("{s:I, s:I, s:I, s:I}", "packets", (json_int_t)counter->total.packets,
			 "bytes", (json_int_t)counter->total.bytes, "early_packets",
			 (json_int_t)counter->early.packets, "early_bytes",
			 (json_int_t)counter->early.bytes);
}

static json_t *describe(const struct sluice_counter *counter)
{
	const struct sluice_rule *rule = counter->rule;
	json_t *object = describe_counts(counter);

	json_object_set_new(object, "family", json_string(rule->family));
	json_object_set_new(object, "table", sl_json_text(rule->table));
	json_object_set_new(object, "chain", sl_json_text(rule->chain));
	if (!rule->handle)
		return object;
	json_object_set_new(object, "handle", json_integer((json_int_t)rule->handle));
	json_object_set_new(object, "text", rule->text ? sl_json_text(rule->text) : json_null());
	return object;
}

json_t *sl_list_describe(const struct sluice_counters *counters)
{
	json_t *rules = json_array(), *policies = json_array();
	const struct sluice_counter *counter;

	for (size_t i = 0; (counter = sluice_counter(counters, i)); i++)
		json_array_append_new(counter->rule->handle ? rules : policies, describe(counter));
	return json_pack("{s:o, s:o}", "rules", rules, "policies", policies);
}
