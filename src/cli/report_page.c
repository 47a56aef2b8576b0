// SPDX-License-Identifier: GPL-2.0-only
/* The page around its parts: what it is about, and the two figures that matter. */
#include <inttypes.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/html.h"
#include "cli/report.h"
#include "load/attach.h"
#include "report_style.h"

/* Nothing on the page may fetch or run anything, should an escape be missing somewhere. */
static void write_head(const struct sl_report *report, FILE *out)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"generator\" content=\"sluice " SLUICE_VERSION "\">\n<title>sluice: ",
	      out);
	sl_html_text(out, report->plan->device);
	fprintf(out, "</title>\n<style>\n%s</style></head>\n", report_style);
}

/* Where and when. */
static void write_about(const struct sl_report *report, FILE *out)
{
	struct utsname system;
	time_t now = time(NULL);
	char date[32] = "";
	struct tm when;

	if (gmtime_r(&now, &when))
		strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &when);
	fputs("<p class=\"about\">", out);
	if (!uname(&system)) {
		sl_html_text(out, system.nodename);
		fputs(" · Linux ", out);
		sl_html_text(out, system.release);
		fputs(" · ", out);
	}
	fprintf(out, "%s · sluice " SLUICE_VERSION, date);
	if (report->file) {
		fputs(" · rules of ", out);
		sl_html_text(out, report->file);
	}
	fputs("</p>\n", out);
}

static void write_state(const struct sl_report *report, FILE *out)
{
	const struct sl_attachment *attachment = report->attachment;

	fputs("<p class=\"states\">", out);
	if (report->file) {
		fputs("<span>rules of a file: not loaded</span>", out);
	} else if (!attachment) {
		fprintf(out, "<span>not attached</span> <span>would take: %s</span>",
			report->plan->mode ? sl_mode_name(report->plan->mode) : "no program");
	} else {
		fprintf(out, "<span class=\"good\">● attached: %s</span> ",
			sl_mode_name((enum sl_attach_mode)attachment->info.mode));
		fputs(attachment->is_fresh
			      ? "<span class=\"good\">● rules fresh</span> "
			      : "<span class=\"bad\">▲ rules stale: all passes</span> ",
		      out);
		fputs(attachment->is_kept ? "<span class=\"good\">● kept in step</span> "
					  : "<span class=\"bad\">▲ nobody keeps it</span> ",
		      out);
		if (attachment->confirm_ms)
			fprintf(out, "<span class=\"bad\">▲ unconfirmed: %u s left</span> ",
				(attachment->confirm_ms + 999) / 1000);
		fprintf(out, "<span>generation %" PRIu64 "</span>",
			(u64)attachment->info.generations);
	}
	fputs("</p>\n", out);
}

/* One figure that can be read from across the room. */
static void write_share(double share, const char *what, FILE *out)
{
	fprintf(out, "<p class=\"share\"><b>%.1f<small> %%</small></b> %s</p>\n", share, what);
}

/* What the counters of rules that drop say. */
static void write_dropped(const struct sl_report *report, FILE *out)
{
	struct sl_report_part parts[] = {{"early", "by sluice", 0},
					 {"kernel", "by the kernel's rules", 0}};
	u64 all;

	for (u32 i = 0; i < report->chain_count; i++) {
		parts[0].value += report->chains[i].dropped_early;
		parts[1].value += report->chains[i].dropped;
	}
	all = parts[0].value + parts[1].value;
	fputs("<section><h2>Dropped packets</h2>\n", out);
	if (!all) {
		fputs("<p>No rule or policy that drops has counted a packet yet.</p></section>\n",
		      out);
		return;
	}
	write_share(100.0 * (double)parts[0].value / (double)all, "were dropped by sluice", out);
	sl_report_write_big_bar(out, parts, SL_ARRAY_SIZE(parts));
	fputs("<p>As rules and policies with counters have counted them. The kernel's counts are "
	      "older: they began before sluice, and are of all devices.</p></section>\n",
	      out);
}

/* The same of rules that run without sluice. */
static void write_would_drop(const struct sl_report *report, FILE *out)
{
	const struct sl_decisions *decisions = &report->plan->decisions;
	u64 early = decisions->dropped_early, at_hooks = decisions->dropped_at_hooks;
	const struct sl_report_part parts[] = {
		{"early", sl_plan_tier(report->plan), early},
		{"hook", "netfilter's hooks", at_hooks},
		{"kernel", "the kernel's rules", decisions->dropped - early - at_hooks},
	};

	fputs("<section><h2>Dropped packets</h2>\n", out);
	if (!decisions->dropped) {
		fputs("<p>No rule or policy that drops has counted a packet.</p></section>\n", out);
		return;
	}
	write_share(sl_decisions_share(decisions), "would be dropped by sluice", out);
	sl_report_write_big_bar(out, parts, SL_ARRAY_SIZE(parts));
	fputs("<p>Of those that rules and policies with counters have counted.</p></section>\n",
	      out);
}

