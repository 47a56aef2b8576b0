// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top_sources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static struct sl_top_sources sources;

static int begin(void **state)
{
	(void)state;
	memset(&sources, 0, sizeof sources);
	return 0;
}

static struct sl_top_address address(u32 number)
{
	struct sl_top_address made = {.family = AF_INET};

	memcpy(made.bytes, &number, sizeof number);
	return made;
}

static void add(u32 number, double packets)
{
	struct sl_top_address of = address(number);

	sl_top_sources_add(&sources, &of, packets);
}

static bool is(const struct sl_top_source *source, u32 number)
{
	struct sl_top_address of = address(number);

	return !memcmp(&source->address, &of, sizeof of);
}

static void assert_about(double seen, double expected)
{
	assert_true(seen > 0.99 * expected - 1e-9 && seen < 1.01 * expected + 1e-9);
}

static double share(u32 place)
{
	return sl_top_source_share(&sources, &sources.items[place]);
}

static void shares_are_told_from_the_start(void **state)
{
	(void)state;
	for (u32 tenth = 1; tenth <= 600; tenth++) {
		add(1, 30);
		add(2, 10);
		sl_top_sources_age(&sources, 0.1);
		assert_about(share(0), 0.75);
		assert_about(share(1), 0.25);
	}
}

static void who_sends_now_counts_for_more_than_who_did(void **state)
{
	(void)state;
	for (u32 second = 0; second < 45; second++) {
		add(second < 30 ? 1 : 2, 1000);
		sl_top_sources_age(&sources, 1);
	}
	sl_top_sources_sort(&sources);
	assert_true(is(&sources.items[0], 2));
	assert_true(share(0) > 0.9);
}

static void silence_is_nobody(void **state)
{
	(void)state;
	add(1, 1000);
	sl_top_sources_age(&sources, 9);
	assert_int_equal(sources.count, 1);
	sl_top_sources_age(&sources, 2);
	assert_int_equal(sources.count, 0);
	add(2, 10);
	assert_about(share(0), 1);
}

static void the_largest_share_is_first(void **state)
{
	(void)state;
	add(1, 10);
	add(2, 30);
	add(3, 20);
	add(1, 15);
	sl_top_sources_age(&sources, 1);
	sl_top_sources_sort(&sources);
	assert_int_equal(sources.count, 3);
	assert_true(is(&sources.items[0], 2));
	assert_true(is(&sources.items[1], 1));
	assert_true(is(&sources.items[2], 3));
}

/* A hundred thousand forged addresses, and between them one that sends a fiftieth of all. */
static void a_flood_from_everywhere_does_not_hide_one(void **state)
{
	double forged = 0;
	(void)state;
	for (u32 i = 0; i < 100000; i++) {
		add(1000 + i, 1);
		if (i % 50 == 0)
			add(1, 1);
	}
	sl_top_sources_age(&sources, 1);
	sl_top_sources_sort(&sources);
	assert_int_equal(sources.count, SL_TOP_SOURCES);
	assert_true(is(&sources.items[0], 1));
	assert_true(sources.items[0].packets - sources.items[0].excess <= 2000);
	for (u32 i = 1; i < sources.count; i++)
		forged += sources.items[i].packets - sources.items[i].excess;
	assert_true(forged <= SL_TOP_SOURCES); /* nobody is told of with more than his own */
}

/* Samples */

static struct sl_sample sample_of(u8 place, u32 header, u8 version)
{
	struct sl_sample sample = {.place = place, .captured = 80, .every = 1};

	sample.bytes[header] = (u8)(version << 4);
	for (u32 i = 0; i < 16; i++)
		sample.bytes[header + (version == 4 ? 12 : 8) + i] = (u8)(i + 1);
	return sample;
}

static void the_source_is_found_at_each_place(void **state)
{
	static const u8 expected[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	static const struct {
		u8 place;
		u32 header;
	} places[] = {{SL_SAMPLE_XDP, 14}, {SL_SAMPLE_TC, 14}, {SL_SAMPLE_HOOK, 0}};
	struct sl_top_address found;
	struct sl_sample sample;
	(void)state;
	for (u32 i = 0; i < SL_ARRAY_SIZE(places); i++) {
		sample = sample_of(places[i].place, places[i].header, 4);
		assert_true(sl_top_address_of(&sample, &found));
		assert_int_equal(found.family, AF_INET);
		assert_memory_equal(found.bytes, expected, 4);
		assert_int_equal(found.bytes[4], 0);
		sample = sample_of(places[i].place, places[i].header, 6);
		assert_true(sl_top_address_of(&sample, &found));
		assert_int_equal(found.family, AF_INET6);
		assert_memory_equal(found.bytes, expected, 16);
	}
}

static void a_sample_without_a_source_is_none(void **state)
{
	struct sl_sample sample = sample_of(SL_SAMPLE_XDP, 14, 5);
	struct sl_top_address found;
	(void)state;
	assert_false(sl_top_address_of(&sample, &found));
	sample = sample_of(SL_SAMPLE_XDP, 14, 4);
	sample.captured = 14 + 15;
	assert_false(sl_top_address_of(&sample, &found));
	sample.captured = 14;
	assert_false(sl_top_address_of(&sample, &found));
	sample.captured = 0xffff;
	assert_false(sl_top_address_of(&sample, &found));
	sample.captured = 14 + 16;
	assert_true(sl_top_address_of(&sample, &found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(shares_are_told_from_the_start, begin),
		cmocka_unit_test_setup(who_sends_now_counts_for_more_than_who_did, begin),
		cmocka_unit_test_setup(silence_is_nobody, begin),
		cmocka_unit_test_setup(the_largest_share_is_first, begin),
		cmocka_unit_test_setup(a_flood_from_everywhere_does_not_hide_one, begin),
		cmocka_unit_test(the_source_is_found_at_each_place),
		cmocka_unit_test(a_sample_without_a_source_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
