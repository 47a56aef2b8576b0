/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The front end: rules → struct sl_ruleset. The kernel is the parser; whatever the rules came
 * from, they are read back out of nf_tables (design: one front end).
 */
#ifndef SLUICE_SOURCE_SOURCE_H
#define SLUICE_SOURCE_SOURCE_H

#include "base/diag.h"
#include "source/host.h"
#include "source/ruleset.h"

/* Has the kernel load nf_tables, if that is a module of which nobody has asked anything yet. */
void sl_source_wake(void);

/*
 * Reads the rules of the calling thread's network namespace, consistent under a generation check
 * (GETGEN before and after; retried with a growing pause while somebody writes, at most
 * `patience_ms`). 0, or -errno with `diag` filled in: -EAGAIN when the writers won.
 */
int sl_source_read_live(u32 patience_ms, struct sl_ruleset **ret_ruleset, struct sl_diag *diag);

/* The same without what is in them: tables and chains, without rules, sets and objects. */
int sl_source_read_chains(u32 patience_ms, struct sl_ruleset **ret_ruleset, struct sl_diag *diag);

enum sl_file_format { SL_FILE_NFT, SL_FILE_IPTABLES, SL_FILE_IP6TABLES };

/*
 * Reads a rules file (nft script, or iptables-save output of either family and backend; told
 * apart by content) by loading it with the host's own tools in a private, short-lived user and
 * network namespace. Devices that it names get stand-ins: those of `host` with the same name and
 * index, others a dummy or veth of the same name. `host` may be NULL. Needs no privileges.
 * A tool that rejects the file makes `diag` carry its own message, with file name and line.
 * The ruleset's generation is that of the private namespace and tells nothing.
 */
int sl_source_read_file(const char *path, const struct sl_host *host,
			struct sl_ruleset **ret_ruleset, struct sl_diag *diag);

#endif
