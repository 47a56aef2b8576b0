// SPDX-License-Identifier: GPL-2.0-only
/* The way through chains and hooks: rules, packet, and the verdict worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ir/judge.h"

/* Verdicts */

static void an_empty_path_passes(void **unused)
{
	struct sl_program *p = host();
	struct sl_outcome outcome = judge(p, tcp_to(22));

	(void)unused;
	assert_false(outcome.drop);
	assert_int_equal(outcome.pass, ALL);
	assert_string_equal(outcome.reason, "no rule drops it");
	sl_program_free(p);
}

static void the_first_rule_that_matches_decides(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);

	(void)unused;
	rule(p, input, is(p, IP_SADDR, "10.0.0.66"), DROP);
	rule(p, input, is(p, L4PROTO, "6"), is(p, DPORT, "22"), ACCEPT);
	rule(p, input, is(p, DPORT, "22"), DROP);
	rule(p, input, is(p, DPORT, "53"), ACCEPT);

	passes(p, tcp(CLIENT, 1000, HOST, 22));
	drops(p, udp(CLIENT, 1000, HOST, 22));
	passes(p, udp(CLIENT, 1000, HOST, 53));
	drops(p, tcp("10.0.0.66", 1000, HOST, 22));
	drops(p, tcp(CLIENT, 1000, HOST, 23));
	passes(p, tcp("fd00::9", 1000, "fd00::1", 22));
	drops(p, tcp("fd00::9", 1000, "fd00::1", 23));
	sl_program_free(p);
}

static void accept_ends_one_base_chain_only(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *raw = base_chain(p, SL_HOOK_PREROUTING, -300, ACCEPTS), *input;
	struct sl_outcome outcome;

	(void)unused;
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	rule(p, raw, is(p, DPORT, "22"), ACCEPT);
	rule(p, raw, is(p, DPORT, "23"), DROP);
	rule(p, input, is(p, DPORT, "22"), DROP);

	drops(p, tcp_to(22));
	drops(p, tcp_to(23));
	outcome = judge(p, tcp_to(24));
	assert_false(outcome.drop);
	assert_string_equal(outcome.reason, "accepted by policy");
	assert_ptr_equal(outcome.chain, input);
	assert_null(outcome.rule);
	sl_program_free(p);
}

static void the_outcome_names_the_rule_that_decided(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	struct sl_outcome outcome;

	(void)unused;
	rule(p, input, is(p, DPORT, "22"), ACCEPT);
	rule(p, input, is(p, DPORT, "23"), DROP);
	rule(p, input, is(p, DPORT, "24"), kernel("limit"), ACCEPT);

	outcome = judge(p, tcp_to(22));
	assert_string_equal(outcome.reason, "accepted by a rule");
	assert_ptr_equal(outcome.rule, &input->rules.items[0]);
	outcome = judge(p, tcp_to(23));
	assert_string_equal(outcome.reason, "");
	assert_ptr_equal(outcome.rule, &input->rules.items[1]);
	outcome = judge(p, tcp_to(24));
	assert_string_equal(outcome.reason, "the kernel must do this");
	assert_string_equal(outcome.subject, "limit");
	assert_ptr_equal(outcome.rule, &input->rules.items[2]);
	outcome = judge(p, tcp_to(25));
	assert_true(outcome.drop);
	assert_ptr_equal(outcome.chain, input);
	assert_null(outcome.rule);
	sl_program_free(p);
}

