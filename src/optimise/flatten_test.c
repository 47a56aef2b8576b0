// SPDX-License-Identifier: GPL-2.0-only
/* Which chains are inlined, and that nobody can tell; tests/oracle/flatten_test.c has the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ir/shorthand.h"
#include "optimise/optimise.h"

#define HOST "10.0.0.1"
#define RUN  4

static struct sl_program *begin(struct sl_chain **ret_input, struct sl_chain **ret_site)
{
	struct sl_program *p = host();

	step(p, SL_STEP_CONNTRACK);
	step(p, SL_STEP_ROUTE);
	*ret_input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	*ret_site = chain(p, "site");
	for (u32 i = 0; i < p->path.count; i++)
		p->path.items[i].families = SL_IP;
	return p;
}

static void flatten(struct sl_program *p)
{
	struct sl_diag diag = {0};

	assert_int_equal(sl_optimise_flatten(p, RUN), 0);
	if (sl_program_verify(p, &diag))
		fail_msg("%s", diag.text);
}

static u8 is_new(void *context, const u8 *frame, u32 length)
{
	(void)context;
	(void)frame;
	(void)length;
	return SL_WORLD_NEW;
}

static struct sl_outcome judge(const struct sl_program *p, const char *from, u16 port)
{
	const struct sl_oracle oracle = {.conntrack = is_new};
	struct frame frame = udp(from, 1, HOST, port);
	struct sl_outcome outcome;

	sl_interp(p, frame.bytes, frame.length, &oracle, NULL, NULL, &outcome);
	return outcome;
}

static void add_ports(struct sl_program *p, struct sl_chain *chain, u32 first, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		char port[8];

		snprintf(port, sizeof port, "%u", first + i);
		rule(p, chain, is(p, DPORT, port), counter(p, chain), DROP);
	}
}

static struct sl_op from_site(struct sl_program *p)
{
	return within(p, IP_SADDR, "10.1.0.0", "10.1.255.255");
}

static void a_jump_becomes_the_rules_behind_its_tests(void **unused)
{
	struct sl_chain *input, *site;
	struct sl_program *p = begin(&input, &site);
	struct sl_op counted = counter(p, input);
	struct sl_outcome outcome;

	(void)unused;
	add_ports(p, site, 9, 3);
	rule(p, input, from_site(p), counted, jump(site));
	rule(p, input, is(p, DPORT, "9"), ACCEPT);
	flatten(p);
	assert_int_equal(input->rules.count, 5);
	assert_int_equal(site->rules.count, 0);
	assert_ptr_equal(sl_rule_home(&input->rules.items[1], input), site);
	assert_int_equal(input->rules.items[1].handle, 1);
	assert_ptr_equal(sl_rule_home(&input->rules.items[0], input), input);

	outcome = judge(p, "10.1.0.9", 10);
	assert_true(outcome.drop);
	assert_int_equal(outcome.hit_count, 2);
	assert_int_equal(outcome.hits[0], counted.counter);
	assert_ptr_equal(outcome.chain, site);
	assert_true(judge(p, "10.1.0.9", 9).drop);
	assert_false(judge(p, "10.2.0.9", 9).drop);
	assert_false(judge(p, "10.1.0.9", 12).drop);
	sl_program_free(p);
}

static void a_short_chain_stays_where_it_is(void **unused)
{
	struct sl_chain *input, *site;
	struct sl_program *p = begin(&input, &site);

	(void)unused;
	add_ports(p, site, 9, 2);
	rule(p, input, from_site(p), jump(site));
	rule(p, input, is(p, DPORT, "9"), ACCEPT);
	flatten(p);
	assert_int_equal(input->rules.count, 2);
	assert_int_equal(site->rules.count, 2);
	sl_program_free(p);
}

static void chains_in_chains_come_along(void **unused)
{
	struct sl_chain *input, *site;
	struct sl_program *p = begin(&input, &site);
	struct sl_chain *inner = chain(p, "inner");

	(void)unused;
	add_ports(p, inner, 9, 4);
	rule(p, site, is(p, SPORT, "1"), jump(inner));
	add_ports(p, site, 20, 2);
	rule(p, input, from_site(p), jump(site));
	flatten(p);
	assert_int_equal(input->rules.count, 6);
	assert_int_equal(input->rules.items[0].ops.count, 5);
	assert_ptr_equal(sl_rule_home(&input->rules.items[0], input), inner);
	assert_ptr_equal(sl_rule_home(&input->rules.items[5], input), site);
	assert_true(judge(p, "10.1.0.9", 12).drop);
	assert_true(judge(p, "10.1.0.9", 21).drop);
	assert_false(judge(p, "10.2.0.9", 12).drop);
	sl_program_free(p);
}

static void a_return_that_ends_the_chain_is_trimmed(void **unused)
{
	struct sl_chain *input, *site;
	struct sl_program *p = begin(&input, &site);

	(void)unused;
	add_ports(p, site, 9, 4);
	rule(p, site, RETURN);
	rule(p, input, from_site(p), jump(site));
	rule(p, input, DROP);
	flatten(p);
	assert_int_equal(input->rules.count, 5);
	assert_true(judge(p, "10.1.0.9", 80).drop);
	sl_program_free(p);
}

static void a_counted_return_at_the_end_still_counts(void **unused)
{
	struct sl_chain *input, *site;
	struct sl_program *p = begin(&input, &site);
	struct sl_op counted;

	(void)unused;
	add_ports(p, site, 9, 4);
	counted = counter(p, site);
	rule(p, site, counted, RETURN);
	rule(p, input, from_site(p), jump(site));
	rule(p, input, DROP);
	flatten(p);
	assert_int_equal(input->rules.count, 6);
	assert_int_equal(judge(p, "10.1.0.9", 80).hits[0], counted.counter);
	assert_int_equal(judge(p, "10.2.0.9", 80).hit_count, 0);
	sl_program_free(p);
}

static void a_return_before_the_end_keeps_its_chain(void **unused)
{
	struct sl_chain *input, *site;
	struct sl_program *p = begin(&input, &site);

	(void)unused;
	rule(p, site, is(p, DPORT, "12"), RETURN);
	add_ports(p, site, 9, 4);
	rule(p, input, from_site(p), jump(site));
	rule(p, input, DROP);
	flatten(p);
	assert_int_equal(input->rules.count, 2);
	assert_int_equal(judge(p, "10.1.0.9", 12).hit_count, 0);
	sl_program_free(p);
}

static void behind_the_last_rule_a_return_leaves_both_chains(void **unused)
{
	struct sl_chain *input, *site;
	struct sl_program *p = begin(&input, &site);

	(void)unused;
	rule(p, site, is(p, DPORT, "12"), RETURN);
	add_ports(p, site, 9, 4);
	rule(p, input, from_site(p), go_to(site));
	flatten(p);
	assert_int_equal(input->rules.count, 5);
	assert_false(judge(p, "10.1.0.9", 12).drop);
	assert_true(judge(p, "10.1.0.9", 11).drop);
	sl_program_free(p);
}

static void a_goto_before_the_end_stays(void **unused)
{
	struct sl_chain *input, *site;
	struct sl_program *p = begin(&input, &site);

	(void)unused;
	add_ports(p, site, 9, 4);
	rule(p, input, from_site(p), go_to(site));
	rule(p, input, DROP);
	flatten(p);
	assert_int_equal(input->rules.count, 2);
	assert_false(judge(p, "10.1.0.9", 80).drop);
	sl_program_free(p);
}

static void states_are_asked_again(void **unused)
{
	struct sl_chain *input, *site;
	struct sl_program *p = begin(&input, &site);
	struct sl_outcome outcome;

	(void)unused;
	add_ports(p, site, 9, 4);
	rule(p, input, state(SL_WORLD_NEW), jump(site));
	flatten(p);
	assert_int_equal(input->rules.count, 4);
	outcome = judge(p, "10.1.0.9", 9);
	assert_true(outcome.drop);
	assert_int_equal(outcome.pass & (SL_WORLD_NEW | SL_WORLD_INVALID), SL_WORLD_INVALID);
	sl_program_free(p);
}

static void what_no_table_takes_keeps_its_chain(void **unused)
{
	const struct {
		struct sl_op op;
		bool in_jump;
	} none[] = {{unknown("limit"), true}, {unknown("limit"), false}};

	(void)unused;
	for (u32 i = 0; i < SL_ARRAY_SIZE(none); i++) {
		struct sl_chain *input, *site;
		struct sl_program *p = begin(&input, &site);

		add_ports(p, site, 9, 4);
		if (none[i].in_jump)
			rule(p, input, none[i].op, jump(site));
		else
			rule(p, input, from_site(p), jump(site));
		if (!none[i].in_jump)
			rule(p, site, none[i].op, DROP);
		flatten(p);
		assert_int_equal(input->rules.count, 1);
		sl_program_free(p);
	}
}

static void a_set_that_may_change_is_asked_once(void **unused)
{
	struct sl_chain *input, *site;
	struct sl_program *p = begin(&input, &site);
	struct sl_set *known = set(p, SL_SET_EXACT, IP_SADDR);

	(void)unused;
	add_ports(p, site, 9, 4);
	rule(p, input, in_set(known, key(p, IP_SADDR)), jump(site));
	flatten(p);
	assert_int_equal(input->rules.count, 1);
	sl_program_free(p);
}

/* Each copy takes room; the last jump takes the chain itself. */
static void rules_are_at_most_doubled(void **unused)
{
	struct sl_chain *input, *site;
	struct sl_program *p = begin(&input, &site);

	(void)unused;
	add_ports(p, site, 9, 8);
	for (u32 i = 0; i < 10; i++)
		rule(p, input, is(p, SPORT, "1"), jump(site));
	flatten(p); /* 18 rules: room for two copies of 8 */
	assert_int_equal(input->rules.count + site->rules.count, 18 + 2 * 7);
	sl_program_free(p);
}

