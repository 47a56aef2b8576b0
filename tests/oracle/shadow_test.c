// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules that decide nothing, against the interpreter. Random rules rarely cover one another, so
 * each chain gets echoes of rules that it holds already, with another verdict or the same.
 */
#include "generate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "optimise/optimise.h"
#include "random.h"
#include "twins.h"

#define PROGRAMS 3000
#define FRAMES   40

/* In front of the rule, or anywhere among its tests: it counts more than the rule decides. */
static void add_counter(struct sl_program *program, struct dice *dice, struct sl_rule *rule)
{
	u32 at = roll_percent(dice, 50) ? 0 : roll_below(dice, rule->ops.count + 1);
	struct sl_op *op = sl_list_push(program->arena, &rule->ops);

	for (; op > &rule->ops.items[at]; op--)
		*op = op[-1];
	*op = (struct sl_op){.kind = SL_OP_COUNTER, .counter = program->counters.count};
	*sl_list_push(program->arena, &program->counters) = (struct sl_counter){"", "", 0, 0};
}

/* A rule again, perhaps without its first test, with another counter or none, or verdict. */
static struct sl_rule make_echo(struct sl_program *program, struct dice *dice,
				const struct sl_rule *rule)
{
	static const enum sl_verdict_kind kinds[] = {SL_VERDICT_DROP, SL_VERDICT_ACCEPT,
						     SL_VERDICT_RETURN};
	struct sl_rule echo = {.handle = rule->handle};
	const struct sl_op *last = rule->ops.count ? &rule->ops.items[rule->ops.count - 1] : NULL;
	struct sl_op verdict = {.kind = SL_OP_VERDICT, .verdict = {.kind = pick(dice, kinds)}};
	u32 first = roll_percent(dice, 20);

	for (u32 i = first; i + 1 < rule->ops.count; i++)
		if (rule->ops.items[i].kind != SL_OP_COUNTER)
			*sl_list_push(program->arena, &echo.ops) = rule->ops.items[i];
	if (roll_percent(dice, 20))
		add_counter(program, dice, &echo);
	if (last && last->kind == SL_OP_VERDICT && roll_percent(dice, 50))
		verdict = *last;
	*sl_list_push(program->arena, &echo.ops) = verdict;
	return echo;
}

static void add_echoes(struct sl_program *program, u64 seed)
{
	struct dice dice = {seed};

	for (u32 c = 0; c < program->chains.count; c++) {
		struct sl_chain *chain = program->chains.items[c];
		struct sl_chain old = *chain;
		u64 handle = 1;

		chain->rules.items = NULL;
		chain->rules.count = chain->rules.capacity = 0;
		for (u32 i = 0; i < old.rules.count; i++) {
			*sl_list_push(program->arena, &chain->rules) = old.rules.items[i];
			while (roll_percent(&dice, 50))
				*sl_list_push(program->arena, &chain->rules) = make_echo(
					program, &dice, &old.rules.items[roll_below(&dice, i + 1)]);
		}
		for (u32 i = 0; i < chain->rules.count; i++)
			chain->rules.items[i].handle = 1000 * (c + 1) + handle++;
	}
}

static struct sl_program *make(u64 seed)
{
	struct sl_program *program = sl_random_program(seed, 1 + seed % 12);

	add_echoes(program, seed);
	assert_int_equal(sl_optimise_specialise(program), 0);
	return program;
}

static u32 count_rules(const struct sl_program *program)
{
	u32 count = 0;

	for (u32 c = 0; c < program->chains.count; c++)
		count += program->chains.items[c]->rules.count;
	return count;
}

static bool is_idle(const struct sl_program *program, const struct sl_rule *rule)
{
	for (u32 i = 0; i < program->idle.count; i++)
		if (program->idle.items[i].rule.handle == rule->handle)
			return true;
	return false;
}

/* What people are told, they may do. */
static u32 remove_idle(struct sl_program *program, const struct sl_program *findings)
{
	u32 removed = 0;

	for (u32 c = 0; c < program->chains.count; c++) {
		struct sl_chain *chain = program->chains.items[c];
		u32 kept = 0;

		for (u32 i = 0; i < chain->rules.count; i++) {
			struct sl_rule rule = chain->rules.items[i];

			if (is_idle(findings, &rule))
				removed++;
			else
				chain->rules.items[kept++] = rule;
		}
		chain->rules.count = kept;
	}
	return removed;
}

/*
 * Verdicts alone: where sluice is not sure it passes for the sake of a counter or of an element
 * that is just expiring, which a rule may keep a packet from.
 */
static void strip(struct sl_program *program)
{
	for (u32 i = 0; i < program->path.count; i++)
		program->path.items[i].policy_counter = SL_NO_COUNTER;
	for (u32 i = 0; i < program->sets.count; i++)
		for (u32 e = 0; e < program->sets.items[i]->elements.count; e++)
			program->sets.items[i]->elements.items[e].expires_at_ns = 0;
	for (u32 c = 0; c < program->chains.count; c++)
		for (u32 r = 0; r < program->chains.items[c]->rules.count; r++) {
			struct sl_rule *rule = &program->chains.items[c]->rules.items[r];
			u32 kept = 0;

			for (u32 i = 0; i < rule->ops.count; i++)
				if (rule->ops.items[i].kind != SL_OP_COUNTER)
					rule->ops.items[kept++] = rule->ops.items[i];
			rule->ops.count = kept;
		}
}

static void what_is_told_is_so(void **unused)
{
	u32 shadowed = 0, removed = 0, dropped = 0;

	(void)unused;
	for (u64 seed = 1; seed <= PROGRAMS; seed++) {
		struct sl_program *plain = make(seed), *lit = make(seed), *clean = make(seed);

		assert_int_equal(sl_optimise_shadow(lit), 0);
		shadowed += count_rules(plain) - count_rules(lit);
		dropped += sl_twins_compare(seed, plain, lit, FRAMES, true);
		removed += remove_idle(clean, lit);
		strip(plain);
		strip(clean);
		sl_twins_compare(seed, plain, clean, FRAMES, false);
		sl_program_free(plain);
		sl_program_free(lit);
		sl_program_free(clean);
	}
	print_message("%u rules shadowed, %u told to be idle, %u frames dropped\n", shadowed,
		      removed, dropped);
	assert_true(shadowed > PROGRAMS && removed > PROGRAMS);
	assert_true(dropped > PROGRAMS * FRAMES / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_told_is_so),
	};

	return cmocka_run_group_tests_name("oracle/shadow", tests, NULL, NULL);
}
