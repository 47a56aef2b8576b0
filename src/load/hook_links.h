/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Netfilter links: what stands at the namespace's hooks for one device, just ahead of the rules.
 *
 * Enters: where to stand (sl_program's places), and the program of the present generation. Leaves:
 * links that go on to it, pinned beside the device's own. Promised: a generation replaces another
 * at once; without one every packet goes on to the rules.
 *
 * A link that comes or goes changes the namespace's list of hooks, which all data planes compare;
 * so links stay where they are as long as the rules' first chains do.
 */
#ifndef SLUICE_LOAD_HOOK_LINKS_H
#define SLUICE_LOAD_HOOK_LINKS_H

#include "base/diag.h"
#include "ir/ir.h"

struct sl_hook_links;

/* What the links' program is called, in every attachment. */
#define SL_HOOK_PROGRAM "sluice_hook"

/*
 * Whether this kernel has such links, as far as a program can be loaded to find out; else true, for
 * rules that are only looked at.
 */
bool sl_hook_links_exist(void);

/* Where links exist; none is there yet. 0, or -errno with `diag` filled in. */
int sl_hook_links_open(struct sl_hook_links **ret_hooks, struct sl_diag *diag);
/* Lets go of them; what is pinned stays. NULL is fine. */
void sl_hook_links_close(struct sl_hook_links *hooks);

/* For the device with this index. It may be another than before while they stand nowhere. */
void sl_hook_links_aim(struct sl_hook_links *hooks, u32 ifindex);

/*
 * Stands at these places and no others, pinned; *ret_changed says whether some link came or went,
 * also on failure.
 */
int sl_hook_links_place(struct sl_hook_links *hooks, const struct sl_hook_place places[SL_PLACES],
			u64 net_cookie, const char *device, bool *ret_changed,
			struct sl_diag *diag);

/*
 * A link of any program, in the calling thread's network namespace: at this priority, or at the
 * next below that no other such link has, of so many. Its fd, or -errno.
 */
int sl_hook_link_create(int program_fd, u32 family, u32 hook, s32 priority, u32 slots);

/* The program to go on to; −1: none. 0 or -errno. */
int sl_hook_links_put(struct sl_hook_links *hooks, int program_fd);

/* Takes links away that are pinned for a device, whoever made them, and their pins. */
void sl_hook_links_remove(u64 net_cookie, const char *device);

#endif
