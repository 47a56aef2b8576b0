// SPDX-License-Identifier: GPL-2.0-only
#include "cli/rule_text.h"

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

const char *sl_rule_text(const struct sl_rule_texts *texts, u64 table, u64 handle,
			 const struct sl_rule *meaning)
{
	const char *text = sl_listing_find(&texts->listing, table, handle);

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
