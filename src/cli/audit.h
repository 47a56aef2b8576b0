/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An audit on its way: what daemon/audit.h tells, put into words.
 *
 * Enters: disagreements and samples, as packets and the rules of that moment. Leaves: each
 * disagreement as soon as it is known (text) or in the end (JSON), and a summary.
 */
#ifndef SLUICE_CLI_AUDIT_H
#define SLUICE_CLI_AUDIT_H

#include <jansson.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/decider.h"
#include "daemon/audit.h"
#include "daemon/keeper.h"

/* A disagreement in words. All is borrowed. */
struct sl_audit_case {
	time_t at;
	u64 packets;
	const char *packet; /* the first, in words */
	struct sl_decider decider;
	bool is_known;      /* the rules of that moment are still at hand */
	bool is_explained;  /* … and the decider was found by them */
	const char *reason; /* why the kernel freed it; NULL: it did not */
};

/* What the rules dropped and sluice would not have, alike: owns its texts. */
struct sl_rest_row {
	u8 family;                  /* 0: nobody's rule */
	char *table, *chain, *text; /* NULL: nobody's rule; `text` NULL: a policy */
	u64 handle;
	char *reason;
	u64 packets;
};
#define SL_REST_ROWS 128

struct sl_rest {
	struct sl_rest_row rows[SL_REST_ROWS];
	u32 count;
	u64 packets, others; /* all that were looked at; those that found no row any more */
	u64 skipped;         /* not looked at, for want of time */
	u64 spent_ns;        /* on looking, since the last tick */
};

struct sl_auditor {
	const struct sl_cli *cli;
	struct sl_audit *audit;
	struct sl_keeper *keeper;
	u64 began_ns, ended_ns;

	struct sl_deciders deciders;

	struct sl_rest rest;
	json_t *cases;      /* --json */
	u64 shown, unshown; /* disagreements since the last tick; all that were not */
};

/* audit_rest.c: why sluice would not have dropped it. */
void sl_rest_add(struct sl_auditor *auditor, const struct sl_audit_sample *sample,
		 const struct sl_compiled *compiled);
void sl_rest_sort(struct sl_rest *rest); /* the most frequent first */
void sl_rest_free(struct sl_rest *rest);

/* What both kinds of summary say. */
struct sl_audit_summary {
	struct sl_audit_totals totals;
	struct sl_count fates[SL_FATE_COUNTS];
	u64 packets;      /* seen */
	u64 decided;      /* to be dropped early */
	u64 early;        /* of those that the kernel's rules dropped */
	bool is_estimate; /* `early` counts some that were not examined */
};
struct sl_audit_summary sl_audit_summarise(const struct sl_auditor *auditor);
double sl_audit_percent(u64 part, u64 whole);

/* audit_text.c */
void sl_audit_print_case(const struct sl_auditor *auditor, const struct sl_audit_case *one);
void sl_audit_print_progress(const struct sl_auditor *auditor); /* on a terminal */
void sl_audit_print_summary(const struct sl_auditor *auditor);

/* audit_json.c: docs/json.md. */
json_t *sl_audit_describe_case(const struct sl_audit_case *one);
json_t *sl_audit_describe(const struct sl_auditor *auditor);

#endif
