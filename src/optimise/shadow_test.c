// SPDX-License-Identifier: GPL-2.0-only
/* Rules that decide nothing: which are told, which go; tests/oracle/shadow_test.c has the rest. */
#include <linux/netfilter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ir/shorthand.h"
#include "optimise/optimise.h"

static struct sl_program *begin_with(int policy, struct sl_chain **ret_input)
{
	struct sl_program *p = host();

	step(p, SL_STEP_CONNTRACK);
	step(p, SL_STEP_ROUTE);
	*ret_input = base_chain(p, SL_HOOK_INPUT, 0, policy);
	for (u32 i = 0; i < p->path.count; i++)
		p->path.items[i].families = SL_IP;
	return p;
}

static struct sl_program *begin(struct sl_chain **ret_input)
{
	return begin_with(ACCEPTS, ret_input);
}

/* After the pass: how many rules are left, and how many are told. */
static void check(struct sl_program *p, const struct sl_chain *chain, u32 rules, u32 idle)
{
	assert_int_equal(sl_optimise_shadow(p), 0);
	assert_int_equal(chain->rules.count, rules);
	assert_int_equal(p->idle.count, idle);
}

static void check_idle(const struct sl_program *p, u32 index, u64 handle, bool is_redundant, u64 by)
{
	const struct sl_idle *idle = &p->idle.items[index];

	assert_int_equal(idle->rule.handle, handle);
	assert_int_equal(idle->is_redundant, is_redundant);
	assert_int_equal(idle->by, by);
}

static struct sl_op from(struct sl_program *p, const char *first, const char *last)
{
	return within(p, IP_SADDR, first, last);
}

static void a_rule_behind_a_wider_one_goes(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	rule(p, input, from(p, "10.0.0.0", "10.255.255.255"), DROP);
	rule(p, input, from(p, "11.0.0.0", "11.255.255.255"), DROP);
	rule(p, input, is(p, IP_SADDR, "11.2.3.4"), is(p, DPORT, "22"), counter(p, input), ACCEPT);
	check(p, input, 2, 1);
	check_idle(p, 0, 3, false, 2);
	sl_program_free(p);
}

static void rules_that_do_not_end_the_chain_take_nothing(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_chain *other = chain(p, "other");

	(void)unused;
	rule(p, input, counter(p, input));
	rule(p, input, jump(other));
	rule(p, input, unknown("limit"), ACCEPT);
	rule(p, input, unknown("limit"), DROP);
	rule(p, input, is(p, DPORT, "22"), kernel("log"), DROP);
	rule(p, input, is(p, DPORT, "22"), DROP);
	check(p, input, 6, 0);
	sl_program_free(p);
}

static void whatever_the_rule_would_do_it_goes(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_chain *other = chain(p, "other");

	(void)unused;
	rule(p, other, is(p, SPORT, "1"), DROP);
	rule(p, input, is(p, L4PROTO, "17"), is(p, DPORT, "22"), DROP);
	rule(p, input, is(p, L4PROTO, "17"), is(p, DPORT, "22"), jump(other));
	rule(p, input, is(p, L4PROTO, "17"), is(p, DPORT, "22"), unknown("limit"), DROP);
	rule(p, input, is(p, L4PROTO, "17"), is(p, DPORT, "22"), counter(p, input));
	check(p, input, 1, 3);
	sl_program_free(p);
}

static void worlds_are_covered_one_by_one(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	u8 fresh = SL_WORLD_NEW | SL_WORLD_INVALID;

	(void)unused;
	rule(p, input, state(SL_WORLD_NEW), DROP);
	rule(p, input, state(fresh), is(p, DPORT, "1"), DROP);
	rule(p, input, state(SL_WORLD_INVALID), ACCEPT);
	rule(p, input, state(fresh), is(p, DPORT, "1"), counter(p, input), DROP);
	check(p, input, 3, 1);
	check_idle(p, 0, 4, false, 2);
	sl_program_free(p);
}

