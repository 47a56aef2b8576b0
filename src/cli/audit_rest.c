// SPDX-License-Identifier: GPL-2.0-only
/* The rest: what the kernel's rules drop and sluice would leave to them, by the reason. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/audit.h"
#include "lib/explain.h"
#include "ir/packet.h"

/* A second's samples may take so long; with many thousands of rules one takes milliseconds. */
#define BUDGET_NS (50 * SL_NS_PER_MS)

/* What conntrack tells of a packet that it knows nothing of. */
static u8 worlds_of_stranger(const struct sl_compiled *compiled, const struct sl_frame *frame)
{
	struct sl_packet packet;

	if (sl_packet_parse(&compiled->meaning->device, frame->bytes, frame->length, &packet))
		return SL_WORLDS_ALL;
	if (packet.protocol != IPPROTO_TCP && packet.protocol != IPPROTO_UDP)
		return SL_WORLDS_ALL;
	return compiled->program->miss_worlds ? compiled->program->miss_worlds : SL_WORLDS_ALL;
}

static void explain(const struct sl_compiled *compiled, const struct sl_frame *frame,
		    struct sl_outcome *ret_outcome)
{
	struct sl_answers answers = {worlds_of_stranger(compiled, frame), SL_FATE_FORWARD,
				     SL_WAY_FOUND};

	sl_explain(compiled->meaning, frame, &answers, NULL, NULL, ret_outcome);
	if (!ret_outcome->drop)
		return;
	answers.worlds = SL_WORLDS_ALL;
	sl_explain(compiled->meaning, frame, &answers, NULL, NULL, ret_outcome);
	/* Whichever rule it was, the packet passed for something else. */
	ret_outcome->reason = ret_outcome->drop
				      ? "it may be that the rules had just changed"
				      : "a connection exists, or conntrack had to be asked";
	ret_outcome->subject = NULL;
	ret_outcome->chain = NULL;
	ret_outcome->rule = NULL;
}

static bool text_equals(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool is_of(const struct sl_rest_row *row, const struct sl_outcome *outcome,
		  const char *reason)
{
	const struct sl_chain *chain = outcome->chain;

	if (!text_equals(row->reason, reason) ||
	    row->handle != (outcome->rule ? outcome->rule->handle : 0))
		return false;
	if (!chain)
		return !row->chain;
	return row->family == chain->family && text_equals(row->table, chain->table) &&
	       text_equals(row->chain, chain->name);
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void fill(struct sl_rest_row *row, const struct sl_decider *decider, const char *reason)
{
	*row = (struct sl_rest_row){.reason = copy(reason), .text = copy(decider->text)};
	if (!decider->chain)
		return;
	row->family = decider->chain->family;
	row->table = copy(decider->chain->table);
	row->chain = copy(decider->chain->name);
	row->handle = decider->rule ? decider->rule->handle : 0;
}

static void count(struct sl_auditor *auditor, const struct sl_compiled *compiled,
		  const struct sl_outcome *outcome)
{
	struct sl_rest *rest = &auditor->rest;
	struct sl_decider decider;
	char reason[256];

	snprintf(reason, sizeof reason, "%s%s%s", outcome->reason, outcome->subject ? ": " : "",
		 outcome->subject ? outcome->subject : "");
	rest->packets++;
	for (u32 i = 0; i < rest->count; i++) {
		if (!is_of(&rest->rows[i], outcome, reason))
			continue;
		rest->rows[i].packets++;
		return;
	}
	if (rest->count == SL_REST_ROWS) {
		rest->others++;
		return;
	}
	decider = sl_deciders_name(&auditor->deciders, compiled, outcome->chain, outcome->rule);
	fill(&rest->rows[rest->count], &decider, reason);
	rest->rows[rest->count++].packets = 1;
}

void sl_rest_add(struct sl_auditor *auditor, const struct sl_audit_sample *sample,
		 const struct sl_compiled *compiled)
{
	struct sl_outcome outcome;
	struct sl_frame frame;
	u64 began_ns;

	if (auditor->rest.spent_ns > BUDGET_NS || !sample->captured) {
		auditor->rest.skipped++;
		return;
	}
	frame = sl_deciders_frame(&auditor->deciders, sample->bytes, sample->captured,
				  sample->length);
	began_ns = sl_monotonic_ns();
	explain(compiled, &frame, &outcome);
	auditor->rest.spent_ns += sl_monotonic_ns() - began_ns;
	count(auditor, compiled, &outcome);
}

static int compare_rows(const void *left, const void *right)
{
	u64 a = ((const struct sl_rest_row *)left)->packets;
	u64 b = ((const struct sl_rest_row *)right)->packets;

	return (a < b) - (a > b);
}

void sl_rest_sort(struct sl_rest *rest)
{
	qsort(rest->rows, rest->count, sizeof *rest->rows, compare_rows);
}

void sl_rest_free(struct sl_rest *rest)
{
	for (u32 i = 0; i < rest->count; i++) {
		free(rest->rows[i].table);
		free(rest->rows[i].chain);
		free(rest->rows[i].text);
		free(rest->rows[i].reason);
	}
	rest->count = 0;
}
