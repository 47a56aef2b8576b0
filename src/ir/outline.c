/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules and elements are nearly all of a program; whoever keeps it in step needs neither. */
#include <string.h>

#include "ir/ir.h"

static struct sl_set *outline_set(struct sl_program *outline, const struct sl_set *set)
{
	struct sl_set *copy = sl_program_add_set(outline, set->family, set->table, set->name);
	const char *name, *table;

	if (!copy)
		return NULL;
	name = copy->name;
	table = copy->table;
	*copy = *set;
	copy->name = name;
	copy->table = table;
	copy->elements = (__typeof__(copy->elements)){0};
	copy->catchall = (struct sl_verdict){0};
	return copy;
}

static bool outline_step(struct sl_program *outline, const struct sl_step *step)
{
	struct sl_step *copy = sl_list_push(outline->arena, &outline->path);

	if (!copy)
		return false;
	*copy = (struct sl_step){
		.kind = step->kind,
		.families = step->families,
		.hook = step->hook,
		.priority = step->priority,
		.policy_counter = SL_NO_COUNTER,
	};
	return true;
}

static bool outline_filled(struct sl_program *outline, const struct sl_filled *filled)
{
	struct sl_filled *copy = sl_list_push(outline->arena, &outline->filled);

	if (!copy)
		return false;
	*copy = *filled;
	copy->name = sl_arena_strdup(outline->arena, filled->name);
	copy->table_name = sl_arena_strdup(outline->arena, filled->table_name);
	return copy->name && copy->table_name;
}

struct sl_program *sl_program_outline(const struct sl_program *program)
{
	struct sl_program *outline = sl_program_new();
	bool is_whole = outline;

	if (!outline)
		return NULL;
	outline->generation = program->generation;
	outline->device = program->device;
	outline->route_ip = program->route_ip;
	outline->route_ip6 = program->route_ip6;
	outline->miss_worlds = program->miss_worlds;
	memcpy(outline->places, program->places, sizeof outline->places);
	for (u32 i = 0; i < program->path.count && is_whole; i++)
		is_whole = outline_step(outline, &program->path.items[i]);
	for (u32 i = 0; i < program->sets.count && is_whole; i++)
		is_whole = outline_set(outline, program->sets.items[i]);
	for (u32 i = 0; i < program->filled.count && is_whole; i++)
		is_whole = outline_filled(outline, &program->filled.items[i]);
	if (is_whole)
		return outline;
	sl_program_free(outline);
	return NULL;
}
