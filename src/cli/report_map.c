// SPDX-License-Identifier: GPL-2.0-only
/*
 * A packet's way from top to bottom, along a line on the left; what stands in it is beside the
 * line, and what chains jump to is to the right of them:
 *
 *	 device
 *	   │  prerouting
 *	   ├─▶ base chain ──▶ chain ──▶ chain
 *	   │               └▶ chain
 *	   ●  routing
 *	   │  input
 *	   └─▶ base chain
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/html.h"
#include "cli/names.h"
#include "cli/report.h"
#include "load/attach.h"

#define LINE_X         22 /* of the way */
#define BOX_X          62 /* of base chains */
#define BOX_W          210
#define BOX_H          50
#define GAP_X          46
#define GAP_Y          14
#define STOP_H         34 /* what stands in the way and is no chain */
#define SAY_X          (BOX_X - 18)
#define STOP_MOST      100 /* characters of what is said there */
#define TITLE_H        30
#define BOXES_MAX      24 /* of one lane; more are no longer a drawing */
#define NAME_MAX_SHOWN 26

/* Where things are, in pixels. */
struct spot {
	u32 y;
	bool is_drawn;
};

struct band {
	u32 title, y, bottom; /* `title`: 0 without one */
	u32 drawn;            /* chains */
};

struct map {
	const struct sl_report *report;
	FILE *out;
	struct spot *spots; /* by chain */
	struct band *bands; /* by lane */
	u32 width, height;
	u32 row, boxes; /* of the lane at hand */
};

static u32 box_x(const struct sl_report_chain *chain)
{
	return BOX_X + chain->depth * (BOX_W + GAP_X);
}

/* The first chain that one leads to is beside it, the others below. */
static void place(struct map *map, const struct sl_report_chain *chain, u32 top, u32 row)
{
	struct spot *spot = &map->spots[chain->index];
	bool is_first = true;

	*spot = (struct spot){top + row * (BOX_H + GAP_Y), true};
	map->boxes++;
	if (box_x(chain) + BOX_W > map->width)
		map->width = box_x(chain) + BOX_W;
	for (u32 i = 0; i < chain->targets.count && map->boxes < BOXES_MAX; i++) {
		const struct sl_report_chain *target = chain->targets.items[i];

		if (map->spots[target->index].is_drawn)
			continue;
		place(map, target, top, is_first ? row : ++map->row);
		is_first = false;
	}
}

static bool is_shown(const struct sl_report_lane *lane)
{
	return lane->count || lane->step->kind != SL_STEP_CHAIN;
}

static bool has_link(const struct map *map, enum sl_hook hook)
{
	const struct sl_program *program = map->report->plan->hook_legal;

	if (!program || hook < SL_HOOK_INPUT)
		return false;
	return hook == SL_HOOK_INPUT ? program->places[0].is_used || program->places[2].is_used
				     : program->places[1].is_used || program->places[3].is_used;
}

static void place_lane(struct map *map, u32 index)
{
	const struct sl_report_lane *lane = &map->report->lanes.items[index];
	struct band *band = &map->bands[index];

	map->row = map->boxes = 0;
	place(map, lane->chains[0], band->y, 0);
	band->drawn = map->boxes;
	map->height = band->y + (map->row + 1) * (BOX_H + GAP_Y);
	if (band->drawn < lane->count)
		map->height += STOP_H;
	band->bottom = map->height;
}

static const char *route_text(const struct sl_program *program)
{
	bool goes_through =
		program->route_ip == SL_ROUTE_LOOKUP || program->route_ip6 == SL_ROUTE_LOOKUP;

	return goes_through ? "routing: for this host, or through it" : "routing: for this host?";
}

