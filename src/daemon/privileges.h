/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sluiced and keepers may do once they run: BPF, network administration, reading the kernel's
 * symbols, and no more. Which system calls are left of that is system_calls.h's.
 */
#ifndef SLUICE_DAEMON_PRIVILEGES_H
#define SLUICE_DAEMON_PRIVILEGES_H

#include <stdbool.h>

#include "base/diag.h"

/*
 * For good. `watches`: it must see in which network namespaces others are (namespace_watch.h). What
 * it holds less than that is not an error here: what needs it will say so.
 */
int sl_privileges_drop(bool watches, struct sl_diag *diag);

#endif