static void two_rules_take_the_worlds_together(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin_with(DROPS, &input);
	u8 fresh = SL_WORLD_NEW | SL_WORLD_INVALID;

	(void)unused;
	rule(p, input, state(SL_WORLD_NEW), ACCEPT);
	rule(p, input, state(SL_WORLD_INVALID), ACCEPT);
	rule(p, input, state(fresh), is(p, DPORT, "1"), DROP);
	check(p, input, 2, 1);
	check_idle(p, 0, 3, false, 0);
	sl_program_free(p);
}

/* A fragment has no ports: the second rule is there for it. */
static void what_takes_all_ports_does_not_take_fragments(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	rule(p, input, is(p, L4PROTO, "17"), within(p, DPORT, "0", "65535"), DROP);
	rule(p, input, is(p, L4PROTO, "17"), DROP);
	check(p, input, 1, 0);
	sl_program_free(p);
}

static void a_rule_whose_packets_fare_alike_is_told(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	rule(p, input, is(p, IP_SADDR, "10.2.3.4"), is(p, DPORT, "22"), DROP);
	rule(p, input, is(p, IP_SADDR, "11.2.3.4"), counter(p, input), ACCEPT);
	rule(p, input, from(p, "10.0.0.0", "10.255.255.255"), DROP);
	check(p, input, 3, 1);
	check_idle(p, 0, 1, true, 3);
	assert_false(p->idle.items[0].by_end);
	sl_program_free(p);
}

static void a_rule_that_does_what_the_policy_does_is_told(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin_with(DROPS, &input);

	(void)unused;
	rule(p, input, is(p, DPORT, "22"), ACCEPT);
	rule(p, input, is(p, DPORT, "23"), DROP);
	rule(p, input, is(p, DPORT, "24"), counter(p, input), DROP); /* it may be there to count */
	check(p, input, 3, 1);
	check_idle(p, 0, 2, true, 0);
	assert_true(p->idle.items[0].by_end);
	sl_program_free(p);
}

static void a_rule_that_makes_an_exception_is_not(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin_with(DROPS, &input);
	struct sl_chain *other = chain(p, "other");

	(void)unused;
	rule(p, other, is(p, SPORT, "1"), ACCEPT);
	rule(p, input, is(p, DPORT, "22"), DROP);
	rule(p, input, is(p, DPORT, "23"), DROP);
	rule(p, input, is(p, DPORT, "24"), DROP);
	rule(p, input, is(p, DPORT, "22"), is(p, SPORT, "1"), ACCEPT);
	rule(p, input, is(p, DPORT, "23"), unknown("limit"), ACCEPT);
	rule(p, input, is(p, DPORT, "24"), jump(other));
	rule(p, input, DROP);
	assert_int_equal(sl_optimise_shadow(p), 0);
	for (u32 i = 0; i < p->idle.count; i++)
		assert_true(p->idle.items[i].rule.handle > 3);
	sl_program_free(p);
}

/* On the dport of ordinary packets; behind IP options it is another field. */
static void a_rule_that_reads_elsewhere_in_odd_packets_may_make_one(void **unused)
{
	struct sl_field behind_header = {SL_NETWORK, 2, 22};
	struct sl_chain *input;
	struct sl_program *p = begin_with(DROPS, &input);

	(void)unused;
	rule(p, input, is(p, DPORT, "22"), DROP);
	rule(p, input, is(p, behind_header, "23"), ACCEPT);
	check(p, input, 2, 0);
	sl_program_free(p);
}

static void a_rule_of_too_many_boxes_may_make_one(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin_with(DROPS, &input);
	struct sl_set *even = set(p, SL_SET_EXACT, DPORT);

	(void)unused;
	even->is_constant = true;
	for (u8 port = 0; port < 128; port += 2)
		add(p, even, (u8[]){0, port}, NULL);
	rule(p, input, is(p, DPORT, "22"), DROP);
	rule(p, input, in_set(even, key(p, DPORT)), compare(p, SPORT, SL_NE, "9"), ACCEPT);
	check(p, input, 2, 0);
	sl_program_free(p);
}

static void of_two_equal_rules_one_is_told(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	rule(p, input, is(p, DPORT, "22"), DROP);
	rule(p, input, is(p, DPORT, "22"), DROP);
	check(p, input, 1, 1);
	check_idle(p, 0, 2, false, 1);
	sl_program_free(p);
}

