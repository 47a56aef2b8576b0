// SPDX-License-Identifier: GPL-2.0-only
#include "cli/decider.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/names.h"
#include "lib/explain.h"

/* The longest frame that has a place: 64 kB and its Ethernet header. */
#define FRAME_MAX (65535u + 14)

int sl_deciders_open(struct sl_deciders *ret_deciders)
{
	struct sl_deciders deciders = {.frame = malloc(FRAME_MAX)};

	if (!deciders.frame)
		return -ENOMEM;
	*ret_deciders = deciders;
	return 0;
}

void sl_deciders_close(struct sl_deciders *deciders)
{
	free(deciders->frame);
	*deciders = (struct sl_deciders){0};
}

struct sl_frame sl_deciders_frame(struct sl_deciders *deciders, const u8 *bytes, u32 captured,
				  u32 length)
{
	if (length > FRAME_MAX)
		length = FRAME_MAX;
	if (captured > length)
		captured = length;
	memcpy(deciders->frame, bytes, captured);
	memset(deciders->frame + captured, 0, length - captured);
	return (struct sl_frame){deciders->frame, length};
}

bool sl_deciders_find_drop(const struct sl_program *program, const struct sl_program *meaning,
			   const struct sl_frame *frame, u8 worlds, struct sl_outcome *ret_outcome)
{
	struct sl_answers answers = {.worlds = worlds};

	if (!sl_explain_find_route(program, frame, true, &answers))
		return false;
	sl_explain(meaning, frame, &answers, NULL, NULL, ret_outcome);
	return ret_outcome->drop;
}

struct sl_decider sl_deciders_name(struct sl_deciders *deciders, const struct sl_compiled *compiled,
				   const struct sl_chain *chain, const struct sl_rule *rule)
{
	struct sl_decider decider = {chain, rule, NULL};

	if (deciders->texts_id != compiled->began_ns) {
		deciders->texts_id = compiled->began_ns;
		deciders->loaded = (struct sl_late_listing){0};
		deciders->texts = (struct sl_rule_texts){
			.loaded = &deciders->loaded,
			.rules = compiled->rules,
			.program = compiled->meaning,
		};
	}
	if (chain && rule)
		decider.text = sl_rule_text_in(&deciders->texts, chain, rule);
	return decider;
}

void sl_decider_print(const struct sl_decider *decider, FILE *out)
{
	const struct sl_chain *chain = decider->chain;

	fprintf(out, "%s ", sl_family_name(chain->family));
	sl_name_print(chain->table, out);
	fputc(' ', out);
	sl_name_print(chain->name, out);
	if (!decider->rule) {
		fprintf(out, " policy drop");
		return;
	}
	fprintf(out, " rule ");
	sl_name_print(decider->text, out);
	fprintf(out, " # handle %" PRIu64, decider->rule->handle);
}

json_t *sl_decider_describe(const struct sl_decider *decider)
{
	const struct sl_chain *chain = decider->chain;
	json_t *object;

	if (!chain)
		return json_null();
	object = json_object();
	json_object_set_new(object, "family", json_string(sl_family_name(chain->family)));
	json_object_set_new(object, "table", sl_json_text(chain->table));
	json_object_set_new(object, "chain", sl_json_text(chain->name));
	if (decider->rule) {
		json_object_set_new(object, "handle",
				    json_integer((json_int_t)decider->rule->handle));
		json_object_set_new(object, "text", sl_json_text(decider->text));
	} else {
		json_object_set_new(object, "policy", json_string("drop"));
	}
	return object;
}
