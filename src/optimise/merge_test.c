// SPDX-License-Identifier: GPL-2.0-only
/* Runs of rules: which ones merge, and that the first match still wins. */
#include <linux/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ir/shorthand.h"
#include "optimise/optimise.h"

#define HOST "10.0.0.1"

static struct sl_program *begin(struct sl_chain **ret_input)
{
	struct sl_program *p = host();

	step(p, SL_STEP_ROUTE);
	*ret_input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	return p;
}

static void merge(struct sl_program *p)
{
	struct sl_diag diag = {0};

	assert_int_equal(sl_optimise_merge(p), 0);
	if (sl_program_verify(p, &diag))
		fail_msg("%s", diag.text);
}

static struct sl_outcome judge(const struct sl_program *p, struct frame frame)
{
	const struct sl_oracle oracle = {0};
	struct sl_outcome outcome;

	sl_interp(p, frame.bytes, frame.length, &oracle, NULL, NULL, &outcome);
	return outcome;
}

/* "10.0.0.0/8", or with bytes left out as nft does it: `length` < 4. */
static struct sl_op from_net(struct sl_program *p, const char *address, u32 bits, u32 length)
{
	struct sl_field field = {SL_NETWORK, (u8)length, 12};
	struct sl_key plain = key(p, field);
	u8 mask[4];

	for (u32 i = 0; i < 4; i++)
		mask[i] = bits >= 8 * (i + 1) ? 0xff
			  : bits <= 8 * i     ? 0
					      : (u8)(0xff << (8 * (i + 1) - bits));
	return key_is(p, bits < 8 * length ? masked(p, plain, mask, NULL) : plain,
		      value(p, IP_SADDR, address));
}

static void drops(const struct sl_program *p, const char *from)
{
	if (!judge(p, udp(from, 1, HOST, 9)).drop)
		fail_msg("%s passes", from);
}

static void passes(const struct sl_program *p, const char *from)
{
	if (judge(p, udp(from, 1, HOST, 9)).drop)
		fail_msg("%s drops", from);
}

static void a_blocklist_becomes_one_lookup(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	rule(p, input, is(p, IP_SADDR, "10.0.0.2"), DROP);
	rule(p, input, is(p, IP_SADDR, "10.0.0.4"), ACCEPT);
	rule(p, input, is(p, IP_SADDR, "10.0.0.3"), DROP);
	rule(p, input, is(p, IP_SADDR, "10.0.0.4"), DROP); /* too late */
	rule(p, input, is(p, IP_SADDR, "10.0.0.9"), RETURN);
	merge(p);
	assert_int_equal(input->rules.count, 1);
	assert_int_equal(p->sets.items[0]->kind, SL_SET_EXACT);
	assert_int_equal(p->sets.items[0]->elements.count, 4);
	drops(p, "10.0.0.2");
	drops(p, "10.0.0.3");
	passes(p, "10.0.0.4");
	passes(p, "10.0.0.9");
	passes(p, "10.0.0.5");
	sl_program_free(p);
}

static void three_rules_are_no_run(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	rule(p, input, is(p, IP_SADDR, "10.0.0.2"), DROP);
	rule(p, input, is(p, IP_SADDR, "10.0.0.3"), DROP);
	rule(p, input, is(p, IP_SADDR, "10.0.0.4"), DROP);
	merge(p);
	assert_int_equal(input->rules.count, 3);
	sl_program_free(p);
}

