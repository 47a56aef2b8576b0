/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/audit.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* How long a packet may take from the device to its end, at least. */
#define PATIENCE_NS 1000000000ULL
/* Generations that are kept, since packets of theirs are still to be explained. */
#define RETIRED_MAX 4
#define CHANGES_MAX 128
/* A packet that was decided so long before a change may still be on its way when it comes. */
#define WAY_NS (5 * SL_NS_PER_MS)
/* A miss of the witness counts for as many turns as a packet waits, and one more. */
#define MISS_TURNS 3

struct retired {
	struct sl_compiled *compiled;
	u64 from_ns, until_ns;
};

struct sl_audit {
	struct sl_audit_listener listener;
	struct sl_witness *witness;
	const struct sl_compiled *compiled;
	u64 adopted_ns, turned_ns;
	struct retired retired[RETIRED_MAX]; /* the newest first */
	struct sl_audit_change changes[CHANGES_MAX];
	u32 change_count; /* since the beginning; those before the last CHANGES_MAX are gone */
	u64 misses[MISS_TURNS];
	u64 missable; /* packets that can have been missed, of those that this turn reads */
	struct sl_audit_totals totals;
	struct sl_audit_reason reasons[SL_AUDIT_REASONS];
};

int sl_audit_open(const struct sl_audit_listener *listener, struct sl_audit **ret_audit,
		  struct sl_diag *diag)
{
	struct sl_audit *audit = calloc(1, sizeof *audit);
	int error;

	if (!audit)
		return sl_fail_memory(diag);
	error = sl_witness_open(&audit->witness, diag);
	if (error) {
		free(audit);
		return error;
	}
	audit->listener = *listener;
	audit->turned_ns = sl_monotonic_ns();
	*ret_audit = audit;
	return 0;
}

void sl_audit_free(struct sl_audit *audit)
{
	if (!audit)
		return;
	for (u32 i = 0; i < RETIRED_MAX; i++)
		sl_compiled_free(audit->retired[i].compiled);
	sl_witness_free(audit->witness);
	free(audit);
}

const struct sl_witness *sl_audit_witness(const struct sl_audit *audit)
{
	return audit->witness;
}

/* Rules, and their changes */

void sl_audit_adopt(struct sl_audit *audit, const struct sl_compiled *compiled, u32 ifindex,
		    enum sl_attach_mode mode)
{
	audit->compiled = compiled;
	audit->adopted_ns = sl_monotonic_ns();
	sl_witness_watch(audit->witness, ifindex, compiled->snapshot.net_cookie,
			 mode == SL_MODE_NATIVE);
}

void sl_audit_retire(struct sl_audit *audit, struct sl_compiled *compiled)
{
	struct retired *retired = audit->retired;
	u64 from_ns = retired[0].until_ns;

	if (!compiled)
		return;
	sl_compiled_free(retired[RETIRED_MAX - 1].compiled);
	memmove(retired + 1, retired, (RETIRED_MAX - 1) * sizeof *retired);
	retired[0] = (struct retired){compiled, from_ns, sl_monotonic_ns()};
}

static const struct sl_compiled *find_compiled(const struct sl_audit *audit, u64 at_ns)
{
	if (at_ns >= audit->adopted_ns)
		return audit->compiled;
	for (u32 i = 0; i < RETIRED_MAX; i++)
		if (at_ns >= audit->retired[i].from_ns && at_ns < audit->retired[i].until_ns)
			return audit->retired[i].compiled;
	return NULL;
}

void sl_audit_note_change(struct sl_audit *audit, u64 after_ns, u64 until_ns)
{
	const struct sl_audit_change change = {after_ns - WAY_NS, until_ns};
	struct sl_audit_change *last =
		&audit->changes[(audit->change_count + CHANGES_MAX - 1) % CHANGES_MAX];

	if (last->after_ns == change.after_ns) /* one look found several notices */
		last->until_ns = until_ns;
	else
		audit->changes[audit->change_count++ % CHANGES_MAX] = change;
}

static u64 overlap(u64 first, u64 last, const struct sl_audit_change *change)
{
	u64 from = first > change->after_ns ? first : change->after_ns;
	u64 until = last < change->until_ns ? last : change->until_ns;

	return from <= until ? until - from + 1 : 0;
}

u64 sl_audit_racing(const struct sl_audit_entry *entry, u64 missing,
		    const struct sl_audit_change *changes, u32 count)
{
	u64 together = 0, span = entry->last_ns - entry->first_ns + 1, share;

	for (u32 i = 0; i < count; i++)
		together += overlap(entry->first_ns, entry->last_ns, &changes[i]);
	if (!together)
		return 0;
	/* As many as come in that time, twice for what comes in bursts, and one. */
	share = 1 + (u64)(2.0 * entry->decided * (double)together / (double)span);
	return share < missing ? share : missing;
}

/* Packets */

enum sl_audit_end sl_audit_end_of(const char *reason)
{
	/*
	 * Before the rules, or behind them without an answer to the sender. IP_INADDRERRORS: no
	 * route, where nothing is forwarded; IPv6 answers all the same, but there sluice passes.
	 */
	static const char *const silent[] = {
		"OTHERHOST",       "IP_CSUM",
		"IP_INHDR",        "IP_RPFILTER",
		"IP_LOCAL_SOURCE", "IP_INVALID_SOURCE",
		"IP_LOCALNET",     "IP_INVALID_DEST",
		"IP_INADDRERRORS", "UNICAST_IN_L2_MULTICAST",
		"PKT_TOO_SMALL",   "HDR_TRUNC",
		"TCP_CSUM",        "UDP_CSUM",
		"ICMP_CSUM",       "SKB_CSUM",
		"CPU_BACKLOG",     "XDP",
		"TC_INGRESS",      "IPV6DISABLED",
		"IPV6_BAD_EXTHDR", "MAC_INVALID_SOURCE",
		"UNHANDLED_PROTO", "NOMEM",
		"PFMEMALLOC",      "DEV_READY",
		"RECURSION_LIMIT",
	};