static void a_rule_that_lives_in_one_family_is_not_told(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *input;

	(void)unused;
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	rule(p, input, is(p, NFPROTO, "2"), is(p, DPORT, "22"), ACCEPT);
	rule(p, input, is(p, DPORT, "22"), counter(p, input), ACCEPT);
	rule(p, input, is(p, NFPROTO, "2"), is(p, DPORT, "22"), is(p, SPORT, "1"), ACCEPT);
	assert_int_equal(sl_optimise_specialise(p), 0);
	assert_int_equal(sl_optimise_shadow(p), 0);
	assert_int_equal(p->idle.count, 1);
	check_idle(p, 0, 3, false, 1);
	sl_program_free(p);
}

static void a_rule_that_contradicts_itself_goes(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = host();
	struct sl_chain *raw = base_chain(p, SL_HOOK_PREROUTING, -300, ACCEPTS);

	(void)unused;
	step(p, SL_STEP_CONNTRACK);
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	for (u32 i = 0; i < p->path.count; i++)
		p->path.items[i].families = SL_IP;
	rule(p, raw, state(SL_WORLD_NEW), counter(p, raw), DROP); /* no conntrack yet */
	rule(p, input, is(p, L4PROTO, "6"), is(p, L4PROTO, "17"), DROP);
	rule(p, input, state(SL_WORLD_NEW), counter(p, input), DROP);
	check(p, input, 1, 0);
	assert_int_equal(raw->rules.count, 0);
	sl_program_free(p);
}

static void a_lookup_that_may_be_expiring_stays(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_set *banned = set(p, SL_SET_EXACT, IP_SADDR);

	(void)unused;
	banned->has_timeouts = true;
	rule(p, input, is(p, DPORT, "22"), ACCEPT);
	rule(p, input, in_set(banned, key(p, IP_SADDR)), is(p, DPORT, "22"), DROP);
	assert_int_equal(sl_optimise_shadow(p), 0);
	assert_int_equal(input->rules.count, 2);
	sl_program_free(p);
}

/* It does so to packets from everywhere, whomever it drops. */
static void a_rule_that_counts_or_logs_ahead_of_its_tests_stays(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_set *ports = set(p, SL_SET_EXACT, DPORT); /* it changes, so it is no box */

	(void)unused;
	rule(p, input, is(p, IP_SADDR, "10.0.0.9"), ACCEPT);
	rule(p, input, counter(p, input), is(p, IP_SADDR, "10.0.0.9"), is(p, DPORT, "22"), DROP);
	rule(p, input, in_set(ports, key(p, DPORT)), kernel("log"), is(p, IP_SADDR, "10.0.0.9"),
	     DROP);
	check(p, input, 3, 0);
	sl_program_free(p);
}

/* Some of its packets may be gone already, so that they pass and the kernel counts the others. */
static void a_counter_behind_an_unknown_drop_passes(void **unused)
{
	const struct sl_oracle oracle = {0};
	struct frame frame = tcp("10.0.0.7", 1000, "10.0.0.1", 22);
	struct sl_program *p = host();
	struct sl_chain *input;
	struct sl_outcome outcome;

	(void)unused;
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	p->path.items[0].families = p->path.items[1].families = SL_IP;
	rule(p, input, unknown("limit"), DROP);
	rule(p, input, is(p, IP_SADDR, "10.0.0.9"), ACCEPT);
	rule(p, input, counter(p, input), is(p, IP_SADDR, "10.0.0.9"), DROP);
	assert_int_equal(sl_optimise_shadow(p), 0);
	assert_int_equal(p->idle.count, 0);
	sl_interp(p, frame.bytes, frame.length, &oracle, NULL, NULL, &outcome);
	assert_false(outcome.drop);
	sl_program_free(p);
}

