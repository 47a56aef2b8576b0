/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/ruleset.h"

#include <string.h>

void sl_ruleset_free(struct sl_ruleset *ruleset)
{
	if (ruleset)
		sl_arena_free(ruleset->arena);
}

struct sl_nft_table *sl_ruleset_find_table(const struct sl_ruleset *ruleset, u32 family,
					   const char *name)
{
	for (u32 i = 0; i < ruleset->tables.count; i++) {
		struct sl_nft_table *table = ruleset->tables.items[i];

		if (table->family == family && !strcmp(table->name, name))
			return table;
	}
	return NULL;
}

struct sl_nft_chain *sl_table_find_chain(const struct sl_nft_table *table, const char *name)
{
	for (u32 i = 0; i < table->chains.count; i++)
		if (!strcmp(table->chains.items[i]->name, name))
			return table->chains.items[i];
	return NULL;
}

struct sl_nft_set *sl_table_find_set(const struct sl_nft_table *table, const char *name)
{
	for (u32 i = 0; i < table->sets.count; i++)
		if (!strcmp(table->sets.items[i]->name, name))
			return table->sets.items[i];
	return NULL;
}