static void a_rate_passes_until_it_is_spent(void **unused)
{
	struct answers some = {0}, spent = {.is_spent = true};
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	struct sl_op beyond = counter(p, input);
	struct sl_outcome outcome;

	(void)unused;
	rule(p, input, is(p, DPORT, "22"), limit(p, false));
	rule(p, input, is(p, DPORT, "23"), limit(p, true), beyond, DROP);
	rule(p, input, is(p, DPORT, "23"), ACCEPT);

	outcome = judge_with(p, tcp_to(22), &some);
	assert_false(outcome.drop);
	assert_string_equal(outcome.reason, "the kernel must do this");
	assert_string_equal(outcome.subject, "limit");
	assert_true(judge_with(p, tcp_to(22), &spent).drop);
	assert_false(judge_with(p, tcp_to(23), &some).drop);
	outcome = judge_with(p, tcp_to(23), &spent);
	assert_true(outcome.drop);
	assert_int_equal(outcome.hit_count, 1);
	assert_int_equal(outcome.hits[0], beyond.counter);
	assert_true(judge_with(p, tcp_to(24), &some).drop);
	sl_program_free(p);
}

static void a_rate_behind_a_doubt_passes_even_if_it_is_spent(void **unused)
{
	struct answers spent = {.is_spent = true};
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);

	(void)unused;
	rule(p, input, unknown("something"), limit(p, true), DROP);
	assert_false(judge_with(p, tcp_to(22), &spent).drop);
	sl_program_free(p);
}

static void a_set_that_packets_fill_has_the_source_or_has_not(void **unused)
{
	struct answers there = {.filled = SL_FILLED_HIT}, gone = {.filled = SL_FILLED_MISS},
		       unclear = {.filled = SL_FILLED_UNCLEAR},
		       counts = {.filled = SL_FILLED_COUNTS};
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	u32 seen = filled(p, 4);
	struct sl_outcome outcome;

	(void)unused;
	rule(p, input, is(p, DPORT, "22"), in_filled(seen, key(p, IP_SADDR)), ACCEPT);
	rule(p, input, is(p, DPORT, "23"), inverted(in_filled(seen, key(p, IP_SADDR))), ACCEPT);
	assert_false(judge_with(p, tcp_to(22), &there).drop);
	assert_true(judge_with(p, tcp_to(22), &gone).drop);
	assert_true(judge_with(p, tcp_to(23), &there).drop);
	assert_false(judge_with(p, tcp_to(23), &gone).drop);
	outcome = judge_with(p, tcp_to(22), &unclear);
	assert_false(outcome.drop);
	assert_string_equal(outcome.subject, "set seen");
	assert_false(judge_with(p, tcp_to(22), &counts).drop);
	assert_true(judge_with(p, tcp_to(24), &unclear).drop);
	rule(p, input, in_filled(seen, key(p, IP_SADDR)), DROP);
	assert_true(judge_with(p, tcp_to(25), &unclear).drop);
	assert_false(judge_with(p, tcp_to(25), &counts).drop);
	sl_program_free(p);
}

static void what_must_be_added_is_the_kernels(void **unused)
{
	struct answers there = {.filled = SL_FILLED_HIT}, gone = {.filled = SL_FILLED_MISS};
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	u32 seen = filled(p, 4);
	struct sl_op beyond = counter(p, input);
	struct sl_outcome outcome;

	(void)unused;
	rule(p, input, is(p, DPORT, "23"), fill(seen, key(p, IP_SADDR)), beyond, DROP);
	rule(p, input, is(p, DPORT, "24"), unknown("something"), fill(seen, key(p, IP_SADDR)));
	outcome = judge_with(p, tcp_to(23), &gone);
	assert_false(outcome.drop);
	assert_string_equal(outcome.subject, "add");
	outcome = judge_with(p, tcp_to(23), &there);
	assert_true(outcome.drop);
	assert_int_equal(outcome.hit_count, 1);
	assert_false(judge_with(p, tcp_to(24), &there).drop);
	sl_program_free(p);
}

static void an_odd_frame_passes_unjudged(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	struct frame frame = tcp_to(22);
	struct sl_outcome outcome;

	(void)unused;
	frame.bytes[14 + 6] = 0x20;
	outcome = judge(p, frame);
	assert_false(outcome.drop);
	assert_string_equal(outcome.reason, "IPv4 fragment");
	sl_program_free(p);
}

