// SPDX-License-Identifier: GPL-2.0-only
/* Sets and verdict maps: which element a key finds, and what follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ir/judge.h"

static void exact_sets_hold_single_values(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	struct sl_set *ports = set(p, SL_SET_EXACT, DPORT);

	(void)unused;
	add(p, ports, "\0\x16", NULL);
	add(p, ports, "\1\xbb", NULL);
	rule(p, input, in_set(ports, key(p, DPORT)), ACCEPT);
	rule(p, input, is(p, SPORT, "7"), inverted(in_set(ports, key(p, DPORT))), ACCEPT);
	passes(p, tcp_to(22));
	passes(p, tcp_to(443));
	drops(p, tcp_to(23));
	passes(p, tcp(CLIENT, 7, HOST, 23));
	sl_program_free(p);
}

static void intervals_compare_the_whole_key(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	struct sl_set *nets = set(p, SL_SET_INTERVAL, IP_SADDR);

	(void)unused;
	add(p, nets, "\x0a\0\0\0", "\x0a\xff\xff\xff");
	add(p, nets, "\xc0\xa8\0\5", "\xc0\xa8\1\2");
	rule(p, input, in_set(nets, key(p, IP_SADDR)), ACCEPT);
	passes(p, tcp("10.200.0.1", 1, HOST, 2));
	drops(p, tcp("11.0.0.0", 1, HOST, 2));
	drops(p, tcp("192.168.0.4", 1, HOST, 2));
	passes(p, tcp("192.168.0.200", 1, HOST, 2));
	passes(p, tcp("192.168.1.2", 1, HOST, 2));
	drops(p, tcp("192.168.1.3", 1, HOST, 2));
	sl_program_free(p);
}

static void boxes_compare_each_field_and_the_first_wins(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	struct sl_set *boxes = set(p, SL_SET_BOXES, DPORT, IP_SADDR);

	(void)unused;
	boxes->is_vmap = true;
	add(p, boxes, "\0\x16\0\0\x0a\0\0\0", "\0\x20\0\0\x0a\0\0\xff")->verdict.kind =
		SL_VERDICT_ACCEPT;
	add(p, boxes, "\0\x1e\0\0\x0a\0\0\0", "\0\x28\0\0\x0a\xff\xff\xff")->verdict.kind =
		SL_VERDICT_DROP;
	rule(p, input, vmap(boxes, key(p, DPORT, IP_SADDR)));
	rule(p, input, ACCEPT);
	passes(p, tcp("10.0.0.9", 1, HOST, 22));
	passes(p, tcp("10.0.0.9", 1, HOST, 30)); /* in both */
	drops(p, tcp("10.0.0.9", 1, HOST, 40));
	drops(p, tcp("10.0.1.9", 1, HOST, 32));
	passes(p, tcp("10.0.1.9", 1, HOST, 22)); /* in neither */
	sl_program_free(p);
}

static void a_catchall_catches_what_no_element_does(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	struct sl_set *ports = set(p, SL_SET_EXACT, DPORT), *any_port = set(p, SL_SET_EXACT, DPORT);

	(void)unused;
	map(p, ports, "\0\x16", DROP);
	ports->has_catchall = true;
	ports->catchall.kind = SL_VERDICT_CONTINUE;
	any_port->has_catchall = true;
	rule(p, input, vmap(ports, key(p, DPORT)));
	rule(p, input, in_set(any_port, key(p, DPORT)), ACCEPT);
	drops(p, tcp_to(22));
	passes(p, tcp_to(23));
	sl_program_free(p);
}

static void verdict_maps_carry_every_verdict(void **unused)
{
	struct sl_chain *input, *web;
	struct sl_program *p = strict_host(&input);
	struct sl_set *ports = set(p, SL_SET_EXACT, DPORT);

	(void)unused;
	web = chain(p, "web");
	map(p, ports, "\0\1", ACCEPT);
	map(p, ports, "\0\2", DROP);
	map(p, ports, "\0\3", jump(web));
	map(p, ports, "\0\4", go_to(web));
	map(p, ports, "\0\5", RETURN);
	map(p, ports, "\0\6", CONTINUE);
	map(p, ports, "\0\7", VERDICT(KERNEL));
	rule(p, input, vmap(ports, key(p, DPORT)));
	rule(p, input, ACCEPT);
	rule(p, web, is(p, SPORT, "9"), DROP);

	passes(p, tcp_to(1));
	drops(p, tcp_to(2));
	passes(p, tcp_to(3));
	drops(p, tcp(CLIENT, 9, HOST, 3));
	drops(p, tcp_to(4));
	drops(p, tcp_to(5));
	passes(p, tcp_to(6));
	passes(p, tcp_to(7));
	passes(p, tcp_to(8)); /* a miss is a failed match */
	sl_program_free(p);
}

static void elements_expire_by_the_clock(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	struct sl_set *bad = set(p, SL_SET_EXACT, IP_SADDR);
	struct answers early = {.now_ns = 999}, late = {.now_ns = 1000};

	(void)unused;
	bad->has_timeouts = true;
	add(p, bad, "\x0a\0\0\x09", NULL)->expires_at_ns = 1000;
	rule(p, input, in_set(bad, key(p, IP_SADDR)), DROP);
	rule(p, input, ACCEPT);
	assert_true(judge_with(p, tcp_to(22), &early).drop);
	assert_false(judge_with(p, tcp_to(22), &late).drop);
	sl_program_free(p);
}

static void an_element_made_of_a_counted_rule_counts(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	struct sl_set *ports = set(p, SL_SET_EXACT, DPORT);

	(void)unused;
	map(p, ports, "\0\26", DROP);
	map(p, ports, "\0\27", DROP);
	ports->elements.items[1].counts = true;
	ports->elements.items[1].counter = new_counter(p, input, 7);
	rule(p, input, vmap(ports, key(p, DPORT)));
	assert_int_equal(judge(p, tcp_to(22)).hit_count, 0);
	assert_int_equal(judge(p, tcp_to(23)).hit_count, 1);
	assert_int_equal(judge(p, tcp_to(23)).hits[0], ports->elements.items[1].counter);
	sl_program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_element_made_of_a_counted_rule_counts),
		cmocka_unit_test(exact_sets_hold_single_values),
		cmocka_unit_test(intervals_compare_the_whole_key),
		cmocka_unit_test(boxes_compare_each_field_and_the_first_wins),
		cmocka_unit_test(a_catchall_catches_what_no_element_does),
		cmocka_unit_test(verdict_maps_carry_every_verdict),
		cmocka_unit_test(elements_expire_by_the_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
