/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keeper: one attached device, kept in step with everything that its rules depend on.
 *
 * Enters: a device name in the calling thread's network namespace. Leaves: a pinned attachment
 * that outlives the process. Promised: a keeper that is late, stopped or dead costs early drops,
 * never a verdict; the data plane sees every change by itself and passes until it is published
 * anew.
 */
#ifndef SLUICE_DAEMON_KEEPER_H
#define SLUICE_DAEMON_KEEPER_H

#include "base/diag.h"
#include "base/types.h"
#include "daemon/ladder.h"
#include "info.h"
#include "state.h"

struct sl_audit;
struct sl_keeper;

/*
 * Compiles and attaches, or takes over an attachment of the same device that an earlier keeper
 * left. `ret_ladder` (may be NULL) tells each mode that was tried or ruled out, and why, one a
 * line. `memory_limit`: of every compile (compile.h). `replaces`: an XDP program of somebody else's
 * is taken off for ours. Only one keeper can hold a device: -EALREADY names the other's process.
 */
int sl_keeper_attach(const char *device, enum sl_wanted_mode wanted, u64 memory_limit,
		     bool replaces, struct sl_keeper **ret_keeper, char ret_ladder[SL_LADDER_TEXT],
		     struct sl_diag *diag);

/*
 * The same for an audit, borrowed: nothing is dropped, and nothing is left behind. A device that
 * sluice is attached to is refused, since its packets do not all get to the rules: -EBUSY.
 */
int sl_keeper_audit(const char *device, enum sl_wanted_mode wanted, u64 memory_limit,
		    struct sl_audit *audit, struct sl_keeper **ret_keeper,
		    char ret_ladder[SL_LADDER_TEXT], struct sl_diag *diag);

/*
 * In the process that will run it: signs the lock, says so in the pins. One that is `alone` ends
 * when everybody else has left the network namespace; another leaves that to whoever started it.
 */
int sl_keeper_start(struct sl_keeper *keeper, bool alone, struct sl_diag *diag);

/* Whether it looks for others in its network namespace, which takes seeing into their /proc. */
bool sl_keeper_watches_namespace(const struct sl_keeper *keeper);

/*
 * Follows changes until SIGTERM or SIGINT, until the attachment is removed by somebody else, or
 * until the network namespace is left by everyone else (`alone`). Waits for a device that was
 * removed. An audit also ends when it has enough, and takes its program off.
 */
int sl_keeper_run(struct sl_keeper *keeper, struct sl_diag *diag);

/* Why it has ended: the attachment was taken away, or its network namespace was left. */
bool sl_keeper_was_removed(const struct sl_keeper *keeper);

/* Lets go of the attachment, which stays; NULL is fine. */
void sl_keeper_free(struct sl_keeper *keeper);

enum sl_attach_mode sl_keeper_mode(const struct sl_keeper *keeper);
u64 sl_keeper_net_cookie(const struct sl_keeper *keeper);
u64 sl_keeper_generations(const struct sl_keeper *keeper);
/* What became of each packet, over all generations. 0 or -errno. */
int sl_keeper_fates(const struct sl_keeper *keeper, struct sl_count ret_fates[SL_FATE_COUNTS]);

#endif
