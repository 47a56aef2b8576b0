// SPDX-License-Identifier: GPL-2.0-only
/* The schema is docs/json.md. */
#include "cli/names.h"
#include "cli/trace.h"

static json_t *describe_worlds(u8 worlds)
{
	static const char *const names[] = {"new", "established", "related", "invalid",
					    "untracked"};
	json_t *array = json_array();

	for (u32 i = 0; i < SL_ARRAY_SIZE(names); i++)
		if (worlds & 1 << i)
			json_array_append_new(array, json_string(names[i]));
	return array;
}

static void place(json_t *object, const struct sl_chain *chain)
{
	json_object_set_new(object, "family", json_string(sl_family_name(chain->family)));
	json_object_set_new(object, "table", sl_json_text(chain->table));
	json_object_set_new(object, "chain", sl_json_text(chain->name));
}

static json_t *describe_step(const struct sl_tracer *tracer, const struct sl_trace_step *step)
{
	json_t *object = json_object();
	char verdict[SL_TRACE_VERDICT];

	place(object, step->chain);
	json_object_set_new(object, "handle", json_integer((json_int_t)step->rule->handle));
	json_object_set_new(object, "text",
			    sl_json_text(sl_rule_text_in(&tracer->texts, step->chain, step->rule)));
	json_object_set_new(object, "matched", json_boolean(step->matched));
	if (step->matched) {
		sl_trace_verdict(step, verdict);
		json_object_set_new(object, "verdict", sl_json_text(verdict));
	}
	json_object_set_new(object, "states", describe_worlds(step->worlds));
	return object;
}

/* The rule or policy that decided; null where nobody's did. */
static json_t *describe_decider(const struct sl_outcome *outcome)
{
	json_t *object;

	if (!outcome->chain)
		return json_null();
	object = json_object();
	place(object, outcome->chain);
	if (outcome->rule)
		json_object_set_new(object, "handle",
				    json_integer((json_int_t)outcome->rule->handle));
	else
		json_object_set_new(object, "policy",
				    json_string(outcome->drop ? "drop" : "accept"));
	return object;
}

json_t *sl_trace_describe(const struct sl_tracer *tracer, const struct sl_trace *trace,
			  bool with_all)
{
	const struct sl_outcome *outcome = &trace->outcome;
	const char *program = trace->run.ran ? trace->run.drop ? "drop" : "pass" : NULL;
	json_t *rules = json_array();

	for (u32 i = 0; i < trace->steps.count; i++)
		if (sl_trace_is_shown(trace, i, with_all))
			json_array_append_new(rules, describe_step(tracer, &trace->steps.items[i]));
	return json_pack("{s:i, s:i, s:s, s:s?, s:s?, s:s, s:s, s:s?, s:o, s:b, s:o}", "number",
			 (int)trace->number, "length", (int)trace->frame->length, "verdict",
			 trace->drop ? "drop" : "pass", "program", program, "program_fate",
			 trace->run.ran ? sl_fate_text(trace->run.fate) : trace->run.why_not,
			 "interpreter", outcome->drop ? "drop" : "pass", "reason", outcome->reason,
			 "subject", outcome->subject, "decided_by", describe_decider(outcome),
			 "disagree", trace->disagree, "rules", rules);
}
