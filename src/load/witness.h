/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The witness of an audit: what the kernel does with the packets that an audited data plane would
 * have dropped (abi/audit.h).
 *
 * Enters: packets that data planes await, which share its maps. Leaves: each of them, a second or
 * two later, with how often the kernel dropped it. Promised: it ends with the process, whatever
 * ends that; and what it missed it can count.
 */
#ifndef SLUICE_LOAD_WITNESS_H
#define SLUICE_LOAD_WITNESS_H

#include "audit.h"
#include "base/diag.h"
#include "base/types.h"

struct sl_witness;

/* Of all packets of the machine that are freed as dropped; it looks for its device's. */
int sl_witness_open(struct sl_witness **ret_witness, struct sl_diag *diag);
void sl_witness_free(struct sl_witness *witness); /* NULL is fine */

/* The device that is audited. `splits`: the data plane sits before GRO, which joins packets. */
void sl_witness_watch(struct sl_witness *witness, u32 ifindex, u64 net_cookie, bool splits);

/* Maps for a data plane to share, from SL_MAP_AUDIT_EVEN on (load/template.h); borrowed. */
#define SL_WITNESS_MAPS 4
void sl_witness_maps(const struct sl_witness *witness, int ret_fds[SL_WITNESS_MAPS]);

typedef void sl_awaited_fn(void *context, const struct sl_audit_entry *entry);

/*
 * Empties the table that has waited, and makes it the one for new packets; the other one waits from
 * now on. 0 or -errno.
 */
int sl_witness_turn(struct sl_witness *witness, sl_awaited_fn *each, void *context);

typedef void sl_sample_fn(void *context, const struct sl_audit_sample *sample);

/* What the rules dropped and the data plane did not await, as far as there was room. */
void sl_witness_samples(struct sl_witness *witness, sl_sample_fn *each, void *context);

/* enum sl_audit_count, of all CPUs, since it was opened. 0 or -errno. */
int sl_witness_counts(const struct sl_witness *witness, u64 ret_counts[SL_AUDIT_COUNTS]);

/* How often the witness was not called because it was at work already, on the same CPU. */
u64 sl_witness_misses(const struct sl_witness *witness);

/* "NETFILTER_DROP", by the kernel's own BTF; "" where it has no name. Borrowed. */
const char *sl_witness_reason(const struct sl_witness *witness, u32 reason);

#endif
