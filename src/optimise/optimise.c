/* SPDX-License-Identifier: GPL-2.0-only */
#include "optimise/optimise.h"

/* What makes the rules alike, and fewer, before they are looked at as runs. */
static int prepare(struct sl_program *program)
{
	int error = sl_optimise_specialise(program);

	if (!error)
		error = sl_optimise_shadow(program);
	return error ? error : sl_optimise_flatten(program, SL_RUN_MIN);
}

int sl_optimise(struct sl_program *program, u32 word_limit, struct sl_diag *diag)
{
	int error = prepare(program);

	if (error)
		return sl_fail_memory(diag);
	error = sl_optimise_gather(program, word_limit, diag);
	if (error)
		return error;
	error = sl_optimise_merge(program);
	if (!error)
		error = sl_optimise_legalise(program);
	return error ? sl_fail_memory(diag) : 0;
}
