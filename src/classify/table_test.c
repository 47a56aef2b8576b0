// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables, and forks, against a look at each box in turn: the same positions, worlds and hits, step
 * by step.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "classify/forks.h"
#include "classify/table.h"

#define ROOMY UINT32_MAX

/* A generator of its own, so that a seed means the same everywhere. */
static u64 seed;

static u32 random_below(u64 limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (u32)((seed >> 16) % limit);
}

struct bed {
	struct sl_arena *arena;
	struct sl_lanes lanes;
	struct sl_boxes boxes;
	struct sl_image image;
	struct sl_table_shape shape;
	u32 root;
	struct sl_forks forks; /* without a root where there are too many boxes */
};

static struct bed begin(u32 lane_count, const u8 *lengths)
{
	struct bed bed = {.arena = sl_arena_new(), .lanes.count = lane_count};

	assert_non_null(bed.arena);
	for (u32 lane = 0; lane < lane_count; lane++)
		bed.lanes.keys[lane].length = lengths[lane];
	return bed;
}

static void end(struct bed *bed)
{
	sl_image_free(&bed->image);
	sl_arena_free(bed->arena);
}

static const u8 ipv4[] = {4, 4, 1, 2, 2};
static const u8 ipv6[] = {4, 4, 4, 4, 4, 4, 4, 4, 1, 2, 2};

/* A box that asks nothing yet, and drops. */
static struct sl_box *add_box(struct bed *bed, u32 position)
{
	struct sl_box *box = sl_list_push(bed->arena, &bed->boxes.list);

	assert_non_null(box);
	*box = (struct sl_box){.position = position,
			       .worlds = SL_WORLDS_ALL,
			       .action = SL_ITEM_DROP,
			       .counts = true,
			       .counter = 1000 + position};
	for (u32 lane = 0; lane < bed->lanes.count; lane++)
		box->lanes[lane].hi = sl_lane_max(&bed->lanes, lane);
	return box;
}

static void set_prefix(struct sl_range *range, u32 address, u32 bits)
{
	u32 rest = bits >= 32 ? 0 : UINT32_MAX >> bits;

	*range = (struct sl_range){address & ~rest, address | rest};
}

static int build(struct bed *bed)
{
	int error;

	bed->forks.root = NULL;
	error = sl_forks_build(&bed->boxes, &bed->lanes, bed->arena, &bed->forks);

	if (error)
		assert_int_equal(error, -E2BIG);
	return sl_table_build(&bed->boxes, &bed->lanes, ROOMY, &bed->image, &bed->root,
			      &bed->shape);
}

/* The stupid twin: the first box, in order, that matches in a live world. */

static bool is_inside(const struct bed *bed, const struct sl_box *box, const u32 *values)
{
	for (u32 lane = 0; lane < bed->lanes.count; lane++)
		if (values[lane] < box->lanes[lane].lo || values[lane] > box->lanes[lane].hi)
			return false;
	return true;
}

static enum sl_step_result meet(const struct sl_box *box, u32 matched, struct sl_question *question)
{
	question->from = box->position + 1;
	if (box->counts)
		question->hit = box->counter << 8 | matched;
	if (box->action != SL_ITEM_CONTINUE)
		question->worlds &= ~matched;
	if (box->action == SL_ITEM_ACCEPT)
		question->worlds |= matched << 8;
	if (box->action == SL_ITEM_PASS)
		question->worlds |= matched << 16;
	if (box->action == SL_ITEM_RETURN)
		question->returned |= matched;
	return question->worlds & 0xff ? SL_STEP_AGAIN : SL_STEP_FINISHED;
}

static enum sl_step_result look_at_each(const struct bed *bed, struct sl_question *question)
{
	question->hit = 0;
	for (u32 i = 0; i < bed->boxes.list.count; i++) {
		const struct sl_box *box = &bed->boxes.list.items[i];
		u32 matched = box->worlds & question->worlds & 0xff;

		if (box->position < question->from || !matched ||
		    !is_inside(bed, box, question->lanes))
			continue;
		return meet(box, matched, question);
	}
	return SL_STEP_FINISHED;
}

