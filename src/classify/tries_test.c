// SPDX-License-Identifier: GPL-2.0-only
/* Tries, held against a twin that keeps a log of all changes and asks it backwards. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "classify/tries.h"

#define CHANGES_MAX 400

struct change {
	u8 lo[SL_TRIE_KEY_MAX], hi[SL_TRIE_KEY_MAX];
	u32 id; /* 0: removed */
};

/* One set of `length` bytes, and its log. */
struct pair {
	struct sl_set set;
	struct sl_tries tries;
	struct change changes[CHANGES_MAX];
	u32 count, length;
};

enum begin { NARROW = 0, MIDDLE = 200, WIDE = 100000, LINES = 400000 };

static void begin(struct pair *pair, u32 length, bool has_records, u32 elements)
{
	*pair = (struct pair){.length = length};
	pair->set = (struct sl_set){.kind = SL_SET_INTERVAL,
				    .index = 2,
				    .key_length = length,
				    .has_timeouts = has_records};
	assert_int_equal(sl_tries_init(&pair->tries, 3), 0);
	assert_int_equal(sl_trie_begin(&pair->tries, &pair->set, elements), 0);
}

static void end(struct pair *pair)
{
	sl_tries_free(&pair->tries);
}

static int add(struct pair *pair, const u8 *lo, const u8 *hi, u32 id)
{
	struct sl_element element = {.key = lo, .key_end = hi, .expires_at_ns = id};

	return sl_trie_add(&pair->tries, &pair->set, &element, 0);
}

/* The same change in both; `id` 0 removes. */
static void change(struct pair *pair, const u8 *lo, const u8 *hi, u32 id)
{
	struct change *change = &pair->changes[pair->count++];

	assert_true(pair->count <= CHANGES_MAX);
	memcpy(change->lo, lo, pair->length);
	memcpy(change->hi, hi, pair->length);
	change->id = id;
	if (id)
		assert_int_equal(add(pair, lo, hi, id), 0);
	else
		assert_int_equal(sl_trie_remove(&pair->tries, &pair->set, lo, hi), 0);
}

static u32 id_in_log(const struct pair *pair, const u8 *key)
{
	for (u32 i = pair->count; i-- > 0;)
		if (memcmp(pair->changes[i].lo, key, pair->length) <= 0 &&
		    memcmp(key, pair->changes[i].hi, pair->length) <= 0)
			return pair->changes[i].id;
	return 0;
}

static void expect_same(const struct pair *pair, const u8 *key)
{
	u32 expected = id_in_log(pair, key), leaf = sl_trie_find(&pair->tries, &pair->set, key);

	if (!pair->set.has_timeouts || !leaf) {
		assert_int_equal(leaf, expected != 0);
		return;
	}
	assert_in_range(leaf, 1, pair->tries.count - 2);
	assert_int_equal(pair->tries.units[leaf], expected);
}

/* Keys that share much, and often stand at a border. */
static void random_key(u8 *key, u32 length)
{
	static const u8 usual[] = {0, 0, 0xff, 0xff, 1, 0xfe, 0x7f, 0x80};
	u32 same = (u32)rand() % (length + 1);

	for (u32 i = 0; i < length; i++)
		key[i] = i < same ? (u8)(7 * i) : rand() % 4 ? usual[rand() % 8] : (u8)rand();
}

static void random_range(u8 *lo, u8 *hi, u32 length)
{
	u32 same = (u32)rand() % (length + 1);

	random_key(lo, length);
	random_key(hi, length);
	memcpy(hi, lo, same);
	if (rand() % 3 == 0) { /* a prefix */
		memset(lo + same, 0, length - same);
		memset(hi + same, 0xff, length - same);
	}
	if (memcmp(lo, hi, length) > 0) {
		u8 swap[SL_TRIE_KEY_MAX];

		memcpy(swap, lo, length);
		memcpy(lo, hi, length);
		memcpy(hi, swap, length);
	}
}

