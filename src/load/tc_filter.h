/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A filter at TC ingress: what holds a program on a device where the kernel has no TCX
 * (before 6.6).
 *
 * Unlike a link it belongs to the device, not to whoever has its file descriptor: it must be taken
 * off. A device has one of sluice's at most, at the place that abi/tc.h names.
 */
#ifndef SLUICE_LOAD_TC_FILTER_H
#define SLUICE_LOAD_TC_FILTER_H

#include "base/diag.h"
#include "base/types.h"

/* The qdisc that filters need; *ret_made: there was none. 0, or -errno. */
int sl_tc_qdisc_make(u32 ifindex, bool *ret_made, struct sl_diag *diag);
/* Takes it away unless somebody has filters in it by now. */
void sl_tc_qdisc_remove(u32 ifindex);

/* Adds the filter, or replaces its program: no packet sees two, none goes between. */
int sl_tc_filter_put(u32 ifindex, int program_fd, struct sl_diag *diag);
void sl_tc_filter_remove(u32 ifindex); /* unless it is somebody else's */

/* The id of the program that it runs; 0: the device has no such filter. */
u32 sl_tc_filter_program(u32 ifindex);

#endif
