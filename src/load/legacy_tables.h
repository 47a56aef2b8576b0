/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iptables-legacy's tables on their way from the kernel to the rules, and to the data plane that
 * compares them (bpf/legacy.h).
 *
 * Promised: what is compared is what was read into the ruleset, byte for byte.
 */
#ifndef SLUICE_LOAD_LEGACY_TABLES_H
#define SLUICE_LOAD_LEGACY_TABLES_H

#include "base/diag.h"
#include "load/observe.h"
#include "source/host.h"
#include "source/ruleset.h"
#include "xt_tables.h"

/* Of a family whose rules could not be read, only the list of tables is watched. */
struct sl_legacy_tables {
	struct sl_legacy_cell cell;
	struct sl_legacy_chunk *chunks; /* in the ruleset's arena */
	u32 chunk_count;
};

/* Adds the tables as of the last look to the ruleset. 0 or -errno. */
int sl_legacy_tables_take(struct sl_observer *observer, const struct sl_host *host,
			  struct sl_ruleset *ruleset, struct sl_legacy_tables *ret_tables,
			  struct sl_diag *diag);

#endif
