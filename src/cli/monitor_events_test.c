// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/monitor.h"

#define BIT(event) (1u << SL_EVENT_##event)

static const struct sl_monitor_state well = {
	.is_attached = true,
	.is_alive = true,
	.is_fresh = true,
	.is_kept = true,
	.generations = 3,
	.lost = 10,
};

static void nothing_new_is_no_event(void **state)
{
	const struct sl_monitor_state nothing = {0};

	(void)state;
	assert_int_equal(sl_monitor_compare(&well, &well), 0);
	assert_int_equal(sl_monitor_compare(&nothing, &nothing), 0);
}

static void attaching_and_detaching_are_one_event_each(void **state)
{
	const struct sl_monitor_state nothing = {0};

	(void)state;
	assert_int_equal(sl_monitor_compare(&nothing, &well), BIT(ATTACHED));
	assert_int_equal(sl_monitor_compare(&well, &nothing), BIT(DETACHED));
}

static void expect_there_and_back(struct sl_monitor_state worse, u32 there, u32 back)
{
	assert_int_equal(sl_monitor_compare(&well, &worse), there);
	assert_int_equal(sl_monitor_compare(&worse, &well), back);
}

static void each_change_has_its_event(void **state)
{
	struct sl_monitor_state stale = well, gone = well, unkept = well, both = well;

	(void)state;
	stale.is_fresh = false;
	gone.is_alive = false;
	unkept.is_kept = false;
	both.is_fresh = both.is_kept = false;
	expect_there_and_back(stale, BIT(STALE), BIT(FRESH));
	expect_there_and_back(gone, BIT(GONE), BIT(CAME));
	expect_there_and_back(unkept, BIT(UNKEPT), BIT(KEPT));
	expect_there_and_back(both, BIT(STALE) | BIT(UNKEPT), BIT(FRESH) | BIT(KEPT));
}

static void another_compile_is_told(void **state)
{
	struct sl_monitor_state next = well;

	(void)state;
	next.generations = 5;
	assert_int_equal(sl_monitor_compare(&well, &next), BIT(RULES));
}

/* A reader that comes to it anew counts from 0. */
static void lost_samples_are_told_as_they_grow(void **state)
{
	struct sl_monitor_state more = well, fewer = well;

	(void)state;
	more.lost = 11;
	fewer.lost = 0;
	assert_int_equal(sl_monitor_compare(&well, &more), BIT(LOST));
	assert_int_equal(sl_monitor_compare(&well, &fewer), 0);
}

static void every_event_has_a_name(void **state)
{
	(void)state;
	for (u32 i = 0; i < SL_EVENTS; i++)
		assert_non_null(sl_monitor_event_name(i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_new_is_no_event),
		cmocka_unit_test(attaching_and_detaching_are_one_event_each),
		cmocka_unit_test(each_change_has_its_event),
		cmocka_unit_test(another_compile_is_told),
		cmocka_unit_test(lost_samples_are_told_as_they_grow),
		cmocka_unit_test(every_event_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
