// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top_frame.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <wchar.h>

#include <cmocka.h>

static struct sl_rule_entry rules[30];
static struct sl_attachment items[3];
static struct sl_top_model model;
static struct sl_arena *arena;
static struct sl_top_view view;

static const char *describe(void *context, struct sl_arena *texts, const struct sl_rule_entry *rule)
{
	(void)context;
	return sl_arena_printf(texts, "inet filter input: rule %u \033[31m größer\t☃",
			       (u32)rule->rule_handle);
}

/* Of eth0: two; eth1's are somebody else's. */
static const struct sl_top_sources *find_sources(void *context, const char *device,
						 const char **ret_why)
{
	static const struct sl_top_sources sources = {
		.items = {{.address = {AF_INET6, {0x20, 0x01, 0x0d, 0xb8}}, .packets = 300},
			  {.address = {AF_INET, {192, 0, 2, 1}}, .packets = 30, .excess = 20}},
		.count = 2,
		.packets = 400,
	};

	(void)context;
	*ret_why = strcmp(device, "eth1") ? NULL : "process 1 reads the samples";
	return strcmp(device, "eth2") ? &sources : NULL;
}

static void look(u64 now_ns)
{
	const struct sl_attachments found = {.items = items, .count = 3};

	assert_int_equal(sl_top_model_look(&model, &found, now_ns), 0);
}

/* Three devices of 30 rules, of which higher handles are hotter. */
static int begin(void **state)
{
	(void)state;
	memset(items, 0, sizeof items);
	memset(rules, 0, sizeof rules);
	for (u32 i = 0; i < 30; i++)
		rules[i].rule_handle = i + 1;
	for (u32 i = 0; i < 3; i++) {
		items[i].info.mode = SL_MODE_NATIVE;
		snprintf(items[i].info.device, sizeof items[i].info.device, "eth%u", i);
		items[i].is_alive = items[i].is_fresh = items[i].is_kept = true;
		items[i].rules = rules;
		items[i].rule_count = 30;
	}
	model = (struct sl_top_model){0};
	look(1000000000);
	for (u32 i = 0; i < 30; i++)
		rules[i].packets = i * 100;
	items[0].fates[SL_DROPPED].packets = 1234567;
	items[0].fates[SL_PASSED_CONNTRACK].packets = 17;
	look(4000000000);
	arena = sl_arena_new();
	view = (struct sl_top_view){.rows = 24,
				    .columns = 80,
				    .clock = "12:34:56",
				    .interval_s = 1,
				    .is_utf8 = true,
				    .describe = describe,
				    .sources = find_sources};
	return arena ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	sl_arena_free(arena);
	sl_top_model_free(&model);
	return 0;
}

static struct sl_top_frame make(void)
{
	struct sl_top_frame frame = sl_top_frame_make(arena, &model, &view);

	assert_false(frame.is_lost);
	return frame;
}

static const struct sl_top_line *find(const struct sl_top_frame *frame, const char *text)
{
	for (u32 i = 0; i < frame->lines.count; i++)
		if (strstr(frame->lines.items[i].text, text))
			return &frame->lines.items[i];
	return NULL;
}

static u32 columns_of(const char *text)
{
	wchar_t wide[1024];
	size_t length = mbstowcs(wide, text, 1024);
	int columns;

	assert_true(length < 1024);
	columns = wcswidth(wide, length);
	assert_true(columns >= 0); /* nothing in it that cannot be printed */
	return (u32)columns;
}

static void the_screen_is_never_too_small(void **state)
{
	(void)state;
	for (int help = 0; help < 2; help++)
		for (view.rows = 1; view.rows <= 40; view.rows++)
			for (view.columns = 1; view.columns <= 130; view.columns++) {
				view.shows_help = help;
				struct sl_top_frame frame = make();

				assert_in_range(frame.lines.count, 1, view.rows);
				for (u32 i = 0; i < frame.lines.count; i++)
					assert_in_range(columns_of(frame.lines.items[i].text), 0,
							view.columns);
			}
}

static void eighty_columns_have_room_for_all(void **state)
{
	struct sl_top_frame frame = make();
	const struct sl_top_line *device = find(&frame, "> eth0");
	(void)state;
	assert_int_equal(frame.lines.count, 24);
	assert_non_null(device);
	assert_non_null(strstr(device->text, "native  fresh          412k      5.7  100.0%"));
	assert_non_null(strstr(device->text, "1.23M"));
	assert_non_null(find(&frame, "eth2"));
	assert_non_null(find(&frame, "passed/s: conntrack 5.7"));
	assert_non_null(find(&frame, "early  "));
	assert_non_null(find(&frame, "      967     2.90k  inet filter input: rule 30"));
	assert_non_null(find(&frame, "q quit"));
}

static void nothing_is_told_that_a_terminal_would_obey(void **state)
{
	struct sl_top_frame frame = make();
	const struct sl_top_line *line = find(&frame, "rule 30");
	(void)state;
	assert_non_null(strstr(line->text, "rule 30 ?[31m größer?☃"));
	setlocale(LC_CTYPE, "C");
	line = NULL;
	frame = make();
	line = find(&frame, "rule 30");
	setlocale(LC_CTYPE, "C.UTF-8");
	assert_non_null(strstr(line->text, "gr????er"));
}

static void without_utf8_the_graph_is_ascii(void **state)
{
	struct sl_top_frame frame;
	const struct sl_top_line *line;
	(void)state;
	view.is_utf8 = false;
	frame = make();
	line = find(&frame, "early  ");
	assert_non_null(strstr(line->text, "### peak 412k/s"));
}