static const char *stop_text(const struct map *map, const struct sl_step *step)
{
	const struct sl_program *program = map->report->plan->legal;
	const char *text;

	switch (step->kind) {
	case SL_STEP_CONNTRACK:
		return "conntrack looks the connection up";
	case SL_STEP_ROUTE:
		return route_text(program);
	case SL_STEP_KERNEL:
		text = sl_arena_printf(program->arena, "%s pass: %s",
				       step->families == SL_IP    ? "IPv4 packets"
				       : step->families == SL_IP6 ? "IPv6 packets"
								  : "all packets",
				       step->reason);
		return text ? text : step->reason;
	default:
		return "conntrack has seen it";
	}
}

/* Room for what is said beside the way, at a guess of how wide letters are. */
static void widen(struct map *map, const char *text)
{
	u32 length = (u32)strnlen(text, STOP_MOST);
	u32 width = SAY_X + length * 8;

	if (width > map->width)
		map->width = width;
}

static void lay_out(struct map *map)
{
	int hook = -1;

	map->width = BOX_X + BOX_W;
	map->height = STOP_H + 3 * GAP_Y;
	for (u32 i = 0; i < map->report->lanes.count; i++) {
		const struct sl_report_lane *lane = &map->report->lanes.items[i];
		struct band *band = &map->bands[i];

		if (!is_shown(lane))
			continue;
		if (lane->count && (int)lane->step->hook != hook) {
			hook = (int)lane->step->hook;
			band->title = map->height + TITLE_H - 12;
			map->height += TITLE_H;
			if (has_link(map, lane->step->hook))
				map->height += STOP_H;
		}
		band->y = map->height;
		if (lane->count) {
			place_lane(map, i);
		} else {
			widen(map, stop_text(map, lane->step));
			map->height += STOP_H + GAP_Y;
		}
	}
}

/* What is drawn */

static void write_text(const struct map *map, u32 x, u32 y, const char *class, const char *text,
		       u32 most)
{
	fprintf(map->out, "<text x=\"%u\" y=\"%u\" class=\"%s\">", x, y, class);
	sl_html_clip(map->out, text, most);
	fputs("</text>\n", map->out);
}

/* A pill on the way, as wide as what is in it may become. */
static void write_stop(const struct map *map, u32 y, const char *class, const char *text)
{
	fprintf(map->out, "<g class=\"stop %s\"><title>", class);
	sl_html_text(map->out, text);
	fprintf(map->out, "</title><circle cx=\"%u\" cy=\"%u\" r=\"6\"/>\n", LINE_X,
		y + STOP_H / 2);
	write_text(map, SAY_X, y + STOP_H / 2 + 4, "say", text, STOP_MOST);
	fputs("</g>\n", map->out);
}

static void write_stub(const struct map *map, u32 y)
{
	fprintf(map->out, "<path class=\"way\" d=\"M%u %uH%u\" marker-end=\"url(#tip)\"/>\n",
		LINE_X, y + BOX_H / 2, BOX_X - 4);
}

/* How the rules of a chain are decided, as a stripe. */
static void write_stripe(const struct map *map, const struct sl_report_chain *chain, u32 x, u32 y)
{
	struct sl_report_part parts[SL_DECIDED_BEHIND + 1];
	u32 rules = chain->chain->rules.count, before = 0;
	const double width = BOX_W - 20;

	sl_report_decided_parts(map->report, chain->decided, parts);
	for (u32 i = 0; i < SL_ARRAY_SIZE(parts); i++) {
		if (!parts[i].value)
			continue;
		fprintf(map->out,
			"<rect class=\"%s\" x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"6\"/>\n",
			parts[i].class, x + 10 + width * before / rules, y + BOX_H - 12,
			width * (double)parts[i].value / rules);
		before += (u32)parts[i].value;
	}
}

