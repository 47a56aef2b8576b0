// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top_frame.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/words.h"
#include "load/attach.h"

/* Without a terminal, so many rules and sources of each device at most. */
#define RULES_MAX   20
#define SOURCES_MAX 10
/* For so long it is said that a device has gone. */
#define GONE_NS (10 * 1000000000ull)

/* A frame under way. */
struct draft {
	struct sl_top_frame frame;
	const struct sl_top_model *model;
	const struct sl_top_view *view;
	struct plan {
		bool graph, reasons, blanks, footer;
		u32 devices, sources; /* lines */
	} plan;
};

static bool is_full(const struct draft *draft)
{
	return draft->view->rows && draft->frame.lines.count >= draft->view->rows;
}

__attribute__((format(printf, 3, 4))) static void add(struct draft *draft, enum sl_top_style style,
						      const char *format, ...)
{
	struct sl_arena *arena = draft->frame.arena;
	struct sl_top_line *line;
	char *text = NULL;
	va_list args;
	int length;

	if (is_full(draft))
		return;
	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	line = length < 0 ? NULL : sl_list_push(arena, &draft->frame.lines);
	if (line) {
		line->style = style;
		line->text = sl_top_fit(arena, text, draft->view->columns, draft->view->is_utf8);
	}
	if (!line || !line->text)
		draft->frame.is_lost = true;
	if (length >= 0)
		free(text);
}

static void add_blank(struct draft *draft)
{
	if (draft->plan.blanks)
		add(draft, SL_TOP_PLAIN, "%s", "");
}

/* The devices */

/* In ten columns. */
static const char *print_stale(double seconds, char text[16])
{
	static const struct {
		double seconds;
		char name;
	} units[] = {{1, 's'}, {60, 'm'}, {3600, 'h'}};
	u32 unit = seconds < 1000 ? 0 : seconds < 60000 ? 1 : 2;

	snprintf(text, 16, "STALE %.0f%c", floor(seconds / units[unit].seconds), units[unit].name);
	return text;
}

static const char *state_of(const struct sl_top_device *device, char stale[16])
{
	const struct sl_attachment *attachment = &device->attachment;

	if (attachment->info.mode == SL_MODE_NONE)
		return "half";
	if (!attachment->is_alive)
		return "gone";
	if (!attachment->is_fresh)
		return print_stale(device->stale_seconds, stale);
	if (!attachment->is_kept)
		return "not kept";
	return attachment->confirm_ms ? "to confirm" : "fresh";
}

static void add_device(struct draft *draft, u32 index)
{
	const struct sl_top_device *device = &draft->model->devices[index];
	const struct sl_info *info = &device->attachment.info;
	char numbers[5][SL_TOP_NUMBER_SIZE] = {"-", "-", "-", "-"}, stale[16];
	const char *state = state_of(device, stale);
	bool is_selected = draft->view->rows && index == draft->model->selected;

	sl_top_number((double)sl_top_device_dropped(device).packets, numbers[4]);
	if (device->is_measured) {
		sl_top_number(device->early.packets, numbers[0]);
		sl_top_number(device->passed.packets, numbers[1]);
		snprintf(numbers[2], sizeof numbers[2], "%.1f%%",
			 100 * sl_top_device_share(device));
		sl_top_number(device->early.bytes * 8, numbers[3]);
	}
	add(draft,
	    strcmp(state, "fresh") != 0 ? SL_TOP_WARNING
	    : is_selected               ? SL_TOP_SELECTED
					: SL_TOP_PLAIN,
	    "%c %-15s %-7s %-10s %8s %8s %7s %8s %7s", is_selected ? '>' : ' ', info->device,
	    sl_mode_name((enum sl_attach_mode)info->mode), state, numbers[0], numbers[1],
	    numbers[2], numbers[3], numbers[4]);
}

/* As many as there is room for, the selected one among them. */
static void add_devices(struct draft *draft)
{
	const struct sl_top_model *model = draft->model;
	u32 room = draft->plan.devices, first = 0;

	if (!model->count)
		return;
	add(draft, SL_TOP_HEADING, "  %-15s %-7s %-10s %8s %8s %7s %8s %7s", "DEVICE", "MODE",
	    "RULES", "EARLY/s", "PASSED/s", "EARLY", "bit/s", "TOTAL");
	if (model->selected >= room)
		first = model->selected - room + 1;
	for (u32 i = first; i < model->count && i < first + room; i++)
		add_device(draft, i);
}

static void add_notices(struct draft *draft)
{
	const struct sl_top_model *model = draft->model;
	const struct sl_top_view *view = draft->view;

	if (!model->count && view->device)
		add(draft, SL_TOP_WARNING, "sluice is no longer attached to %s", view->device);
	else if (!model->count)
		add(draft, SL_TOP_WARNING,
		    "sluice is no longer attached to any device of this network namespace");
	else if (model->gone[0] && model->looked_ns - model->gone_ns < GONE_NS)
		add(draft, SL_TOP_WARNING, "sluice is no longer attached to %s", model->gone);
}