static void the_earliest_of_nested_prefixes_wins(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	rule(p, input, from_net(p, "10.1.2.0", 24, 4), ACCEPT); /* in the next */
	rule(p, input, from_net(p, "10.1.0.0", 16, 4), DROP);   /* in the last */
	rule(p, input, from_net(p, "10.1.3.0", 24, 4), ACCEPT); /* too late */
	rule(p, input, from_net(p, "10.2.0.0", 16, 4), RETURN);
	rule(p, input, from_net(p, "10.1.0.0", 16, 4), ACCEPT); /* equal, too late */
	rule(p, input, from_net(p, "10.0.0.0", 8, 4), DROP);
	merge(p);
	assert_int_equal(input->rules.count, 1);
	passes(p, "10.1.2.0");
	passes(p, "10.1.2.255");
	drops(p, "10.1.1.255");
	drops(p, "10.1.3.0");
	drops(p, "10.1.255.255");
	passes(p, "10.2.0.0");
	passes(p, "10.2.255.255");
	drops(p, "10.0.255.255");
	drops(p, "10.3.0.0");
	drops(p, "10.255.255.255");
	passes(p, "9.255.255.255");
	passes(p, "11.0.0.0");
	sl_program_free(p);
}

static void the_whole_address_space_and_its_ends(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	rule(p, input, is(p, IP_SADDR, "0.0.0.0"), ACCEPT);
	rule(p, input, is(p, IP_SADDR, "255.255.255.255"), ACCEPT);
	rule(p, input, from_net(p, "128.0.0.0", 1, 4), DROP);
	rule(p, input, from_net(p, "0.0.0.0", 0, 4), DROP);
	rule(p, input, from_net(p, "0.0.0.0", 0, 4), ACCEPT);
	merge(p);
	assert_int_equal(input->rules.count, 1);
	passes(p, "0.0.0.0");
	passes(p, "255.255.255.255");
	drops(p, "0.0.0.1");
	drops(p, "127.255.255.255");
	drops(p, "128.0.0.0");
	drops(p, "255.255.255.254");
	sl_program_free(p);
}

static void prefixes_that_nft_shortens_merge_with_whole_addresses(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	rule(p, input, from_net(p, "10.0.1.0", 24, 3), DROP);
	rule(p, input, is(p, IP_SADDR, "10.0.2.9"), DROP);
	rule(p, input, from_net(p, "11.0.0.0", 8, 1), DROP);
	rule(p, input, from_net(p, "12.16.0.0", 12, 2), DROP);
	merge(p);
	assert_int_equal(input->rules.count, 1);
	drops(p, "10.0.1.0");
	drops(p, "10.0.1.255");
	drops(p, "10.0.2.9");
	passes(p, "10.0.2.8");
	drops(p, "11.255.0.1");
	drops(p, "12.31.255.255");
	passes(p, "12.32.0.0");
	sl_program_free(p);
}

static void fields_that_may_be_missing_are_not_lengthened(void **unused)
{
	struct sl_field longer = {SL_TRANSPORT, 4, 6}, shorter = {SL_TRANSPORT, 2, 6};
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	rule(p, input, is(p, longer, "1"), DROP);
	rule(p, input, is(p, shorter, "8"), DROP); /* UDP's length and checksum: that is all */
	rule(p, input, is(p, longer, "3"), DROP);
	rule(p, input, is(p, shorter, "4"), DROP);
	merge(p);
	assert_int_equal(input->rules.count, 4);
	sl_program_free(p);
}

static void counters_count_what_their_rule_would_have(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_op counters[3];
	struct sl_outcome outcome;

	(void)unused;
	for (u32 i = 0; i < 3; i++)
		counters[i] = counter(p, input);
	rule(p, input, from_net(p, "10.1.2.0", 24, 4), counters[0], DROP);
	rule(p, input, from_net(p, "10.1.0.0", 16, 4), counters[1], DROP);
	rule(p, input, is(p, IP_SADDR, "10.2.0.1"), DROP);
	rule(p, input, from_net(p, "10.0.0.0", 8, 4), counters[2], DROP);
	merge(p);
	assert_int_equal(input->rules.count, 1);

	outcome = judge(p, udp("10.1.2.3", 1, HOST, 9));
	assert_int_equal(outcome.hit_count, 1);
	assert_int_equal(outcome.hits[0], counters[0].counter);
	outcome = judge(p, udp("10.1.3.3", 1, HOST, 9));
	assert_int_equal(outcome.hits[0], counters[1].counter);
	outcome = judge(p, udp("10.2.0.1", 1, HOST, 9));
	assert_true(outcome.drop);
	assert_int_equal(outcome.hit_count, 0);
	outcome = judge(p, udp("10.2.0.2", 1, HOST, 9));
	assert_int_equal(outcome.hit_count, 1);
	assert_int_equal(outcome.hits[0], counters[2].counter);
	sl_program_free(p);
}