/* Asks both until they are done. `words` ends where the image does, for ASan to see. */
static void compare_answers(const struct bed *bed, const __u64 *words,
			    const struct sl_question *question)
{
	struct sl_question table = *question, twin = *question;
	enum sl_step_result expected, found;

	do {
		expected = look_at_each(bed, &twin);
		found = sl_table_step(words, bed->image.count, &table);
		assert_int_equal(found, expected);
		assert_int_equal(table.hit, twin.hit);
		assert_int_equal(table.worlds, twin.worlds);
		assert_int_equal(table.returned, twin.returned);
		assert_int_equal(table.from, twin.from);
	} while (expected == SL_STEP_AGAIN);
}

/* The way that code takes. */

static const struct sl_fork *find_leaf(const struct bed *bed, const struct sl_question *question)
{
	const struct sl_fork *fork = bed->forks.root;

	while (fork->below)
		fork = question->lanes[fork->lane] < fork->border ? fork->below : fork->above;
	return fork;
}

static bool passes(const struct sl_fork_item *item, const struct sl_question *question)
{
	for (u32 i = 0; i < item->test_count; i++) {
		const struct sl_fork_test *test = &item->tests[i];
		u32 value = question->lanes[test->lane];

		if (value < test->values.lo || value > test->values.hi)
			return false;
	}
	return true;
}

static enum sl_step_result look_in_leaf(const struct sl_fork *leaf, struct sl_question *question)
{
	question->hit = 0;
	for (u32 i = 0; i < leaf->item_count; i++) {
		const struct sl_box *box = leaf->items[i].box;
		u32 matched = box->worlds & question->worlds & 0xff;

		if (box->position >= question->from && matched && passes(&leaf->items[i], question))
			return meet(box, matched, question);
	}
	return SL_STEP_FINISHED;
}

static void compare_forks(const struct bed *bed, const struct sl_question *question)
{
	struct sl_question forks = *question, twin = *question;
	const struct sl_fork *leaf = find_leaf(bed, question);
	enum sl_step_result expected, found;

	do {
		expected = look_at_each(bed, &twin);
		found = look_in_leaf(leaf, &forks);
		assert_int_equal(found, expected);
		assert_memory_equal(&forks, &twin, sizeof twin);
	} while (expected == SL_STEP_AGAIN);
}

/* Values at and about the borders of some box, lanes of another now and then, and anything. */
static void choose_values(const struct bed *bed, u32 *values)
{
	const struct sl_box *boxes = bed->boxes.list.items;
	const struct sl_box *box = &boxes[random_below(bed->boxes.list.count)];

	for (u32 lane = 0; lane < bed->lanes.count; lane++) {
		if (!random_below(8))
			box = &boxes[random_below(bed->boxes.list.count)];

		const struct sl_range *range = &box->lanes[lane];
		const u32 choices[] = {
			range->lo,
			range->hi,
			range->lo - 1,
			range->hi + 1,
			range->lo + random_below((u64)range->hi - range->lo + 1),
			range->lo + random_below((u64)range->hi - range->lo + 1),
			random_below(UINT32_MAX),
		};

		values[lane] = choices[random_below(SL_ARRAY_SIZE(choices))] &
			       sl_lane_max(&bed->lanes, lane);
	}
}

static void expect_twin(const struct bed *bed, u32 questions)
{
	__u64 *words = malloc(bed->image.count * sizeof *words);

	assert_non_null(words);
	memcpy(words, bed->image.words, bed->image.count * sizeof *words);
	for (u32 i = 0; i < questions; i++) {
		struct sl_question question = {.root = bed->root, .worlds = SL_WORLDS_ALL};

		if (random_below(2))
			question.worlds = random_below(SL_WORLDS_ALL + 1) | random_below(32) << 8;
		choose_values(bed, question.lanes);
		compare_answers(bed, words, &question);
		if (bed->forks.root)
			compare_forks(bed, &question);
	}
	free(words);
}