/* What came, and what became of it */

/* Of UTF-8's blocks, or of what ASCII has; nothing is a blank, and a little is not nothing. */
static const char *bar(double value, double peak, bool is_utf8)
{
	static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const letters[] = {" ", ".", ":", "-", "=", "+", "*", "%", "#"};
	u32 level = 0;

	if (value > 0)
		level = 1 + (u32)(value / peak * 7.999);
	return (is_utf8 ? blocks : letters)[level];
}

#define GRAPH_LABELS 20 /* columns of "passed  peak 1.23M/s" */

static void add_graph(struct draft *draft, enum sl_top_style style, const char *name,
		      const struct sl_top_history *history)
{
	char graph[SL_TOP_SECONDS * sizeof "█"] = "", number[SL_TOP_NUMBER_SIZE];
	u32 columns = draft->view->columns, seconds = SL_TOP_SECONDS;
	double peak = sl_top_history_peak(history);
	size_t length = 0;

	if (columns && columns < GRAPH_LABELS + SL_TOP_SECONDS)
		seconds = columns > GRAPH_LABELS ? columns - GRAPH_LABELS : 1;
	for (u32 ago = seconds; ago; ago--)
		length += (size_t)sprintf(
			graph + length, "%s",
			bar(sl_top_history_at(history, ago), peak, draft->view->is_utf8));
	add(draft, style, "%-6s %s peak %s/s", name, graph, sl_top_number(peak, number));
}

static void add_reasons(struct draft *draft, const struct sl_top_device *device)
{
	char text[256] = "", number[SL_TOP_NUMBER_SIZE];
	int length = 0;

	for (int fate = SL_PASSED_ODD; fate <= SL_PASSED_UNDER_WAY; fate++)
		if (device->fates[fate].packets > 0)
			length += snprintf(text + length, sizeof text - (size_t)length, "%s%s %s",
					   length ? ", " : "", sl_fate_reason(fate),
					   sl_top_number(device->fates[fate].packets, number));
	add(draft, SL_TOP_PLAIN, "passed/s: %s", length ? text : "nothing");
	if (device->attachment.info.hook_places)
		add(draft, SL_TOP_PLAIN, "dropped/s at netfilter's hooks, of these: %s",
		    sl_top_number(device->fates[SL_HOOK_DROPPED].packets, number));
}

/* Rules */

static const struct {
	const char *rate, *count;
} sort_words[SL_TOP_SORTS] = {
	[SL_TOP_BY_RATE] = {"PACKETS/s", "packets"},
	[SL_TOP_BY_BYTES] = {"BIT/s", "bytes"},
	[SL_TOP_BY_COUNT] = {"packets/s", "PACKETS"},
};

static void add_rule(struct draft *draft, const struct sl_top_device *device,
		     const struct sl_top_rule *rule)
{
	const struct sl_top_view *view = draft->view;
	const char *text = view->describe(view->context, draft->frame.arena, &rule->entry);
	char rate[SL_TOP_NUMBER_SIZE] = "-", count[SL_TOP_NUMBER_SIZE];
	bool by_bytes = draft->model->sort == SL_TOP_BY_BYTES;

	draft->frame.is_lost |= !text;
	if (device->is_measured)
		sl_top_number(by_bytes ? rule->rate.bytes * 8 : rule->rate.packets, rate);
	sl_top_number((double)(by_bytes ? rule->entry.bytes : rule->entry.packets), count);
	add(draft, SL_TOP_PLAIN, "%9s %9s  %s", rate, count, text ? text : "");
}

/* To the end of the screen but for `below` lines. */
static void add_rules(struct draft *draft, const struct sl_top_device *device, u32 below)
{
	u32 room = RULES_MAX, used = draft->frame.lines.count + 1 + below;

	if (draft->view->rows)
		room = draft->view->rows > used ? draft->view->rows - used : 0;
	if (!room)
		return;
	add(draft, SL_TOP_HEADING, "%9s %9s  RULE, early drops since %s was attached",
	    sort_words[draft->model->sort].rate, sort_words[draft->model->sort].count,
	    device->attachment.info.device);
	for (u32 i = 0; i < device->rule_count && i < room; i++)
		add_rule(draft, device, &device->rules[i]);
	if (!device->rule_count)
		add(draft, SL_TOP_PLAIN, "%22sno rule with a counter has dropped anything early",
		    "");
}

/* Who sends it */