static void tests_that_all_rules_share_stay(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	for (u32 i = 0; i < 4; i++) {
		char port[4];

		snprintf(port, sizeof port, "%u", 7 + i);
		rule(p, input, is(p, L4PROTO, "17"), is(p, DPORT, port), state(0x1f), DROP);
	}
	rule(p, input, is(p, L4PROTO, "6"), is(p, DPORT, "11"), state(0x1f), DROP);
	merge(p);
	assert_int_equal(input->rules.count, 2);
	assert_int_equal(input->rules.items[0].ops.count, 3);
	drops(p, "10.0.0.2");
	assert_false(judge(p, tcp("10.0.0.2", 1, HOST, 9)).drop);
	assert_true(judge(p, tcp("10.0.0.2", 1, HOST, 11)).drop);
	sl_program_free(p);
}

/* Behind it a drop is ignored; a verdict map would pass. */
static void a_test_that_may_stay_open_is_not_moved(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	for (u32 i = 0; i < 4; i++) {
		char port[4];

		snprintf(port, sizeof port, "%u", 7 + i);
		rule(p, input, is(p, DADDR_TYPE, "2"), is(p, DPORT, port), DROP);
	}
	rule(p, input, DROP);
	merge(p);
	assert_int_equal(input->rules.count, 5);
	assert_true(judge(p, udp("10.0.0.2", 1, "10.0.0.99", 9)).drop); /* by the last rule */
	sl_program_free(p);
}

/* The lookup would be made for packets that are of no concern to the rules. */
static void a_set_whose_elements_expire_is_not_looked_up_earlier(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_set *expiring = set(p, SL_SET_EXACT, IP_SADDR);

	(void)unused;
	expiring->has_timeouts = true;
	for (u32 i = 0; i < 4; i++) {
		char port[4];

		snprintf(port, sizeof port, "%u", 7 + i);
		rule(p, input, is(p, DPORT, port), in_set(expiring, key(p, IP_SADDR)), DROP);
	}
	merge(p);
	assert_int_equal(input->rules.count, 4);
	sl_program_free(p);
}

static void verdicts_that_come_back_are_no_run(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_chain *other = chain(p, "other");

	(void)unused;
	for (u32 i = 0; i < 8; i++) {
		char address[16];

		snprintf(address, sizeof address, "10.0.0.%u", i);
		rule(p, input, is(p, IP_SADDR, address), i % 2 ? jump(other) : CONTINUE);
	}
	merge(p);
	assert_int_equal(input->rules.count, 8);
	sl_program_free(p);
}

/* Three rules for port 9, of which the last begins five that vary in the port. */
static void a_short_run_does_not_hide_where_a_long_one_begins(void **unused)
{
	static const char *const ports[] = {"9", "10", "11", "12", "13"};
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	bool is_exact;

	(void)unused;
	rule(p, input, is(p, IP_SADDR, "10.0.0.2"), is(p, DPORT, "9"), DROP);
	rule(p, input, is(p, IP_SADDR, "10.0.0.3"), is(p, DPORT, "9"), DROP);
	for (u32 i = 0; i < SL_ARRAY_SIZE(ports); i++)
		rule(p, input, is(p, IP_SADDR, "10.0.0.4"), is(p, DPORT, ports[i]), DROP);
	assert_int_equal(sl_merge_find_run(input, 0, &is_exact), 1);
	assert_int_equal(sl_merge_find_run(input, 1, &is_exact), 1);
	assert_int_equal(sl_merge_find_run(input, 2, &is_exact), 5);
	merge(p);
	assert_int_equal(input->rules.count, 3);
	drops(p, "10.0.0.2");
	drops(p, "10.0.0.4");
	passes(p, "10.0.0.5");
	sl_program_free(p);
}