static void expect_built_like_twin(struct bed *bed, u32 questions)
{
	assert_int_equal(build(bed), 0);
	assert_true(bed->shape.depth <= SL_TABLE_LEVELS_MAX);
	assert_true(bed->shape.steps <= SL_TABLE_STEPS_MAX);
	expect_twin(bed, questions);
}

/* Random tables */

static void set_random_range(struct sl_range *range, u32 max)
{
	u32 one = random_below((u64)max + 1), other = random_below((u64)max + 1);

	switch (random_below(4)) {
	case 0:
		break;
	case 1:
		*range = (struct sl_range){one, one};
		break;
	case 2:
		*range =
			one < other ? (struct sl_range){one, other} : (struct sl_range){other, one};
		break;
	default:
		/* Few different values, so that boxes meet. */
		*range = (struct sl_range){max / 8 * (one % 8), max / 8 * (one % 8) + other % 3};
	}
}

/* Boxes of one rule differ in their ranges alone. */
static void add_random_rule(struct bed *bed, u32 position, bool is_final)
{
	u32 boxes = 1 + (random_below(4) ? 0 : random_below(3));
	u8 worlds = random_below(3) ? SL_WORLDS_ALL : (u8)(1 + random_below(SL_WORLDS_ALL));
	u8 action = (u8)random_below(SL_ITEM_RETURN + 1);
	bool counts = random_below(2);

	if (is_final && action == SL_ITEM_CONTINUE)
		action = SL_ITEM_ACCEPT;
	for (u32 i = 0; i < boxes; i++) {
		struct sl_box *box = add_box(bed, position);

		box->worlds = is_final ? SL_WORLDS_ALL : worlds;
		box->action = action;
		box->counts = counts;
		for (u32 lane = 0; lane < bed->lanes.count; lane++)
			if (random_below(bed->lanes.count) < 3)
				set_random_range(&box->lanes[lane], sl_lane_max(&bed->lanes, lane));
	}
}

static void random_tables_are_like_their_boxes(void **unused)
{
	u32 built = 0, forked = 0;

	(void)unused;
	for (u32 table = 0; table < 3000; table++) {
		u32 rules = 1 + random_below(table % 10 ? 40 : 200), position = random_below(3);
		u8 lengths[SL_TABLE_LANES_MAX];
		struct bed bed;

		for (u32 lane = 0; lane < SL_TABLE_LANES_MAX; lane++)
			lengths[lane] = (u8)(1 + random_below(4));
		bed = begin(1 + random_below(SL_TABLE_LANES_MAX), lengths);
		for (u32 i = 0; i < rules; i++, position += 1 + random_below(3))
			add_random_rule(&bed, position, table % 2);
		if (!build(&bed)) {
			expect_twin(&bed, 60);
			built++;
			forked += bed.forks.root != NULL;
		}
		end(&bed);
	}
	printf("%u of 3000 tables built, %u as forks, too\n", built, forked);
	assert_true(built > 2700);
	assert_true(forked > 2000);
}

/* Shapes */

static u32 network(u32 site, u32 net)
{
	return 0x0a000000u + site * 0x01010000u + net * 0x100;
}

/* Like ClassBench's: prefixes of a few sites, known ports and ranges of them. */
static void add_firewall_rule(struct bed *bed, u32 position, u32 wide_in)
{
	static const struct sl_range ports[] = {{80, 80},     {443, 443},    {53, 53},
						{22, 22},     {1024, 65535}, {0, 65535},
						{6000, 6063}, {0, 1023},     {20, 21}};
	static const u8 bits[] = {8, 16, 24, 28, 32, 32};
	struct sl_box *box = add_box(bed, position);

	if (random_below(wide_in))
		set_prefix(&box->lanes[0], network(random_below(40), random_below(64)),
			   bits[random_below(SL_ARRAY_SIZE(bits))]);
	if (random_below(20))
		set_prefix(&box->lanes[1], network(random_below(40), random_below(64)),
			   bits[random_below(SL_ARRAY_SIZE(bits))]);
	if (random_below(8))
		box->lanes[2] =
			random_below(3) ? (struct sl_range){6, 6} : (struct sl_range){17, 17};
	box->lanes[4] = ports[random_below(SL_ARRAY_SIZE(ports))];
	if (!random_below(6))
		box->lanes[3] = ports[random_below(SL_ARRAY_SIZE(ports))];
	box->action = random_below(3) ? SL_ITEM_ACCEPT : SL_ITEM_DROP;
}