static void write_numbers(const struct map *map, const struct sl_report_chain *chain, u32 x, u32 y)
{
	u32 rules = chain->chain->rules.count;
	u64 dropped = chain->dropped + chain->dropped_early;

	fprintf(map->out, "<text x=\"%u\" y=\"%u\" class=\"note\">%s ", x + 10, y + 33,
		sl_family_name(chain->table->family));
	sl_html_clip(map->out, chain->table->name, 14);
	fputs(" · ", map->out);
	sl_html_count(map->out, rules);
	fprintf(map->out, " rule%s</text>\n", rules == 1 ? "" : "s");
	if (!dropped)
		return;
	fprintf(map->out, "<text x=\"%u\" y=\"%u\" class=\"note end\">▼ ", x + BOX_W - 10, y + 18);
	sl_html_count(map->out, dropped);
	fputs("</text>\n", map->out);
}

static void write_title(const struct map *map, const struct sl_report_chain *chain)
{
	fprintf(map->out, "<title>%s ", sl_family_name(chain->table->family));
	sl_html_text(map->out, chain->table->name);
	fputc(' ', map->out);
	sl_html_text(map->out, chain->chain->name);
	fputs(": dropped ", map->out);
	sl_html_count(map->out, chain->dropped_early);
	fputs(" early, ", map->out);
	sl_html_count(map->out, chain->dropped);
	fputs(" by the kernel</title>", map->out);
}

/* The name is cut where the numbers begin, however wide its letters are. */
static void write_box(const struct map *map, const struct sl_report_chain *chain)
{
	u32 x = box_x(chain), y = map->spots[chain->index].y;
	u32 room = chain->dropped + chain->dropped_early ? BOX_W - 90 : BOX_W - 16;

	fprintf(map->out, "<a href=\"#c%u\" class=\"box%s\">", chain->index,
		chain->chain->is_base ? " base" : "");
	write_title(map, chain);
	fprintf(map->out,
		"<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"7\"/>\n"
		"<svg x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\">",
		x, y, BOX_W, BOX_H, x + 10, y, room, BOX_H);
	write_text(map, 0, 18, "name", chain->chain->name, NAME_MAX_SHOWN);
	fputs("</svg>\n", map->out);
	write_numbers(map, chain, x, y);
	write_stripe(map, chain, x, y);
	fputs("</a>\n", map->out);
}

/* To the row of the other within the first gap, where nothing stands, and then straight on. */
static void write_jump(const struct map *map, const struct sl_report_chain *from,
		       const struct sl_report_chain *to)
{
	u32 x1 = box_x(from) + BOX_W, y1 = map->spots[from->index].y + BOX_H / 2;
	u32 x2 = x1 + GAP_X - 8, y2 = map->spots[to->index].y + BOX_H / 2;

	fprintf(map->out,
		"<path class=\"jump\" d=\"M%u %uC%u %u %u %u %u %uH%u\" "
		"marker-end=\"url(#tip)\"/>\n",
		x1, y1, x1 + GAP_X / 2, y1, x2 - GAP_X / 2, y2, x2, y2, box_x(to) - 4);
}

static void write_jumps(const struct map *map, const struct sl_report_lane *lane)
{
	for (u32 i = 0; i < lane->count; i++) {
		const struct sl_report_chain *chain = lane->chains[i];

		if (!map->spots[chain->index].is_drawn)
			continue;
		for (u32 t = 0; t < chain->targets.count; t++)
			if (map->spots[chain->targets.items[t]->index].is_drawn)
				write_jump(map, chain, chain->targets.items[t]);
	}
}

static void write_device(const struct map *map)
{
	const struct sl_plan *plan = map->report->plan;

	fprintf(map->out,
		"<rect class=\"device\" x=\"4\" y=\"4\" width=\"%u\" height=\"%u\" rx=\"%u\"/>\n",
		BOX_X + BOX_W - 4, STOP_H, STOP_H / 2);
	fprintf(map->out, "<text x=\"%u\" y=\"%u\" class=\"name\">", LINE_X, 4 + STOP_H / 2 + 4);
	sl_html_clip(map->out, plan->device, 16);
	fprintf(map->out, " <tspan class=\"early\">▶ sluice at %s</tspan></text>\n",
		sl_plan_tier(plan));
}