static void a_foreign_hook_passes_what_reaches_it(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *raw = base_chain(p, SL_HOOK_PREROUTING, -300, ACCEPTS);
	struct sl_outcome outcome;

	(void)unused;
	rule(p, raw, is(p, DPORT, "22"), DROP);
	step(p, SL_STEP_KERNEL);
	step(p, SL_STEP_ROUTE);
	base_chain(p, SL_HOOK_INPUT, 0, DROPS);

	drops(p, tcp_to(22));
	outcome = judge(p, tcp_to(23));
	assert_false(outcome.drop);
	assert_string_equal(outcome.subject, "foreign hook");
	sl_program_free(p);
}

/* Jumps */

static void jump_comes_back_goto_does_not(void **unused)
{
	struct sl_chain *input, *outer, *inner;
	struct sl_program *p = strict_host(&input);

	(void)unused;
	outer = chain(p, "outer");
	inner = chain(p, "inner");
	rule(p, input, is(p, L4PROTO, "6"), jump(outer));
	rule(p, input, is(p, L4PROTO, "17"), go_to(outer));
	rule(p, input, ACCEPT);
	rule(p, outer, is(p, DPORT, "1"), go_to(inner));
	rule(p, outer, is(p, DPORT, "2"), jump(inner));
	rule(p, outer, is(p, DPORT, "3"), RETURN);
	rule(p, outer, DROP);
	rule(p, inner, is(p, SPORT, "7"), DROP);

	passes(p, tcp(CLIENT, 8, HOST, 1)); /* inner ends, outer was left: input goes on */
	drops(p, tcp(CLIENT, 7, HOST, 1));
	drops(p, tcp(CLIENT, 8, HOST, 2)); /* inner ends, outer goes on to its drop */
	passes(p, tcp(CLIENT, 8, HOST, 3));
	drops(p, tcp(CLIENT, 8, HOST, 4));
	drops(p, udp(CLIENT, 8, HOST, 1)); /* input was left by goto: the policy */
	drops(p, udp(CLIENT, 8, HOST, 3));
	passes(p, packet(132, CLIENT, 8, HOST, 4));
	sl_program_free(p);
}

static void return_from_a_base_chain_is_its_policy(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);

	(void)unused;
	rule(p, input, is(p, DPORT, "22"), RETURN);
	rule(p, input, ACCEPT);
	drops(p, tcp_to(22));
	passes(p, tcp_to(23));
	sl_program_free(p);
}

static void a_table_is_the_rules_that_it_holds(void **unused)
{
	struct sl_chain *input, *inner;
	struct sl_program *p = strict_host(&input);

	(void)unused;
	inner = chain(p, "inner");
	rule(p, inner, is(p, DPORT, "1"), RETURN);
	rule(p, inner, is(p, DPORT, "2"), counter(p, inner));
	rule(p, inner, is(p, SPORT, "7"), counter(p, inner), DROP);
	gather_all(p, inner);
	rule(p, inner, is(p, SPORT, "8"), DROP); /* behind the table */
	rule(p, input, jump(inner));
	rule(p, input, ACCEPT);

	passes(p, tcp(CLIENT, 7, HOST, 1)); /* returned from the chain, not from the table */
	passes(p, tcp(CLIENT, 8, HOST, 1));
	drops(p, tcp(CLIENT, 8, HOST, 2));
	assert_int_equal(judge(p, tcp(CLIENT, 8, HOST, 2)).hit_count, 1);
	assert_int_equal(judge(p, tcp(CLIENT, 7, HOST, 2)).hit_count, 2);
	assert_int_equal(judge(p, tcp(CLIENT, 7, HOST, 3)).rule->handle, 3);
	sl_program_free(p);
}

/* Routing */

static void input_only_judges_whatever_comes(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);

	(void)unused;
	drops(p, tcp(CLIENT, 1, HOST, 2));
	drops(p, tcp(CLIENT, 1, "192.0.2.1", 2));
	sl_program_free(p);
}

