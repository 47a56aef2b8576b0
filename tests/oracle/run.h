/* SPDX-License-Identifier: GPL-2.0-only */
/* A data plane run by the kernel, without a device: BPF_PROG_TEST_RUN. */
#ifndef SLUICE_TESTS_ORACLE_RUN_H
#define SLUICE_TESTS_ORACLE_RUN_H

#include "load/dataplane.h"

#define SL_RUN_SKIPPED 77 /* what a test exits with when sl_run_begin() says no */

/* Enters a network namespace of our own. False, having printed why, where that cannot be. */
bool sl_run_begin(void);
void sl_run_end(void);

/*
 * From a program as it was lifted to one in the kernel, published, by the pipeline of compile.c; it
 * is optimised in place. `point` is where it would be attached. 0, or -errno with `diag` filled in.
 */
int sl_run_load(struct sl_program *program, enum sl_hook_point point,
		struct sl_dataplane **ret_dataplane, struct sl_diag *diag);

/* Publishes for the namespace as it is; its loopback device stands for the program's own. */
int sl_run_publish(struct sl_dataplane *dataplane, struct sl_diag *diag);

/* The program's verdict, or -errno. */
int sl_run_frame(const struct sl_dataplane *dataplane, const u8 *frame, u32 length);

/* What a rule's counter has counted early. */
u64 sl_run_counted(const struct sl_dataplane *dataplane, u32 counter);

/* How many packets have had this fate. */
u64 sl_run_fated(const struct sl_dataplane *dataplane, enum sl_fate_count fate);

/* Instructions that the verifier went through to prove it; a million are the limit. */
u32 sl_run_verified_insns(const struct sl_dataplane *dataplane);

#endif
