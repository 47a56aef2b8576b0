// SPDX-License-Identifier: GPL-2.0-only
/* What is not known: conntrack states, and matches that only the kernel can make. */
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ir/judge.h"

/* Worlds */

static void the_commonest_ruleset_drops_on_a_miss(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);
	struct answers miss = {.worlds = NEW | INVALID}, hit = {.worlds = ESTABLISHED};
	struct sl_outcome outcome;

	(void)unused;
	rule(p, input, state(ESTABLISHED | RELATED), ACCEPT);
	rule(p, input, is(p, DPORT, "22"), ACCEPT);

	outcome = judge_with(p, tcp_to(23), &miss);
	assert_true(outcome.drop);
	assert_int_equal(outcome.pass, ESTABLISHED | RELATED);
	assert_int_equal(miss.asked, 1);
	outcome = judge_with(p, tcp_to(23), &hit);
	assert_false(outcome.drop);
	assert_string_equal(outcome.reason, "conntrack: a connection may exist");
	assert_int_equal(hit.asked, 1);

	miss.asked = 0;
	assert_int_equal(judge_with(p, tcp_to(22), &miss).pass, ALL);
	assert_int_equal(miss.asked, 0); /* it passes in any world: no need to ask */
	passes(p, tcp_to(23));           /* nobody to ask */
	sl_program_free(p);
}

static void a_drop_ahead_of_conntrack_needs_no_lookup(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *raw = base_chain(p, SL_HOOK_PREROUTING, -300, ACCEPTS);
	struct answers hit = {.worlds = ESTABLISHED};
	struct sl_outcome outcome;

	(void)unused;
	rule(p, raw, is(p, DPORT, "22"), DROP);
	step(p, SL_STEP_CONNTRACK);

	outcome = judge_with(p, tcp_to(22), &hit);
	assert_true(outcome.drop);
	assert_int_equal(outcome.pass, 0);
	assert_int_equal(hit.asked, 0);
	sl_program_free(p);
}

static void invalid_alone_is_not_proved_by_a_miss(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *mangle;
	struct answers miss = {.worlds = NEW | INVALID};
	struct sl_outcome outcome;

	(void)unused;
	step(p, SL_STEP_CONNTRACK);
	mangle = base_chain(p, SL_HOOK_PREROUTING, -150, ACCEPTS);
	rule(p, mangle, state(INVALID), DROP);

	outcome = judge_with(p, tcp_to(22), &miss);
	assert_false(outcome.drop);
	assert_int_equal(outcome.pass, ALL & ~INVALID);
	assert_string_equal(outcome.reason, "accepted by policy");
	sl_program_free(p);
}

static struct frame with_flags(struct frame frame, u8 flags)
{
	frame.bytes[frame.length - 7] = flags;
	return frame;
}

/* INVALID packets spend a rate (ufw), or are let in: of those that begin something none is. */
static void what_begins_a_connection_is_not_invalid(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);
	struct answers miss = {.worlds = NEW | INVALID}, hit = {.worlds = ALL};

	(void)unused;
	rule(p, input, state(INVALID), kernel("limit"));
	assert_true(judge_with(p, sealed(tcp_to(22)), &miss).drop);
	assert_true(judge_with(p, udp(CLIENT, 1000, HOST, 53), &miss).drop);
	assert_false(judge_with(p, tcp_to(22), &miss).drop); /* by its checksum it may be */
	assert_false(judge_with(p, sealed(with_flags(tcp_to(22), TH_ACK)), &miss).drop);
	assert_false(judge_with(p, sealed(tcp_to(22)), &hit).drop);
	assert_false(judge(p, sealed(tcp_to(22))).drop);
	sl_program_free(p);
}

