// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/types.h"
#include "known.h"

#define WORDS_LOG 12
#define WORDS     (1U << WORDS_LOG)

static const struct sl_known_cell cell = {
	.seeds = {0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0},
	.first = {0, WORDS},
	.shift = {64 - WORDS_LOG, 64 - WORDS_LOG},
};

/* Neighbours, as floods and servers have them. */
static struct sl_known_tuple make_tuple(u32 number, bool is_ip6)
{
	struct sl_known_tuple tuple = {
		.source = {0x0a00004d + ((u64)number << 8), is_ip6 ? 0x0100000000000000 : 0},
		.destination = {0x01004d0a, is_ip6 ? 0x0100000000000000 : 0},
		.source_port = (u16)(1024 + number % 7),
		.destination_port = 53,
		.protocol = 17,
		.is_ip6 = is_ip6,
	};

	return tuple;
}

static void add(u64 *words, const struct sl_known_tuple *tuple, u32 generation)
{
	u64 hash = sl_known_hash(&cell, tuple);

	words[sl_known_index(&cell, hash, generation)] |= sl_known_bits(hash);
}

static bool has(const u64 *words, const struct sl_known_tuple *tuple, u32 generation)
{
	u64 hash = sl_known_hash(&cell, tuple);

	return !(~words[sl_known_index(&cell, hash, generation)] & sl_known_bits(hash));
}

static void what_was_added_is_known(void **state)
{
	u64 *words = calloc(2UL * WORDS, sizeof *words);

	(void)state;
	assert_non_null(words);
	for (u32 i = 0; i < 2 * WORDS; i++) {
		struct sl_known_tuple tuple = make_tuple(i, i % 2);

		add(words, &tuple, 1);
	}
	for (u32 i = 0; i < 2 * WORDS; i++) {
		struct sl_known_tuple tuple = make_tuple(i, i % 2);

		assert_true(has(words, &tuple, 1));
		assert_false(has(words, &tuple, 0));
	}
	free(words);
}

/* With as many connections as words, each with two tuples: of 1,000 some two are. */
static void few_strangers_are_taken_for_known(void **state)
{
	u64 *words = calloc(2UL * WORDS, sizeof *words);
	u32 known = 0;

	(void)state;
	assert_non_null(words);
	for (u32 i = 0; i < 2 * WORDS; i++) {
		struct sl_known_tuple tuple = make_tuple(i, i % 2);

		add(words, &tuple, 0);
	}
	for (u32 i = 0; i < 100000; i++) {
		struct sl_known_tuple tuple = make_tuple(2 * WORDS + i, i % 2);

		known += has(words, &tuple, 0);
	}
	assert_in_range(known, 1, 500);
	free(words);
}

static void expect_other_hash(const struct sl_known_tuple *tuple, void *byte)
{
	u64 before = sl_known_hash(&cell, tuple);

	*(u8 *)byte ^= 1;
	assert_true(sl_known_hash(&cell, tuple) != before);
}

/* Also which way it goes. */
static void all_of_a_tuple_counts(void **state)
{
	(void)state;
	for (u32 is_ip6 = 0; is_ip6 < 2; is_ip6++) {
		struct sl_known_tuple tuple = make_tuple(1, is_ip6), back = tuple;

		for (u32 i = 0; i < (is_ip6 ? 16 : 4); i++) {
			expect_other_hash(&tuple, (u8 *)tuple.source + i);
			expect_other_hash(&tuple, (u8 *)tuple.destination + i);
		}
		for (u32 i = 0; i < 2; i++) {
			expect_other_hash(&tuple, (u8 *)&tuple.source_port + i);
			expect_other_hash(&tuple, (u8 *)&tuple.destination_port + i);
		}
		expect_other_hash(&tuple, &tuple.protocol);
		memcpy(back.source, tuple.destination, sizeof back.source);
		memcpy(back.destination, tuple.source, sizeof back.destination);
		assert_true(sl_known_hash(&cell, &tuple) != sl_known_hash(&cell, &back));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_known),
		cmocka_unit_test(few_strangers_are_taken_for_known),
		cmocka_unit_test(all_of_a_tuple_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