static void firewalls_are_like_their_boxes(void **unused)
{
	static const u32 wide_in[] = {2, 10, 1000};

	(void)unused;
	for (u32 shape = 0; shape < SL_ARRAY_SIZE(wide_in); shape++)
		for (u32 rules = 25; rules <= 2000; rules *= 3) {
			struct bed bed = begin(SL_ARRAY_SIZE(ipv4), ipv4);

			for (u32 i = 0; i < rules; i++)
				add_firewall_rule(&bed, i, wide_in[shape]);
			expect_built_like_twin(&bed, 1000);
			end(&bed);
		}
}

static void nested_prefixes_are_told_apart(void **unused)
{
	struct bed bed = begin(SL_ARRAY_SIZE(ipv4), ipv4);
	u32 position = 0;

	(void)unused;
	for (u32 bits = 33; bits-- > 1; position++)
		set_prefix(&add_box(&bed, position)->lanes[0], 0xc0a80101, bits);
	for (u32 bits = 33; bits-- > 0; position++)
		set_prefix(&add_box(&bed, position)->lanes[1], 0x01010101, bits);
	expect_built_like_twin(&bed, 5000);
	end(&bed);
}

static void addresses_of_four_lanes_are_told_apart(void **unused)
{
	struct bed bed = begin(SL_ARRAY_SIZE(ipv6), ipv6);

	(void)unused;
	for (u32 i = 0; i < 1500; i++) {
		struct sl_box *box = add_box(&bed, i);
		u32 first = random_below(2) * 4;

		set_prefix(&box->lanes[first], 0x20010db8, 32);
		set_prefix(&box->lanes[first + 1], random_below(200) << 16, 16 + random_below(17));
		if (random_below(2)) {
			set_prefix(&box->lanes[first + 2], random_below(3), 32);
			set_prefix(&box->lanes[first + 3], random_below(UINT32_MAX), 32);
		}
		if (random_below(2))
			box->lanes[10] = (struct sl_range){i % 50, i % 50 + random_below(3)};
	}
	expect_built_like_twin(&bed, 3000);
	end(&bed);
}

static void every_port_can_have_its_rule(void **unused)
{
	struct bed bed = begin(SL_ARRAY_SIZE(ipv4), ipv4);

	(void)unused;
	for (u32 i = 0; i < 3000; i++)
		add_box(&bed, i)->lanes[4] = (struct sl_range){20 * i, 20 * i + 25};
	expect_built_like_twin(&bed, 3000);
	assert_true(bed.shape.items < 9000);
	end(&bed);
}

static void the_same_box_again_is_left_out(void **unused)
{
	struct bed bed = begin(SL_ARRAY_SIZE(ipv4), ipv4);

	(void)unused;
	for (u32 i = 0; i < 1000; i++)
		set_prefix(&add_box(&bed, i)->lanes[1], 0x0a000000, 24);
	expect_built_like_twin(&bed, 500);
	assert_true(bed.shape.items < 10);
	end(&bed);
}

static void a_rule_that_takes_all_hides_the_rest(void **unused)
{
	struct bed bed = begin(SL_ARRAY_SIZE(ipv4), ipv4);

	(void)unused;
	add_box(&bed, 0);
	for (u32 i = 1; i < 300; i++)
		add_firewall_rule(&bed, i, 10);
	expect_built_like_twin(&bed, 500);
	assert_int_equal(bed.shape.items, 1);
	end(&bed);
}