/* What makes them fewer than they could be, or not known. */
static void write_reservations(const struct sl_plan *plan, FILE *out)
{
	if (plan->decisions.counts[SL_DECIDED_NOT_MET] &&
	    plan->compiled->program->route_ip == SL_ROUTE_INPUT_ONLY)
		fputs("<p>IPv4 is not forwarded from this device: rules for forwarding are not "
		      "met.</p>\n",
		      out);
	if (plan->lacks_hooks)
		fputs("<p>This kernel has no netfilter links, where more could be decided: they "
		      "came with 6.4.</p>\n",
		      out);
	if (plan->compiled->code_is_cut)
		fputs("<p>The code grew too long: the last rules of a hook are left to the kernel, "
		      "too.</p>\n",
		      out);
	if (!plan->is_live && geteuid() != 0)
		fputs("<p>Not known without root, and taken as absent: IPsec, legacy tables and TC "
		      "filters of this host.</p>\n",
		      out);
}

static void write_decided(const struct sl_report *report, FILE *out)
{
	const struct sl_decisions *decisions = &report->plan->decisions;
	u32 early = decisions->counts[SL_DECIDED_EARLY] + decisions->counts[SL_DECIDED_HOOK];
	struct sl_report_part parts[SL_DECIDED_BEHIND + 1];
	u32 met = sl_plan_rules_met(decisions);

	sl_report_decided_parts(report, decisions->counts, parts);
	fputs("<section><h2>Rules</h2>\n", out);
	if (met)
		write_share(100.0 * early / met,
			    "of those that its packets meet are decided by sluice", out);
	else
		fputs("<p>Its packets meet no rules.</p>\n", out);
	sl_report_write_big_bar(out, parts, SL_ARRAY_SIZE(parts));
	write_reservations(report->plan, out);
	fputs("</section>\n", out);
}

static void write_legend(const struct sl_report *report, FILE *out)
{
	static const struct {
		enum sl_decision decision;
		const char *meaning;
	} entries[] = {
		{SL_DECIDED_EARLY, "sluice decides, as the packet comes in"},
		{SL_DECIDED_HOOK, "sluice decides, at netfilter's hook just ahead of the rules"},
		{SL_DECIDED_MAYBE, "holds a match that sluice cannot make: others decide, or the "
				   "packet passes"},
		{SL_DECIDED_KERNEL, "the kernel must do what it says"},
		{SL_DECIDED_BEHIND, "all packets have passed before they get here"},
		{SL_DECIDED_NOT_MET, "packets from this device do not come here"},
	};

	fputs("<section class=\"legend\"><h2>Where a rule is decided</h2><dl>\n", out);
	for (u32 i = 0; i < SL_ARRAY_SIZE(entries); i++)
		fprintf(out, "<dt class=\"%s\"><b>%s</b></dt><dd>%s</dd>\n",
			sl_report_class(entries[i].decision),
			sl_report_word(report, entries[i].decision), entries[i].meaning);
	fputs("</dl><p>What passes, the kernel's own rules judge as they always did: whatever the "
	      "colour, the verdict is the same.</p></section>\n",
	      out);
}

static void write_header(const struct sl_report *report, FILE *out)
{
	fputs("<body><header><h1>", out);
	sl_html_text(out, report->plan->device);
	fputs("</h1>\n", out);
	write_state(report, out);
	write_about(report, out);
	fputs("</header>\n", out);
}

int sl_report_write(const struct sl_report *report, FILE *out)
{
	int error;

	write_head(report, out);
	write_header(report, out);
	fputs("<main>\n<div class=\"figures\">\n", out);
	if (report->attachment)
		write_dropped(report, out);
	else
		write_would_drop(report, out);
	write_decided(report, out);
	fputs("</div>\n<section><h2>The way of a packet</h2>\n<div class=\"way\"><div "
	      "class=\"scroll\">\n",
	      out);
	error = sl_report_write_map(report, out);
	fputs("</div>\n", out);
	write_legend(report, out);
	fputs("</div></section>\n", out);
	sl_report_write_facts(report, out);
	fputs("<div class=\"rules\">\n", out);
	sl_report_write_rules(report, out);
	fputs("</div>\n</main>\n<footer>made by <code>sluice "
	      "report</code></footer></body></html>\n",
	      out);
	return error;
}
