// SPDX-License-Identifier: GPL-2.0-only
/* What is not a rule: what keeps the rest, what became of the packets, what changes, what it costs.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/html.h"
#include "cli/names.h"
#include "cli/report.h"
#include "load/attach.h"

#define OBSTACLES_SHOWN 10
#define IDLE_SHOWN      200

static const char *plural(u64 count)
{
	return count == 1 ? "" : "s";
}

/* What keeps the rest */

static void write_obstacle(const struct sl_report *report, const struct sl_obstacle *obstacle,
			   FILE *out)
{
	fputs("<li><b>", out);
	sl_html_text(out, obstacle->reason);
	fputs("</b>", out);
	if (obstacle->rules_behind)
		fprintf(out, " keeps %u rule%s behind it", obstacle->rules_behind,
			plural(obstacle->rules_behind));
	if (obstacle->packets) {
		fputs(obstacle->rules_behind ? ", " : " ", out);
		sl_html_count(out, obstacle->packets);
		fprintf(out, " dropped packet%s", plural(obstacle->packets));
	}
	fputs("<br><code>", out);
	sl_html_clip(out, sl_plan_obstacle_place(report->plan, obstacle), 400);
	fputs("</code></li>\n", out);
}

static void write_obstacles(const struct sl_report *report, FILE *out)
{
	const struct sl_decisions *decisions = &report->plan->decisions;
	u32 shown = 0;

	for (u32 i = 0; i < decisions->obstacles.count && shown < OBSTACLES_SHOWN; i++) {
		if (sl_plan_obstacle_is_copy(decisions, i))
			continue;
		if (!shown++)
			fputs("<section><h2>What keeps the rest</h2><p>Most important "
			      "first.</p><ol class=\"obstacles\">\n",
			      out);
		write_obstacle(report, &decisions->obstacles.items[i], out);
	}
	if (shown)
		fputs("</ol></section>\n", out);
}

/* What became of the packets: of an attached device. */

static const struct {
	const char *what, *class;
} fates[SL_FATE_COUNTS] = {
	[SL_DROPPED] = {"dropped early", "early"},
	[SL_PASSED_ODD] = {"passed: not ordinary", "count"},
	[SL_PASSED_RULES] = {"passed by the rules", "count"},
	[SL_PASSED_CONNTRACK] = {"passed for conntrack", "count"},
	[SL_PASSED_ROUTE] = {"passed for routing", "count"},
	[SL_PASSED_STALE] = {"passed while the rules were new", "kernel"},
	[SL_HOOK_DROPPED] = {"at netfilter's hooks: dropped", "hook"},
	[SL_HOOK_PASSED] = {"at netfilter's hooks: passed", "count"},
	[SL_HOOK_STALE] = {"at netfilter's hooks: passed while the rules were new", "kernel"},
};

static void write_fates(const struct sl_report *report, FILE *out)
{
	const struct sl_attachment *attachment = report->attachment;

	if (!attachment)
		return;
	fputs("<section><h2>What became of the packets</h2><table class=\"fates\">\n", out);
	for (u32 i = 0; i < SL_FATE_COUNTS; i++) {
		if (i >= SL_HOOK_DROPPED && !attachment->info.hook_places)
			continue;
		fprintf(out, "<tr><td><i class=\"%s\"></i>%s</td><td class=\"n\">", fates[i].class,
			fates[i].what);
		sl_html_count(out, attachment->fates[i].packets);
		fputs("</td><td class=\"n\">", out);
		sl_html_bytes(out, attachment->fates[i].bytes);
		fputs("</td></tr>\n", out);
	}
	fputs("</table><p>Since it was attached. What passes at XDP or TC comes to netfilter's "
	      "hooks, where sluice stands there, and then to the kernel's own rules.</p>"
	      "</section>\n",
	      out);
}

/* The device */

static void write_ladder(const struct sl_plan *plan, FILE *out)
{
	const char *text = plan->ladder.text;

	while (*text) {
		size_t length = strcspn(text, "\n");
		const char *line = sl_arena_printf(plan->legal->arena, "%.*s", (int)length, text);

		fputs("<li>", out);
		sl_html_text(out, line ? line : "");
		fputs("</li>\n", out);
		text += length + (text[length] == '\n');
	}
}

