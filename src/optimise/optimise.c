/* SPDX-License-Identifier: GPL-2.0-only */
#include "optimise/optimise.h"

int sl_optimise(struct sl_program *program, struct sl_diag *diag)
{
	int error = sl_optimise_specialise(program);

	if (!error)
		error = sl_optimise_shadow(program);
	if (!error)
		error = sl_optimise_flatten(program, SL_RUN_MIN);
	if (!error)
		error = sl_optimise_merge(program);
	if (!error)
		error = sl_optimise_legalise(program);
	return error ? sl_fail_memory(diag) : 0;
}
