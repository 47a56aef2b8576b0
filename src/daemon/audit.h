/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The audit of one device: what a data plane would have dropped, against what the kernel did.
 *
 * Enters: each second what the witness saw (load/witness.h), and what the keeper knows of changes.
 * Leaves: totals, and each disagreement. Promised: a packet that was decided is in one of the
 * totals; what is not known is counted as that, and never as agreement.
 */
#ifndef SLUICE_DAEMON_AUDIT_H
#define SLUICE_DAEMON_AUDIT_H

#include "base/diag.h"
#include "compile.h"
#include "info.h"
#include "load/witness.h"

/* Packets that were to be dropped early, by what became of them; and those of the kernel's rules.
 */
struct sl_audit_totals {
	u64 agreed;     /* dropped by the rules */
	u64 anyway;     /* dropped without an answer for another reason */
	u64 disagreed;  /* not dropped; or freed where the rules had let them in */
	u64 unreasoned; /* freed by the kernel, which gives no reason */
	u64 changing;   /* not dropped, but the rules changed in that moment */
	u64 missed;     /* not seen to be dropped, but the witness was not called each time */
	u64 unexamined; /* too many different ones at a time */

	u64 dropped;   /* by the rules, of all that came by the device */
	u64 unsampled; /* of those that sluice would not have dropped: not looked at */
};

struct sl_audit_reason {
	u32 reason; /* enum skb_drop_reason; sl_audit_reason_name() */
	u64 packets;
};
#define SL_AUDIT_REASONS 32

struct sl_disagreement {
	const struct sl_audit_entry *entry;
	u64 packets;
	const char *reason; /* why the kernel freed them all the same; NULL: it did not */
	const struct sl_compiled *compiled; /* the rules of that moment; NULL: no longer known */
};

/* Who is told. All is borrowed. */
struct sl_audit_listener {
	void *context;
	void (*disagreed)(void *context, const struct sl_disagreement *disagreement);
	/* A packet that the rules dropped and sluice would not have; by these rules. */
	void (*sampled)(void *context, const struct sl_audit_sample *sample,
			const struct sl_compiled *compiled);
	/* About each second; true: that is enough. */
	bool (*ticked)(void *context);
};

struct sl_audit;

int sl_audit_open(const struct sl_audit_listener *listener, struct sl_audit **ret_audit,
		  struct sl_diag *diag);
void sl_audit_free(struct sl_audit *audit); /* NULL is fine */

const struct sl_witness *sl_audit_witness(const struct sl_audit *audit);

/* A generation takes over, borrowed; … and has been replaced: it is taken over, to be freed. */
void sl_audit_adopt(struct sl_audit *audit, const struct sl_compiled *compiled, u32 ifindex,
		    enum sl_attach_mode mode);
void sl_audit_retire(struct sl_audit *audit, struct sl_compiled *compiled);

/* Something that decides changed between these moments (CLOCK_MONOTONIC). */
void sl_audit_note_change(struct sl_audit *audit, u64 after_ns, u64 until_ns);

/* To be called now and then; *ret_ends: enough. */
int sl_audit_tick(struct sl_audit *audit, bool *ret_ends, struct sl_diag *diag);
/* No packet is decided any more: waits for the last ones' end. */
int sl_audit_finish(struct sl_audit *audit, struct sl_diag *diag);

struct sl_audit_totals sl_audit_totals(const struct sl_audit *audit);
/* Of the packets that were dropped anyway: SL_AUDIT_REASONS, the unused ones without packets. */
const struct sl_audit_reason *sl_audit_reasons(const struct sl_audit *audit);
const char *sl_audit_reason_name(const struct sl_audit *audit, u32 reason);

/* For the above and its test: how one packet, or some that look alike, count. */
enum sl_audit_end { SL_END_ANYWAY, SL_END_UNREASONED, SL_END_LET_IN };
enum sl_audit_end sl_audit_end_of(const char *reason);

struct sl_audit_change {
	u64 after_ns, until_ns;
};
/* How many of an entry's `missing` packets can have met changed rules. */
u64 sl_audit_racing(const struct sl_audit_entry *entry, u64 missing,
		    const struct sl_audit_change *changes, u32 count);

#endif