static void what_is_malformed_is_invalid_on_a_miss(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);
	struct frame malformed = with_flags(tcp_to(22), TH_SYN | TH_FIN);
	struct answers miss = {.worlds = NEW | INVALID}, hit = {.worlds = ALL};

	(void)unused;
	rule(p, input, state(INVALID), DROP);
	rule(p, input, is(p, DPORT, "22"), ACCEPT);
	assert_true(judge_with(p, malformed, &miss).drop);
	assert_false(judge_with(p, malformed, &hit).drop);
	assert_false(judge_with(p, tcp_to(22), &miss).drop);
	sl_program_free(p);
}

/* Its rule is known, then, also if other packets of a miss are dropped by another. */
static void what_is_malformed_counts_as_invalid(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);
	struct answers miss = {.worlds = NEW | INVALID};
	struct sl_outcome outcome;
	struct sl_op invalid = counter(p, input), all = counter(p, input);

	(void)unused;
	rule(p, input, state(INVALID), invalid, DROP);
	rule(p, input, all, DROP);
	outcome = judge_with(p, with_flags(tcp_to(22), TH_FIN), &miss);
	assert_int_equal(outcome.hit_count, 1);
	assert_int_equal(outcome.hits[0], invalid.counter);
	outcome = judge_with(p, tcp_to(22), &miss);
	assert_int_equal(outcome.hit_count, 1);
	assert_int_equal(outcome.hits[0], all.counter);
	sl_program_free(p);
}

static void form_tells_nothing_where_a_miss_may_be_related(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);
	struct answers miss = {.worlds = NEW | INVALID | RELATED};

	(void)unused;
	rule(p, input, state(INVALID), ACCEPT);
	assert_false(judge_with(p, sealed(tcp_to(22)), &miss).drop);
	sl_program_free(p);
}

static void the_reason_is_that_of_a_world_that_passes(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);
	struct answers miss = {.worlds = NEW | INVALID};
	struct sl_outcome outcome;

	(void)unused;
	rule(p, input, state(NEW), DROP);
	rule(p, input, state(INVALID), ACCEPT);
	outcome = judge_with(p, tcp_to(22), &miss);
	assert_false(outcome.drop);
	assert_string_equal(outcome.reason, "accepted by a rule");
	assert_ptr_equal(outcome.rule, &input->rules.items[1]);
	sl_program_free(p);
}

static void state_is_invalid_ahead_of_conntrack(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *raw = base_chain(p, SL_HOOK_PREROUTING, -300, ACCEPTS);

	(void)unused;
	rule(p, raw, is(p, DPORT, "22"), state(INVALID), DROP);
	rule(p, raw, is(p, DPORT, "23"), state(NEW | ESTABLISHED), DROP);
	step(p, SL_STEP_CONNTRACK);

	drops(p, tcp_to(22));
	passes(p, tcp_to(23));
	sl_program_free(p);
}

static void state_is_invalid_throughout_without_conntrack(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);

	(void)unused;
	rule(p, input, state(INVALID), is(p, DPORT, "22"), ACCEPT);
	rule(p, input, state(ALL & ~INVALID), ACCEPT);
	passes(p, tcp_to(22));
	drops(p, tcp_to(23));
	sl_program_free(p);
}

static void conntrack_counts_for_its_families_only(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *mangle;

	(void)unused;
	step(p, SL_STEP_CONNTRACK)->families = SL_IP;
	mangle = base_chain(p, SL_HOOK_PREROUTING, -150, ACCEPTS);
	rule(p, mangle, state(INVALID), DROP);
	passes(p, tcp_to(22));
	drops(p, tcp("fd00::9", 1000, "fd00::1", 22));
	sl_program_free(p);
}

