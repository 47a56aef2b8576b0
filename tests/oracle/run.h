/* SPDX-License-Identifier: GPL-2.0-only */
/* A data plane run by the kernel, without a device: BPF_PROG_TEST_RUN. */
#ifndef SLUICE_TESTS_ORACLE_RUN_H
#define SLUICE_TESTS_ORACLE_RUN_H

#include "load/dataplane.h"

/* The program's verdict, or -errno. The namespace's loopback device stands for the program's. */
int sl_run_frame(const struct sl_dataplane *dataplane, const u8 *frame, u32 length);

/* Instructions that the verifier went through to prove it; at most a million. */
u32 sl_verified_insns(const struct sl_dataplane *dataplane);

#endif
