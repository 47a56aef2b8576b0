// SPDX-License-Identifier: GPL-2.0-only
/* Readers of samples: one at a time, and none for longer than it says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "load/samples.h"

static struct sl_sampling sampling;
static u32 zero;

static int make_maps(void **state)
{
	LIBBPF_OPTS(bpf_map_create_opts, mapped, .map_flags = BPF_F_MMAPABLE);

	(void)state;
	sampling.cell = bpf_map_create(BPF_MAP_TYPE_ARRAY, "cell", sizeof zero,
				       sizeof(struct sl_sampling_cell), 1, &mapped);
	sampling.ring =
		bpf_map_create(BPF_MAP_TYPE_RINGBUF, "ring", 0, 0, SL_SAMPLING_RING_BYTES, NULL);
	return 0;
}

static int close_maps(void **state)
{
	(void)state;
	sl_sampling_close(&sampling);
	return 0;
}

static void need_maps(void)
{
	if (sampling.ring >= 0)
		return;
	print_message("skipped: no BPF maps can be made: %s\n", strerror(errno));
	skip();
}

static struct sl_sampling_cell read_cell(void)
{
	struct sl_sampling_cell cell;

	assert_int_equal(bpf_map_lookup_elem(sampling.cell, &zero, &cell), 0);
	return cell;
}

static void write_cell(struct sl_sampling_cell cell)
{
	assert_int_equal(bpf_map_update_elem(sampling.cell, &zero, &cell, BPF_ANY), 0);
}

static int start(u32 every, struct sl_sampler **ret_sampler, struct sl_diag *diag)
{
	return sl_sampler_start(&sampling, "eth0", every, ret_sampler, diag);
}

static struct sl_sampler *must_start(u32 every)
{
	struct sl_sampler *sampler;
	struct sl_diag diag;

	need_maps();
	if (start(every, &sampler, &diag))
		fail_msg("%s", diag.text);
	return sampler;
}

static void reader_turns_it_on_and_off(void **state)
{
	struct sl_sampler *sampler = must_start(7);

	(void)state;
	assert_int_equal(read_cell().every, 7);
	assert_true(read_cell().until_ns > sl_monotonic_ns());
	sl_sampler_close(sampler);
	assert_int_equal(read_cell().every, 0);
}

static void another_part_is_taken_from_the_next_renewal_on(void **state)
{
	struct sl_sampler *sampler = must_start(7);
	struct sl_diag diag;

	(void)state;
	sl_sampler_set_every(sampler, 100);
	assert_int_equal(sl_sampler_renew(sampler, &diag), 0);
	assert_int_equal(read_cell().every, 100);
	sl_sampler_close(sampler);
}

static void second_reader_is_refused(void **state)
{
	struct sl_sampler *sampler = must_start(1), *second;
	struct sl_diag diag;
	char first[32];

	(void)state;
	assert_int_equal(start(2, &second, &diag), -EBUSY);
	snprintf(first, sizeof first, "process %d ", (int)getpid());
	assert_non_null(strstr(diag.text, first));
	assert_non_null(strstr(diag.text, "eth0"));
	assert_int_equal(read_cell().every, 1); /* the first one's goes on */
	sl_sampler_close(sampler);
	sl_sampler_close(must_start(2));
}

static void lease_that_is_over_is_anybodys(void **state)
{
	(void)state;
	need_maps();
	write_cell((struct sl_sampling_cell){.every = 5, .watcher = 1, .until_ns = 1});
	sl_sampler_close(must_start(2));
}

static void silent_reader_hears_that_another_came(void **state)
{
	struct sl_sampler *sampler = must_start(1);
	const struct sl_sampling_cell theirs = {.every = 9, .watcher = 1, .until_ns = UINT64_MAX};
	struct sl_diag diag;

	(void)state;
	write_cell(theirs);
	assert_int_equal(sl_sampler_renew(sampler, &diag), -EBUSY);
	sl_sampler_close(sampler);
	assert_int_equal(read_cell().every, 9);
	assert_true(read_cell().until_ns == UINT64_MAX);
	write_cell((struct sl_sampling_cell){0});
}

static void renewal_turns_it_on_again(void **state)
{
	struct sl_sampler *sampler = must_start(3);
	struct sl_sampling_cell cell = read_cell();
	struct sl_diag diag;

	(void)state;
	cell.every = 0; /* as the data plane does behind the lease */
	write_cell(cell);
	assert_int_equal(sl_sampler_renew(sampler, &diag), 0);
	assert_int_equal(read_cell().every, 3);
	sl_sampler_close(sampler);
}

static void lost_ones_are_counted_from_the_start(void **state)
{
	struct sl_sampling_cell cell = {.lost = 40};
	struct sl_sampler *sampler;

	(void)state;
	need_maps();
	write_cell(cell);
	sampler = must_start(1);
	assert_int_equal(sl_sampler_lost(sampler), 0);
	cell = read_cell();
	cell.lost += 2;
	write_cell(cell);
	assert_int_equal(sl_sampler_lost(sampler), 2);
	sl_sampler_close(sampler);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_turns_it_on_and_off),
		cmocka_unit_test(another_part_is_taken_from_the_next_renewal_on),
		cmocka_unit_test(second_reader_is_refused),
		cmocka_unit_test(lease_that_is_over_is_anybodys),
		cmocka_unit_test(silent_reader_hears_that_another_came),
		cmocka_unit_test(renewal_turns_it_on_again),
		cmocka_unit_test(lost_ones_are_counted_from_the_start),
	};

	return cmocka_run_group_tests(tests, make_maps, close_maps);
}