static void a_rule_that_takes_some_worlds_hides_nothing(void **unused)
{
	struct bed bed = begin(SL_ARRAY_SIZE(ipv4), ipv4);

	(void)unused;
	add_box(&bed, 0)->worlds = SL_WORLD_ESTABLISHED | SL_WORLD_RELATED;
	for (u32 i = 1; i < 300; i++)
		add_firewall_rule(&bed, i, 10);
	expect_built_like_twin(&bed, 2000);
	end(&bed);
}

static void rules_that_only_count_are_all_met(void **unused)
{
	struct bed bed = begin(SL_ARRAY_SIZE(ipv4), ipv4);

	(void)unused;
	for (u32 i = 0; i < 100; i++) {
		add_firewall_rule(&bed, i, 10);
		if (i % 3)
			bed.boxes.list.items[i].action = SL_ITEM_CONTINUE;
	}
	expect_built_like_twin(&bed, 2000);
	end(&bed);
}

/* Its leaves are known: the roots are not looked at again. */
static void a_question_that_goes_on_stays_in_its_leaves(void **unused)
{
	struct bed bed = begin(SL_ARRAY_SIZE(ipv4), ipv4);
	struct sl_question table = {.worlds = SL_WORLDS_ALL, .lanes = {5, 7}}, twin;
	u32 met = 0;

	(void)unused;
	for (u32 i = 0; i < 2000; i++) {
		struct sl_box *box = add_box(&bed, i);
		u32 lane = (i ^ i >> 3) & 1;

		box->lanes[lane] = (struct sl_range){i, i};
		if (i >= 30)
			continue;
		box->lanes[lane] = (struct sl_range){5, 7 + i};
		box->action = SL_ITEM_CONTINUE;
	}
	assert_int_equal(build(&bed), 0);
	assert_true(bed.shape.trees > 1);
	table.root = bed.root;
	twin = table;
	for (enum sl_step_result expected = SL_STEP_AGAIN; expected == SL_STEP_AGAIN; met++) {
		expected = look_at_each(&bed, &twin);
		assert_int_equal(sl_table_step(bed.image.words, bed.image.count, &table), expected);
		assert_int_equal(table.hit, twin.hit);
		assert_int_equal(table.from, twin.from);
		for (u32 i = 0; i < SL_TABLE_TREES_MAX; i++)
			bed.image.words[bed.root + 1 + i] = SL_NODE_CUT | ~0ull << 32;
	}
	assert_int_equal(met, 31);
	end(&bed);
}

/* All rules are within few values, which a cut takes for all there are. */
static void packets_from_elsewhere_are_told_apart(void **unused)
{
	struct bed bed = begin(SL_ARRAY_SIZE(ipv4), ipv4);

	(void)unused;
	for (u32 i = 0; i < 1000; i++) {
		struct sl_box *box = add_box(&bed, i);

		set_prefix(&box->lanes[0], 0x0a010000 + (i & 255) * 4, 30);
		set_prefix(&box->lanes[1], 0x0b020300 + i / 256 * 8, 29);
	}
	expect_built_like_twin(&bed, 1000);
	for (u32 i = 0; i < 20000; i++) {
		struct sl_question question = {.root = bed.root, .worlds = SL_WORLDS_ALL};

		question.lanes[0] = 0x0a010000 + random_below(1024);
		question.lanes[1] = 0x0b020300 + random_below(32);
		question.lanes[random_below(2)] ^= 1u << (8 + random_below(24));
		compare_answers(&bed, bed.image.words, &question);
	}
	end(&bed);
}

/* Neighbours in different trees, whose boxes meet in one packet. */
static void the_first_of_two_trees_wins(void **unused)
{
	struct bed bed = begin(SL_ARRAY_SIZE(ipv4), ipv4);

	(void)unused;
	for (u32 i = 0; i < 4000; i++)
		set_prefix(&add_box(&bed, i)->lanes[(i ^ i >> 3) & 1], 0x0a000000 + i / 2 * 77, 32);
	expect_built_like_twin(&bed, 500);
	assert_true(bed.shape.trees > 1);
	for (u32 i = 0; i < 2000; i++) {
		struct sl_question question = {.root = bed.root, .worlds = SL_WORLDS_ALL};

		question.lanes[0] = question.lanes[1] = 0x0a000000 + i * 77;
		compare_answers(&bed, bed.image.words, &question);
	}
	end(&bed);
}