/* Only some worlds jump; those that return or fall off the end rejoin the others. */
static void split_worlds_rejoin_behind_the_jump(void **unused)
{
	struct sl_chain *input, *fresh;
	struct sl_program *p = tracking_host(&input);
	struct answers is_new = {.worlds = NEW}, is_invalid = {.worlds = INVALID};

	(void)unused;
	fresh = chain(p, "fresh");
	rule(p, input, state(NEW), jump(fresh));
	rule(p, input, is(p, DPORT, "22"), ACCEPT);
	rule(p, fresh, is(p, SPORT, "1"), DROP);
	rule(p, fresh, is(p, SPORT, "2"), ACCEPT);
	rule(p, fresh, is(p, SPORT, "3"), RETURN);

	assert_int_equal(judge_with(p, tcp(CLIENT, 1, HOST, 22), &is_new).pass, ALL & ~NEW);
	assert_true(judge_with(p, tcp(CLIENT, 1, HOST, 22), &is_new).drop);
	assert_false(judge_with(p, tcp(CLIENT, 1, HOST, 22), &is_invalid).drop);
	assert_int_equal(judge_with(p, tcp(CLIENT, 2, HOST, 23), &is_new).pass,
			 NEW | ESTABLISHED | RELATED);
	assert_true(judge_with(p, tcp(CLIENT, 2, HOST, 23), &is_invalid).drop);
	assert_int_equal(judge_with(p, tcp(CLIENT, 3, HOST, 22), &is_new).pass, ALL);
	assert_int_equal(judge_with(p, tcp(CLIENT, 4, HOST, 22), &is_new).pass, ALL);
	assert_true(judge_with(p, tcp(CLIENT, 4, HOST, 23), &is_new).drop);
	sl_program_free(p);
}

static void split_worlds_leave_by_goto_while_others_walk_on(void **unused)
{
	struct sl_chain *input, *fresh;
	struct sl_program *p = tracking_host(&input);

	(void)unused;
	fresh = chain(p, "fresh");
	rule(p, input, state(NEW), go_to(fresh));
	rule(p, input, ACCEPT);
	rule(p, fresh, is(p, DPORT, "22"), ACCEPT);

	assert_int_equal(judge(p, tcp_to(22)).pass, ALL);
	assert_int_equal(judge(p, tcp_to(23)).pass, ALL & ~NEW);
	sl_program_free(p);
}

/* UNKNOWN */

static void an_unknown_concerns_only_the_worlds_that_met_it(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);

	(void)unused;
	rule(p, input, state(NEW), unknown("osf"), ACCEPT);
	rule(p, input, state(INVALID), unknown("osf"), DROP);
	rule(p, input, is(p, DPORT, "22"), state(INVALID), ACCEPT);
	assert_int_equal(judge(p, tcp_to(22)).pass, NEW | ESTABLISHED | RELATED | INVALID);
	assert_int_equal(judge(p, tcp_to(23)).pass, NEW | ESTABLISHED | RELATED);
	rule(p, input, state(SL_WORLD_UNTRACKED), ACCEPT);
	assert_int_equal(judge(p, tcp_to(22)).pass, ALL);
	sl_program_free(p);
}

static void behind_unknown_a_drop_is_ignored_and_a_way_out_passes(void **unused)
{
	struct sl_chain *input, *empty;
	struct sl_program *p = strict_host(&input);
	struct sl_set *ports = set(p, SL_SET_EXACT, DPORT);

	(void)unused;
	empty = chain(p, "empty");
	map(p, ports, "\0\7", DROP);
	rule(p, input, unknown("osf"), is(p, DPORT, "1"), ACCEPT);
	rule(p, input, unknown("osf"), is(p, DPORT, "2"), DROP);
	rule(p, input, unknown("osf"), is(p, DPORT, "3"), jump(empty));
	rule(p, input, unknown("osf"), is(p, DPORT, "4"), go_to(empty));
	rule(p, input, unknown("osf"), is(p, DPORT, "5"), RETURN);
	rule(p, input, unknown("osf"), is(p, DPORT, "6"), VERDICT(KERNEL));
	rule(p, input, unknown("osf"), within(p, DPORT, "7", "8"), vmap(ports, key(p, DPORT)));
	rule(p, input, unknown("osf"), is(p, DPORT, "9"), counter(p, input), DROP);
	rule(p, input, unknown("osf"), is(p, DPORT, "10"), kernel("limit"), DROP);
	rule(p, input, unknown("osf"), is(p, DPORT, "11"), CONTINUE);
	rule(p, input, unknown("osf"));
	rule(p, input, is(p, DPORT, "2"), is(p, SPORT, "9"), ACCEPT);

	for (u16 port = 1; port <= 10; port++)
		assert_int_equal(judge(p, tcp_to(port)).drop, port == 2);
	passes(p, tcp(CLIENT, 9, HOST, 2)); /* where the unknown does not match */
	drops(p, tcp_to(11));
	drops(p, tcp_to(12));
	sl_program_free(p);
}