static void write_band_title(const struct map *map, const struct band *band, enum sl_hook hook)
{
	static const char *const what[] = {
		[SL_HOOK_INGRESS] = "ingress",
		[SL_HOOK_PREROUTING] = "prerouting",
		[SL_HOOK_INPUT] = "input: what is for this host",
		[SL_HOOK_FORWARD] = "forward: what goes through",
	};

	write_text(map, BOX_X, band->title, "hook", what[hook], 100);
	if (has_link(map, hook))
		write_stop(map, band->title + 8, "at-hook", "sluice at netfilter's hook");
}

/* Of a lane that has more than can be drawn. */
static void write_rest(const struct map *map, const struct sl_report_lane *lane,
		       const struct band *band)
{
	u32 rest = lane->count - band->drawn;

	if (!rest)
		return;
	fprintf(map->out, "<text x=\"%u\" y=\"%u\" class=\"note\">… and ", BOX_X,
		band->bottom - STOP_H / 2);
	sl_html_count(map->out, rest);
	fprintf(map->out, " more chain%s: below, with their rules</text>\n", rest == 1 ? "" : "s");
}

static void write_lane(const struct map *map, u32 index)
{
	const struct sl_report_lane *lane = &map->report->lanes.items[index];
	const struct band *band = &map->bands[index];

	if (band->title)
		write_band_title(map, band, lane->step->hook);
	if (!lane->count) {
		write_stop(map, band->y,
			   lane->step->kind == SL_STEP_KERNEL ? "obstacle" : "station",
			   stop_text(map, lane->step));
		return;
	}
	write_stub(map, band->y);
	write_jumps(map, lane);
	for (u32 i = 0; i < lane->count; i++)
		if (map->spots[lane->chains[i]->index].is_drawn)
			write_box(map, lane->chains[i]);
	write_rest(map, lane, band);
}

static void write_defs(FILE *out)
{
	fputs("<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"4\" refY=\"4\" "
	      "markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">"
	      "<path class=\"tip\" d=\"M0 0 8 4 0 8z\"/></marker></defs>\n",
	      out);
}

/* Down to the last thing that stands in the way. */
static void write_way(const struct map *map)
{
	u32 end = 4 + STOP_H;

	for (u32 i = 0; i < map->report->lanes.count; i++) {
		const struct sl_report_lane *lane = &map->report->lanes.items[i];

		if (is_shown(lane))
			end = map->bands[i].y + (lane->count ? BOX_H : STOP_H) / 2;
	}
	fprintf(map->out, "<path class=\"way\" d=\"M%u %uV%u\"/>\n", LINE_X, 4 + STOP_H, end);
}

static void draw(const struct map *map)
{
	fprintf(map->out,
		"<svg class=\"map\" viewBox=\"0 0 %u %u\" width=\"%u\" height=\"%u\" role=\"img\" "
		"aria-label=\"the way of a packet through the chains\">\n",
		map->width + 4, map->height, map->width + 4, map->height);
	write_defs(map->out);
	write_way(map);
	write_device(map);
	for (u32 i = 0; i < map->report->lanes.count; i++)
		if (is_shown(&map->report->lanes.items[i]))
			write_lane(map, i);
	fputs("</svg>\n", map->out);
}

int sl_report_write_map(const struct sl_report *report, FILE *out)
{
	SL_CLEANUP(sl_free) struct spot *spots = calloc(report->chain_count + 1, sizeof *spots);
	SL_CLEANUP(sl_free) struct band *bands = calloc(report->lanes.count + 1, sizeof *bands);
	struct map map = {.report = report, .out = out, .spots = spots, .bands = bands};

	if (!spots || !bands)
		return -ENOMEM;
	lay_out(&map);
	draw(&map);
	return 0;
}
