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

int sl_lift(const struct sl_ruleset *rules, const struct sl_ruleset *legacy,
	    const struct sl_host *host, const char *device, struct sl_program **ret_program,
	    struct sl_diag *diag)
{
	SL_CLEANUP(free_program) struct sl_program *program = NULL;
	struct sl_lifter lifter = {.rulesets = {rules, legacy}, .host = host};

	lifter.link = sl_host_find_link(host, device);
	if (!lifter.link)
		return sl_fail(diag, ENODEV, "there is no device \"%s\" in this network namespace",
			       device);
	program = sl_program_new();
	if (!program)
		return sl_fail_memory(diag);
	program->generation = rules->generation;
	lifter.program = program;
	if (lift_program(&lifter))
		return sl_fail_memory(diag);
	*ret_program = program;
	program = NULL;
	return 0;
}
