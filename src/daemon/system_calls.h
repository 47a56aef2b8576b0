/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The system calls that sluiced and keepers go on with once they run; none starts another program,
 * maps memory to run, changes namespaces or mounts, or touches another process but by a signal.
 *
 * Enters: a process that has done what takes more. Leaves: the same behind a seccomp filter, and
 * whatever it forks. Promised: what is not listed does not happen.
 *
 * One thing is lost: how xt_recent hashes is learned by having nft make a rule in a namespace of
 * its own (load/recents.c). A keeper that was attached before the first such rule came, or by
 * sluiced, leaves the lists of `-m recent` to the kernel.
 *
 * What is not listed fails with ENOSYS, as on a kernel that lacks it, and the kernel's log names
 * it. The alternative is to end the process, which protects nobody better: what is barred is barred
 * either way. But should the list lack a call that sluice does need, perhaps since a new C library
 * makes another one, then a process that ends leaves nobody to follow the rules, and from their
 * next change on all passes; again and again where sluiced starts it anew, and where nobody does,
 * until somebody looks. ENOSYS instead is an error like others: the C library takes an older call,
 * or a compile fails and says so, `status` shows the device as stale, and the next attempt may do
 * without. Neither can drop a packet wrongly, for a drop wants the kernel's state to be what was
 * compiled, whoever is alive.
 */
#ifndef SLUICE_DAEMON_SYSTEM_CALLS_H
#define SLUICE_DAEMON_SYSTEM_CALLS_H

#include "base/diag.h"

enum sl_caller {
	SL_CALLER_KEEPER,
	SL_CALLER_SERVICE, /* has clients and children as well; its keepers start behind its filter
			    */
};

/* For good. An error leaves all as it was. */
int sl_system_calls_limit(enum sl_caller caller, struct sl_diag *diag);

#endif
