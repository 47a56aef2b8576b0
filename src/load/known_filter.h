/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The filter of known connections (bpf/known.h) in the kernel: its maps, the programs at the
 * netfilter hooks that write it, and a look at what it takes for granted.
 *
 * Enters: nothing. Leaves: maps that a data plane can share, empty and not in use. Who fills them,
 * and when they may be used: daemon/renewal.h.
 */
#ifndef SLUICE_LOAD_KNOWN_FILTER_H
#define SLUICE_LOAD_KNOWN_FILTER_H

#include "base/diag.h"
#include "base/types.h"
#include "known.h"

struct sl_known;

/* What the maps take of the kernel's memory. */
u64 sl_known_bytes(void);

/* Loads. -EOPNOTSUPP where this kernel cannot have a filter; `diag` says why. */
int sl_known_open(struct sl_known **ret_known, struct sl_diag *diag);
/* The hooks end with it, but for links that are pinned; NULL is fine. */
void sl_known_free(struct sl_known *known);

#define SL_KNOWN_LINKS 4 /* IPv4 and IPv6, LOCAL_IN and POST_ROUTING */

/* Of the calling thread's network namespace. All or none. */
int sl_known_hook(struct sl_known *known, struct sl_diag *diag);

/*
 * What the filter takes for granted, as it is now, once the hooks are there. -ENOENT: not all of it
 * can be seen, or the hooks are not as they must be; `diag` says which.
 */
int sl_known_look(struct sl_known *known, struct sl_known_sight *ret_sight, struct sl_diag *diag);

/*
 * Whether something of this kernel rules out a filter, such as somebody else who puts connections
 * into the table; also when in doubt. Modules come and go, and so may the answer.
 */
bool sl_known_obstacle(char ret_reason[128]);

/* Borrowed. */
volatile struct sl_known_cell *sl_known_cell(const struct sl_known *known);
struct sl_known_fds {
	int cell, words, links[SL_KNOWN_LINKS]; /* links: −1 before the hooks are there */
} sl_known_fds(const struct sl_known *known);

/* Generations, while nobody reads them. Empty, and of a size that is good for so many connections.
 */
void sl_known_clear(struct sl_known *known, u32 generation, u32 connections);
void sl_known_add(struct sl_known *known, u32 generation, const struct sl_known_tuple *tuple);

/* How many of 1,000 bits are set, about. */
u32 sl_known_fullness(const struct sl_known *known, u32 generation);

#endif