static void a_counter_ahead_of_unknown_counts(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);

	(void)unused;
	rule(p, input, counter(p, input), unknown("osf"), DROP);
	assert_true(judge(p, tcp_to(22)).drop);
	assert_int_equal(judge(p, tcp_to(22)).hit_count, 1);
	sl_program_free(p);
}

static void a_counter_behind_an_ignored_drop_passes(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);
	u8 connected = ESTABLISHED | RELATED;

	(void)unused;
	rule(p, input, is(p, DPORT, "22"), state(INVALID), unknown("osf"), DROP);
	rule(p, input, is(p, SPORT, "9"), counter(p, input), DROP);
	assert_int_equal(judge(p, tcp(CLIENT, 8, HOST, 22)).pass, connected);
	assert_int_equal(judge(p, tcp(CLIENT, 9, HOST, 23)).pass, connected);
	/* Only NEW is sure to come as far as the counter. */
	assert_int_equal(judge(p, tcp(CLIENT, 9, HOST, 22)).pass, connected | INVALID);
	sl_program_free(p);
}

static void a_policy_that_counts_behind_an_ignored_drop_passes(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);

	(void)unused;
	p->path.items[p->path.count - 1].policy_counter = new_counter(p, input, 0);
	rule(p, input, is(p, DPORT, "22"), unknown("osf"), DROP);
	passes(p, tcp_to(22));
	assert_string_equal(judge(p, tcp_to(22)).reason,
			    "not known whether it comes as far as a counter");
	drops(p, tcp_to(23));
	sl_program_free(p);
}

static void the_kernel_takes_only_what_matched_before(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);

	(void)unused;
	rule(p, input, is(p, DPORT, "22"), kernel("log"), is(p, SPORT, "1"), DROP);
	passes(p, tcp_to(22));
	drops(p, tcp_to(23));
	sl_program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_commonest_ruleset_drops_on_a_miss),
		cmocka_unit_test(a_drop_ahead_of_conntrack_needs_no_lookup),
		cmocka_unit_test(invalid_alone_is_not_proved_by_a_miss),
		cmocka_unit_test(what_begins_a_connection_is_not_invalid),
		cmocka_unit_test(what_is_malformed_is_invalid_on_a_miss),
		cmocka_unit_test(what_is_malformed_counts_as_invalid),
		cmocka_unit_test(form_tells_nothing_where_a_miss_may_be_related),
		cmocka_unit_test(the_reason_is_that_of_a_world_that_passes),
		cmocka_unit_test(state_is_invalid_ahead_of_conntrack),
		cmocka_unit_test(state_is_invalid_throughout_without_conntrack),
		cmocka_unit_test(conntrack_counts_for_its_families_only),
		cmocka_unit_test(split_worlds_rejoin_behind_the_jump),
		cmocka_unit_test(split_worlds_leave_by_goto_while_others_walk_on),
		cmocka_unit_test(an_unknown_concerns_only_the_worlds_that_met_it),
		cmocka_unit_test(behind_unknown_a_drop_is_ignored_and_a_way_out_passes),
		cmocka_unit_test(a_counter_ahead_of_unknown_counts),
		cmocka_unit_test(a_counter_behind_an_ignored_drop_passes),
		cmocka_unit_test(a_policy_that_counts_behind_an_ignored_drop_passes),
		cmocka_unit_test(the_kernel_takes_only_what_matched_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