static void local_only_judges_local_and_multicast(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	struct sl_outcome outcome;

	(void)unused;
	drops(p, udp("fd00::9", 1, "fd00::1", 2));
	drops(p, udp("fd00::9", 1, "ff02::1", 2));
	outcome = judge(p, udp("fd00::9", 1, "fd00::2", 2));
	assert_false(outcome.drop);
	assert_string_equal(outcome.reason, "routing: not known where the packet goes");
	sl_program_free(p);
}

/* A router that drops port 1 on its way in and port 2 on its way through */
static struct sl_program *router(void)
{
	struct sl_program *p = host();
	struct sl_chain *input, *forward;

	p->route_ip = p->route_ip6 = SL_ROUTE_LOOKUP;
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	forward = base_chain(p, SL_HOOK_FORWARD, 0, ACCEPTS);
	rule(p, input, is(p, DPORT, "1"), DROP);
	rule(p, forward, is(p, DPORT, "2"), DROP);
	return p;
}

static void a_router_asks_the_fib_for_what_is_not_local(void **unused)
{
	struct sl_program *p = router();
	struct answers forwards = {.fate = SL_FATE_FORWARD}, local = {.fate = SL_FATE_INPUT};
	struct frame expired = tcp(CLIENT, 1, "192.0.2.1", 2);

	(void)unused;
	assert_true(judge_with(p, tcp_to(1), &forwards).drop);
	assert_false(judge_with(p, tcp_to(2), &forwards).drop);
	assert_false(judge_with(p, tcp(CLIENT, 1, "192.0.2.1", 1), &forwards).drop);
	assert_true(judge_with(p, tcp(CLIENT, 1, "192.0.2.1", 2), &forwards).drop);
	assert_true(judge_with(p, tcp("fd00::9", 1, "2001:db8::1", 2), &forwards).drop);
	assert_true(judge_with(p, tcp(CLIENT, 1, "127.0.0.1", 1), &local).drop);
	passes(p, tcp(CLIENT, 1, "192.0.2.1", 1));
	passes(p, tcp(CLIENT, 1, "192.0.2.1", 2));

	expired.bytes[14 + 8] = 1;
	assert_false(judge_with(p, expired, &forwards).drop);
	sl_program_free(p);
}

static void a_router_passes_broadcasts_and_multicasts(void **unused)
{
	struct sl_program *p = router();
	struct answers forwards = {.fate = SL_FATE_FORWARD};
	struct frame group = tcp_to(1);

	(void)unused;
	assert_false(judge_with(p, udp(CLIENT, 1, "224.0.0.1", 2), &forwards).drop);
	assert_false(judge_with(p, udp(CLIENT, 1, "255.255.255.255", 2), &forwards).drop);
	assert_false(judge_with(p, udp("fd00::9", 1, "ff02::1", 2), &forwards).drop);
	memset(group.bytes, 0xff, 6);
	assert_false(judge_with(p, group, &forwards).drop);
	sl_program_free(p);
}

static void routing_that_cannot_be_told_passes(void **unused)
{
	struct sl_program *p = router();
	struct answers local = {.fate = SL_FATE_INPUT};

	(void)unused;
	p->route_ip = SL_ROUTE_PASS;
	assert_false(judge_with(p, tcp_to(1), &local).drop);
	sl_program_free(p);
}

static void a_foreign_hook_counts_for_its_fate_only(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *input;

	(void)unused;
	step(p, SL_STEP_ROUTE);
	step(p, SL_STEP_KERNEL)->hook = SL_HOOK_FORWARD;
	input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	(void)input;
	drops(p, tcp_to(22));
	step(p, SL_STEP_KERNEL)->hook = SL_HOOK_INPUT;
	drops(p, tcp_to(22));
	p->path.items[1].hook = SL_HOOK_INPUT;
	passes(p, tcp_to(22));
	sl_program_free(p);
}