static void step(u8 *key, u32 length, int by)
{
	for (u32 i = length; i-- > 0;) {
		key[i] = (u8)(key[i] + by);
		if (key[i] != (by > 0 ? 0 : 0xff))
			return;
	}
}

static void probe(const struct pair *pair)
{
	const struct change *last = &pair->changes[pair->count - 1];
	u8 key[SL_TRIE_KEY_MAX];

	for (int by = -1; by <= 1; by++) {
		memcpy(key, last->lo, pair->length);
		step(key, pair->length, by ? by : 0);
		expect_same(pair, key);
		memcpy(key, last->hi, pair->length);
		step(key, pair->length, by ? by : 0);
		expect_same(pair, key);
	}
	for (u32 i = 0; i < 8; i++) {
		random_key(key, pair->length);
		expect_same(pair, key);
	}
	expect_same(pair, pair->changes[(u32)rand() % pair->count].lo);
	expect_same(pair, pair->changes[(u32)rand() % pair->count].hi);
}

static void change_at_random(struct pair *pair, u32 changes)
{
	u8 lo[SL_TRIE_KEY_MAX], hi[SL_TRIE_KEY_MAX];

	for (u32 i = 0; i < changes; i++) {
		const struct change *old = &pair->changes[rand() % (int)(i + 1)];

		random_range(lo, hi, pair->length);
		if (i && rand() % 2) { /* one that came before, to go or to come again */
			memcpy(lo, old->lo, pair->length);
			memcpy(hi, old->hi, pair->length);
		}
		change(pair, lo, hi, rand() % 3 ? i + 1 : 0);
		probe(pair);
	}
}

static void random_changes_match_the_log(void **unused)
{
	struct pair *pair = malloc(sizeof *pair);

	(void)unused;
	srand(1);
	for (u32 i = 0; i < 16 * 8; i++) {
		static const enum begin begins[] = {NARROW, MIDDLE, WIDE, LINES};

		begin(pair, 1 + i % 16, i & 16, begins[i / 32]);
		change_at_random(pair, CHANGES_MAX);
		end(pair);
	}
	free(pair);
}

static u32 units_in_use(const struct sl_tries *tries)
{
	static const u32 sizes[] = {1, 2, 3, 4, 5, 32, 128};
	u32 used = tries->count;

	for (u32 i = 0; i < SL_ARRAY_SIZE(sizes); i++)
		for (u32 block = tries->free[i]; block; block = (u32)tries->units[block])
			used -= sizes[i];
	return used;
}

/* Nested and crossing ranges too, which the kernel only allows once the older ones expired. */
static void what_is_removed_gives_its_memory_back(void **unused)
{
	struct pair *pair = malloc(sizeof *pair);
	u8 lo[SL_TRIE_KEY_MAX] = {0}, hi[SL_TRIE_KEY_MAX];
	u32 empty;

	(void)unused;
	srand(2);
	memset(hi, 0xff, sizeof hi);
	for (u32 length = 1; length <= 16; length++) {
		begin(pair, length, false, NARROW);
		empty = units_in_use(&pair->tries);
		change_at_random(pair, CHANGES_MAX - 1);
		change(pair, lo, hi, 0);
		assert_int_equal(units_in_use(&pair->tries), empty);
		end(pair);
	}
	free(pair);
}

/* 10.0.0.0/16, and what its addresses should be: two lines, or as much of other tries. */
struct crowd {
	struct pair pair;
	bool is_in[1 << 16];
	u32 empty; /* units in use */
};

static struct crowd *begin_crowd(enum begin elements)
{
	struct crowd *crowd = calloc(1, sizeof *crowd);

	assert_non_null(crowd);
	begin(&crowd->pair, 4, false, elements);
	crowd->empty = units_in_use(&crowd->pair.tries);
	return crowd;
}