static void write_effects(const struct sl_plan *plan, FILE *out)
{
	for (u32 i = 0; i < plan->side_effects.count; i++) {
		const struct sl_side_effect *effect = &plan->side_effects.items[i];

		fputs("<li>attaching changes ", out);
		sl_html_text(out, effect->device);
		fprintf(out, ": %s %s → %s</li>\n", effect->feature, effect->before, effect->after);
	}
}

static void write_listeners(const struct sl_plan *plan, FILE *out)
{
	for (u32 i = 0; i < plan->listeners.count; i++) {
		const struct sl_listener *listener = &plan->listeners.items[i];

		fputs("<li>", out);
		if (listener->pid) {
			sl_html_text(out, listener->process);
			fprintf(out, " (%u)", listener->pid);
		} else {
			fputs("a process that could not be found", out);
		}
		fputs(" listens, and does not see what is dropped early</li>\n", out);
	}
}

static void write_device(const struct sl_plan *plan, FILE *out)
{
	if (!*plan->ladder.text && !plan->side_effects.count && !plan->listeners.count)
		return;
	fputs("<section><h2>The device</h2><ul>\n", out);
	write_ladder(plan, out);
	write_effects(plan, out);
	write_listeners(plan, out);
	fputs("</ul></section>\n", out);
}

/* Memory and time */

static void write_lookups(const struct sl_plan *plan, FILE *out)
{
	const struct sl_program *program = plan->compiled->program;

	if (!program->choices.count)
		return;
	fputs("<details><summary>How long runs of rules are looked up, and what a packet takes by "
	      "the plan's own estimate</summary><ul>\n",
	      out);
	for (u32 i = 0; i < program->choices.count; i++) {
		const struct sl_choice *choice = &program->choices.items[i];

		fprintf(out, "<li>%s ", sl_family_name(choice->chain->family));
		sl_html_text(out, choice->chain->table);
		fputc(' ', out);
		sl_html_text(out, choice->chain->name);
		fprintf(out, ", %u rules, handles %" PRIu64 " to %" PRIu64 ": ", choice->count,
			choice->first, choice->last);
		sl_html_text(out, choice->reason);
		fputs("</li>\n", out);
	}
	fputs("</ul></details>\n", out);
}

static void write_memory(const struct sl_plan *plan, FILE *out)
{
	const struct sl_memory *memory = &plan->memory;
	const char *costs[SL_PLAN_COSTS];
	u32 count = sl_plan_costs(plan, costs);

	fputs("<section><h2>What it costs</h2><ul>\n<li><b>", out);
	sl_html_bytes(out, memory->bytes);
	fprintf(out, "</b> of the kernel's memory, about: %u maps, ", memory->maps);
	sl_html_count(out, memory->entries);
	fputs(" entries</li>\n<li><b>", out);
	sl_html_count(out, plan->insns);
	fputs("</b> instructions made of the rules</li>\n", out);
	for (u32 i = 0; i < count; i++) {
		fputs("<li>", out);
		sl_html_text(out, costs[i]);
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
	write_lookups(plan, out);
	fputs("</section>\n", out);
}

/* Rules that decide nothing */

static void write_idle(const struct sl_plan *plan, FILE *out)
{
	const struct sl_program *program = plan->compiled->program;

	if (!program->idle.count)
		return;
	fprintf(out,
		"<section><h2>Rules that decide nothing</h2><details><summary>%u, which could go "
		"as far as this device is concerned</summary><ul>\n",
		program->idle.count);
	for (u32 i = 0; i < program->idle.count && i < IDLE_SHOWN; i++) {
		const struct sl_idle *idle = &program->idle.items[i];

		fputs("<li><code>", out);
		sl_html_text(out, sl_rule_text_in(&plan->texts, idle->chain, &idle->rule));
		fprintf(out, "</code> <small>#%" PRIu64 "</small> ", idle->rule.handle);
		sl_html_text(out, sl_plan_idle_reason(plan, idle));
		fputs("</li>\n", out);
	}
	if (program->idle.count > IDLE_SHOWN)
		fputs("<li>… and more: <code>sluice plan -v</code></li>\n", out);
	fputs("</ul></details></section>\n", out);
}

void sl_report_write_facts(const struct sl_report *report, FILE *out)
{
	fputs("<div class=\"facts\">\n", out);
	write_fates(report, out);
	write_obstacles(report, out);
	write_memory(report->plan, out);
	sl_report_write_cost(report, out);
	write_device(report->plan, out);
	write_idle(report->plan, out);
	fputs("</div>\n", out);
}
