// SPDX-License-Identifier: GPL-2.0-only
/*
 * What packets cost, the more rules there are: measured once, elsewhere, and said to be so. The
 * number of rules that this device's packets meet is marked on it; what it takes here nobody has
 * measured.
 */
#include <math.h>

#include "cli/html.h"
#include "cli/report.h"

/* bench/results/2026-11-21-cost.json: acl, ip, dropped; million packets a second, by rules. */
#define RESULT "bench/results/2026-11-21-cost"

static const double rules_measured[] = {1, 100, 1000, 10000, 100000};

static const struct series {
	const char *name, *class;
	double mpps[SL_ARRAY_SIZE(rules_measured)];
} all_series[] = {
	{"sluice", "early", {5.9390, 4.5346, 4.5600, 4.0206, 2.8889}},
	{"iptables-legacy", "behind", {0.7484, 0.5367, 0.2669, 0.0401, 0.0044}},
	{"nft", "kernel", {0.6415, 0.4569, 0.1734, 0.0208, 0.0016}},
};

#define LEFT   54
#define RIGHT  560
#define TOP    16
#define BOTTOM 236

static double x_of(double rules)
{
	return LEFT + (RIGHT - LEFT) * log10(rules) / 5;
}

/* From a thousand packets a second to ten millions. */
static double y_of(double mpps)
{
	return BOTTOM - (BOTTOM - TOP) * (log10(mpps) + 3) / 4;
}

static void write_axes(FILE *out)
{
	static const char *const mpps[] = {"0.001", "0.01", "0.1", "1", "10"};
	static const char *const rules[] = {"1", "10", "100", "1,000", "10,000", "100,000"};

	for (u32 i = 0; i < SL_ARRAY_SIZE(mpps); i++) {
		double y = y_of(pow(10, (double)i - 3));

		fprintf(out,
			"<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" "
			"class=\"note end\">%s</text>\n",
			LEFT, y, RIGHT, LEFT - 8, y + 4, mpps[i]);
	}
	for (u32 i = 0; i < SL_ARRAY_SIZE(rules); i++)
		fprintf(out, "<text x=\"%.1f\" y=\"%d\" class=\"note mid\">%s</text>\n",
			x_of(pow(10, i)), BOTTOM + 18, rules[i]);
	fprintf(out, "<text x=\"%d\" y=\"%d\" class=\"note mid\">rules</text>\n",
		(LEFT + RIGHT) / 2, BOTTOM + 36);
}

static void write_series(FILE *out, const struct series *series)
{
	const u32 count = SL_ARRAY_SIZE(rules_measured);

	fprintf(out, "<g class=\"series %s\"><path d=\"", series->class);
	for (u32 i = 0; i < count; i++)
		fprintf(out, "%s%.1f %.1f", i ? " " : "M", x_of(rules_measured[i]),
			y_of(series->mpps[i]));
	fputs("\"/>\n", out);
	for (u32 i = 0; i < count; i++)
		fprintf(out,
			"<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>%s, %.0f rules: %.4f "
			"million packets a second</title></circle>\n",
			x_of(rules_measured[i]), y_of(series->mpps[i]), series->name,
			rules_measured[i], series->mpps[i]);
	fprintf(out, "<text x=\"%d\" y=\"%.1f\">%s</text></g>\n", RIGHT + 10,
		y_of(series->mpps[count - 1]) + 4, series->name);
}

static void write_marker(const struct sl_report *report, FILE *out)
{
	u32 rules = sl_plan_rules_met(&report->plan->decisions);
	double x = x_of(fmin(fmax(rules, 1), 100000));
	bool is_right = x > (LEFT + RIGHT) / 2.0;

	if (!rules)
		return;
	fprintf(out,
		"<path class=\"here\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" "
		"class=\"note%s\">",
		x, TOP, BOTTOM, is_right ? x - 6 : x + 6, BOTTOM - 8, is_right ? " end" : "");
	sl_html_count(out, rules);
	fprintf(out, " rule%s here</text>\n", rules == 1 ? "" : "s");
}

void sl_report_write_cost(const struct sl_report *report, FILE *out)
{
	fprintf(out,
		"<section class=\"cost\"><h2>What rules cost</h2>\n"
		"<p>Million packets a second that one core drops, the more rules there are. "
		"Measured elsewhere, not on this host.</p>\n"
		"<svg viewBox=\"0 0 680 %d\" role=\"img\" aria-label=\"packets a second by "
		"number of rules\">\n",
		BOTTOM + 44);
	write_axes(out);
	write_marker(report, out);
	for (u32 i = 0; i < SL_ARRAY_SIZE(all_series); i++)
		write_series(out, &all_series[i]);
	fputs("</svg>\n<p class=\"note\">2 × AMD EPYC, Linux 6.18.44, shared: ratios hold better "
	      "than "
	      "figures. Rules like ClassBench's “acl” for IPv4, each packet with another header. "
	      "sluice's <code>" RESULT ".txt</code> has all of it.</p></section>\n",
	      out);
}