static void change_crowd(struct crowd *crowd, u32 lo, u32 hi, bool in)
{
	struct pair *pair = &crowd->pair;
	u8 from[4] = {10, 0, (u8)(lo >> 8), (u8)lo}, to[4] = {10, 0, (u8)(hi >> 8), (u8)hi};

	if (in)
		assert_int_equal(add(pair, from, to, 1), 0);
	else
		assert_int_equal(sl_trie_remove(&pair->tries, &pair->set, from, to), 0);
	memset(crowd->is_in + lo, in, hi - lo + 1);
}

static void expect_crowd(const struct crowd *crowd)
{
	for (u32 i = 0; i < 1 << 16; i++) {
		u8 key[4] = {10, 0, (u8)(i >> 8), (u8)i};

		assert_int_equal(sl_trie_find(&crowd->pair.tries, &crowd->pair.set, key),
				 crowd->is_in[i]);
	}
}

/* First a few, which a line has room for, then so many that addresses alternate; and all go. */
static void crowd_and_thin_out(struct crowd *crowd)
{
	for (u32 i = 1; i <= 30000; i++) {
		u32 lo = (u32)rand() % (1 << 16), size = i % 100 ? (u32)rand() % 4 : 3000;
		u32 hi = lo + size < 1 << 16 ? lo + size : lo;

		change_crowd(crowd, lo, hi, rand() % 2);
		if (i == 20 || i == 200 || i == 2000 || i == 30000)
			expect_crowd(crowd);
	}
	for (u32 i = 0; i < 1 << 16; i += 16) /* not all at once, so that every form comes again */
		change_crowd(crowd, (i * 25) & 0xffff, ((i * 25) & 0xffff) + 15, false);
	expect_crowd(crowd);
	assert_int_equal(units_in_use(&crowd->pair.tries), crowd->empty);
}

static void crowded_networks_fill_and_empty(void **unused)
{
	static const enum begin begins[] = {NARROW, MIDDLE, WIDE, LINES};

	(void)unused;
	srand(5);
	for (u32 i = 0; i < SL_ARRAY_SIZE(begins); i++) {
		struct crowd *crowd = begin_crowd(begins[i]);

		crowd_and_thin_out(crowd);
		end(&crowd->pair);
		free(crowd);
	}
}

/* One range more than it has room for, and one less. */
static void a_line_holds_words_only_while_it_must(void **unused)
{
	struct crowd *crowd = begin_crowd(LINES);

	(void)unused;
	for (u32 i = 0; i < 16; i++)
		change_crowd(crowd, 3 + 2000 * i, 5 + 2000 * i, true);
	assert_int_equal(units_in_use(&crowd->pair.tries), crowd->empty);
	change_crowd(crowd, 10, 20, true);
	assert_true(units_in_use(&crowd->pair.tries) > crowd->empty);
	expect_crowd(crowd);
	change_crowd(crowd, 3 + 2000, 5 + 2000, false);
	assert_int_equal(units_in_use(&crowd->pair.tries), crowd->empty);
	expect_crowd(crowd);
	end(&crowd->pair);
	free(crowd);
}

/* In the map's memory, which begins with a page, no line lies in two of the processor's. */
static void lines_are_aligned(void **unused)
{
	(void)unused;
	for (u32 sets = 1; sets < 20; sets++) {
		struct sl_set set = {.kind = SL_SET_INTERVAL, .index = 0, .key_length = 4};
		struct sl_tries tries;

		assert_int_equal(sl_tries_init(&tries, sets), 0);
		assert_int_equal(sl_trie_begin(&tries, &set, LINES), 0);
		assert_true(tries.units[0] & SL_TRIE_ROOT_LINES);
		assert_int_equal((u32)tries.units[0] % SL_TRIE_LINE_UNITS, 0);
		sl_tries_free(&tries);
	}
}

