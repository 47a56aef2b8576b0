/* SPDX-License-Identifier: GPL-2.0-only */
#include "compare.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"

static void print_bytes(FILE *out, const u8 *bytes, u32 length)
{
	for (u32 i = 0; i < length; i++)
		fprintf(out, "%02x", bytes[i]);
}

static void print_observation(FILE *out, const char *which,
			      const struct sl_observation *observation)
{
	char text[256] = "";

	fprintf(out, "    only %s: %s: ", which, observation->where);
	if (observation->form == SL_FORM_FRAME) {
		sl_frame_describe(observation->bytes, observation->length, text, sizeof text);
		fprintf(out, "%s\n      ", text);
	}
	if (observation->form == SL_FORM_DATA && observation->length &&
	    isprint(observation->bytes[0]))
		fprintf(out, "%.*s", (int)observation->length, (const char *)observation->bytes);
	else
		print_bytes(out, observation->bytes, observation->length);
	fputc('\n', out);
}

/* Both are sorted. */
static u32 compare_moments(const struct sl_moment *without, const struct sl_moment *with,
			   FILE *report)
{
	u32 i = 0, j = 0, differences = 0;

	while (i < without->seen.count || j < with->seen.count) {
		int order = i == without->seen.count ? 1
			    : j == with->seen.count
				    ? -1
				    : sl_observation_compare(&without->seen.items[i],
							     &with->seen.items[j]);

		if (!order) {
			i++;
			j++;
			continue;
		}
		differences++;
		if (report && order < 0)
			print_observation(report, "without", &without->seen.items[i]);
		else if (report)
			print_observation(report, "with", &with->seen.items[j]);
		if (order < 0)
			i++;
		else
			j++;
	}
	return differences;
}

static void print_undead(const struct sl_moment *moment, FILE *report)
{
	if (!moment->is_doomed || !moment->seen.count)
		return;
	fputs("    the interpreter would drop it, and the kernel does not:\n", report);
	for (u32 i = 0; i < moment->seen.count; i++)
		print_observation(report, "without", &moment->seen.items[i]);
}

static void print_act(FILE *report, const struct sl_act *act, u32 number)
{
	char text[512];

	sl_act_describe(act, text, sizeof text);
	fprintf(report, "  act %u: %s\n    ", number, text);
	print_bytes(report, act->bytes, act->length);
	fputc('\n', report);
}

/* The lines of `text` that `other` has not. */
static u32 print_other_lines(FILE *report, const char *which, const char *text, const char *other)
{
	u32 count = 0;

	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");
		bool is_there = memmem(other, strlen(other), line, length);

		if (!is_there && report)
			fprintf(report, "  connection only %s: %.*s\n", which, (int)length, line);
		count += !is_there;
		line += length + (line[length] == '\n');
	}
	return count;
}

static u32 compare_conntrack(const struct sl_record *without, const struct sl_record *with,
			     FILE *report)
{
	if (!strcmp(without->conntrack, with->conntrack))
		return 0;
	u32 differences =
		print_other_lines(report, "without", without->conntrack, with->conntrack) +
		print_other_lines(report, "with", with->conntrack, without->conntrack);
	return differences ? differences : 1; /* the same line in other numbers */
}

u32 sl_compare(const struct sl_script *script, const struct sl_record *without,
	       const struct sl_record *with, FILE *report)
{
	u32 differences = 0;

	for (u32 i = 0; i < script->acts.count; i++) {
		const struct sl_moment *a = &without->moments.items[i],
				       *b = &with->moments.items[i];
		u32 undead = a->is_doomed ? a->seen.count : 0;
		u32 here = compare_moments(a, b, NULL) + undead;

		if (here && report) {
			print_act(report, &script->acts.items[i], i);
			compare_moments(a, b, report);
			print_undead(a, report);
		}
		differences += here;
	}
	if (report && compare_moments(&without->redirects, &with->redirects, NULL))
		fputs("  redirects over the whole run\n", report);
	differences += compare_moments(&without->redirects, &with->redirects, report);
	return differences + compare_conntrack(without, with, report);
}

u64 sl_compare_counts(const struct sl_record *without, const struct sl_record *with)
{
	u64 off = 0;

	if (without->counts.count != with->counts.count)
		return UINT32_MAX;
	for (u32 i = 0; i < without->counts.count; i++) {
		u64 a = without->counts.items[i].packets, b = with->counts.items[i].packets;

		off += a > b ? a - b : b - a;
	}
	return off;
}

u64 sl_record_sum_counts(const struct sl_record *record)
{
	u64 sum = 0;

	for (u32 i = 0; i < record->counts.count; i++)
		sum += record->counts.items[i].packets;
	return sum;
}

u32 sl_record_count_doomed(const struct sl_record *record)
{
	u32 doomed = 0;

	for (u32 i = 0; i < record->moments.count; i++)
		doomed += record->moments.items[i].is_doomed;
	return doomed;
}

u32 sl_record_count_silent(const struct sl_record *record)
{
	u32 silent = 0;

	for (u32 i = 0; i < record->moments.count; i++)
		silent += !record->moments.items[i].seen.count;
	return silent;
}