/* Padding */

static void padding_is_there_at_ingress_and_gone_behind(void **unused)
{
	const struct sl_field behind = {SL_TRANSPORT, 2, 20};
	struct sl_program *p = host();
	struct sl_chain *ingress = base_chain(p, SL_HOOK_INGRESS, 0, ACCEPTS), *raw;
	struct frame padded = tcp_to(22), other = tcp_to(23);

	(void)unused;
	raw = base_chain(p, SL_HOOK_PREROUTING, -300, ACCEPTS);
	rule(p, ingress, is(p, DPORT, "22"), is(p, behind, "0"), DROP);
	rule(p, raw, is(p, DPORT, "23"), is(p, behind, "0"), DROP);
	rule(p, raw, is(p, DPORT, "23"), is(p, LENGTH, "46"), DROP);

	passes(p, padded);
	padded.length += 6;
	drops(p, padded);
	other.length += 6;
	passes(p, other);
	sl_program_free(p);
}

/* Counters */

static void a_drop_counts_what_the_packet_met(void **unused)
{
	struct sl_chain *input, *bad;
	struct sl_program *p = strict_host(&input);
	struct sl_outcome outcome;

	(void)unused;
	bad = chain(p, "bad");
	rule(p, input, counter(p, input));
	rule(p, input, is(p, DPORT, "22"), counter(p, input), ACCEPT);
	rule(p, input, is(p, DPORT, "23"), counter(p, input), jump(bad));
	rule(p, bad, counter(p, bad));
	p->path.items[1].policy_counter = new_counter(p, input, 0);

	outcome = judge(p, tcp_to(23));
	assert_true(outcome.drop);
	assert_int_equal(outcome.hit_count, 4);
	assert_int_equal(outcome.hits[0], 0);
	assert_int_equal(outcome.hits[1], 2);
	assert_int_equal(outcome.hits[2], 3);
	assert_int_equal(outcome.hits[3], 4);
	assert_int_equal(judge(p, tcp_to(22)).hit_count, 0); /* it passes: the kernel counts */
	sl_program_free(p);
}

static void an_accepting_policy_counts_too(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *raw = base_chain(p, SL_HOOK_PREROUTING, -300, ACCEPTS), *input;
	struct sl_outcome outcome;

	(void)unused;
	p->path.items[0].policy_counter = new_counter(p, raw, 0);
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	rule(p, input, DROP);
	outcome = judge(p, tcp_to(23));
	assert_true(outcome.drop);
	assert_int_equal(outcome.hit_count, 1);
	sl_program_free(p);
}

static void the_lowest_possible_world_stands_for_all_in_counters(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);
	struct answers miss = {.worlds = NEW | INVALID}, invalid = {.worlds = INVALID};
	struct sl_outcome outcome;

	(void)unused;
	rule(p, input, state(INVALID), counter(p, input), DROP);
	rule(p, input, state(NEW), counter(p, input), DROP);
	outcome = judge_with(p, tcp_to(22), &miss);
	assert_true(outcome.drop);
	assert_int_equal(outcome.hit_count, 1);
	assert_int_equal(outcome.hits[0], 1);
	assert_ptr_equal(outcome.rule, &input->rules.items[1]);
	outcome = judge_with(p, tcp_to(22), &invalid);
	assert_int_equal(outcome.hit_count, 1);
	assert_int_equal(outcome.hits[0], 0);
	sl_program_free(p);
}

static void too_many_counters_pass(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	struct sl_outcome outcome;

	(void)unused;
	for (u32 i = 0; i < SL_HITS_MAX; i++)
		rule(p, input, counter(p, input));
	outcome = judge(p, tcp_to(22));
	assert_true(outcome.drop);
	assert_int_equal(outcome.hit_count, SL_HITS_MAX);

	rule(p, input, counter(p, input));
	outcome = judge(p, tcp_to(22));
	assert_false(outcome.drop);
	assert_int_equal(outcome.pass, ALL);
	assert_string_equal(outcome.reason, "it meets too many counters");
	sl_program_free(p);
}

