// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/tally.h"

static void need_root(void)
{
	if (geteuid()) {
		print_message("skipped: BPF maps want root\n");
		skip();
	}
}

/* A map of counters; each CPU but the first has counted one packet of each rule. */
static int make_counters(u32 count)
{
	int cpus = libbpf_num_possible_cpus();
	struct sl_count *values = calloc((size_t)cpus, sizeof *values);
	int fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "test", sizeof(u32), sizeof *values,
				count, NULL);

	assert_true(fd >= 0);
	for (int cpu = 1; cpu < cpus; cpu++)
		values[cpu] = (struct sl_count){1, 100};
	for (u32 i = 0; i < count; i++) {
		values[0] = (struct sl_count){i, 1000 + i};
		assert_int_equal(bpf_map_update_elem(fd, &i, values, BPF_ANY), 0);
	}
	free(values);
	return fd;
}

static u64 others(void)
{
	return (u64)libbpf_num_possible_cpus() - 1;
}

/* Rules by their handles. */
static struct sl_tally open_tally(const u64 *handles, u32 count)
{
	struct sl_counter *counters = calloc(count + 1, sizeof *counters);
	struct sl_program program = {.counters = {.items = counters, .count = count}};
	struct sl_ruleset rules = {0};
	struct sl_compiled compiled = {.rules = &rules, .program = &program};
	struct sl_tally tally;

	for (u32 i = 0; i < count; i++)
		counters[i] = (struct sl_counter){"t", "c", 1, handles[i]};
	assert_int_equal(sl_tally_open(&compiled, &tally), 0);
	free(counters);
	return tally;
}

static void many_counters_are_read_in_order(void **state)
{
	(void)state;
	need_root();
	SL_CLEANUP(sl_close) int fd = make_counters(2000);
	struct sl_count *counts = calloc(2000, sizeof *counts);

	assert_int_equal(sl_tally_read(fd, 2000, counts), 0);
	for (u32 i = 0; i < 2000; i++) {
		assert_int_equal(counts[i].packets, i + others());
		assert_int_equal(counts[i].bytes, 1000 + i + 100 * others());
	}
	assert_int_equal(sl_tally_read(fd, 2001, counts), -ENOENT);
	free(counts);
}

static void counts_follow_the_handles_of_their_rules(void **state)
{
	(void)state;
	need_root();
	const u64 before[] = {10, 11, 12}, after[] = {12, 13, 10};
	SL_CLEANUP(sl_close) int rules_fd = make_counters(3);
	SL_CLEANUP(sl_close) int fates_fd = make_counters(SL_FATE_COUNTS);
	const struct sl_dataplane_maps maps = {.rule_counters = rules_fd, .fates = fates_fd};
	SL_CLEANUP(sl_tally_close) struct sl_tally last = open_tally(before, 3);
	SL_CLEANUP(sl_tally_close) struct sl_tally next = open_tally(after, 3);
	struct sl_rule_entry seen;
	u32 first = 0;

	last.entries[2].packets = 5;
	last.fates[1].packets = 7;
	assert_int_equal(sl_tally_carry(&next, &last, &maps), 0);
	assert_int_equal(next.entries[0].packets, 5 + 2 + others());
	assert_int_equal(next.entries[1].packets, 0);
	assert_int_equal(next.entries[2].bytes, 1000 + 100 * others());
	assert_int_equal(next.fates[1].packets, 7 + 1 + others());

	/* What others read by the pin. */
	assert_int_equal(bpf_map_lookup_elem(next.fd, &first, &seen), 0);
	assert_int_equal(seen.rule_handle, 12);
	assert_int_equal(seen.packets, 5 + 2 + others());
}

static void nothing_is_carried_from_maps_that_cannot_be_read(void **state)
{
	(void)state;
	need_root();
	const u64 handles[] = {10};
	SL_CLEANUP(sl_close) int rules_fd = make_counters(1);
	const struct sl_dataplane_maps maps = {.rule_counters = rules_fd, .fates = -1};
	SL_CLEANUP(sl_tally_close) struct sl_tally last = open_tally(handles, 1);
	SL_CLEANUP(sl_tally_close) struct sl_tally next = open_tally(handles, 1);

	assert_true(sl_tally_carry(&next, &last, &maps) < 0);
	assert_int_equal(next.entries[0].packets, 0);
	assert_int_equal(next.entries[0].bytes, 0);
}

static void no_rules_have_a_map_all_the_same(void **state)
{
	(void)state;
	need_root();
	SL_CLEANUP(sl_tally_close) struct sl_tally tally = open_tally(NULL, 0);

	assert_true(tally.fd >= 0);
	assert_int_equal(tally.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_counters_are_read_in_order),
		cmocka_unit_test(counts_follow_the_handles_of_their_rules),
		cmocka_unit_test(nothing_is_carried_from_maps_that_cannot_be_read),
		cmocka_unit_test(no_rules_have_a_map_all_the_same),
	};

	return cmocka_run_group_tests_name("daemon/tally", tests, NULL, NULL);
}
