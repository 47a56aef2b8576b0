// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define S 1000000000ull

/* What a look finds; changed by each test as the kernel would. */
static struct sl_rule_entry rules[3];
static struct sl_attachment items[2];
static struct sl_attachments found;
static struct sl_top_model model;
static u64 now_ns;

static int begin(void **state)
{
	(void)state;
	memset(items, 0, sizeof items);
	for (u32 i = 0; i < 3; i++)
		rules[i] = (struct sl_rule_entry){
			.table_handle = 1, .chain_handle = 2, .rule_handle = 10 + i};
	for (u32 i = 0; i < 2; i++)
		items[i].info = (struct sl_info){
			.mode = SL_MODE_NATIVE, .attached_at = 1000, .generations = 5};
	strcpy(items[0].info.device, "eth1");
	strcpy(items[1].info.device, "eth0");
	items[0].rules = rules;
	items[0].rule_count = 3;
	found = (struct sl_attachments){.items = items, .count = 1};
	model = (struct sl_top_model){0};
	now_ns = 5000 * S;
	return 0;
}

static int end(void **state)
{
	(void)state;
	sl_top_model_free(&model);
	return 0;
}

static const struct sl_top_device *look(u64 seconds)
{
	now_ns += seconds * S;
	assert_int_equal(sl_top_model_look(&model, &found, now_ns), 0);
	return model.devices;
}

static void count(u32 rule, u64 packets, u64 bytes)
{
	rules[rule].packets += packets;
	rules[rule].bytes += bytes;
}

static void assert_rate(double seen, double expected)
{
	assert_true(seen > expected - 1e-6 && seen < expected + 1e-6);
}

static void two_moments_are_a_rate(void **state)
{
	const struct sl_top_device *device;
	(void)state;
	items[0].fates[SL_DROPPED] = (struct sl_count){1000, 60000};
	device = look(0);
	assert_false(device->is_measured);
	assert_rate(device->early.packets, 0);
	items[0].fates[SL_DROPPED] = (struct sl_count){1100, 66000};
	items[0].fates[SL_PASSED_RULES] = (struct sl_count){30, 300};
	items[0].fates[SL_PASSED_ODD] = (struct sl_count){10, 100};
	device = look(2);
	assert_true(device->is_measured);
	assert_rate(device->early.packets, 50);
	assert_rate(device->early.bytes, 3000);
	assert_rate(device->passed.packets, 20);
	assert_rate(device->fates[SL_PASSED_ODD].packets, 5);
	assert_rate(sl_top_device_share(device), 50.0 / 70);
	assert_rate(sl_top_history_at(&device->early_history, 1), 50);
}

static void what_hooks_drop_is_early_and_has_not_passed(void **state)
{
	const struct sl_top_device *device;
	(void)state;
	look(0);
	items[0].fates[SL_DROPPED].packets = 5;
	items[0].fates[SL_PASSED_CONNTRACK].packets = 40;
	items[0].fates[SL_HOOK_DROPPED].packets = 30;
	items[0].fates[SL_HOOK_PASSED].packets = 10;
	device = look(1);
	assert_rate(device->early.packets, 35);
	assert_rate(device->passed.packets, 10);
	assert_int_equal(sl_top_device_dropped(device).packets, 35);
}

static void a_swap_seen_in_its_middle_is_no_burst(void **state)
{
	const struct sl_top_device *device;
	(void)state;
	items[0].fates[SL_DROPPED].packets = 1000000;
	count(0, 1000000, 0);
	look(0);
	items[0].fates[SL_DROPPED].packets = 7; /* what was before is not carried over yet */
	rules[0].packets = 7;
	device = look(1);
	assert_rate(device->early.packets, 0);
	assert_int_equal(device->rules[0].entry.packets, 1000000);
	items[0].fates[SL_DROPPED].packets = 1000020;
	rules[0].packets = 1000020;
	device = look(1);
	assert_rate(device->early.packets, 20);
	assert_rate(device->rules[0].rate.packets, 20);
	items[0].rule_count = 0;
	look(1);
	items[0].rule_count = 3;
	device = look(1);
	assert_rate(device->rules[0].rate.packets, 0);
}

static void attached_anew_counts_from_zero(void **state)
{
	const struct sl_top_device *device;
	(void)state;
	items[0].fates[SL_DROPPED].packets = 500;
	count(0, 500, 0);
	look(0);
	look(1);
	items[0].info.attached_at = 2000;
	items[0].fates[SL_DROPPED].packets = 300;
	rules[0].packets = 300;
	device = look(1);
	assert_false(device->is_measured);
	assert_rate(device->early.packets, 0);
	assert_int_equal(device->rules[0].entry.packets, 300);
	items[0].fates[SL_DROPPED].packets = 310;
	device = look(1);
	assert_rate(device->early.packets, 10);
}