/* Trace */

struct record {
	const struct sl_rule *rule;
	u8 worlds;
	bool matched;
};

struct records {
	struct record items[8];
	u32 count;
};

static void record(void *context, const struct sl_chain *chain, const struct sl_rule *rule,
		   u8 worlds, bool matched)
{
	struct records *records = context;

	(void)chain;
	records->items[records->count++] = (struct record){rule, worlds, matched};
}

static void the_trace_tells_each_rule_that_is_met(void **unused)
{
	struct sl_chain *input, *fresh;
	struct sl_program *p = tracking_host(&input);
	struct frame frame = tcp_to(22);
	struct records met = {0};
	struct sl_outcome outcome;

	(void)unused;
	fresh = chain(p, "fresh");
	rule(p, input, state(NEW), jump(fresh));
	rule(p, input, is(p, DPORT, "23"), DROP);
	rule(p, input, DROP);
	rule(p, input, ACCEPT);
	rule(p, fresh, is(p, DPORT, "22"), DROP);
	sl_interp(p, frame.bytes, frame.length, &(struct sl_oracle){0}, record, &met, &outcome);

	assert_int_equal(met.count, 4);
	assert_ptr_equal(met.items[0].rule, &input->rules.items[0]);
	assert_int_equal(met.items[0].worlds, ALL & ~(ESTABLISHED | RELATED));
	assert_true(met.items[0].matched);
	assert_ptr_equal(met.items[1].rule, &fresh->rules.items[0]);
	assert_int_equal(met.items[1].worlds, NEW);
	assert_true(met.items[1].matched);
	assert_ptr_equal(met.items[2].rule, &input->rules.items[1]);
	assert_int_equal(met.items[2].worlds, INVALID | SL_WORLD_UNTRACKED);
	assert_false(met.items[2].matched);
	assert_ptr_equal(met.items[3].rule, &input->rules.items[2]);
	sl_program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_path_passes),
		cmocka_unit_test(the_first_rule_that_matches_decides),
		cmocka_unit_test(accept_ends_one_base_chain_only),
		cmocka_unit_test(the_outcome_names_the_rule_that_decided),
		cmocka_unit_test(a_rate_passes_until_it_is_spent),
		cmocka_unit_test(a_rate_behind_a_doubt_passes_even_if_it_is_spent),
		cmocka_unit_test(a_set_that_packets_fill_has_the_source_or_has_not),
		cmocka_unit_test(what_must_be_added_is_the_kernels),
		cmocka_unit_test(an_odd_frame_passes_unjudged),
		cmocka_unit_test(a_foreign_hook_passes_what_reaches_it),
		cmocka_unit_test(jump_comes_back_goto_does_not),
		cmocka_unit_test(return_from_a_base_chain_is_its_policy),
		cmocka_unit_test(a_table_is_the_rules_that_it_holds),
		cmocka_unit_test(input_only_judges_whatever_comes),
		cmocka_unit_test(local_only_judges_local_and_multicast),
		cmocka_unit_test(a_router_asks_the_fib_for_what_is_not_local),
		cmocka_unit_test(a_router_passes_broadcasts_and_multicasts),
		cmocka_unit_test(routing_that_cannot_be_told_passes),
		cmocka_unit_test(a_foreign_hook_counts_for_its_fate_only),
		cmocka_unit_test(padding_is_there_at_ingress_and_gone_behind),
		cmocka_unit_test(a_drop_counts_what_the_packet_met),
		cmocka_unit_test(an_accepting_policy_counts_too),
		cmocka_unit_test(the_lowest_possible_world_stands_for_all_in_counters),
		cmocka_unit_test(too_many_counters_pass),
		cmocka_unit_test(the_trace_tells_each_rule_that_is_met),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