/* In whatever order it was made, a set takes as much. */
static void the_shape_does_not_depend_on_the_way_there(void **unused)
{
	struct pair *straight = malloc(sizeof *straight), *winding = malloc(sizeof *winding);
	u8 lo[2] = {0}, hi[2] = {0};

	(void)unused;
	srand(3);
	begin(straight, 2, true, NARROW);
	begin(winding, 2, true, NARROW);
	for (u32 i = 0; i < 100; i++) {
		u32 number = i * 601 + (u32)rand() % 300, size = (u32)rand() % 300;

		lo[0] = (u8)(number >> 8);
		lo[1] = (u8)number;
		hi[0] = (u8)((number + size) >> 8);
		hi[1] = (u8)(number + size);
		change(straight, lo, hi, i + 1);
	}
	for (u32 i = 0; i < 300; i++) {
		const struct change *change = &straight->changes[i * 37 % 100];

		if (i < 100)
			assert_int_equal(add(winding, change->lo, change->hi, change->id), 0);
		else if (i < 200)
			assert_int_equal(sl_trie_remove(&winding->tries, &winding->set, change->lo,
							change->hi),
					 0);
		else
			assert_int_equal(add(winding, change->lo, change->hi, change->id), 0);
	}
	assert_int_equal(units_in_use(&winding->tries), units_in_use(&straight->tries));
	end(straight);
	end(winding);
	free(straight);
	free(winding);
}

static u64 root_words(u32 length, u32 elements)
{
	struct pair *pair = malloc(sizeof *pair);
	u64 bits;

	begin(pair, length, false, elements);
	bits = pair->tries.units[pair->set.index] >> 32;
	end(pair);
	free(pair);
	return bits ? 1u << bits : 1;
}

/* Half of them would never be asked for. */
static void a_root_has_no_more_words_than_there_are_keys(void **unused)
{
	(void)unused;
	for (u32 elements = 1; elements <= 1 << 16; elements *= 2) {
		assert_true(root_words(1, elements) <= 1 << 8);
		assert_true(root_words(2, elements) <= 1 << 16);
	}
	assert_int_equal(root_words(2, 1 << 15), 1 << 16);
	assert_int_equal(root_words(4, 1 << 14), 1 << 17);
}

static void the_whole_space_is_one_leaf(void **unused)
{
	struct pair *pair = malloc(sizeof *pair);
	u8 lo[SL_TRIE_KEY_MAX] = {0}, hi[SL_TRIE_KEY_MAX];

	(void)unused;
	memset(hi, 0xff, sizeof hi);
	for (u32 length = 1; length <= 16; length++) {
		begin(pair, length, false, NARROW);
		change(pair, lo, hi, 1);
		assert_int_equal(pair->tries.count,
				 4); /* the roots, and number 0 is never a block */
		expect_same(pair, lo);
		expect_same(pair, hi);
		change(pair, lo, lo, 0);
		change(pair, hi, hi, 0);
		probe(pair);
		end(pair);
	}
	free(pair);
}

static void sets_of_one_image_do_not_mix(void **unused)
{
	struct sl_set ports = {.kind = SL_SET_INTERVAL, .index = 0, .key_length = 2};
	struct sl_set hosts = {.kind = SL_SET_INTERVAL, .index = 1, .key_length = 4};
	struct sl_element low = {.key = (u8[]){0, 0}, .key_end = (u8[]){3, 255}};
	struct sl_element net = {.key = (u8[]){10, 0, 0, 0}, .key_end = (u8[]){10, 0, 0, 255}};
	struct sl_tries tries;

	(void)unused;
	assert_int_equal(sl_tries_init(&tries, 2), 0);
	assert_int_equal(sl_trie_begin(&tries, &hosts, WIDE), 0);
	assert_int_equal(sl_trie_add(&tries, &ports, &low, 0), 0);
	assert_int_equal(sl_trie_add(&tries, &hosts, &net, 0), 0);
	assert_int_equal(sl_trie_find(&tries, &ports, (u8[]){3, 255}), 1);
	assert_int_equal(sl_trie_find(&tries, &ports, (u8[]){10, 0}), 0);
	assert_int_equal(sl_trie_find(&tries, &hosts, (u8[]){10, 0, 0, 7}), 1);
	assert_int_equal(sl_trie_find(&tries, &hosts, (u8[]){3, 255, 0, 0}), 0);
	sl_tries_free(&tries);
}

