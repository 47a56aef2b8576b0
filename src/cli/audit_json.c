// SPDX-License-Identifier: GPL-2.0-only
/* The schema is docs/json.md. */
#include "cli/audit.h"
#include "cli/names.h"
#include "load/attach.h"

static void place(json_t *object, u8 family, const char *table, const char *chain)
{
	json_object_set_new(object, "family", json_string(sl_family_name(family)));
	json_object_set_new(object, "table", sl_json_text(table));
	json_object_set_new(object, "chain", sl_json_text(chain));
}

/* null where it is not known. */
static json_t *describe_decider(const struct sl_audit_case *one)
{
	return one->is_explained ? sl_decider_describe(&one->decider) : json_null();
}

json_t *sl_audit_describe_case(const struct sl_audit_case *one)
{
	return json_pack("{s:I, s:I, s:o, s:o, s:s?}", "time", (json_int_t)one->at, "packets",
			 (json_int_t)one->packets, "packet", sl_json_text(one->packet),
			 "decided_by", describe_decider(one), "kernel_reason", one->reason);
}

static json_t *describe_reasons(const struct sl_auditor *auditor)
{
	const struct sl_audit_reason *reasons = sl_audit_reasons(auditor->audit);
	json_t *object = json_object();

	for (u32 i = 0; i < SL_AUDIT_REASONS && reasons[i].packets; i++)
		json_object_set_new(object, sl_audit_reason_name(auditor->audit, reasons[i].reason),
				    json_integer((json_int_t)reasons[i].packets));
	return object;
}

static json_t *describe_unknown(const struct sl_audit_totals *totals)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "no_reason", (json_int_t)totals->unreasoned,
			 "rules_changed", (json_int_t)totals->changing, "not_seen",
			 (json_int_t)totals->missed, "not_examined",
			 (json_int_t)totals->unexamined);
}

static json_t *describe_row(const struct sl_rest_row *row)
{
	json_t *object = json_pack("{s:o, s:I}", "reason", sl_json_text(row->reason), "packets",
				   (json_int_t)row->packets);

	if (!row->chain)
		return object;
	place(object, row->family, row->table, row->chain);
	if (row->text) {
		json_object_set_new(object, "handle", json_integer((json_int_t)row->handle));
		json_object_set_new(object, "text", sl_json_text(row->text));
	}
	return object;
}

static json_t *describe_rest(const struct sl_rest *rest, u64 unsampled)
{
	json_t *rows = json_array();

	for (u32 i = 0; i < rest->count; i++)
		json_array_append_new(rows, describe_row(&rest->rows[i]));
	return json_pack("{s:I, s:I, s:o}", "looked_at", (json_int_t)rest->packets, "not_looked_at",
			 (json_int_t)(unsampled + rest->skipped), "reasons", rows);
}

json_t *sl_audit_describe(const struct sl_auditor *auditor)
{
	struct sl_audit_summary summary = sl_audit_summarise(auditor);
	const struct sl_audit_totals *totals = &summary.totals;

	return json_pack(
		"{s:o, s:s, s:f, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:o, s:I, s:I, s:f, s:o, s:O, "
		"s:I}",
		"device", sl_json_text(auditor->cli->device), "mode",
		sl_mode_name(sl_keeper_mode(auditor->keeper)), "seconds",
		(double)(auditor->ended_ns - auditor->began_ns) / 1e9, "generations",
		(json_int_t)sl_keeper_generations(auditor->keeper), "packets",
		(json_int_t)summary.packets, "would_drop", (json_int_t)summary.decided, "agreed",
		(json_int_t)totals->agreed, "dropped_anyway", (json_int_t)totals->anyway,
		"dropped_anyway_reasons", describe_reasons(auditor), "disagreed",
		(json_int_t)totals->disagreed, "unknown", describe_unknown(totals),
		"dropped_by_rules", (json_int_t)totals->dropped, "dropped_by_rules_early",
		(json_int_t)summary.early, "early_percent",
		sl_audit_percent(summary.early, totals->dropped), "rest",
		describe_rest(&auditor->rest, totals->unsampled), "disagreements", auditor->cases,
		"disagreements_not_listed", (json_int_t)auditor->unshown);
}
