// SPDX-License-Identifier: GPL-2.0-only
/* Ranges to prefixes, which tries are filled with; held against a twin that goes bit by bit. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "load/maps.h"

#define LENGTH_MAX 16
#define PREFIX_MAX (2 * 8 * LENGTH_MAX)

struct prefix {
	u8 bytes[LENGTH_MAX];
	u32 bits;
};

struct prefixes {
	struct prefix items[PREFIX_MAX];
	u32 count, length;
};

static int keep(void *context, const u8 *bytes, u32 bits)
{
	struct prefixes *prefixes = context;

	assert_true(prefixes->count < PREFIX_MAX);
	memcpy(prefixes->items[prefixes->count].bytes, bytes, prefixes->length);
	prefixes->items[prefixes->count++].bits = bits;
	return 0;
}

static void set_bit(u8 *bytes, u32 bit, bool value)
{
	u8 mask = (u8)(0x80 >> bit % 8);

	bytes[bit / 8] = (u8)((bytes[bit / 8] & ~mask) | (value ? mask : 0));
}

/*
 * The twin: a block that the range covers is a prefix; one that it misses is none; any other is cut
 * in two halves. `block` has `bits` bits, the rest is zero.
 */
static void split(struct prefixes *prefixes, u8 *block, u32 bits, const u8 *lo, const u8 *hi)
{
	u8 last[LENGTH_MAX];

	memcpy(last, block, prefixes->length);
	for (u32 bit = bits; bit < 8 * prefixes->length; bit++)
		set_bit(last, bit, true);
	if (memcmp(last, lo, prefixes->length) < 0 || memcmp(block, hi, prefixes->length) > 0)
		return;
	if (memcmp(block, lo, prefixes->length) >= 0 && memcmp(last, hi, prefixes->length) <= 0) {
		keep(prefixes, block, bits);
		return;
	}
	split(prefixes, block, bits + 1, lo, hi);
	set_bit(block, bits, true);
	split(prefixes, block, bits + 1, lo, hi);
	set_bit(block, bits, false);
}

static void expect_twin(const u8 *lo, const u8 *hi, u32 length)
{
	struct prefixes clever = {.length = length}, stupid = {.length = length};
	u8 all[LENGTH_MAX] = {0};

	assert_int_equal(sl_range_prefixes(lo, hi, length, keep, &clever), 0);
	split(&stupid, all, 0, lo, hi);
	assert_int_equal(clever.count, stupid.count);
	for (u32 i = 0; i < clever.count; i++) {
		assert_int_equal(clever.items[i].bits, stupid.items[i].bits);
		assert_memory_equal(clever.items[i].bytes, stupid.items[i].bytes, length);
	}
}

static void random_ranges_match_the_twin(void **unused)
{
	(void)unused;
	srand(1);
	for (u32 i = 0; i < 4000; i++) {
		u32 length = 1 + i % LENGTH_MAX, same = (u32)rand() % length;
		u8 a[LENGTH_MAX], b[LENGTH_MAX];

		for (u32 j = 0; j < length; j++) {
			static const u8 usual[] = {0, 0, 0xff, 0xff, 0x7f, 0x80};

			a[j] = rand() % 2 ? (u8)rand() : usual[rand() % 6];
			b[j] = j < same ? a[j] : rand() % 2 ? (u8)rand() : usual[rand() % 6];
		}
		if (memcmp(a, b, length) <= 0)
			expect_twin(a, b, length);
		else
			expect_twin(b, a, length);
	}
}

static void every_range_of_one_byte_matches_the_twin(void **unused)
{
	(void)unused;
	for (u32 lo = 0; lo < 256; lo++)
		for (u32 hi = lo; hi < 256; hi++)
			expect_twin(&(u8){(u8)lo}, &(u8){(u8)hi}, 1);
}

static void the_whole_space_is_one_prefix_of_no_bits(void **unused)
{
	struct prefixes prefixes = {.length = LENGTH_MAX};
	u8 lo[LENGTH_MAX] = {0}, hi[LENGTH_MAX];

	(void)unused;
	memset(hi, 0xff, sizeof hi);
	assert_int_equal(sl_range_prefixes(lo, hi, LENGTH_MAX, keep, &prefixes), 0);
	assert_int_equal(prefixes.count, 1);
	assert_int_equal(prefixes.items[0].bits, 0);
	/* the last value alone, behind which counting would wrap */
	prefixes.count = 0;
	assert_int_equal(sl_range_prefixes(hi, hi, LENGTH_MAX, keep, &prefixes), 0);
	assert_int_equal(prefixes.count, 1);
	assert_int_equal(prefixes.items[0].bits, 128);
}

static int refuse_the_second(void *context, const u8 *bytes, u32 bits)
{
	u32 *count = context;

	(void)bytes;
	(void)bits;
	return ++*count == 2 ? -ENOSPC : 0;
}

static void a_callback_that_fails_ends_it(void **unused)
{
	u32 count = 0;

	(void)unused;
	assert_int_equal(sl_range_prefixes((u8[]){1}, (u8[]){254}, 1, refuse_the_second, &count),
			 -ENOSPC);
	assert_int_equal(count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_ranges_match_the_twin),
		cmocka_unit_test(every_range_of_one_byte_matches_the_twin),
		cmocka_unit_test(the_whole_space_is_one_prefix_of_no_bits),
		cmocka_unit_test(a_callback_that_fails_ends_it),
	};

	return cmocka_run_group_tests_name("load/maps", tests, NULL, NULL);
}
