// SPDX-License-Identifier: GPL-2.0-only
/* The packet's mark: who sets it, who may ask for it, and what it is where worlds part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ir/judge.h"

static void a_mark_is_what_the_rules_made_of_it(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);

	(void)unused;
	rule(p, input, is(p, MARK, "0"), is(p, DPORT, "1"), ACCEPT);
	rule(p, input, set_mark(p, 0, 5));
	rule(p, input, is(p, DPORT, "2"), set_mark(p, ~1u, 2)); /* 5 & ~1 ^ 2 */
	rule(p, input, is(p, MARK, "6"), ACCEPT);
	rule(p, input, key_is(p, masked(p, key(p, MARK), "\1\0\0\0", NULL), "\1\0\0\0"),
	     is(p, DPORT, "3"), ACCEPT);
	passes(p, tcp_to(1));
	passes(p, tcp_to(2));
	passes(p, tcp_to(3));
	drops(p, tcp_to(4));
	sl_program_free(p);
}

/* Jumps, returns and base chains keep it. */
static void a_mark_goes_with_the_packet(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *raw = base_chain(p, SL_HOOK_PREROUTING, -300, ACCEPTS), *marks, *input;

	(void)unused;
	marks = chain(p, "marks");
	rule(p, marks, is(p, DPORT, "1"), set_mark(p, 0, 1), ACCEPT);
	rule(p, marks, set_mark(p, 0, 2), RETURN);
	rule(p, raw, jump(marks));
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	rule(p, input, is(p, MARK, "1"), ACCEPT);
	passes(p, tcp_to(1));
	drops(p, tcp_to(2));
	sl_program_free(p);
}

static void a_mark_that_is_not_known_passes_whoever_asks_for_it(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);

	(void)unused;
	rule(p, input, is(p, DPORT, "1"), lose_mark(p));
	rule(p, input, is(p, DPORT, "2"), unknown("osf"), set_mark(p, 0, 1));
	rule(p, input, is(p, DPORT, "3"), DROP);
	rule(p, input, is(p, SPORT, "9"), set_mark(p, 0, 0)); /* known again */
	rule(p, input, any(p, is(p, MARK, "7"), is(p, DPORT, "77")), ACCEPT);
	passes(p, tcp_to(1));
	passes(p, tcp_to(2));
	drops(p, tcp_to(3));
	drops(p, tcp_to(4));
	drops(p, tcp(CLIENT, 9, HOST, 1));
	sl_program_free(p);
}

static void worlds_that_part_do_not_share_a_mark(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);

	(void)unused;
	rule(p, input, is(p, DPORT, "1"), state(NEW), set_mark(p, 0, 1));
	rule(p, input, is(p, DPORT, "1"), state(NEW), is(p, MARK, "1"), DROP);
	rule(p, input, is(p, DPORT, "2"), state(NEW), set_mark(p, 0, 1));
	rule(p, input, is(p, DPORT, "2"), state(INVALID), is(p, MARK, "0"), DROP);
	rule(p, input, is(p, DPORT, "3"), state(INVALID), DROP);
	rule(p, input, is(p, DPORT, "3"), set_mark(p, 0, 1));
	rule(p, input, is(p, DPORT, "3"), is(p, MARK, "0"), ACCEPT);
	/* Theirs is known whose rule set it last … */
	assert_int_equal(judge(p, tcp_to(1)).pass, ESTABLISHED | RELATED);
	/* … and that of the others is not, whatever it was before. */
	assert_int_equal(judge(p, tcp_to(2)).pass, ESTABLISHED | RELATED | INVALID);
	assert_int_equal(judge(p, tcp_to(3)).pass, ESTABLISHED | RELATED);
	sl_program_free(p);
}

/* Only where the FIB is asked: addresses of the host's own are known without it. */
static void routing_is_asked_only_of_packets_without_a_mark(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *raw = base_chain(p, SL_HOOK_PREROUTING, -300, ACCEPTS);
	struct answers answers = {.fate = SL_FATE_FORWARD};

	(void)unused;
	rule(p, raw, is(p, DPORT, "1"), set_mark(p, 0, 1));
	rule(p, raw, is(p, DPORT, "2"), lose_mark(p));
	step(p, SL_STEP_ROUTE);
	p->route_ip = SL_ROUTE_LOOKUP;
	base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	base_chain(p, SL_HOOK_FORWARD, 0, DROPS);
	assert_false(judge_with(p, tcp(CLIENT, 5, "10.9.9.9", 1), &answers).drop);
	assert_false(judge_with(p, tcp(CLIENT, 5, "10.9.9.9", 2), &answers).drop);
	assert_true(judge_with(p, tcp(CLIENT, 5, "10.9.9.9", 3), &answers).drop);
	assert_true(judge_with(p, tcp(CLIENT, 5, HOST, 1), &answers).drop);
	p->device.mark_is_zero = false; /* only what rules set counts */
	assert_false(judge_with(p, tcp(CLIENT, 5, "10.9.9.9", 1), &answers).drop);
	assert_true(judge_with(p, tcp(CLIENT, 5, "10.9.9.9", 3), &answers).drop);
	sl_program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mark_is_what_the_rules_made_of_it),
		cmocka_unit_test(a_mark_goes_with_the_packet),
		cmocka_unit_test(a_mark_that_is_not_known_passes_whoever_asks_for_it),
		cmocka_unit_test(worlds_that_part_do_not_share_a_mark),
		cmocka_unit_test(routing_is_asked_only_of_packets_without_a_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
