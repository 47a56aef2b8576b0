// SPDX-License-Identifier: GPL-2.0-only
#include "lib/rule_text.h"

#include "base/cleanup.h"

static const char *print_meaning(const struct sl_rule_texts *texts, const struct sl_rule *meaning)
{
	SL_CLEANUP(sl_free) char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	sl_rule_print(texts->program, meaning, out);
	fclose(out);
	return text ? sl_arena_strdup(texts->program->arena, text) : NULL;
}

static u32 count_rules(const struct sl_ruleset *rules)
{
	u32 count = 0;

	for (u32 i = 0; i < rules->tables.count; i++) {
		const struct sl_nft_table *table = rules->tables.items[i];

		for (u32 j = 0; j < table->chains.count; j++)
			count += table->chains.items[j]->rules.count;
	}
	return count;
}

static const char *find_loaded(const struct sl_rule_texts *texts, u64 table, u64 handle)
{
	struct sl_late_listing *loaded = texts->loaded;
	struct sl_diag without_text;

	if (!loaded)
		return NULL;
	if (!loaded->was_read && count_rules(texts->rules) <= SL_LISTED_MAX)
		sl_listing_read(texts->program->arena, true, &loaded->listing, &without_text);
	loaded->was_read = true;
	return sl_listing_find(&loaded->listing, table, handle);
}

const char *sl_rule_text(const struct sl_rule_texts *texts, u64 table, u64 handle,
			 const struct sl_rule *meaning)
{
	const char *text = find_loaded(texts, table, handle);

	if (!text && meaning)
		text = print_meaning(texts, meaning);
	return text && *text ? text : "(nothing that matters here)";
}

const char *sl_rule_text_in(const struct sl_rule_texts *texts, const struct sl_chain *chain,
			    const struct sl_rule *rule)
{
	const struct sl_nft_table *table =
		sl_ruleset_find_table(texts->rules, chain->family, chain->table);

	return sl_rule_text(texts, table ? table->handle : 0, rule->handle, rule);
}
