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

/* The first half, as the others: fate 1 is 1; and the second: carried. */
static int make_fates(void)
{
	return make_counters(2 * SL_FATE_COUNTS);
}

static u64 others(void)
{
	return (u64)libbpf_num_possible_cpus() - 1;
}

#define TABLE    7
#define CHAIN    8
#define STANDING 4 /* rules 10, 11 … */

/* Of a ruleset of STANDING rules, those with these handles are counted; after `last`. */
static struct sl_tally open_tally_after(const struct sl_tally *last, const u64 *handles, u32 count)
{
	struct sl_counter *counters = calloc(count + 1, sizeof *counters);
	struct sl_program program = {.counters = {.items = counters, .count = count}};
	struct sl_nft_rule stand[STANDING] = {0};
	struct sl_nft_chain chain = {
		.name = "c", .handle = CHAIN, .rules = {.items = stand, .count = STANDING}};
	struct sl_nft_chain *chains[] = {&chain};
	struct sl_nft_table table = {
		.family = 1, .name = "t", .handle = TABLE, .chains = {.items = chains, .count = 1}};
	struct sl_nft_table *tables[] = {&table};
	struct sl_ruleset rules = {.tables = {.items = tables, .count = 1}};
	struct sl_compiled compiled = {.rules = &rules, .program = &program};
	struct sl_tally tally;

	for (u32 i = 0; i < STANDING; i++)
		stand[i].handle = 10 + i;
	for (u32 i = 0; i < count; i++)
		counters[i] = (struct sl_counter){"t", "c", 1, handles[i]};
	assert_int_equal(sl_tally_open(&compiled, last, &tally), 0);
	free(counters);
	return tally;
}

static struct sl_tally open_tally(const u64 *handles, u32 count)
{
	const struct sl_tally none = SL_NO_TALLY;

	return open_tally_after(&none, handles, count);
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
	SL_CLEANUP(sl_close) int fates_fd = make_fates();
	SL_CLEANUP(sl_close) int next_fates_fd = make_fates();
	struct sl_count fates[SL_FATE_COUNTS];
	const struct sl_dataplane_maps maps = {.rule_counters = rules_fd, .fates = fates_fd};
	SL_CLEANUP(sl_tally_close) struct sl_tally last = open_tally(before, 3);
	SL_CLEANUP(sl_tally_close) struct sl_tally next = open_tally(after, 3);
	struct sl_rule_entry seen;
	u32 first = 0;

	last.entries[2].packets = 5;
	assert_int_equal(sl_tally_carry(&next, &last, &maps, next_fates_fd), 0);
	assert_int_equal(next.entries[0].packets, 5 + 2 + others());
	assert_int_equal(next.entries[1].packets, 0);
	assert_int_equal(next.entries[2].bytes, 1000 + 100 * others());
	/* Both halves of the one, and the other's own. */
	assert_int_equal(sl_tally_read_fates(next_fates_fd, fates), 0);
	assert_int_equal(fates[1].packets,
			 1 + others() + SL_FATE_COUNTS + 1 + others() + 1 + others());

	/* What others read by the pin. */
	assert_int_equal(bpf_map_lookup_elem(next.fd, &first, &seen), 0);
	assert_int_equal(seen.rule_handle, 12);
	assert_int_equal(seen.packets, 5 + 2 + others());
}

