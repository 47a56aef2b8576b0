/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attaching: one BPF link per device, held open here and pinned; a new generation replaces the
 * program in it atomically, so that no packet sees two and none passes unjudged in between.
 */
#ifndef SLUICE_LOAD_ATTACH_H
#define SLUICE_LOAD_ATTACH_H

#include "base/diag.h"
#include "base/types.h"
#include "info.h"

const char *sl_mode_name(enum sl_attach_mode mode);

/*
 * Makes the link. 0 and a link fd, or -errno with the reason in `diag`, in words that stand alone
 * as one step of the ladder ("the driver has no XDP").
 */
int sl_attach(u32 ifindex, const char *device, u32 mtu, enum sl_attach_mode mode, int program_fd,
	      int *ret_link_fd, struct sl_diag *diag);

/* -ENOLINK when the device is gone; the link is dead then. */
int sl_attach_swap(int link_fd, int program_fd);

/* The device a link is on; 0 when the device is gone. */
u32 sl_attach_ifindex(int link_fd);

/* The XDP program on a device: its id, 0 for none; and its name. */
u32 sl_attach_find_xdp(u32 ifindex, char ret_name[16]);

/* Takes off an XDP program that no link holds (--replace); others must go by their owner's hand. */
void sl_attach_remove_foreign(u32 ifindex);

/* The id of the program that a link runs; 0 without a link. */
u32 sl_attach_program(int link_fd);

/*
 * How many TCX programs are on a device's ingress, the one with the id `own_program` (0: none) not
 * counted; more than there are where it cannot be found out.
 */
u32 sl_attach_count_tcx(u32 ifindex, u32 own_program);

#endif
