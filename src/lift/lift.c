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

/* The whole story: each step needs the ones before it. */
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
	error = sl_path_plan(lifter);
	if (!error)
		error = sl_chains_lift(lifter);
	if (!error)
		error = sl_path_lay(lifter);
	return error;
}

int sl_lift(const struct sl_ruleset *rules, const struct sl_ruleset *legacy,
	    const struct sl_host *host, const char *device, struct sl_program **ret_program,
	    struct sl_diag *diag)
{
	SL_CLEANUP(free_program) struct sl_program *program = NULL;
	struct sl_lifter lifter = {.rulesets = {rules, legacy}, .host = host, .diag = diag};
	int error;

	lifter.link = sl_host_find_link(host, device);
	if (!lifter.link)
		return sl_fail(diag, ENODEV, "there is no device \"%s\" in this network namespace",
			       device);
	program = sl_program_new();
	if (!program)
		return sl_fail_memory(diag);
	program->generation = rules->generation;
	lifter.program = program;
	error = lift_program(&lifter);
	if (error)
		return sl_fail_memory(diag);
	*ret_program = program;
	program = NULL;
	return 0;
}