/* Whatever becomes of them: told at once, and never wrong. */
static void random_rectangles_are_right_or_refused(void **unused)
{
	struct bed bed = begin(SL_ARRAY_SIZE(ipv4), ipv4);
	int error;

	(void)unused;
	for (u32 i = 0; i < 1500; i++) {
		struct sl_box *box = add_box(&bed, i);

		for (u32 lane = 0; lane < 2; lane++) {
			u32 one = random_below(UINT32_MAX), other = random_below(UINT32_MAX);

			box->lanes[lane] = (struct sl_range){one < other ? one : other,
							     one < other ? other : one};
		}
	}
	error = build(&bed);
	assert_true(!error || error == -E2BIG || error == -ENOSPC);
	if (!error)
		expect_twin(&bed, 500);
	end(&bed);
}

/* Refusals, and images of several tables */

static void expect_refusal(struct bed *bed, u32 word_limit, int error)
{
	u32 count = bed->image.count, root = 12345;
	__u64 *before = malloc(count * sizeof *before + 1);
	struct sl_table_shape shape = {.words = 54321};

	assert_non_null(before);
	memcpy(before, bed->image.words, count * sizeof *before);
	assert_int_equal(
		sl_table_build(&bed->boxes, &bed->lanes, word_limit, &bed->image, &root, &shape),
		error);
	assert_int_equal(bed->image.count, count);
	assert_memory_equal(bed->image.words, before, count * sizeof *before);
	assert_int_equal(root, 12345);
	assert_int_equal(shape.words, 54321);
	free(before);
}

static void refusals_leave_the_image_as_it_was(void **unused)
{
	struct bed bed = begin(SL_ARRAY_SIZE(ipv4), ipv4);

	(void)unused;
	for (u32 i = 0; i < 200; i++)
		add_firewall_rule(&bed, i, 10);
	expect_built_like_twin(&bed, 100);
	expect_refusal(&bed, bed.image.count + 500, -ENOSPC);
	expect_twin(&bed, 100);
	end(&bed);
}

static void too_many_rules_for_one_packet_are_refused(void **unused)
{
	struct bed bed = begin(SL_ARRAY_SIZE(ipv4), ipv4);

	(void)unused;
	add_box(&bed, 0);
	expect_built_like_twin(&bed, 10);
	bed.boxes.list.count = 0;
	for (u32 i = 0; i < SL_TABLE_STEPS_MAX + 1; i++)
		add_box(&bed, i)->action = SL_ITEM_CONTINUE;
	expect_refusal(&bed, ROOMY, -E2BIG);
	end(&bed);
}

/* Boxes that are narrow in three of five lanes, always others: every cut copies most of them. */
static void a_table_takes_twice_the_memory_rather_than_none(void **unused)
{
	static const u8 addresses[] = {4, 4, 4, 4, 4};
	struct bed bed = begin(SL_ARRAY_SIZE(addresses), addresses);
	u32 usual = 14 * 2000 + 8192; /* table.c */

	(void)unused;
	add_box(&bed, 0);
	expect_built_like_twin(&bed, 10);
	bed.boxes.list.count = 0;
	for (u32 i = 0; i < 2000; i++) {
		struct sl_box *box = add_box(&bed, i);

		for (u32 k = 0; k < 3; k++) {
			u32 value = i * 2654435761u * (2 * k + 1);

			box->lanes[(i * (2 * k + 1) + i / 5 + k) % 5] =
				(struct sl_range){value, value};
		}
	}
	expect_refusal(&bed, bed.image.count + usual, -ENOSPC);
	expect_built_like_twin(&bed, 100);
	assert_true(bed.shape.words > usual);
	end(&bed);
}

