/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What holds a program on a device: one BPF link, pinned; or, at TC on a kernel without TCX, a
 * filter (tc_filter.h), with the program pinned beside it. A new generation replaces the program
 * atomically, so that no packet sees two and none passes unjudged in between.
 */
#ifndef SLUICE_LOAD_HOLD_H
#define SLUICE_LOAD_HOLD_H

#include "base/diag.h"
#include "base/types.h"

struct sl_hold {
	int link_fd;        /* −1: none */
	u32 filter_ifindex; /* of the device that has the filter; 0: none */
};

#define SL_NO_HOLD ((struct sl_hold){.link_fd = -1})

/* By the pins of an attachment, whoever made it; SL_NO_HOLD when nothing is left of it. */
struct sl_hold sl_hold_find(u64 net_cookie, const char *device);
bool sl_hold_exists(const struct sl_hold *hold);

/* So that it can be found. The name of the pin: "link", or "program" for a filter. */
int sl_hold_pin(const struct sl_hold *hold, int program_fd, u64 net_cookie, const char *device,
		struct sl_diag *diag);
const char *sl_hold_pin_name(const struct sl_hold *hold);

/* 0 or -errno; -ENOLINK when a link's device is gone; the link is dead then. */
int sl_hold_swap(const struct sl_hold *hold, int program_fd);

/* The device that it is on; 0 when the device is gone, or the filter was taken off. */
u32 sl_hold_ifindex(const struct sl_hold *hold);

/* The id of the program that it runs; 0 without any. */
u32 sl_hold_program(const struct sl_hold *hold);

/* Takes the program off, whoever else holds it; closes what is open. */
void sl_hold_end(struct sl_hold *hold);
/* Lets go: what is pinned, and a filter, stay where they are. */
void sl_hold_close(struct sl_hold *hold);

/* Takes the program off, and all at netfilter's hooks, with the pins; -ENOENT when there are none.
 */
int sl_hold_remove(u64 net_cookie, const char *device);

#endif
