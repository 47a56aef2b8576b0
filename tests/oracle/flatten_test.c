// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inlined chains against the interpreter. The chains of random programs rarely hold plain rules
 * only; so what keeps them from being inlined is taken out first, more or less of it.
 */
#include "generate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "classify/boxes.h"
#include "ir/key.h"
#include "optimise/optimise.h"
#include "random.h"
#include "twins.h"

#define PROGRAMS 3000
#define FRAMES   40

static bool is_plain(struct sl_program *program, const struct sl_rule *rule,
		     const struct sl_place *place)
{
	struct sl_boxes boxes = {0};
	struct sl_lanes lanes = {0};

	return !sl_boxes_add_rule(&boxes, &lanes, program->arena, rule, 0, place);
}

static bool jumps(const struct sl_rule *rule)
{
	const struct sl_op *last = &rule->ops.items[rule->ops.count - 1];

	return last->kind == SL_OP_VERDICT && last->verdict.chain;
}

/* Of the rules that jump only the verdict stays, now and then. */
static void simplify(struct sl_rule *rule, struct dice *dice)
{
	if (!jumps(rule) || sl_op_reads_mark(&rule->ops.items[0]) || !roll_percent(dice, 50))
		return;
	rule->ops.items[0] = rule->ops.items[rule->ops.count - 1];
	rule->ops.count = 1;
}

static void thin(struct sl_program *program, u64 seed)
{
	struct sl_place *places = sl_places_find(program, program->arena);
	struct dice dice = {seed};

	assert_non_null(places);
	for (u32 c = 0; c < program->chains.count; c++) {
		struct sl_chain *chain = program->chains.items[c];
		u32 kept = 0;

		for (u32 i = 0; i < chain->rules.count; i++) {
			struct sl_rule *rule = &chain->rules.items[i];

			simplify(rule, &dice);
			if (is_plain(program, rule, &places[c]) || jumps(rule) ||
			    roll_percent(&dice, 5))
				chain->rules.items[kept++] = *rule;
		}
		chain->rules.count = kept;
	}
}

static u32 count_inlined(const struct sl_program *program)
{
	u32 inlined = 0;

	for (u32 c = 0; c < program->chains.count; c++)
		for (u32 i = 0; i < program->chains.items[c]->rules.count; i++)
			inlined += program->chains.items[c]->rules.items[i].home != NULL;
	return inlined;
}

static void inlined_chains_judge_alike(void **unused)
{
	u32 inlined = 0, dropped = 0;
	struct sl_diag diag = {0};

	(void)unused;
	for (u64 seed = 1; seed <= PROGRAMS; seed++) {
		struct sl_program *plain = sl_random_program(seed, 1 + seed % 12);
		struct sl_program *flat = sl_random_program(seed, 1 + seed % 12);

		assert_int_equal(sl_optimise_specialise(plain), 0);
		assert_int_equal(sl_optimise_specialise(flat), 0);
		thin(plain, seed);
		thin(flat, seed);
		assert_int_equal(sl_optimise_flatten(flat, 1 + seed % 6), 0);
		if (sl_program_verify(flat, &diag))
			fail_msg("seed %llu: %s", (unsigned long long)seed, diag.text);
		inlined += count_inlined(flat);
		dropped += sl_twins_compare(seed, plain, flat, FRAMES, true);
		sl_program_free(plain);
		sl_program_free(flat);
	}
	print_message("%u rules inlined, %u frames dropped\n", inlined, dropped);
	assert_true(inlined > PROGRAMS && dropped > PROGRAMS * FRAMES / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inlined_chains_judge_alike),
	};

	return cmocka_run_group_tests_name("oracle/flatten", tests, NULL, NULL);
}
