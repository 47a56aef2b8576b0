/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session: the rest of the program runs in a process, mount and network namespace of its own,
 * with a private bpffs and /run. Whatever a candidate starts or pins goes when the program ends,
 * however it ends, SIGKILL included.
 */
#ifndef SLUICE_PACKET_SESSION_H
#define SLUICE_PACKET_SESSION_H

#include "base/diag.h"

/*
 * Returns 0 in a child, the session. The caller itself stays inside, waits, passes the child's
 * exit status on, and ends the session on SIGINT and SIGTERM or after `limit_s` seconds.
 */
int sl_session_start(unsigned int limit_s, struct sl_diag *diag);

#endif
