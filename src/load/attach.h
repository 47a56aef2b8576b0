/* SPDX-License-Identifier: GPL-2.0-only */
/* Attaching: the first time that a program is put on a device, and who else has one there. */
#ifndef SLUICE_LOAD_ATTACH_H
#define SLUICE_LOAD_ATTACH_H

#include "base/diag.h"
#include "base/types.h"
#include "info.h"

const char *sl_mode_name(enum sl_attach_mode mode);

/*
 * Makes the link. 0 and a link fd, or -errno with the reason in `diag`, in words that stand alone
 * as one step of the ladder ("the driver has no XDP"). -ENOSYS: this kernel has no links at TC.
 */
int sl_attach(u32 ifindex, const char *device, u32 mtu, enum sl_attach_mode mode, int program_fd,
	      int *ret_link_fd, struct sl_diag *diag);

/* The XDP program on a device: its id, 0 for none; and its name. */
u32 sl_attach_find_xdp(u32 ifindex, char ret_name[16]);

/* Takes off an XDP program that no link holds (--replace); others must go by their owner's hand. */
void sl_attach_remove_foreign(u32 ifindex);

/*
 * How many TCX programs are on a device's ingress, the one with the id `own_program` (0: none) not
 * counted; more than there are where it cannot be found out.
 */
u32 sl_attach_count_tcx(u32 ifindex, u32 own_program);

#endif