/* It may match, and then the packet may be anywhere: it passes, though nothing is there to do. */
static void a_jump_that_may_not_match_stays(void **unused)
{
	struct sl_chain *input, *site;
	struct sl_program *p = begin(&input, &site);

	(void)unused;
	rule(p, input, is(p, DADDR_TYPE, "2"), jump(site));
	add_ports(p, input, 9, 8);
	flatten(p);
	assert_int_equal(input->rules.count, 9);
	sl_program_free(p);
}

/* An element that is just expiring makes the packet pass, wherever the jump leads. */
static void a_jump_that_asks_for_timeouts_stays(void **unused)
{
	struct sl_chain *input, *site;
	struct sl_program *p = begin(&input, &site);
	struct sl_set *banned = set(p, SL_SET_EXACT, IP_SADDR);

	(void)unused;
	banned->has_timeouts = true;
	rule(p, input, in_set(banned, key(p, IP_SADDR)), jump(site));
	add_ports(p, input, 9, 8);
	flatten(p);
	assert_int_equal(input->rules.count, 9);
	sl_program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_jump_becomes_the_rules_behind_its_tests),
		cmocka_unit_test(a_short_chain_stays_where_it_is),
		cmocka_unit_test(chains_in_chains_come_along),
		cmocka_unit_test(a_return_that_ends_the_chain_is_trimmed),
		cmocka_unit_test(a_counted_return_at_the_end_still_counts),
		cmocka_unit_test(a_return_before_the_end_keeps_its_chain),
		cmocka_unit_test(behind_the_last_rule_a_return_leaves_both_chains),
		cmocka_unit_test(a_goto_before_the_end_stays),
		cmocka_unit_test(states_are_asked_again),
		cmocka_unit_test(what_no_table_takes_keeps_its_chain),
		cmocka_unit_test(a_set_that_may_change_is_asked_once),
		cmocka_unit_test(rules_are_at_most_doubled),
		cmocka_unit_test(a_jump_that_may_not_match_stays),
		cmocka_unit_test(a_jump_that_asks_for_timeouts_stays),
	};

	return cmocka_run_group_tests_name("optimise/flatten", tests, NULL, NULL);
}
