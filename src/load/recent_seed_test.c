// SPDX-License-Identifier: GPL-2.0-only
/* Words among which there is a seed, and the buckets that it puts addresses into. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jenkins.h"
#include "load/recent_seed.h"

#define BUCKETS 128
#define SEED    0x5eed1234

static void witness(struct sl_recent_witness *witnesses, u32 count, u32 seed)
{
	for (u32 i = 0; i < count; i++) {
		const u32 words[4] = {0x020000c0 + (i << 24)};

		witnesses[i].address = words[0];
		witnesses[i].bucket = sl_jenkins_hash(words, 4, seed) & (BUCKETS - 1);
	}
}

/* As include/linux/jhash.h has them: jhash_1word(1, 2), and jhash2 of 1, 2, 3, 4 with 5. */
static void hash_is_the_kernels(void **state)
{
	const u32 one[4] = {1}, four[4] = {1, 2, 3, 4};

	(void)state;
	assert_int_equal(sl_jenkins_hash(one, 4, 2), 0xf1524a01);
	assert_int_equal(sl_jenkins_hash(four, 16, 5), 0x73558c35);
}

static void seed_is_the_word_that_explains_all(void **state)
{
	u32 words[] = {0, 100, SEED ^ 1, SEED, 128, 0xffffffff}, index = 99;
	struct sl_recent_witness witnesses[SL_RECENT_WITNESSES];

	(void)state;
	witness(witnesses, SL_RECENT_WITNESSES, SEED);
	assert_true(sl_recent_seed_find(words, 6, witnesses, 7, BUCKETS, &index));
	assert_int_equal(index, 3);
	words[3] = 7;
	assert_false(sl_recent_seed_find(words, 6, witnesses, 7, BUCKETS, &index));
	assert_int_equal(index, 3);
}

static void one_false_witness_is_enough(void **state)
{
	struct sl_recent_witness witnesses[SL_RECENT_WITNESSES];
	const u32 words[] = {SEED};
	u32 index;

	(void)state;
	witness(witnesses, SL_RECENT_WITNESSES, SEED);
	witnesses[SL_RECENT_WITNESSES - 1].bucket ^= 1;
	assert_false(
		sl_recent_seed_find(words, 1, witnesses, SL_RECENT_WITNESSES, BUCKETS, &index));
}

static void too_few_witnesses_prove_nothing(void **state)
{
	struct sl_recent_witness witnesses[SL_RECENT_WITNESSES];
	const u32 words[] = {SEED};
	u32 index;

	(void)state;
	witness(witnesses, SL_RECENT_WITNESSES, SEED);
	assert_false(sl_recent_seed_find(words, 1, witnesses, 6, BUCKETS, &index));
	assert_false(sl_recent_seed_find(words, 1, witnesses, 32, 0, &index));
	assert_false(sl_recent_seed_find(words, 1, witnesses, 32, 100, &index));
	assert_false(sl_recent_seed_find(words, 1, witnesses, 32, 1, &index));
	assert_false(sl_recent_seed_find(words, 1, witnesses, 0, BUCKETS, &index));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_the_kernels),
		cmocka_unit_test(seed_is_the_word_that_explains_all),
		cmocka_unit_test(one_false_witness_is_enough),
		cmocka_unit_test(too_few_witnesses_prove_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
