// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top_history.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define S 1000000000ull

/* cmocka's own asks for more digits than sums of shares have. */
static void assert_near(double seen, double expected)
{
	assert_true(seen > expected - 1e-6 && seen < expected + 1e-6);
}

static void packets_are_of_the_seconds_that_they_came_in(void **state)
{
	struct sl_top_history history = {0};
	(void)state;
	sl_top_history_add(&history, 100 * S + S / 2, 103 * S + S / 2, 30); /* 5, 10, 10, 5 */
	assert_near(sl_top_history_at(&history, 3), 5);
	assert_near(sl_top_history_at(&history, 2), 10);
	assert_near(sl_top_history_at(&history, 1), 10);
	assert_near(sl_top_history_at(&history, 4), 0);
	sl_top_history_add(&history, 103 * S + S / 2, 104 * S, 7);
	assert_near(sl_top_history_at(&history, 1), 12);
	assert_near(sl_top_history_peak(&history), 12);
}

static void the_present_second_is_not_told(void **state)
{
	struct sl_top_history history = {0};
	(void)state;
	sl_top_history_add(&history, 100 * S, 100 * S + S / 10, 50);
	assert_near(sl_top_history_peak(&history), 0);
	sl_top_history_add(&history, 100 * S + S / 10, 101 * S, 0);
	assert_near(sl_top_history_at(&history, 1), 50);
}

static void a_minute_is_remembered_and_no_more(void **state)
{
	struct sl_top_history history = {0};
	(void)state;
	sl_top_history_add(&history, 100 * S, 101 * S, 50);
	sl_top_history_add(&history, 101 * S, 160 * S, 0);
	assert_near(sl_top_history_at(&history, SL_TOP_SECONDS), 50);
	sl_top_history_add(&history, 160 * S, 161 * S, 0);
	assert_near(sl_top_history_peak(&history), 0);
}

static void a_long_interval_fills_the_minute(void **state)
{
	struct sl_top_history history = {0};
	(void)state;
	sl_top_history_add(&history, 1000 * S, 4600 * S, 3600 * 5);
	for (u32 ago = 1; ago <= SL_TOP_SECONDS; ago++)
		assert_near(sl_top_history_at(&history, ago), 5);
}

static void no_time_is_no_rate(void **state)
{
	struct sl_top_history history = {0};
	(void)state;
	sl_top_history_add(&history, 100 * S, 100 * S, 9);
	sl_top_history_add(&history, 100 * S, 102 * S, 0);
	assert_near(sl_top_history_peak(&history), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_of_the_seconds_that_they_came_in),
		cmocka_unit_test(the_present_second_is_not_told),
		cmocka_unit_test(a_minute_is_remembered_and_no_more),
		cmocka_unit_test(a_long_interval_fills_the_minute),
		cmocka_unit_test(no_time_is_no_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