/* Its share of late, of what is dropped now. */
static void add_source(struct draft *draft, const struct sl_top_device *device,
		       const struct sl_top_sources *sources, const struct sl_top_source *source)
{
	double share = sl_top_source_share(sources, source);
	char address[INET6_ADDRSTRLEN], rate[SL_TOP_NUMBER_SIZE] = "-";

	if (device->is_measured)
		sl_top_number(share * device->early.packets, rate);
	inet_ntop(source->address.family, source->address.bytes, address, sizeof address);
	add(draft, SL_TOP_PLAIN, "%9s %8.0f%%  %s", rate, 100 * share, address);
}

static void add_sources(struct draft *draft, const struct sl_top_device *device)
{
	const struct sl_top_view *view = draft->view;
	const struct sl_top_sources *sources = NULL;
	const char *why = NULL;

	if (view->sources && draft->plan.sources)
		sources = view->sources(view->context, device->attachment.info.device, &why);
	if (!sources)
		return;
	add_blank(draft);
	add(draft, SL_TOP_HEADING, "%9s %9s  SOURCE, of the early drops of late, by samples",
	    "~PACKETS/s", "SHARE");
	if (why)
		add(draft, SL_TOP_WARNING, "%22s%s", "", why);
	for (u32 i = 0; !why && i < sources->count && i + 1 < draft->plan.sources; i++)
		add_source(draft, device, sources, &sources->items[i]);
}

static void add_panes(struct draft *draft, const struct sl_top_device *device)
{
	add_blank(draft);
	if (draft->plan.graph) {
		add(draft, SL_TOP_HEADING, "%s: packets in each second of the last minute",
		    device->attachment.info.device);
		add_graph(draft, SL_TOP_EARLY, "early", &device->early_history);
		add_graph(draft, SL_TOP_PASSED, "passed", &device->passed_history);
	}
	if (draft->plan.reasons)
		add_reasons(draft, device);
	add_blank(draft);
	add_rules(draft, device,
		  draft->plan.footer + draft->plan.sources +
			  (draft->plan.sources && draft->plan.blanks));
	add_sources(draft, device);
}

/* The whole */

static void add_title(struct draft *draft)
{
	const struct sl_top_view *view = draft->view;

	add(draft, SL_TOP_TITLE, "sluice top  %s  every %g s  %u device%s%s", view->clock,
	    view->interval_s, draft->model->count, draft->model->count == 1 ? "" : "s",
	    view->is_paused ? "  PAUSED" : "");
}

static void add_help(struct draft *draft)
{
	static const char *const lines[] = {
		"",
		"  Tab, arrows   choose the device whose rules are shown",
		"  s             sort rules by packets a second, bits a second, packets",
		"  p             pause, and go on",
		"  ?             this text, and back",
		"  q             quit",
		"",
		"  EARLY/s       packets a second that are dropped before the kernel's own rules",
		"  PASSED/s      and those that go on to them; EARLY: the share of the first",
		"  bit/s, TOTAL  bits a second, and packets so far, that were dropped early",
		"  RULE          how many of them its counter would have counted",
		"  SOURCE        of the last seconds, as far as samples tell",
	};

	for (u32 i = 0; i < SL_ARRAY_SIZE(lines); i++)
		add(draft, SL_TOP_PLAIN, "%s", lines[i]);
}

/* At the bottom of the screen, wherever the rest has ended. */
static void add_footer(struct draft *draft)
{
	while (draft->frame.lines.count + 1 < draft->view->rows && !draft->frame.is_lost)
		add(draft, SL_TOP_PLAIN, "%s", "");
	add(draft, SL_TOP_HEADING, "q quit  Tab device  s sort  p %s  ? help",
	    draft->view->is_paused ? "go on" : "pause");
}

/* Rules are what people came for: the smaller the screen, the more goes for them. */
static struct plan plan_for(const struct sl_top_view *view, u32 devices)
{
	u32 rows = view->rows, room = rows / 5 ? rows / 5 : 1;

	if (!rows)
		return (struct plan){.reasons = true,
				     .blanks = true,
				     .devices = devices,
				     .sources = 1 + SOURCES_MAX};
	return (struct plan){
		.graph = rows >= 12,
		.reasons = rows >= 15,
		.blanks = rows >= 20,
		.sources = rows >= 18 ? 1 + rows / 6 : 0,
		.footer = rows >= 6,
		.devices = devices < room ? devices : room,
	};
}

struct sl_top_frame sl_top_frame_make(struct sl_arena *arena, const struct sl_top_model *model,
				      const struct sl_top_view *view)
{
	struct draft draft = {.frame.arena = arena, .model = model, .view = view};

	draft.plan = plan_for(view, model->count);
	add_title(&draft);
	if (view->shows_help) {
		add_help(&draft);
	} else {
		add_devices(&draft);
		add_notices(&draft);
		for (u32 i = 0; i < model->count; i++)
			if (!view->rows || i == model->selected)
				add_panes(&draft, &model->devices[i]);
	}
	if (draft.plan.footer)
		add_footer(&draft);
	return draft.frame;
}