/* People are told by its first rule's handle where the code ends, and look there. */
static void the_lookup_stands_where_its_first_rule_stood(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_chain *inlined = chain(p, "inlined");

	(void)unused;
	for (u32 i = 0; i < 4; i++) {
		char address[16];

		snprintf(address, sizeof address, "10.0.0.%u", i);
		rule(p, input, is(p, IP_SADDR, address), DROP)->home = i < 2 ? inlined : NULL;
	}
	merge(p);
	assert_int_equal(input->rules.count, 1);
	assert_ptr_equal(sl_rule_home(&input->rules.items[0], input), inlined);
	sl_program_free(p);
}

/* Against rules that were left as they are: prefixes of every length around a few addresses. */
static void random_runs_judge_as_their_rules_do(void **unused)
{
	static const char *const usual[] = {"0.0.0.0",   "10.0.0.0",        "10.0.0.128",
					    "10.0.1.0",  "127.255.255.255", "128.0.0.0",
					    "255.0.0.1", "255.255.255.255"};

	(void)unused;
	srand(1);
	for (u32 round = 0; round < 300; round++) {
		struct sl_chain *merged_input, *plain_input;
		struct sl_program *merged = begin(&merged_input), *plain = begin(&plain_input);
		u32 count = 4 + (u32)rand() % 12;

		for (u32 i = 0; i < count; i++) {
			const struct sl_op verdicts[] = {DROP, DROP, ACCEPT, RETURN};
			u32 bits = (u32)rand() % 33;
			struct sl_op test = from_net(merged, usual[rand() % 8], bits, 4);
			u8 *address = (u8 *)test.data;

			for (u32 b = bits; b < 32; b++) /* nft masks the value too */
				address[b / 8] &= (u8) ~(0x80 >> b % 8);
			struct sl_op counts = counter(merged, merged_input);
			struct sl_op verdict = verdicts[rand() % 4];

			counter(plain, plain_input);
			rule(merged, merged_input, test, counts, verdict);
			rule(plain, plain_input, test, counts, verdict);
		}
		merge(merged);
		assert_int_equal(merged_input->rules.count, 1);
		for (u32 i = 0; i < 60; i++) {
			struct frame frame = udp(usual[rand() % 8], 1, HOST, 9);
			struct sl_outcome a, b;

			frame.bytes[26 + rand() % 4] ^= (u8)(1 << rand() % 8);
			a = judge(plain, frame);
			b = judge(merged, frame);
			assert_int_equal(a.drop, b.drop);
			assert_int_equal(a.hit_count, b.hit_count);
			assert_memory_equal(a.hits, b.hits, a.hit_count * sizeof a.hits[0]);
		}
		sl_program_free(plain);
		sl_program_free(merged);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_blocklist_becomes_one_lookup),
		cmocka_unit_test(three_rules_are_no_run),
		cmocka_unit_test(the_earliest_of_nested_prefixes_wins),
		cmocka_unit_test(the_whole_address_space_and_its_ends),
		cmocka_unit_test(prefixes_that_nft_shortens_merge_with_whole_addresses),
		cmocka_unit_test(fields_that_may_be_missing_are_not_lengthened),
		cmocka_unit_test(counters_count_what_their_rule_would_have),
		cmocka_unit_test(tests_that_all_rules_share_stay),
		cmocka_unit_test(a_test_that_may_stay_open_is_not_moved),
		cmocka_unit_test(a_set_whose_elements_expire_is_not_looked_up_earlier),
		cmocka_unit_test(verdicts_that_come_back_are_no_run),
		cmocka_unit_test(a_short_run_does_not_hide_where_a_long_one_begins),
		cmocka_unit_test(the_lookup_stands_where_its_first_rule_stood),
		cmocka_unit_test(random_runs_judge_as_their_rules_do),
	};

	return cmocka_run_group_tests_name("optimise/merge", tests, NULL, NULL);
}
