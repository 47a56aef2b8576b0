// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/audit.h"
#include "cli/names.h"
#include "load/attach.h"

#define ROWS_SHOWN 5

static const char *plural(u64 count)
{
	return count == 1 ? "" : "s";
}

/* Off the line that print_progress() is on. */
static void clear_progress(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

static void print_place(u8 family, const char *table, const char *chain)
{
	printf("%s ", sl_family_name(family));
	sl_print_name(table);
	printf(" ");
	sl_print_name(chain);
}

static void print_cause(const struct sl_audit_case *one)
{
	if (one->is_explained && one->decider.chain) {
		sl_decider_print(&one->decider, stdout);
		printf("\n");
	} else if (one->is_known)
		printf("by no rule that the interpreter finds: a bug, please report it with the "
		       "rules\n");
	else
		printf("by rules that have changed since\n");
}

void sl_audit_print_case(const struct sl_auditor *auditor, const struct sl_audit_case *one)
{
	char at[32] = "";
	struct tm local;

	clear_progress();
	if (localtime_r(&one->at, &local))
		strftime(at, sizeof at, "%F %T", &local);
	printf("%s %s: DISAGREEMENT: sluice would have dropped %" PRIu64
	       " packet%s that the kernel's rules did not\n",
	       at, auditor->cli->device, one->packets, plural(one->packets));
	printf("  packet  %s\n", one->packet);
	printf("  sluice  ");
	print_cause(one);
	if (one->reason)
		printf("  kernel  freed it, but not by its rules: %s\n", one->reason);
	else
		printf("  kernel  did not drop it\n");
	fflush(stdout);
}

void sl_audit_print_progress(const struct sl_auditor *auditor)
{
	struct sl_audit_summary now = sl_audit_summarise(auditor);

	fprintf(stderr,
		"\r\033[K%" PRIu64 " packets, %" PRIu64 " would be dropped early, %" PRIu64
		" disagreement%s",
		now.packets, now.decided, now.totals.disagreed, plural(now.totals.disagreed));
}

static void print_line(const char *name, u64 packets, const char *what)
{
	printf("  %-28s %12" PRIu64 "%s%s\n", name, packets, *what ? "  " : "", what);
}

/* Only where there is something to say. */
static void print_if_any(const char *name, u64 packets, const char *what)
{
	if (packets)
		print_line(name, packets, what);
}

static void print_reasons(const struct sl_auditor *auditor)
{
	const struct sl_audit_reason *reasons = sl_audit_reasons(auditor->audit);

	for (u32 i = 0; i < SL_AUDIT_REASONS && reasons[i].packets; i++)
		print_line("", reasons[i].packets,
			   sl_audit_reason_name(auditor->audit, reasons[i].reason));
}

static void print_ends(const struct sl_auditor *auditor, const struct sl_audit_totals *totals)
{
	print_line("the rules dropped", totals->agreed, "");
	print_if_any("dropped all the same", totals->anyway,
		     "before the rules, or silently behind");
	print_reasons(auditor);
	print_line(totals->disagreed ? "DISAGREED" : "disagreed", totals->disagreed, "");
	print_if_any("not known", totals->unreasoned, "the kernel freed them without a reason");
	print_if_any("not known", totals->changing, "not dropped, as the rules changed just then");
	print_if_any("not known", totals->missed, "the kernel's drops were not all seen");
	print_if_any("not known", totals->unexamined, "not examined: too many at a time");
}

static void print_share(const struct sl_audit_summary *summary)
{
	u64 dropped = summary->totals.dropped;

	if (!dropped) {
		printf("the kernel's rules dropped no packet of this device\n");
		return;
	}
	printf("of %" PRIu64 " packet%s of this device that the kernel's rules dropped, sluice "
	       "would have\ndropped %s%" PRIu64 " early (%.1f %%)\n",
	       dropped, plural(dropped), summary->is_estimate ? "about " : "", summary->early,
	       sl_audit_percent(summary->early, dropped));
}

static void print_row(const struct sl_rest *rest, const struct sl_rest_row *row)
{
	printf("  %5.1f %%  %s\n", sl_audit_percent(row->packets, rest->packets), row->reason);
	if (!row->chain)
		return;
	printf("           ");
	print_place(row->family, row->table, row->chain);
	if (row->text) {
		printf(" rule ");
		sl_print_name(row->text);
		printf(" # handle %" PRIu64, row->handle);
	} else {
		printf(" policy");
	}
	printf("\n");
}

static void print_rest(const struct sl_rest *rest)
{
	if (!rest->packets)
		return;
	printf("the rest is left to the kernel, because (of %" PRIu64 " packet%s looked at)\n",
	       rest->packets, plural(rest->packets));
	for (u32 i = 0; i < rest->count && i < ROWS_SHOWN; i++)
		print_row(rest, &rest->rows[i]);
}

void sl_audit_print_summary(const struct sl_auditor *auditor)
{
	struct sl_audit_summary summary = sl_audit_summarise(auditor);
	u64 generations = sl_keeper_generations(auditor->keeper);

	clear_progress();
	if (auditor->unshown)
		printf("%" PRIu64 " more disagreement%s not told one by one\n", auditor->unshown,
		       auditor->unshown == 1 ? " was" : "s were");
	printf("%s: audited for %.0f s, mode %s, %" PRIu64 " compile%s of the rules\n",
	       auditor->cli->device, (double)(auditor->ended_ns - auditor->began_ns) / 1e9,
	       sl_mode_name(sl_keeper_mode(auditor->keeper)), generations, plural(generations));
	print_line("packets seen", summary.packets, "");
	print_line("would be dropped early", summary.decided, "of which");
	print_ends(auditor, &summary.totals);
	print_share(&summary);
	print_rest(&auditor->rest);
}
