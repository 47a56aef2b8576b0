/* SPDX-License-Identifier: GPL-2.0-only */
#include "optimise/optimise.h"

int sl_optimise(struct sl_program *program, u32 word_limit, struct sl_diag *diag)
{
	int error = sl_optimise_specialise(program);

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
