// SPDX-License-Identifier: GPL-2.0-only
#include "cli/html.h"
#include "cli/report.h"

static const char *const classes[] = {
	[SL_DECIDED_NOT_MET] = "unmet", [SL_DECIDED_EARLY] = "early",
	[SL_DECIDED_HOOK] = "hook",     [SL_DECIDED_MAYBE] = "maybe",
	[SL_DECIDED_KERNEL] = "kernel", [SL_DECIDED_BEHIND] = "behind",
};

const char *sl_report_class(enum sl_decision decision)
{
	return classes[decision];
}

const char *sl_report_word(const struct sl_report *report, enum sl_decision decision)
{
	static const char *const words[] = {
		[SL_DECIDED_NOT_MET] = "not met", [SL_DECIDED_HOOK] = "hook",
		[SL_DECIDED_MAYBE] = "maybe",     [SL_DECIDED_KERNEL] = "kernel",
		[SL_DECIDED_BEHIND] = "behind",
	};

	return decision == SL_DECIDED_EARLY ? sl_plan_tier(report->plan) : words[decision];
}

void sl_report_decided_parts(const struct sl_report *report, const u32 *decided,
			     struct sl_report_part ret_parts[SL_DECIDED_BEHIND + 1])
{
	for (int i = SL_DECIDED_EARLY; i <= SL_DECIDED_BEHIND; i++)
		ret_parts[i - 1] = (struct sl_report_part){
			classes[i], sl_report_word(report, (enum sl_decision)i), decided[i]};
	ret_parts[SL_DECIDED_BEHIND] = (struct sl_report_part){
		classes[SL_DECIDED_NOT_MET], sl_report_word(report, SL_DECIDED_NOT_MET),
		decided[SL_DECIDED_NOT_MET]};
}

static u64 add_up(const struct sl_report_part *parts, u32 count)
{
	u64 sum = 0;

	for (u32 i = 0; i < count; i++)
		sum += parts[i].value;
	return sum;
}

void sl_report_write_bar(FILE *out, const struct sl_report_part *parts, u32 count)
{
	u64 sum = add_up(parts, count);

	fputs("<span class=\"bar\">", out);
	for (u32 i = 0; i < count; i++) {
		if (!parts[i].value)
			continue;
		fprintf(out, "<i class=\"%s\" style=\"width:%.2f%%\" title=\"%s: ", parts[i].class,
			100.0 * (double)parts[i].value / (double)sum, parts[i].label);
		sl_html_count(out, parts[i].value);
		fputs("\"></i>", out);
	}
	fputs("</span>", out);
}

void sl_report_write_big_bar(FILE *out, const struct sl_report_part *parts, u32 count)
{
	u64 sum = add_up(parts, count);

	fputs("<div class=\"big\">", out);
	sl_report_write_bar(out, parts, count);
	fputs("<ul class=\"key\">", out);
	for (u32 i = 0; i < count; i++) {
		if (!parts[i].value)
			continue;
		fprintf(out, "<li><i class=\"%s\"></i>%s <b>", parts[i].class, parts[i].label);
		sl_html_count(out, parts[i].value);
		fprintf(out, "</b> <span>%.1f %%</span></li>",
			100.0 * (double)parts[i].value / (double)sum);
	}
	fputs("</ul></div>\n", out);
}