static void tables_share_an_image(void **unused)
{
	struct bed bed = begin(SL_ARRAY_SIZE(ipv4), ipv4);
	struct sl_boxes first;
	struct sl_forks first_forks;
	u32 first_root;

	(void)unused;
	for (u32 i = 0; i < 100; i++)
		add_firewall_rule(&bed, i, 10);
	expect_built_like_twin(&bed, 500);
	first = bed.boxes;
	first_root = bed.root;
	first_forks = bed.forks;
	bed.boxes = (struct sl_boxes){0};
	for (u32 i = 0; i < 150; i++)
		add_firewall_rule(&bed, i, 3);
	expect_built_like_twin(&bed, 500);
	assert_int_not_equal(bed.root, first_root);
	bed.boxes = first;
	bed.root = first_root;
	bed.forks = first_forks;
	expect_twin(&bed, 500);
	end(&bed);
}

static void a_table_without_boxes_matches_nothing(void **unused)
{
	struct bed bed = begin(SL_ARRAY_SIZE(ipv4), ipv4);
	struct sl_question question = {.worlds = SL_WORLDS_ALL};

	(void)unused;
	assert_int_equal(build(&bed), 0);
	question.root = bed.root;
	compare_answers(&bed, bed.image.words, &question);
	end(&bed);
}

/* References that lead out of the image, or in circles. */
static void a_broken_image_is_noticed(void **unused)
{
	struct sl_question question = {.worlds = SL_WORLDS_ALL};
	struct bed bed = begin(SL_ARRAY_SIZE(ipv4), ipv4);

	(void)unused;
	for (u32 i = 0; i < 100; i++)
		add_firewall_rule(&bed, i, 10);
	assert_int_equal(build(&bed), 0);
	question.root = bed.image.count;
	assert_int_equal(sl_table_step(bed.image.words, bed.image.count, &question),
			 SL_STEP_BROKEN);
	question.root = bed.root;
	assert_int_equal(sl_table_step(bed.image.words, 0, &question), SL_STEP_BROKEN);
	bed.image.words[bed.root + 1] = SL_NODE_CUT | (u64)(bed.root + 1) << 32;
	assert_int_equal(sl_table_step(bed.image.words, bed.image.count, &question),
			 SL_STEP_BROKEN);
	bed.image.words[bed.root + 1] = SL_NODE_CUT | (u64)bed.image.count << 32;
	assert_int_equal(sl_table_step(bed.image.words, bed.image.count, &question),
			 SL_STEP_BROKEN);
	end(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_tables_are_like_their_boxes),
		cmocka_unit_test(firewalls_are_like_their_boxes),
		cmocka_unit_test(nested_prefixes_are_told_apart),
		cmocka_unit_test(addresses_of_four_lanes_are_told_apart),
		cmocka_unit_test(every_port_can_have_its_rule),
		cmocka_unit_test(the_same_box_again_is_left_out),
		cmocka_unit_test(a_rule_that_takes_all_hides_the_rest),
		cmocka_unit_test(a_rule_that_takes_some_worlds_hides_nothing),
		cmocka_unit_test(rules_that_only_count_are_all_met),
		cmocka_unit_test(a_question_that_goes_on_stays_in_its_leaves),
		cmocka_unit_test(packets_from_elsewhere_are_told_apart),
		cmocka_unit_test(the_first_of_two_trees_wins),
		cmocka_unit_test(random_rectangles_are_right_or_refused),
		cmocka_unit_test(refusals_leave_the_image_as_it_was),
		cmocka_unit_test(too_many_rules_for_one_packet_are_refused),
		cmocka_unit_test(a_table_takes_twice_the_memory_rather_than_none),
		cmocka_unit_test(tables_share_an_image),
		cmocka_unit_test(a_table_without_boxes_matches_nothing),
		cmocka_unit_test(a_broken_image_is_noticed),
	};
	const char *chosen = getenv("SLUICE_SEED");

	seed = chosen ? strtoull(chosen, NULL, 0) | 1 : 0x9e3779b97f4a7c15;
	printf("SLUICE_SEED=%#llx\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