	for (u32 i = 0; i < SL_ARRAY_SIZE(silent); i++)
		if (!strcmp(reason, silent[i]))
			return SL_END_ANYWAY;
	return !*reason || !strcmp(reason, "NOT_SPECIFIED") ? SL_END_UNREASONED : SL_END_LET_IN;
}

static void count_reason(struct sl_audit *audit, u32 reason, u64 packets)
{
	struct sl_audit_reason *reasons = audit->reasons;

	for (u32 i = 0; i < SL_AUDIT_REASONS; i++) {
		if (reasons[i].packets && reasons[i].reason != reason)
			continue;
		reasons[i].reason = reason;
		reasons[i].packets += packets;
		return;
	}
}

static void disagree(struct sl_audit *audit, const struct sl_audit_entry *entry, u64 packets,
		     const char *reason)
{
	const struct sl_disagreement disagreement = {
		.entry = entry,
		.packets = packets,
		.reason = reason,
		.compiled = find_compiled(audit, entry->last_ns),
	};

	audit->totals.disagreed += packets;
	audit->listener.disagreed(audit->listener.context, &disagreement);
}

/* Freed, but not by the rules. */
static void settle_freed(struct sl_audit *audit, const struct sl_audit_entry *entry, u64 packets)
{
	const char *reason = sl_witness_reason(audit->witness, entry->reason);

	switch (sl_audit_end_of(reason)) {
	case SL_END_ANYWAY:
		audit->totals.anyway += packets;
		count_reason(audit, entry->reason, packets);
		return;
	case SL_END_UNREASONED:
		audit->totals.unreasoned += packets;
		return;
	case SL_END_LET_IN:
		disagree(audit, entry, packets, reason);
		return;
	}
}

/* Not freed at all, as far as the witness saw. */
static void settle_missing(struct sl_audit *audit, const struct sl_audit_entry *entry, u64 packets)
{
	u32 known = audit->change_count < CHANGES_MAX ? audit->change_count : CHANGES_MAX;
	u64 changing = sl_audit_racing(entry, packets, audit->changes, known);
	u64 missed = packets - changing;

	if (missed > audit->missable)
		missed = audit->missable;
	audit->missable -= missed;
	audit->totals.changing += changing;
	audit->totals.missed += missed;
	packets -= changing + missed;
	if (packets)
		disagree(audit, entry, packets, NULL);
}

/* CPUs that tick off at the same time can be one too many. */
static u64 at_most(u64 number, u64 limit)
{
	return number < limit ? number : limit;
}

static void settle(void *context, const struct sl_audit_entry *entry)
{
	struct sl_audit *audit = context;
	u64 dropped = at_most(entry->dropped, entry->decided);
	u64 freed = at_most(entry->freed, entry->decided - dropped);
	u64 missing = entry->decided - dropped - freed;

	audit->totals.agreed += dropped;
	if (freed)
		settle_freed(audit, entry, freed);
	if (missing)
		settle_missing(audit, entry, missing);
}

static void pass_sample(void *context, const struct sl_audit_sample *sample)
{
	struct sl_audit *audit = context;

	if (audit->compiled)
		audit->listener.sampled(audit->listener.context, sample, audit->compiled);
}

/* Turns */

static void look_for_misses(struct sl_audit *audit)
{
	u64 now = sl_witness_misses(audit->witness);

	audit->missable = now - audit->misses[MISS_TURNS - 1];
	memmove(audit->misses + 1, audit->misses, (MISS_TURNS - 1) * sizeof audit->misses[0]);
	audit->misses[0] = now;
}

static int turn(struct sl_audit *audit, struct sl_diag *diag)
{
	u64 counts[SL_AUDIT_COUNTS];
	int error;

	look_for_misses(audit);
	error = sl_witness_turn(audit->witness, settle, audit);
	if (!error)
		error = sl_witness_counts(audit->witness, counts);
	if (error)
		return sl_fail(diag, -error, "cannot read what the audit noted: %s",
			       strerror(-error));
	sl_witness_samples(audit->witness, pass_sample, audit);
	audit->totals.unexamined = counts[SL_AUDIT_UNEXAMINED];
	audit->totals.dropped = counts[SL_AUDIT_DROPPED];
	audit->totals.unsampled = counts[SL_AUDIT_UNSAMPLED];
	audit->turned_ns = sl_monotonic_ns();
	return 0;
}

int sl_audit_tick(struct sl_audit *audit, bool *ret_ends, struct sl_diag *diag)
{
	int error;

	if (sl_monotonic_ns() - audit->turned_ns < PATIENCE_NS)
		return 0;
	error = turn(audit, diag);
	if (!error)
		*ret_ends = audit->listener.ticked(audit->listener.context);
	return error;
}

int sl_audit_finish(struct sl_audit *audit, struct sl_diag *diag)
{
	int error;

	poll(NULL, 0, (int)(PATIENCE_NS / SL_NS_PER_MS));
	error = turn(audit, diag); /* either table */
	return error ? error : turn(audit, diag);
}

struct sl_audit_totals sl_audit_totals(const struct sl_audit *audit)
{
	return audit->totals;
}

const struct sl_audit_reason *sl_audit_reasons(const struct sl_audit *audit)
{
	return audit->reasons;
}

const char *sl_audit_reason_name(const struct sl_audit *audit, u32 reason)
{
	return sl_witness_reason(audit->witness, reason);
}
