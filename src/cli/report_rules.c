// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each rule, chain by chain, in the order in which a packet meets the chains; what is long is
 * folded. A chain of more than BLOCK rules is cut into blocks, each with a line that says what is
 * in it.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/html.h"
#include "cli/names.h"
#include "cli/report.h"

#define BLOCK     100
#define JUMPS_MAX 30  /* chains; more are folded */
#define OPEN_MAX  400 /* rules; of more, all chains begin folded */

static const char *meaning_of(enum sl_decision decision)
{
	static const char *const meanings[] = {
		[SL_DECIDED_NOT_MET] = "packets from this device do not come here",
		[SL_DECIDED_EARLY] = "sluice decides",
		[SL_DECIDED_HOOK] = "sluice decides, where the packet has come to netfilter's hook",
		[SL_DECIDED_MAYBE] = "others decide, or the packet passes",
		[SL_DECIDED_KERNEL] = "the kernel must do what it says",
		[SL_DECIDED_BEHIND] = "all packets have passed before they get here",
	};

	return meanings[decision];
}

/* The kernel's own count in the rule's text would be half of the truth: all of it is beside it. */
static const char *text_of(const struct sl_report *report, const struct sl_decided *item)
{
	const char *text, *counter, *bare = NULL;
	u64 packets, bytes;
	size_t length;

	if (!item->rule)
		return item->drops ? "policy drop" : "policy accept";
	text = sl_rule_text(&report->plan->texts, item->table->handle, item->rule->handle,
			    item->meaning);
	counter = sl_listing_find_counter(text, &packets, &bytes, &length);
	if (counter)
		bare = sl_arena_printf(report->plan->legal->arena, "%.*scounter%s",
				       (int)(counter - text), text, counter + length);
	return bare ? bare : text;
}

/* One part of a count, in the scale of all. */
static void write_share(const struct sl_report *report, const char *class, u64 packets, FILE *out)
{
	if (packets)
		fprintf(out, "<i class=\"%s\" style=\"width:%.2f%%\"></i>", class,
			100.0 * (double)packets / (double)report->most_packets);
}

static void write_counts(const struct sl_report *report, const struct sl_decided *item, FILE *out)
{
	struct sl_count early = sl_report_early(report, item);

	if (!item->has_counter)
		return;
	fprintf(out,
		"<span class=\"n\" title=\"early: %" PRIu64 " packets, %" PRIu64
		" bytes; kernel: %" PRIu64 " packets, %" PRIu64 " bytes\">",
		(u64)early.packets, (u64)early.bytes, item->packets, item->bytes);
	sl_html_count(out, item->packets + early.packets);
	fputs(" <small>", out);
	sl_html_bytes(out, item->bytes + early.bytes);
	fputs("</small>", out);
	if (item->packets + early.packets) {
		fputs("<span class=\"bar\">", out);
		write_share(report, item->decision == SL_DECIDED_HOOK ? "hook" : "early",
			    early.packets, out);
		write_share(report, item->drops ? "kernel" : "count", item->packets, out);
		fputs("</span>", out);
	}
	if (early.packets) {
		fputs("<small>", out);
		sl_html_count(out, early.packets);
		fputs(" early</small>", out);
	}
	fputs("</span>", out);
}

/* What one has in common with the one before is said once, and for all of them on paper. */
static void write_reason(const struct sl_decided *item, const struct sl_decided *before, FILE *out)
{
	bool is_again = before && before->decision == item->decision && before->reason &&
			!strcmp(before->reason, item->reason);

	fprintf(out, "<em%s>", is_again ? " class=\"again\"" : "");
	sl_html_text(out, item->reason);
	fputs("</em>", out);
}

static void write_item(const struct sl_report *report, const struct sl_decided *item,
		       const struct sl_decided *before, FILE *out)
{
	fprintf(out, "<li class=\"%s%s\"><b title=\"", sl_report_class(item->decision),
		item->drops ? " drops" : "");
	sl_html_text(out, item->reason ? item->reason : meaning_of(item->decision));
	fprintf(out, "\">%s</b><span class=\"r\"><code>", sl_report_word(report, item->decision));
	sl_html_text(out, text_of(report, item));
	fputs("</code>", out);
	if (item->rule)
		fprintf(out, " <small>#%" PRIu64 "</small>", item->rule->handle);
	if (item->reason)
		write_reason(item, before, out);
	fputs("</span>", out);
	write_counts(report, item, out);
	fputs("</li>\n", out);
}

static void write_items(const struct sl_report *report, u32 first, u32 count, FILE *out)
{
	const struct sl_decided *items = report->plan->decisions.items.items + first;

	fputs("<ol>\n", out);
	for (u32 i = 0; i < count; i++)
		write_item(report, &items[i], i ? &items[i - 1] : NULL, out);
	fputs("</ol>\n", out);
}