/* As in a map: not one unit more than it was given. */
static void fix(struct pair *pair, u32 room)
{
	u32 capacity = pair->tries.count + room;
	u64 *units = calloc(capacity, sizeof *units);

	assert_non_null(units);
	sl_tries_move(&pair->tries, units, capacity);
}

static void end_fixed(struct pair *pair)
{
	u64 *units = pair->tries.units;

	end(pair);
	free(units);
}

static void a_full_image_says_so(void **unused)
{
	struct pair *pair = malloc(sizeof *pair);
	int error = 0;
	u32 added = 0;

	(void)unused;
	begin(pair, 4, true, NARROW);
	fix(pair, 1000);
	for (; !error; added++) {
		u8 key[4] = {(u8)(11 * added), (u8)(37 * added), (u8)added, 1};

		error = add(pair, key, key, added + 1);
	}
	assert_int_equal(error, -E2BIG);
	assert_in_range(added, 100, 500);
	assert_in_range(pair->tries.count, 990, pair->tries.capacity);
	end_fixed(pair);
	free(pair);
}

/* What expires and comes again for days must not fill the image. */
static void memory_is_used_again(void **unused)
{
	struct pair *pair = malloc(sizeof *pair);

	(void)unused;
	begin(pair, 4, true, NARROW);
	fix(pair, 2000);
	for (u32 i = 0; i < 20000; i++) {
		u8 lo[4] = {10, (u8)(i % 3), (u8)(i * 7), 0}, hi[4] = {10, lo[1], lo[2], 0x7f};

		assert_int_equal(add(pair, lo, hi, i + 1), 0);
		if (i % 2) /* the other half is renewed later */
			assert_int_equal(sl_trie_remove(&pair->tries, &pair->set, lo, hi), 0);
	}
	end_fixed(pair);
	free(pair);
}

/* While user space writes, the data plane may read anything. */
static void a_walk_in_a_heap_of_rubble_ends(void **unused)
{
	static u64 units[512];

	(void)unused;
	srand(4);
	for (u32 i = 0; i < 200000; i++) {
		if (i % 1000 == 0) {
			for (u32 k = 0; k < SL_ARRAY_SIZE(units); k++)
				units[k] = (u64)rand() << 43 ^ (u64)rand() << 20 ^ (u64)rand();
			for (u32 k = 0; k < SL_ARRAY_SIZE(units); k += 1 + (u32)rand() % 3)
				units[k] &= 0xfff00000fffULL;
		}
		sl_trie_walk((const __u64 *)units, SL_ARRAY_SIZE(units), (u32)rand() % 1100,
			     (u64)rand() << 40 ^ (u64)rand(), (u64)rand());
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes_match_the_log),
		cmocka_unit_test(what_is_removed_gives_its_memory_back),
		cmocka_unit_test(crowded_networks_fill_and_empty),
		cmocka_unit_test(a_line_holds_words_only_while_it_must),
		cmocka_unit_test(lines_are_aligned),
		cmocka_unit_test(the_shape_does_not_depend_on_the_way_there),
		cmocka_unit_test(a_root_has_no_more_words_than_there_are_keys),
		cmocka_unit_test(the_whole_space_is_one_leaf),
		cmocka_unit_test(sets_of_one_image_do_not_mix),
		cmocka_unit_test(a_full_image_says_so),
		cmocka_unit_test(memory_is_used_again),
		cmocka_unit_test(a_walk_in_a_heap_of_rubble_ends),
	};

	return cmocka_run_group_tests_name("classify/tries", tests, NULL, NULL);
}
