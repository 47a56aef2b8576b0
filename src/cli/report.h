/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A plan as one HTML page, to be looked at rather than read.
 *
 * Enters: a plan, and what of it is attached and has been counted. Leaves: the page, which is all
 * of it: no script, nothing to be fetched. Promised: its figures are those of `plan`, `status` and
 * `list dev D`; what it names is escaped (html.h), and no name is part of a link.
 */
#ifndef SLUICE_CLI_REPORT_H
#define SLUICE_CLI_REPORT_H

#include <stdio.h>

#include "lib/attachments.h"
#include "lib/early.h"
#include "cli/plan.h"

/* A chain of the rules, and what the decisions say of its part of them. */
struct sl_report_chain {
	const struct sl_nft_table *table;
	const struct sl_nft_chain *chain;
	u32 index;                          /* in the report's chains; the page's links go by it */
	u32 first, count;                   /* of the decisions' items; a policy is the last */
	u32 decided[SL_DECIDED_BEHIND + 1]; /* rules, by decision */
	u64 dropped, dropped_early;         /* packets, where what drops counts: kernel, sluice */
	SL_LIST(struct sl_report_chain *) targets; /* of jumps, each once, in the rules' order */
	u32 depth;      /* jumps that lead here from a base chain, at most; 0: a base chain */
	bool is_placed; /* in a lane */
};

/* One step of a packet's way. A base chain brings those chains that no lane before it has. */
struct sl_report_lane {
	const struct sl_step *step;
	struct sl_report_chain **chains;
	u32 count; /* 0: the step is no chain, or one that was there before */
};

struct sl_report {
	const struct sl_plan *plan;
	const char *file;                       /* that the rules are from; NULL: live ones */
	const struct sl_attachment *attachment; /* NULL: not attached */
	struct sl_early early;                  /* of the device alone */

	struct sl_report_chain *chains; /* all there are, in the rules' order */
	u32 chain_count;
	SL_LIST(struct sl_report_lane) lanes; /* in the order in which a packet meets them */
	u64 most_packets; /* that a rule or policy has counted, with the early ones */
};

/* report_chains.c: fills in the chains and lanes, in the plan's memory. 0 or -ENOMEM. */
int sl_report_arrange(struct sl_report *report);
/* What sluice has dropped for a rule or policy. */
struct sl_count sl_report_early(const struct sl_report *report, const struct sl_decided *item);

/* report_page.c: all of the page, of these parts. 0 or -ENOMEM. */
int sl_report_write(const struct sl_report *report, FILE *out);
/* report_map.c: the packet's way, as a drawing. 0 or -ENOMEM. */
int sl_report_write_map(const struct sl_report *report, FILE *out);
/* report_rules.c: each rule. */
void sl_report_write_rules(const struct sl_report *report, FILE *out);
/* report_facts.c: what keeps the rest, what changes, what it costs. */
void sl_report_write_facts(const struct sl_report *report, FILE *out);
/* report_cost.c: what has been measured elsewhere. */
void sl_report_write_cost(const struct sl_report *report, FILE *out);

/* report_bar.c: decisions and shares in colours that have a name, a word and a pattern each. */

/* The style of a decision, and the one word for where: "XDP", "hook" … */
const char *sl_report_class(enum sl_decision decision);
const char *sl_report_word(const struct sl_report *report, enum sl_decision decision);

struct sl_report_part {
	const char *class, *label;
	u64 value;
};

/* A bar of parts, as wide as their values; empty ones are left out. */
void sl_report_write_bar(FILE *out, const struct sl_report_part *parts, u32 count);
/* The same with what each part is and how much, below. */
void sl_report_write_big_bar(FILE *out, const struct sl_report_part *parts, u32 count);
/* Rules by decision: `ret_parts` has room for all decisions; those that no rule has, too. */
void sl_report_decided_parts(const struct sl_report *report, const u32 *decided,
			     struct sl_report_part ret_parts[SL_DECIDED_BEHIND + 1]);

#endif