static void write_block(const struct sl_report *report, u32 first, u32 count, u32 number, FILE *out)
{
	const struct sl_decided *items = report->plan->decisions.items.items + first;
	struct sl_report_part parts[SL_DECIDED_BEHIND + 1];
	u32 decided[SL_DECIDED_BEHIND + 1] = {0};
	u64 packets = 0;

	for (u32 i = 0; i < count; i++) {
		decided[items[i].decision]++;
		packets += items[i].packets + sl_report_early(report, &items[i]).packets;
	}
	sl_report_decided_parts(report, decided, parts);
	fprintf(out, "<details class=\"block\"><summary>%u–%u ", number, number + count - 1);
	sl_report_write_bar(out, parts, SL_ARRAY_SIZE(parts));
	fputs(" <span class=\"n\">", out);
	sl_html_count(out, packets);
	fputs("</span></summary>\n", out);
	write_items(report, first, count, out);
	fputs("</details>\n", out);
}

/* The policy, which is the last item of a base chain, is never folded away. */
static void write_chain_items(const struct sl_report *report, const struct sl_report_chain *chain,
			      FILE *out)
{
	u32 rules = chain->chain->rules.count;

	if (chain->count <= BLOCK) {
		write_items(report, chain->first, chain->count, out);
		return;
	}
	for (u32 i = 0; i < rules; i += BLOCK)
		write_block(report, chain->first + i, rules - i < BLOCK ? rules - i : BLOCK, i + 1,
			    out);
	if (rules < chain->count)
		write_items(report, chain->first + rules, 1, out);
}

static void write_jumps(const struct sl_report_chain *chain, FILE *out)
{
	bool is_long = chain->targets.count > JUMPS_MAX;

	if (!chain->targets.count)
		return;
	if (is_long)
		fprintf(out, "<details class=\"jumps\"><summary>jumps to %u chains</summary><p>",
			chain->targets.count);
	else
		fputs("<p class=\"jumps\">jumps to ", out);
	for (u32 i = 0; i < chain->targets.count; i++) {
		fprintf(out, "%s<a href=\"#c%u\">", i ? ", " : "", chain->targets.items[i]->index);
		sl_html_text(out, chain->targets.items[i]->chain->name);
		fputs("</a>", out);
	}
	fputs(is_long ? "</p></details>\n" : "</p>\n", out);
}

static void write_summary(const struct sl_report *report, const struct sl_report_chain *chain,
			  FILE *out)
{
	struct sl_report_part parts[SL_DECIDED_BEHIND + 1];
	u32 rules = chain->chain->rules.count;

	fputs("<summary><h3>", out);
	sl_html_text(out, chain->chain->name);
	fprintf(out, "</h3> <small>%s ", sl_family_name(chain->table->family));
	sl_html_text(out, chain->table->name);
	if (chain->chain->is_base)
		fprintf(out, ", priority %d", chain->chain->priority);
	fputs(", ", out);
	sl_html_count(out, rules);
	fprintf(out, " rule%s</small> ", rules == 1 ? "" : "s");
	sl_report_decided_parts(report, chain->decided, parts);
	if (rules)
		sl_report_write_bar(out, parts, SL_ARRAY_SIZE(parts));
	if (chain->dropped + chain->dropped_early) {
		fputs(" <small>▼ ", out);
		sl_html_count(out, chain->dropped + chain->dropped_early);
		fputs(" dropped</small>", out);
	}
	fputs("</summary>\n", out);
}

static void write_chain(const struct sl_report *report, const struct sl_report_chain *chain,
			bool is_open, FILE *out)
{
	is_open |= chain->count > BLOCK; /* then its blocks are not */
	fprintf(out, "<details class=\"chain%s\" id=\"c%u\"%s>\n",
		chain->chain->is_base ? " base" : "", chain->index, is_open ? " open" : "");
	write_summary(report, chain, out);
	write_jumps(chain, out);
	write_chain_items(report, chain, out);
	fputs("</details>\n", out);
}

static void write_lane(const struct sl_report *report, const struct sl_report_lane *lane,
		       bool is_open, FILE *out)
{
	for (u32 i = 0; i < lane->count; i++)
		write_chain(report, lane->chains[i], is_open, out);
}

/* Of other hooks, or of other devices; and chains that nothing leads to. */
static void write_unmet(const struct sl_report *report, FILE *out)
{
	u32 count = 0;

	for (u32 i = 0; i < report->chain_count; i++)
		count += !report->chains[i].is_placed;
	if (!count)
		return;
	fputs("<h2>Not on its way</h2>\n<p>What packets that arrive at ", out);
	sl_html_text(out, report->plan->device);
	fputs(" do not come to: output, other devices, chains that nothing leads to.</p>\n", out);
	for (u32 i = 0; i < report->chain_count; i++)
		if (!report->chains[i].is_placed)
			write_chain(report, &report->chains[i], false, out);
}

void sl_report_write_rules(const struct sl_report *report, FILE *out)
{
	bool is_open = report->plan->decisions.items.count <= OPEN_MAX;
	int hook = -1;

	for (u32 i = 0; i < report->lanes.count; i++) {
		const struct sl_report_lane *lane = &report->lanes.items[i];

		if (!lane->count)
			continue;
		if ((int)lane->step->hook != hook)
			fprintf(out, "<h2>Rules at %s</h2>\n", sl_hook_name(lane->step->hook));
		hook = (int)lane->step->hook;
		write_lane(report, lane, is_open, out);
	}
	write_unmet(report, out);
}
