/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of sl_program_verify(). verify.c looks at each thing by itself; verify_path.c follows
 * packets from one to the next, and may rely on what the first has found to be sound.
 */
#ifndef SLUICE_IR_VERIFY_PARTS_H
#define SLUICE_IR_VERIFY_PARTS_H

#include <errno.h>

#include "ir/ir.h"

struct verify {
	const struct sl_program *program;
	struct sl_diag *diag;
};

#define reject(verify, ...) sl_fail((verify)->diag, EINVAL, __VA_ARGS__)

/* It belongs to the program: found at the place that its index names. */
bool sl_verify_has_chain(const struct sl_program *program, const struct sl_chain *chain);

int sl_verify_path(const struct verify *verify);    /* the order of its steps */
int sl_verify_jumps(const struct verify *verify);   /* they end, and are not too deep */
int sl_verify_ingress(const struct verify *verify); /* what a packet has not got there yet */

#endif
