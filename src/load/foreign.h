/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who else is on a packet's path. Rules are proof of a drop only if nobody ahead of them does
 * something to the packet that sluice does not know of; so every netfilter hook must be one that
 * it knows.
 */
#ifndef SLUICE_LOAD_FOREIGN_H
#define SLUICE_LOAD_FOREIGN_H

#include "hooks.h"
#include "source/host.h"

/* Notes foreign hooks and conntrack's presence in `host`. 0, or -errno. */
int sl_foreign_note(const struct sl_hook_list *lists, struct sl_host *host);

#endif