/* It may come back with the next: what it has counted early is not forgotten meanwhile. */
static void a_rule_that_is_not_counted_keeps_its_counts_while_it_stands(void **state)
{
	(void)state;
	need_root();
	const u64 before[] = {10, 11, 99}, cut[] = {10}, after[] = {10, 11};
	SL_CLEANUP(sl_close) int rules_fd = make_counters(3);
	SL_CLEANUP(sl_close) int fewer_fd = make_counters(1);
	SL_CLEANUP(sl_close) int fates_fd = make_fates();
	SL_CLEANUP(sl_close) int next_fates_fd = make_fates();
	const struct sl_dataplane_maps maps = {.rule_counters = rules_fd, .fates = fates_fd};
	const struct sl_dataplane_maps fewer = {.rule_counters = fewer_fd, .fates = fates_fd};
	SL_CLEANUP(sl_tally_close) struct sl_tally last = open_tally(before, 3);
	SL_CLEANUP(sl_tally_close) struct sl_tally between = open_tally_after(&last, cut, 1);

	assert_int_equal(sl_tally_carry(&between, &last, &maps, next_fates_fd), 0);
	assert_int_equal(between.counted, 1);
	assert_int_equal(between.count, 2); /* not 99, which is gone */
	assert_int_equal(between.entries[1].rule_handle, 11);
	assert_int_equal(between.entries[1].packets, 1 + others());

	SL_CLEANUP(sl_tally_close) struct sl_tally next = open_tally_after(&between, after, 2);

	assert_int_equal(sl_tally_carry(&next, &between, &fewer, next_fates_fd), 0);
	assert_int_equal(next.count, 2);
	assert_int_equal(next.entries[0].packets, 2 * others());
	assert_int_equal(next.entries[1].packets, 1 + others());
}

static void another_keeper_goes_on_counting(void **state)
{
	(void)state;
	need_root();
	const u64 handles[] = {10, 11};
	SL_CLEANUP(sl_close) int counters_fd = make_counters(2);
	SL_CLEANUP(sl_close) int fates_fd = make_fates();
	SL_CLEANUP(sl_close) int next_fates_fd = make_fates();
	const struct sl_dataplane_maps maps = {.rule_counters = counters_fd, .fates = fates_fd};
	SL_CLEANUP(sl_tally_close) struct sl_tally dead = open_tally(handles, 2);
	SL_CLEANUP(sl_tally_close) struct sl_tally heir = SL_NO_TALLY;

	dead.entries[1].packets = 5;
	assert_int_equal(sl_tally_inherit(dup(dead.fd), counters_fd, &heir), 0);
	assert_int_equal(heir.counted, 2);

	SL_CLEANUP(sl_tally_close) struct sl_tally next = open_tally_after(&heir, handles, 2);

	assert_int_equal(sl_tally_carry(&next, &heir, &maps, next_fates_fd), 0);
	assert_int_equal(next.entries[1].packets, 5 + 1 + others());
}

/* As of a keeper that died when it had pinned its rules, and not yet their counters. */
static void counts_survive_counters_that_are_missing(void **state)
{
	(void)state;
	need_root();
	const u64 handles[] = {10, 11};
	SL_CLEANUP(sl_close) int fates_fd = make_fates();
	SL_CLEANUP(sl_close) int next_fates_fd = make_fates();
	const struct sl_dataplane_maps maps = {.rule_counters = -1, .fates = fates_fd};
	SL_CLEANUP(sl_tally_close) struct sl_tally dead = open_tally(handles, 2);
	SL_CLEANUP(sl_tally_close) struct sl_tally heir = SL_NO_TALLY;

	dead.entries[1].packets = 5;
	assert_int_equal(sl_tally_inherit(dup(dead.fd), -1, &heir), 0);

	SL_CLEANUP(sl_tally_close) struct sl_tally next = open_tally_after(&heir, handles, 2);

	assert_int_equal(sl_tally_carry(&next, &heir, &maps, next_fates_fd), 0);
	assert_int_equal(next.entries[1].packets, 5);
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

	assert_true(sl_tally_carry(&next, &last, &maps, -1) < 0);
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
		cmocka_unit_test(a_rule_that_is_not_counted_keeps_its_counts_while_it_stands),
		cmocka_unit_test(another_keeper_goes_on_counting),
		cmocka_unit_test(counts_survive_counters_that_are_missing),
		cmocka_unit_test(nothing_is_carried_from_maps_that_cannot_be_read),
		cmocka_unit_test(no_rules_have_a_map_all_the_same),
	};

	return cmocka_run_group_tests_name("daemon/tally", tests, NULL, NULL);
}
