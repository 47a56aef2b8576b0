// SPDX-License-Identifier: GPL-2.0-only
/* What becomes a table, and what does not. That it means the same is for tests/oracle to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cursor.h"
#include "ir/shorthand.h"
#include "optimise/optimise.h"

#define PLENTY (1u << 20)

static struct sl_program *begin(struct sl_chain **ret_input)
{
	struct sl_program *p = host();

	step(p, SL_STEP_ROUTE);
	*ret_input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	return p;
}

/* The rules that are left of the IPv4 copy of the chain, behind flatten.c. */
static const struct sl_chain *gather_flat(struct sl_program *p, u32 run_min)
{
	struct sl_diag diag = {0};

	assert_int_equal(sl_optimise_specialise(p), 0);
	assert_int_equal(sl_optimise_flatten(p, run_min), 0);
	if (sl_optimise_gather(p, PLENTY, &diag) || sl_program_verify(p, &diag))
		fail_msg("%s", diag.text);
	for (u32 i = 0; i < p->path.count; i++)
		if (p->path.items[i].kind == SL_STEP_CHAIN && p->path.items[i].families == SL_IP)
			return p->path.items[i].chain;
	fail_msg("no chain");
	return NULL;
}

static const struct sl_chain *gather(struct sl_program *p)
{
	return gather_flat(p, UINT32_MAX); /* so nothing is inlined */
}

/* Rules of two fields, so that no other pass can make one lookup of them. */
static void add_pairs(struct sl_program *p, struct sl_chain *chain, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		char address[16], port[8];

		snprintf(address, sizeof address, "10.1.%u.%u", i / 250, i % 250);
		snprintf(port, sizeof port, "%u", 1000 + i % 7);
		rule(p, chain, is(p, IP_SADDR, address), is(p, DPORT, port), counter(p, chain),
		     i % 2 ? DROP : ACCEPT);
	}
}

static u32 tabled(const struct sl_chain *chain, u32 index)
{
	const struct sl_table *table = sl_rule_table(&chain->rules.items[index]);

	return table ? table->count : 0;
}

static void a_long_run_is_one_table(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	const struct sl_chain *left;

	(void)unused;
	add_pairs(p, input, 100);
	left = gather(p);
	assert_int_equal(left->rules.count, 1);
	assert_int_equal(tabled(left, 0), 100);
	assert_int_equal(left->rules.items[0].handle, 1);
	assert_int_equal(left->rules.items[0].ops.items[0].table->rules[99].handle, 100);
	assert_non_null(left->rules.items[0].ops.items[0].table->forks);
	sl_program_free(p);
}

/* Their code would be long. */
static void a_longer_run_is_no_branches(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	const struct sl_chain *left;

	(void)unused;
	add_pairs(p, input, 1000);
	left = gather(p);
	assert_int_equal(tabled(left, 0), 1000);
	assert_null(left->rules.items[0].ops.items[0].table->forks);
	sl_program_free(p);
}

static void a_few_rules_stay_rules(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	add_pairs(p, input, 23);
	assert_int_equal(gather(p)->rules.count, 23);
	assert_int_equal(p->image_words, 0);
	sl_program_free(p);
}

static void a_rule_without_boxes_parts_two_tables(void **unused)
{
	struct sl_chain *input, *inner;
	struct sl_program *p = begin(&input);
	const struct sl_chain *left;

	(void)unused;
	inner = chain(p, "inner");
	rule(p, inner, is(p, DPORT, "7"), DROP);
	add_pairs(p, input, 30);
	rule(p, input, is(p, IP_SADDR, "10.0.0.9"), jump(inner));
	add_pairs(p, input, 40);
	left = gather(p);
	assert_int_equal(left->rules.count, 3);
	assert_int_equal(tabled(left, 0), 30);
	assert_int_equal(tabled(left, 1), 0);
	assert_int_equal(tabled(left, 2), 40);
	sl_program_free(p);
}

/* All rules vary in one field: a verdict map is cheaper. */
static void values_of_one_field_are_left_to_merge(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	for (u32 i = 0; i < 100; i++) {
		char address[16];

		snprintf(address, sizeof address, "10.1.0.%u", i);
		rule(p, input, is(p, IP_SADDR, address), counter(p, input), DROP);
	}
	assert_int_equal(gather(p)->rules.count, 100);
	assert_int_equal(p->choices.items[0].count, 100);
	assert_null(p->choices.items[0].table);
	assert_non_null(strstr(p->choices.items[0].reason, "35 without"));
	sl_program_free(p);
}

