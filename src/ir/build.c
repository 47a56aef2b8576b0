// SPDX-License-Identifier: GPL-2.0-only
/* Constructors that keep a program's indices right. */
#include "ir/ir.h"

struct sl_program *sl_program_new(void)
{
	struct sl_arena *arena = sl_arena_new();
	struct sl_program *program;

	if (!arena)
		return NULL;
	program = sl_arena_alloc(arena, sizeof *program);
	if (!program) {
		sl_arena_free(arena);
		return NULL;
	}
	program->arena = arena;
	program->miss_worlds = SL_WORLDS_ALL;
	program->route_ip = SL_ROUTE_PASS;
	program->route_ip6 = SL_ROUTE_PASS;
	return program;
}

void sl_program_free(struct sl_program *program)
{
	if (program)
		sl_arena_free(program->arena);
}

struct sl_chain *sl_program_add_chain(struct sl_program *program, u32 family, const char *table,
				      const char *name)
{
	struct sl_chain *chain = sl_arena_alloc(program->arena, sizeof *chain);
	struct sl_chain **slot;

	if (!chain)
		return NULL;
	chain->family = family;
	chain->table = sl_arena_strdup(program->arena, table);
	chain->name = sl_arena_strdup(program->arena, name);
	if (!chain->table || !chain->name)
		return NULL;
	chain->index = program->chains.count;
	slot = sl_list_push(program->arena, &program->chains);
	if (!slot)
		return NULL;
	*slot = chain;
	return chain;
}

struct sl_set *sl_program_add_set(struct sl_program *program, u32 family, const char *table,
				  const char *name)
{
	struct sl_set *set = sl_arena_alloc(program->arena, sizeof *set);
	struct sl_set **slot;

	if (!set)
		return NULL;
	set->family = family;
	set->table = sl_arena_strdup(program->arena, table);
	set->name = sl_arena_strdup(program->arena, name);
	if (!set->table || !set->name)
		return NULL;
	set->index = program->sets.count;
	slot = sl_list_push(program->arena, &program->sets);
	if (!slot)
		return NULL;
	*slot = set;
	return set;
}