static void a_device_that_is_renamed_brings_no_burst(void **state)
{
	const struct sl_top_device *device;
	(void)state;
	items[0].fates[SL_DROPPED].packets = 500;
	count(0, 500, 0);
	look(0);
	strcpy(items[0].info.device, "lan0");
	device = look(1);
	assert_rate(device->early.packets, 0);
	assert_rate(device->rules[0].rate.packets, 0);
	assert_string_equal(model.gone, "eth1");
}

static u64 handle_at(const struct sl_top_device *device, u32 place)
{
	return device->rules[place].entry.rule_handle;
}

static void the_hottest_rule_is_first(void **state)
{
	const struct sl_top_device *device;
	(void)state;
	count(0, 1000, 1000);
	look(0);
	count(1, 10, 9000);
	count(2, 20, 2000);
	device = look(1);
	assert_int_equal(device->rule_count, 3);
	assert_int_equal(handle_at(device, 0), 12);
	assert_int_equal(handle_at(device, 1), 11);
	assert_int_equal(handle_at(device, 2), 10);
	sl_top_model_sort(&model, SL_TOP_BY_BYTES);
	assert_int_equal(handle_at(model.devices, 0), 11);
	sl_top_model_sort(&model, SL_TOP_BY_COUNT);
	assert_int_equal(handle_at(model.devices, 0), 10);
	device = look(1); /* and so it stays */
	assert_int_equal(handle_at(device, 0), 10);
}

static void rules_that_dropped_nothing_are_not_there(void **state)
{
	const struct sl_top_device *device;
	(void)state;
	look(0);
	count(1, 4, 400);
	device = look(2);
	assert_int_equal(device->rule_count, 1);
	assert_int_equal(handle_at(device, 0), 11);
	assert_rate(device->rules[0].rate.packets, 2);
}

static void a_rule_that_came_counts_from_its_first_packet(void **state)
{
	const struct sl_top_device *device;
	(void)state;
	items[0].rule_count = 2;
	look(0);
	items[0].rule_count = 3;
	count(2, 8, 800);
	device = look(2);
	assert_rate(device->rules[0].rate.packets, 4);
}

static const char *selected(void)
{
	return model.devices[model.selected].attachment.info.device;
}

static void devices_are_by_name_and_the_selected_one_stays(void **state)
{
	(void)state;
	look(0);
	assert_string_equal(selected(), "eth1");
	found.count = 2;
	look(1);
	assert_string_equal(model.devices[0].attachment.info.device, "eth0");
	assert_string_equal(selected(), "eth1");
	sl_top_model_select(&model, 1);
	assert_string_equal(selected(), "eth0");
	sl_top_model_select(&model, -1);
	assert_string_equal(selected(), "eth1");
	assert_string_equal(model.gone, "");
}

static void a_device_that_goes_is_told_of_until_it_comes_back(void **state)
{
	(void)state;
	found.count = 2;
	look(0);
	sl_top_model_select(&model, 1);
	found = (struct sl_attachments){.items = items + 1, .count = 1};
	look(1);
	assert_string_equal(selected(), "eth0");
	assert_string_equal(model.gone, "eth1");
	found.count = 0;
	look(1);
	assert_int_equal(model.count, 0);
	sl_top_model_select(&model, 1);
	found = (struct sl_attachments){.items = items, .count = 2};
	look(1);
	assert_string_equal(model.gone, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_moments_are_a_rate, begin, end),
		cmocka_unit_test_setup_teardown(what_hooks_drop_is_early_and_has_not_passed, begin,
						end),
		cmocka_unit_test_setup_teardown(a_swap_seen_in_its_middle_is_no_burst, begin, end),
		cmocka_unit_test_setup_teardown(attached_anew_counts_from_zero, begin, end),
		cmocka_unit_test_setup_teardown(a_device_that_is_renamed_brings_no_burst, begin,
						end),
		cmocka_unit_test_setup_teardown(the_hottest_rule_is_first, begin, end),
		cmocka_unit_test_setup_teardown(rules_that_dropped_nothing_are_not_there, begin,
						end),
		cmocka_unit_test_setup_teardown(a_rule_that_came_counts_from_its_first_packet,
						begin, end),
		cmocka_unit_test_setup_teardown(devices_are_by_name_and_the_selected_one_stays,
						begin, end),
		cmocka_unit_test_setup_teardown(a_device_that_goes_is_told_of_until_it_comes_back,
						begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