static void what_stands_behind_an_unconditional_verdict_is_told(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_chain *inner = chain(p, "inner");
	struct sl_set *banned = set(p, SL_SET_EXACT, IP_SADDR);

	(void)unused;
	banned->has_timeouts = true;
	rule(p, inner, is(p, DPORT, "22"), DROP);
	rule(p, input, jump(inner)); /* comes back */
	rule(p, input, counter(p, input), ACCEPT);
	rule(p, input, is(p, DPORT, "22"), DROP);
	rule(p, input, in_set(banned, key(p, IP_SADDR)), DROP);
	rule(p, input, jump(inner));
	check(p, input, 2, 3);
	for (u32 i = 0; i < 3; i++)
		check_idle(p, i, 3 + i, false, 2);
	sl_program_free(p);
}

/* The drop was kept from its packets by nothing else. */
static void an_unconditional_verdict_ahead_of_others_changes_something(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	rule(p, input, ACCEPT);
	rule(p, input, is(p, DPORT, "22"), DROP);
	assert_int_equal(sl_optimise_specialise(p), 0);
	check(p, p->path.items[2].chain, 1, 1);
	check_idle(p, 0, 2, false, 1);
	sl_program_free(p);
}

static void what_stands_behind_a_goto_is_told(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_chain *inner = chain(p, "inner");

	(void)unused;
	rule(p, inner, is(p, DPORT, "22"), DROP);
	rule(p, input, go_to(inner));
	rule(p, input, is(p, DPORT, "23"), DROP);
	check(p, input, 1, 1);
	check_idle(p, 0, 2, false, 1);
	sl_program_free(p);
}

/* It is the kernel that meets it, and does what it says. */
static void what_stands_behind_a_rate_is_met(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	rule(p, input, limit(p, true), DROP);
	rule(p, input, from(p, "10.0.0.0", "10.255.255.255"), limit(p, true), DROP);
	rule(p, input, from(p, "10.0.0.0", "10.0.0.255"), DROP);
	check(p, input, 3, 0);
	sl_program_free(p);
}

static void what_stands_behind_a_rule_for_the_kernel_is_not(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *input;

	(void)unused;
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	rule(p, input, is(p, NFPROTO, "2"), kernel("log"));
	rule(p, input, is(p, NFPROTO, "10"), is(p, DPORT, "22"), ACCEPT);
	rule(p, input, is(p, DPORT, "22"), DROP);
	assert_int_equal(sl_optimise_specialise(p), 0);
	check(p, p->path.items[2].chain, 1, 0); /* of IPv4 */
	assert_int_equal(p->path.items[3].chain->rules.count, 1);
	sl_program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_behind_a_wider_one_goes),
		cmocka_unit_test(rules_that_do_not_end_the_chain_take_nothing),
		cmocka_unit_test(whatever_the_rule_would_do_it_goes),
		cmocka_unit_test(worlds_are_covered_one_by_one),
		cmocka_unit_test(two_rules_take_the_worlds_together),
		cmocka_unit_test(what_takes_all_ports_does_not_take_fragments),
		cmocka_unit_test(a_rule_whose_packets_fare_alike_is_told),
		cmocka_unit_test(a_rule_that_does_what_the_policy_does_is_told),
		cmocka_unit_test(a_rule_that_makes_an_exception_is_not),
		cmocka_unit_test(a_rule_that_reads_elsewhere_in_odd_packets_may_make_one),
		cmocka_unit_test(a_rule_of_too_many_boxes_may_make_one),
		cmocka_unit_test(of_two_equal_rules_one_is_told),
		cmocka_unit_test(a_rule_that_lives_in_one_family_is_not_told),
		cmocka_unit_test(a_rule_that_contradicts_itself_goes),
		cmocka_unit_test(a_lookup_that_may_be_expiring_stays),
		cmocka_unit_test(a_rule_that_counts_or_logs_ahead_of_its_tests_stays),
		cmocka_unit_test(a_counter_behind_an_unknown_drop_passes),
		cmocka_unit_test(what_stands_behind_an_unconditional_verdict_is_told),
		cmocka_unit_test(an_unconditional_verdict_ahead_of_others_changes_something),
		cmocka_unit_test(what_stands_behind_a_goto_is_told),
		cmocka_unit_test(what_stands_behind_a_rate_is_met),
		cmocka_unit_test(what_stands_behind_a_rule_for_the_kernel_is_not),
	};

	return cmocka_run_group_tests_name("optimise/shadow", tests, NULL, NULL);
}
