/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads all of nf_tables through a socket, in whichever namespace the socket was opened.
 */
#ifndef SLUICE_SOURCE_DUMP_H
#define SLUICE_SOURCE_DUMP_H

#include "base/diag.h"
#include "source/netlink.h"
#include "source/ruleset.h"

/* As sl_source_read_live. */
int sl_dump_read(struct sl_netlink *netlink, u32 patience_ms, struct sl_ruleset **ret_ruleset,
		 struct sl_diag *diag);

#endif
