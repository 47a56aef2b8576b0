// SPDX-License-Identifier: GPL-2.0-only
/*
 * Boxes against the interpreter: random programs, in which every rule that has boxes is replaced by
 * rules that ask for just these ranges, must judge random frames as before.
 */
#include "generate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "classify/boxes.h"
#include "optimise/optimise.h"
#include "twins.h"

#define PROGRAMS 1500
#define FRAMES   60

struct tally {
	u32 told, refused, boxes, dropped;
};

static void *need(void *memory)
{
	assert_non_null(memory);
	return memory;
}

static void push_op(struct sl_program *program, struct sl_rule *rule, struct sl_op op)
{
	*(struct sl_op *)need(sl_list_push(program->arena, &rule->ops)) = op;
}

static const u8 *to_bytes(struct sl_program *program, u32 number, u32 length)
{
	u8 *bytes = need(sl_arena_alloc(program->arena, SL_KEY_MAX));

	for (u32 i = length; i-- > 0; number >>= 8)
		bytes[i] = (u8)number;
	return bytes;
}

static struct sl_op action_op(const struct sl_box *box)
{
	static const struct sl_op ops[] = {
		[SL_ITEM_CONTINUE] = {.kind = SL_OP_VERDICT, .verdict = {SL_VERDICT_RETURN}},
		[SL_ITEM_ACCEPT] = {.kind = SL_OP_VERDICT, .verdict = {SL_VERDICT_ACCEPT}},
		[SL_ITEM_DROP] = {.kind = SL_OP_VERDICT, .verdict = {SL_VERDICT_DROP}},
		[SL_ITEM_PASS] = {.kind = SL_OP_KERNEL, .reason = "a box"},
		[SL_ITEM_RETURN] = {.kind = SL_OP_VERDICT, .verdict = {SL_VERDICT_RETURN}},
	};

	return ops[box->action];
}

/* A packet in this box, told as a rule. What is not asked is not loaded. */
static void add_box_rule(struct sl_program *program, struct sl_chain *chain,
			 const struct sl_lanes *lanes, const struct sl_box *box)
{
	struct sl_rule *rule = need(sl_list_push(program->arena, &chain->rules));

	for (u32 i = 0; i < lanes->count; i++) {
		const struct sl_range *range = &box->lanes[i];

		assert_true(range->lo <= range->hi && range->hi <= sl_lane_max(lanes, i));
		if (range->lo || range->hi != sl_lane_max(lanes, i))
			push_op(program, rule,
				(struct sl_op){
					.kind = SL_OP_RANGE,
					.key = lanes->keys[i],
					.data = to_bytes(program, range->lo, lanes->keys[i].length),
					.data_end = to_bytes(program, range->hi,
							     lanes->keys[i].length)});
	}
	if (box->worlds != SL_WORLDS_ALL)
		push_op(program, rule, (struct sl_op){.kind = SL_OP_STATE, .worlds = box->worlds});
	if (box->counts)
		push_op(program, rule,
			(struct sl_op){.kind = SL_OP_COUNTER, .counter = box->counter});
	push_op(program, rule, action_op(box));
}

/* A rule that only counts does so once, in however many of its boxes the packet is. */
static void add_boxes(struct sl_program *program, struct sl_chain *chain,
		      const struct sl_lanes *lanes, const struct sl_boxes *boxes)
{
	struct sl_chain *to = chain;

	if (boxes->list.count && boxes->list.items[0].action == SL_ITEM_CONTINUE) {
		to = need(sl_program_add_chain(program, chain->family, chain->table, "counted"));
		push_op(program, need(sl_list_push(program->arena, &chain->rules)),
			(struct sl_op){.kind = SL_OP_VERDICT, .verdict = {SL_VERDICT_JUMP, to}});
	}
	for (u32 i = 0; i < boxes->list.count; i++)
		add_box_rule(program, to, lanes, &boxes->list.items[i]);
}

static void retell_chain(struct sl_program *program, struct sl_chain *chain,
			 const struct sl_place *place, struct tally *tally)
{
	struct sl_chain old = *chain;

	chain->rules.items = NULL;
	chain->rules.count = chain->rules.capacity = 0;
	for (u32 i = 0; i < old.rules.count; i++) {
		struct sl_boxes boxes = {0};
		struct sl_lanes lanes = {0};
		int error = sl_boxes_add_rule(&boxes, &lanes, program->arena, &old.rules.items[i],
					      i, place);

		tally->told += !error;
		tally->refused += error != 0;
		tally->boxes += boxes.list.count;
		if (!error) {
			add_boxes(program, chain, &lanes, &boxes);
			continue;
		}
		assert_int_equal(boxes.list.count + lanes.count, 0);
		*(struct sl_rule *)need(sl_list_push(program->arena, &chain->rules)) =
			old.rules.items[i];
	}
}

static void retell(struct sl_program *program, struct tally *tally)
{
	struct sl_place *places = need(sl_places_find(program, program->arena));
	u32 count = program->chains.count;

	for (u32 i = 0; i < count; i++)
		retell_chain(program, program->chains.items[i], &places[i], tally);
}

static void rules_told_as_boxes_judge_alike(void **unused)
{
	struct tally tally = {0};

	(void)unused;
	for (u64 seed = 1; seed <= PROGRAMS; seed++) {
		struct sl_program *plain = sl_random_program(seed, 1 + seed % 12);
		struct sl_program *retold = sl_random_program(seed, 1 + seed % 12);

		assert_int_equal(sl_optimise_specialise(plain), 0);
		assert_int_equal(sl_optimise_specialise(retold), 0);
		retell(retold, &tally);
		tally.dropped += sl_twins_compare(seed, plain, retold, FRAMES, true);
		sl_program_free(plain);
		sl_program_free(retold);
	}
	print_message("%u rules told in %u boxes, %u refused; %u frames dropped\n", tally.told,
		      tally.boxes, tally.refused, tally.dropped);
	assert_true(tally.told > tally.refused / 2 && tally.boxes > tally.told / 2);
	assert_true(tally.dropped > PROGRAMS * FRAMES / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_told_as_boxes_judge_alike),
	};

	return cmocka_run_group_tests_name("oracle/boxes", tests, NULL, NULL);
}