/* A trie of the kernel's is dearer than a table. */
static void prefixes_of_one_field_are_a_table(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	for (u32 i = 0; i < 100; i++) {
		struct sl_key prefix = masked(p, key(p, IP_SADDR), "\xff\xff\xff\0", NULL);

		rule(p, input, key_is(p, prefix, (u8[]){10, 1, (u8)i, 0}), DROP);
	}
	assert_int_equal(tabled(gather(p), 0), 100);
	sl_program_free(p);
}

/* Jumped to from both sides of conntrack: what it asks means two things. */
static void states_of_a_chain_around_conntrack_stay_outside(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *raw = base_chain(p, SL_HOOK_PREROUTING, -300, ACCEPTS), *input, *inner;
	const struct sl_chain *left;

	(void)unused;
	step(p, SL_STEP_CONNTRACK);
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	inner = chain(p, "inner");
	add_pairs(p, inner, 30);
	rule(p, inner, is(p, IP_DADDR, "10.0.0.1"), state(SL_WORLD_INVALID), DROP);
	rule(p, raw, is(p, L4PROTO, "6"), jump(inner));
	rule(p, input, is(p, L4PROTO, "6"), jump(inner));
	gather(p);
	left = NULL;
	for (u32 i = 0; i < p->chains.count && !left; i++)
		if (!strcmp(p->chains.items[i]->name, "inner"))
			left = p->chains.items[i];
	assert_int_equal(left->rules.count, 2);
	assert_int_equal(tabled(left, 0), 30);
	assert_int_equal(tabled(left, 1), 0);
	sl_program_free(p);
}

/* People are told by its first rule's handle where the code ends, and look there. */
static void a_table_stands_where_its_first_rule_stood(void **unused)
{
	struct sl_chain *input, *inner;
	struct sl_program *p = begin(&input);
	const struct sl_chain *left;

	(void)unused;
	inner = chain(p, "inner");
	add_pairs(p, inner, 100);
	rule(p, input, is(p, IP_DADDR, "10.0.0.1"), jump(inner));
	add_pairs(p, input, 100);
	left = gather_flat(p, SL_RUN_MIN);
	assert_int_equal(left->rules.count, 1);
	assert_string_equal(sl_rule_home(&left->rules.items[0], left)->name, "inner");
	sl_program_free(p);
}

/* What codegen/ unrolls the verifier's work by. */
static void one_verdict_for_all_worlds_takes_one_step(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	const struct sl_table *table;

	(void)unused;
	add_pairs(p, input, 100);
	table = sl_rule_table(&gather(p)->rules.items[0]);
	assert_int_equal(table->steps, 1);
	assert_int_equal(table->hits, 1);
	sl_program_free(p);
}

static void counters_on_the_way_take_a_step_each(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	const struct sl_table *table;

	(void)unused;
	rule(p, input, is(p, L4PROTO, "6"), counter(p, input));
	rule(p, input, is(p, L4PROTO, "17"), counter(p, input));
	add_pairs(p, input, 100);
	table = sl_rule_table(&gather(p)->rules.items[0]);
	assert_int_equal(table->count, 102);
	assert_int_equal(table->steps, 3);
	assert_int_equal(table->hits, 3);
	sl_program_free(p);
}

static void a_table_past_the_limit_is_refused(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_diag diag = {0};

	(void)unused;
	add_pairs(p, input, 1000);
	assert_int_equal(sl_optimise_specialise(p), 0);
	assert_int_equal(sl_optimise_gather(p, 512, &diag), -ENOSPC);
	assert_non_null(strstr(diag.text, "--memory"));
	assert_non_null(strstr(diag.text, "filter input"));
	assert_null(p->image);
	sl_program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_run_is_one_table),
		cmocka_unit_test(a_longer_run_is_no_branches),
		cmocka_unit_test(a_few_rules_stay_rules),
		cmocka_unit_test(a_rule_without_boxes_parts_two_tables),
		cmocka_unit_test(values_of_one_field_are_left_to_merge),
		cmocka_unit_test(prefixes_of_one_field_are_a_table),
		cmocka_unit_test(states_of_a_chain_around_conntrack_stay_outside),
		cmocka_unit_test(a_table_stands_where_its_first_rule_stood),
		cmocka_unit_test(one_verdict_for_all_worlds_takes_one_step),
		cmocka_unit_test(counters_on_the_way_take_a_step_each),
		cmocka_unit_test(a_table_past_the_limit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
