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

static char *copy_text(struct sl_arena *arena, const char *text)
{
	return text ? sl_arena_strdup(arena, text) : NULL;
}

static struct sl_nft_set *outline_set(struct sl_arena *arena, const struct sl_nft_set *set,
				      struct sl_nft_table *table)
{
	struct sl_nft_set *copy = sl_arena_copy(arena, set, sizeof *set);
	static const __typeof__(copy->elements) none;

	if (!copy)
		return NULL;
	copy->name = sl_arena_strdup(arena, set->name);
	copy->opaque = copy_text(arena, set->opaque);
	copy->elements = none;
	copy->table = table;
	return copy->name && !copy->opaque == !set->opaque ? copy : NULL;
}

static struct sl_nft_table *outline_table(struct sl_arena *arena, const struct sl_nft_table *table)
{
	struct sl_nft_table *copy = sl_arena_alloc(arena, sizeof *copy);

	if (!copy)
		return NULL;
	copy->family = table->family;
	copy->name = sl_arena_strdup(arena, table->name);
	copy->handle = table->handle;
	copy->flags = table->flags;
	copy->opaque = copy_text(arena, table->opaque);
	for (u32 i = 0; i < table->sets.count; i++) {
		struct sl_nft_set **slot = sl_list_push(arena, &copy->sets);

		if (!slot)
			return NULL;
		*slot = outline_set(arena, table->sets.items[i], copy);
		if (!*slot)
			return NULL;
	}
	return copy->name && !copy->opaque == !table->opaque ? copy : NULL;
}

static bool outline_tables(const struct sl_ruleset *ruleset, struct sl_ruleset *outline)
{
	for (u32 i = 0; i < ruleset->tables.count; i++) {
		struct sl_nft_table **slot = sl_list_push(outline->arena, &outline->tables);

		if (!slot)
			return false;
		*slot = outline_table(outline->arena, ruleset->tables.items[i]);
		if (!*slot)
			return false;
	}
	return true;
}

struct sl_ruleset *sl_ruleset_outline(const struct sl_ruleset *ruleset)
{
	struct sl_arena *arena = sl_arena_new();
	struct sl_ruleset *outline = arena ? sl_arena_alloc(arena, sizeof *outline) : NULL;

	if (!outline) {
		sl_arena_free(arena);
		return NULL;
	}
	outline->arena = arena;
	outline->generation = ruleset->generation;
	outline->set_count = ruleset->set_count;
	if (outline_tables(ruleset, outline))
		return outline;
	sl_ruleset_free(outline);
	return NULL;
}
