// SPDX-License-Identifier: GPL-2.0-only
#include <jansson.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/list.h"
#include "lib/listing.h"
#include "cli/names.h"
#include "source/source.h"

#define PATIENCE_MS 2000

struct list {
	const struct sl_early *early;
	struct sl_listing listing; /* empty without nft */
	json_t *rules, *policies;
};

static json_t *describe_counts(u64 packets, u64 bytes, struct sl_count early)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "packets",
			 (json_int_t)(packets + (u64)early.packets), "bytes",
			 (json_int_t)(bytes + (u64)early.bytes), "early_packets",
			 (json_int_t)early.packets, "early_bytes", (json_int_t)early.bytes);
}

static void place(json_t *object, const struct sl_nft_table *table,
		  const struct sl_nft_chain *chain)
{
	json_object_set_new(object, "family", json_string(sl_family_name(table->family)));
	json_object_set_new(object, "table", sl_json_text(table->name));
	json_object_set_new(object, "chain", sl_json_text(chain->name));
}

/* Rules without a counter have no counts: nobody counts them. */
static void add_rule(struct list *list, const struct sl_nft_table *table,
		     const struct sl_nft_chain *chain, const struct sl_nft_rule *rule)
{
	const char *text = sl_listing_find(&list->listing, table->handle, rule->handle);
	json_t *object = NULL;

	for (u32 i = 0; i < rule->exprs.count; i++) {
		const struct sl_expr *expr = &rule->exprs.items[i];

		if (expr->kind != SL_EXPR_COUNTER)
			continue;
		object = describe_counts(
			expr->counter.packets, expr->counter.bytes,
			sl_early_find(list->early, table->handle, chain->handle, rule->handle));
		break;
	}
	if (!object)
		object = json_object();
	place(object, table, chain);
	json_object_set_new(object, "handle", json_integer((json_int_t)rule->handle));
	json_object_set_new(object, "text", text ? sl_json_text(text) : json_null());
	json_array_append_new(list->rules, object);
}

static void add_chain(struct list *list, const struct sl_nft_table *table,
		      const struct sl_nft_chain *chain)
{
	json_t *policy;

	for (u32 i = 0; i < chain->rules.count; i++)
		add_rule(list, table, chain, &chain->rules.items[i]);
	if (!chain->is_base || !chain->has_counters)
		return;
	policy = describe_counts(chain->packets, chain->bytes,
				 sl_early_find(list->early, table->handle, chain->handle, 0));
	place(policy, table, chain);
	json_array_append_new(list->policies, policy);
}

static int print(struct list *list, const struct sl_ruleset *rules)
{
	json_t *root;

	list->rules = json_array();
	list->policies = json_array();
	for (u32 t = 0; t < rules->tables.count; t++)
		for (u32 c = 0; c < rules->tables.items[t]->chains.count; c++)
			add_chain(list, rules->tables.items[t],
				  rules->tables.items[t]->chains.items[c]);
	root = json_pack("{s:o, s:o}", "rules", list->rules, "policies", list->policies);
	return sl_json_print(root);
}

int sl_list_json(const struct sl_early *early, struct sl_diag *diag)
{
	struct list list = {.early = early};
	struct sl_ruleset *rules = NULL;
	struct sl_diag without_text;
	int error = sl_source_read_live(PATIENCE_MS, &rules, diag);

	if (error)
		return error;
	sl_listing_read(rules->arena, true, &list.listing, &without_text);
	if (print(&list, rules))
		error = sl_fail_memory(diag);
	sl_ruleset_free(rules);
	return error;
}