static void sources_are_told_with_their_share(void **state)
{
	struct sl_top_frame frame = make();
	(void)state;
	assert_non_null(find(&frame, "     309k       75%  2001:db8::"));
	assert_non_null(find(&frame, "    10.3k        2%  192.0.2.1"));
	sl_top_model_select(&model, 1);
	frame = make();
	assert_non_null(find(&frame, "process 1 reads the samples"));
	assert_null(find(&frame, "192.0.2.1"));
	sl_top_model_select(&model, 1);
	frame = make();
	assert_null(find(&frame, "SOURCE"));
}

static void what_needs_attention_looks_like_it(void **state)
{
	struct sl_top_frame frame;
	const struct sl_top_line *line;
	(void)state;
	items[1].is_fresh = false;
	items[2].is_kept = false;
	look(5000000000);
	frame = make();
	line = find(&frame, "eth1");
	assert_non_null(strstr(line->text, "STALE 0s"));
	assert_int_equal(line->style, SL_TOP_WARNING);
	model.devices[1].stale_seconds = 999.9;
	frame = make();
	assert_non_null(find(&frame, "STALE 999s "));
	model.devices[1].stale_seconds = 59999;
	frame = make();
	assert_non_null(find(&frame, "STALE 999m "));
	model.devices[1].stale_seconds = 86400;
	frame = make();
	assert_non_null(find(&frame, "STALE 24h "));
	line = find(&frame, "eth2");
	assert_non_null(strstr(line->text, "not kept"));
	assert_int_equal(line->style, SL_TOP_WARNING);
	assert_int_equal(find(&frame, "> eth0")->style, SL_TOP_SELECTED);
}

static void the_selected_device_is_on_the_screen(void **state)
{
	struct sl_top_frame frame;
	(void)state;
	view.rows = 7;
	sl_top_model_select(&model, -1);
	frame = make();
	assert_non_null(find(&frame, "> eth2"));
	assert_null(find(&frame, "eth0"));
}

static void without_a_terminal_all_devices_are_told_of(void **state)
{
	struct sl_top_frame frame;
	(void)state;
	view.rows = view.columns = 0;
	frame = make();
	assert_non_null(find(&frame, "early drops since eth0"));
	assert_non_null(find(&frame, "early drops since eth2"));
	assert_null(find(&frame, "q quit"));
	assert_null(find(&frame, "peak"));
}

static void no_device_is_told_as_such(void **state)
{
	const struct sl_attachments none = {0};
	struct sl_top_frame frame;
	(void)state;
	assert_int_equal(sl_top_model_look(&model, &none, 6000000000), 0);
	frame = make();
	assert_non_null(find(&frame, "no longer attached to any device"));
	view.device = "eth0";
	frame = make();
	assert_non_null(find(&frame, "no longer attached to eth0"));
}

static void numbers_have_three_digits_that_count(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{0, "0"},         {0.25, "0.2"},    {7, "7"},          {99.96, "100"},
		{123.4, "123"},   {999.4, "999"},   {999.6, "1.00k"},  {1234, "1.23k"},
		{12345, "12.3k"}, {123456, "123k"}, {999600, "1.00M"}, {14.88e6, "14.9M"},
		{1e12, "1.00T"},  {1e21, "1000E"},
	};
	char text[SL_TOP_NUMBER_SIZE];
	(void)state;
	for (u32 i = 0; i < SL_ARRAY_SIZE(cases); i++)
		assert_string_equal(sl_top_number(cases[i].value, text), cases[i].text);
}

static void a_text_is_cut_where_the_columns_end(void **state)
{
	(void)state;
	assert_string_equal(sl_top_fit(arena, "größer", 6, true), "größer");
	assert_string_equal(sl_top_fit(arena, "größer", 4, true), "grö…");
	assert_string_equal(sl_top_fit(arena, "größer", 1, true), "…");
	assert_string_equal(sl_top_fit(arena, "日本語", 4, true), "日…"); /* two columns each */
	assert_string_equal(sl_top_fit(arena, "larger", 4, false), "lar~");
	assert_string_equal(sl_top_fit(arena, "larger", 0, false), "larger");
	assert_string_equal(sl_top_fit(arena, "\xff\xfe", 0, true), "??");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_screen_is_never_too_small, begin, end),
		cmocka_unit_test_setup_teardown(eighty_columns_have_room_for_all, begin, end),
		cmocka_unit_test_setup_teardown(nothing_is_told_that_a_terminal_would_obey, begin,
						end),
		cmocka_unit_test_setup_teardown(without_utf8_the_graph_is_ascii, begin, end),
		cmocka_unit_test_setup_teardown(sources_are_told_with_their_share, begin, end),
		cmocka_unit_test_setup_teardown(what_needs_attention_looks_like_it, begin, end),
		cmocka_unit_test_setup_teardown(the_selected_device_is_on_the_screen, begin, end),
		cmocka_unit_test_setup_teardown(without_a_terminal_all_devices_are_told_of, begin,
						end),
		cmocka_unit_test_setup_teardown(no_device_is_told_as_such, begin, end),
		cmocka_unit_test_setup_teardown(numbers_have_three_digits_that_count, begin, end),
		cmocka_unit_test_setup_teardown(a_text_is_cut_where_the_columns_end, begin, end),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		printf("skipped: no locale C.UTF-8\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
