// SPDX-License-Identifier: GPL-2.0-only
#include "lift/lift.h"

#include <errno.h>

#include "base/cleanup.h"
#include "lift/lifter.h"

static void free_program(struct sl_program **program)
{
	sl_program_free(*program);
	*program = NULL;
}

/* The whole story: each step needs the ones before it. Fails only when out of memory. */
static int lift_program(struct sl_lifter *lifter)
{
	int error = sl_device_describe(lifter);

	if (!error)
		error = sl_sets_prepare(lifter);
	if (!error)
		error = sl_chains_index(lifter);
	if (error)
		return error;
	sl_census_take(lifter);
	sl_path_plan(lifter);
	error = sl_chains_lift(lifter);
	return error ? error : sl_path_lay(lifter);
}

static int copy_counters(struct sl_lifter *lifter)
{
	struct sl_program *program = lifter->program;

	for (u32 i = 0; lifter->front && i < lifter->front->counters.count; i++) {
		struct sl_counter *copy = sl_list_push(program->arena, &program->counters);

		if (!copy)
			return -ENOMEM;
		*copy = lifter->front->counters.items[i];
		copy->table = sl_arena_strdup(program->arena, copy->table);
		copy->chain = sl_arena_strdup(program->arena, copy->chain);
		if (!copy->table || !copy->chain)
			return -ENOMEM;
	}
	return 0;
}

static int lift(struct sl_lifter *lifter, const char *device, struct sl_program **ret_program,
		struct sl_diag *diag)
{
	SL_CLEANUP(free_program) struct sl_program *program = NULL;

	lifter->link = sl_host_find_link(lifter->host, device);
	if (!lifter->link)
		return sl_fail(diag, ENODEV, "there is no device \"%s\" in this network namespace",
			       device);
	program = sl_program_new();
	if (!program)
		return sl_fail_memory(diag);
	program->generation = lifter->rules->generation;
	lifter->program = program;
	if (copy_counters(lifter) || lift_program(lifter))
		return sl_fail_memory(diag);
	*ret_program = program;
	program = NULL;
	return 0;
}

int sl_lift(const struct sl_ruleset *rules, const struct sl_host *host, const char *device,
	    struct sl_program **ret_program, struct sl_diag *diag)
{
	struct sl_lifter lifter = {.rules = rules, .host = host};

	return lift(&lifter, device, ret_program, diag);
}

int sl_lift_hooks(const struct sl_ruleset *rules, const struct sl_host *host,
		  const struct sl_program *front, struct sl_program **ret_program,
		  struct sl_diag *diag)
{
	struct sl_lifter lifter = {.front = front, .rules = rules, .host = host};

	return lift(&lifter, front->device.name, ret_program, diag);
}
