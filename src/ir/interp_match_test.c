// SPDX-License-Identifier: GPL-2.0-only
/* Matches: where bytes lie, what is done to them, what they are compared with. */
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ir/judge.h"

/* Matches */

static void a_header_that_is_not_there_fails_inverted_or_not(void **unused)
{
	const struct sl_field late = {SL_TRANSPORT, 4, 30};
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	struct sl_set *set = set(p, SL_SET_EXACT, late), *map;
	struct sl_op absent = is(p, late, "7"), present = is(p, DPORT, "22");

	(void)unused;
	map = set(p, SL_SET_EXACT, late);
	map->is_vmap = map->has_catchall = true;
	map->catchall.kind = SL_VERDICT_ACCEPT;
	rule(p, input, compare(p, late, SL_NE, "7"), ACCEPT);
	rule(p, input, inverted(within(p, late, "1", "2")), ACCEPT);
	rule(p, input, inverted(in_set(set, key(p, late))), ACCEPT);
	rule(p, input, inverted(any(p, present, absent)), ACCEPT);
	rule(p, input, any(p, present, absent), ACCEPT);
	rule(p, input, compare(p, late, SL_GE, "0"), unknown("osf"), ACCEPT);
	rule(p, input, vmap(map, key(p, late)));
	drops(p, tcp_to(22));
	drops(p, tcp_to(23));
	sl_program_free(p);
}

static void the_packets_last_byte_can_be_loaded(void **unused)
{
	const struct sl_field last = {SL_TRANSPORT, 1, 19}, behind = {SL_TRANSPORT, 1, 20};
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);

	(void)unused;
	rule(p, input, is(p, DPORT, "1"), is(p, last, "0"), ACCEPT);
	rule(p, input, is(p, DPORT, "2"), is(p, behind, "0"), ACCEPT);
	passes(p, tcp_to(1));
	drops(p, tcp_to(2));
	sl_program_free(p);
}

static void comparisons_are_memcmp(void **unused)
{
	static const struct {
		enum sl_compare compare;
		bool below, equal, above; /* of 10 0 0 9 against 10 0 0 9 ∓ 1 */
	} cases[] = {
		{SL_EQ, 0, 1, 0}, {SL_NE, 1, 0, 1}, {SL_LT, 1, 0, 0},
		{SL_LE, 1, 1, 0}, {SL_GT, 0, 0, 1}, {SL_GE, 0, 1, 1},
	};

	(void)unused;
	for (u32 i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		struct sl_chain *input;
		struct sl_program *p = strict_host(&input);

		rule(p, input, compare(p, IP_SADDR, cases[i].compare, CLIENT), ACCEPT);
		assert_int_equal(judge(p, tcp("10.0.0.8", 1, HOST, 2)).drop, !cases[i].below);
		assert_int_equal(judge(p, tcp("10.0.0.9", 1, HOST, 2)).drop, !cases[i].equal);
		assert_int_equal(judge(p, tcp("10.0.0.10", 1, HOST, 2)).drop, !cases[i].above);
		sl_program_free(p);
	}
}

static void ranges_are_closed_and_empty_when_reversed(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);

	(void)unused;
	rule(p, input, within(p, DPORT, "20", "300"), ACCEPT);
	rule(p, input, within(p, DPORT, "5000", "4000"), ACCEPT);
	rule(p, input, is(p, SPORT, "9"), inverted(within(p, DPORT, "20", "400")), ACCEPT);
	drops(p, tcp_to(19));
	passes(p, tcp_to(20));
	passes(p, tcp_to(300));
	drops(p, tcp_to(301));
	drops(p, tcp_to(4500));
	passes(p, tcp(CLIENT, 9, HOST, 401));
	drops(p, tcp(CLIENT, 9, HOST, 400));
	sl_program_free(p);
}

static void any_needs_one_and_inverted_none(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	struct sl_op either = any(p, is(p, SPORT, "22"), within(p, DPORT, "22", "23"));

	(void)unused;
	rule(p, input, is(p, L4PROTO, "6"), either, ACCEPT);
	rule(p, input, is(p, L4PROTO, "17"), inverted(either), ACCEPT);
	passes(p, tcp(CLIENT, 22, HOST, 1));
	passes(p, tcp(CLIENT, 1, HOST, 23));
	drops(p, tcp(CLIENT, 1, HOST, 24));
	drops(p, udp(CLIENT, 22, HOST, 1));
	drops(p, udp(CLIENT, 1, HOST, 23));
	passes(p, udp(CLIENT, 1, HOST, 24));
	sl_program_free(p);
}

static void metadata_is_the_device_and_the_packet(void **unused)
{
	static const struct {
		struct sl_field field;
		const char *right, *wrong;
	} cases[] = {
		{NFPROTO, "2", "10"},
		{L4PROTO, "6", "17"},
		{META(2, PROTOCOL), "0x0800", "0x86dd"},
		{META(4, IIF), "2", "3"},
		{IIFNAME, "eth0", "eth1"},
		{META(3, IIFNAME), "0x657468", "0x657469"},
		{META(2, IIFTYPE), "1", "2"},
		{META(4, IIFGROUP), "0", "1"},
		{LENGTH, "40", "41"},
		{MARK, "0", "1"},
		{PKTTYPE, "0", "1"},
		{DADDR_TYPE, "2", "3"},
	};

	(void)unused;
	for (u32 i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		struct sl_chain *input;
		struct sl_program *p = strict_host(&input);
		const u8 *right;

		/* the name's prefix is given as a number, since a name is always whole */
		right = value(p, cases[i].field, cases[i].right);
		if (cases[i].field.length == 3)
			right = (const u8 *)"eth";
		rule(p, input, is(p, DPORT, "1"), is(p, cases[i].field, cases[i].wrong), ACCEPT);
		rule(p, input, is(p, DPORT, "2"), key_is(p, key(p, cases[i].field), right), ACCEPT);
		drops(p, tcp_to(1));
		passes(p, tcp_to(2));
		sl_program_free(p);
	}
}

static void nfproto_is_netdev_itself_in_a_netdev_chain(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *ingress = base_chain(p, SL_HOOK_INGRESS, 0, ACCEPTS);

	(void)unused;
	ingress->family = NFPROTO_NETDEV;
	rule(p, ingress, is(p, DPORT, "1"), is(p, NFPROTO, "2"), DROP);
	rule(p, ingress, is(p, DPORT, "2"), is(p, NFPROTO, "5"), DROP);
	passes(p, tcp_to(1));
	drops(p, tcp_to(2));
	sl_program_free(p);
}

static void the_type_of_a_foreign_address_is_unknown(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	struct frame elsewhere = tcp(CLIENT, 1000, "10.0.0.2", 22);
	struct sl_outcome outcome;

	(void)unused;
	rule(p, input, is(p, DADDR_TYPE, "2"), DROP);
	rule(p, input, is(p, DPORT, "22"), compare(p, DADDR_TYPE, SL_NE, "2"), ACCEPT);
	drops(p, tcp_to(22));
	drops(p, tcp(CLIENT, 1000, "224.0.0.1", 23));
	passes(p, tcp(CLIENT, 1000, "255.255.255.255", 22));
	outcome = judge(p, elsewhere);
	assert_false(outcome.drop);
	assert_string_equal(outcome.reason, "not known whether this matches");
	drops(p, tcp(CLIENT, 1000, "10.0.0.2", 23));
	sl_program_free(p);
}

static void the_types_of_known_addresses(void **unused)
{
	static const struct {
		const char *address, *type;
	} cases[] = {{HOST, "2"}, {"255.255.255.255", "3"}, {"224.0.0.1", "5"}};

	(void)unused;
	for (u32 i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		struct sl_chain *input;
		struct sl_program *p = strict_host(&input);

		rule(p, input, is(p, DPORT, "1"), is(p, DADDR_TYPE, cases[i].type), DROP);
		rule(p, input, is(p, DADDR_TYPE, cases[(i + 1) % 3].type), DROP);
		rule(p, input, ACCEPT);
		drops(p, tcp(CLIENT, 1, cases[i].address, 1));
		passes(p, tcp(CLIENT, 1, cases[i].address, 2));
		sl_program_free(p);
	}
}

static void the_way_back_is_as_the_kernel_says(void **unused)
{
	static const struct {
		enum sl_way_back way;
		bool drops[4]; /* by port */
	} cases[] = {
		{SL_WAY_FOUND, {false, true, true, false}},
		{SL_WAY_MISSING, {true, false, false, true}},
		{SL_WAY_UNKNOWN, {false, false, false, false}},
	};
	struct sl_program *p = host();
	struct sl_chain *pre = base_chain(p, SL_HOOK_PREROUTING, -300, ACCEPTS);

	(void)unused;
	rule(p, pre, is(p, DPORT, "0"), is(p, WAY_BACK, "0"), DROP);
	rule(p, pre, is(p, DPORT, "1"), is(p, WAY_BACK, "1"), DROP);
	rule(p, pre, is(p, DPORT, "2"), is(p, WAY_BACK_IF, "2"), DROP);
	rule(p, pre, is(p, DPORT, "3"), compare(p, WAY_BACK_IF, SL_NE, "2"), DROP);
	for (u32 i = 0; i < SL_ARRAY_SIZE(cases); i++)
		for (u16 port = 0; port < 4; port++)
			assert_int_equal(judge_with(p, tcp_to(port),
						    &(struct answers){.way_back = cases[i].way})
						 .drop,
					 cases[i].drops[port]);
	sl_program_free(p);
}

/* Each fact in turn is what the rule drops, and then another. */
static void facts_are_the_hooks(void **unused)
{
	static const struct sl_facts facts = {.status = 0x20,
					      .ct_mark = 1,
					      .mark = 2,
					      .oif = 3,
					      .oifname = "eth1",
					      .direction = 1};
	static const struct {
		struct sl_field field;
		const char *right, *wrong;
	} cases[] = {
		{CT_STATUS, "0x20", "0"}, {CT_MARK, "1", "2"}, {CT_DIRECTION, "1", "0"},
		{HOOK_MARK, "2", "1"},    {OIF, "3", "0"},     {OIFNAME, "eth1", "eth0"},
	};

	(void)unused;
	for (u32 i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		struct answers told = {.worlds = SL_WORLD_NEW, .facts = &facts}, nothing = {0};
		struct sl_program *p = host();
		struct sl_chain *input;

		step(p, SL_STEP_TRACKED);
		step(p, SL_STEP_ROUTE);
		input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
		rule(p, input, is(p, DPORT, "1"), is(p, cases[i].field, cases[i].right), DROP);
		rule(p, input, is(p, DPORT, "2"), is(p, cases[i].field, cases[i].wrong), DROP);
		assert_true(judge_with(p, tcp_to(1), &told).drop);
		assert_false(judge_with(p, tcp_to(2), &told).drop);
		assert_false(judge_with(p, tcp_to(1), &nothing).drop);
		sl_program_free(p);
	}
}

static void any_is_certain_when_one_alternative_is(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	struct sl_op either = any(p, is(p, DPORT, "22"), is(p, DADDR_TYPE, "2"));

	(void)unused;
	rule(p, input, either, DROP);
	rule(p, input, is(p, DPORT, "22"), ACCEPT);
	rule(p, input, is(p, DPORT, "23"), ACCEPT);
	drops(p, tcp(CLIENT, 1, "10.0.0.2", 22));
	passes(p, tcp(CLIENT, 1, "10.0.0.2", 23));
	drops(p, tcp_to(23));
	sl_program_free(p);
}

static void a_verdict_by_an_unknown_type_passes(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = strict_host(&input);
	struct sl_set *by_type = set(p, SL_SET_EXACT, DADDR_TYPE);
	const u32 local = RTN_LOCAL;
	struct sl_outcome outcome;

	(void)unused;
	map(p, by_type, &local, DROP);
	rule(p, input, vmap(by_type, key(p, DADDR_TYPE)));
	drops(p, tcp_to(22));
	outcome = judge(p, tcp(CLIENT, 1000, "10.0.0.2", 22));
	assert_false(outcome.drop);
	assert_string_equal(outcome.reason, "not known whether this matches");
	sl_program_free(p);
}

/* Transforms: a key of 8 bytes, the addresses, worked on as registers */

static const struct sl_field BOTH = {SL_NETWORK, 8, 12};

/* Adds a rule that drops the packet if the key is anything else. */
static void expect_key(struct sl_program *p, struct sl_key key, const char *bytes)
{
	struct sl_op differs = key_is(p, key, bytes);

	differs.compare = SL_NE;
	rule(p, p->chains.items[0], differs, DROP);
	passes(p, tcp("1.2.3.4", 1, "133.134.135.136", 2));
}

static void transforms_work_as_on_registers(void **unused)
{
	struct sl_program *p = host();
	struct sl_key both = key(p, BOTH), port = key(p, DPORT), word = key(p, IP_DADDR);

	(void)unused;
	base_chain(p, SL_HOOK_PREROUTING, 0, ACCEPTS);
	expect_key(p, both, "\x01\x02\x03\x04\x85\x86\x87\x88");
	expect_key(p, swapped(p, both, 2), "\x02\x01\x04\x03\x86\x85\x88\x87");
	expect_key(p, swapped(p, both, 4), "\x04\x03\x02\x01\x88\x87\x86\x85");
	expect_key(p, swapped(p, both, 8), "\x88\x87\x86\x85\x04\x03\x02\x01");
	expect_key(p, masked(p, both, "\xff\0\xff\0\xf0\xff\xff\xff", "\0\1\0\1\0\0\0\1"),
		   "\x01\x01\x03\x01\x80\x86\x87\x89");
	/* words in host order: 04030201 and 88878685 */
	expect_key(p, shifted(p, word, SL_SHL, 4), "\x50\x68\x78\x88");
	expect_key(p, shifted(p, word, SL_SHR, 4), "\x68\x78\x88\x08");
	/* SHL carries the second word's upper bits into the first, SHR the other way round */
	expect_key(p, shifted(p, both, SL_SHL, 8), "\x88\x01\x02\x03\x00\x85\x86\x87");
	expect_key(p, shifted(p, both, SL_SHR, 8), "\x02\x03\x04\x00\x86\x87\x88\x01");
	/* in order: to host order, then divided by 16, is the other way round not */
	expect_key(p, shifted(p, swapped(p, word, 4), SL_SHR, 4), "\x78\x68\x58\x08");
	expect_key(p, swapped(p, shifted(p, word, SL_SHR, 4), 4), "\x08\x88\x78\x68");
	/* a shift of two bytes works on the whole word, whose other half is zero */
	expect_key(p, shifted(p, port, SL_SHR, 4), "\x20\x00");
	expect_key(p, shifted(p, shifted(p, port, SL_SHL, 12), SL_SHR, 12), "\0\2");
	sl_program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_that_is_not_there_fails_inverted_or_not),
		cmocka_unit_test(the_packets_last_byte_can_be_loaded),
		cmocka_unit_test(comparisons_are_memcmp),
		cmocka_unit_test(ranges_are_closed_and_empty_when_reversed),
		cmocka_unit_test(any_needs_one_and_inverted_none),
		cmocka_unit_test(metadata_is_the_device_and_the_packet),
		cmocka_unit_test(nfproto_is_netdev_itself_in_a_netdev_chain),
		cmocka_unit_test(the_type_of_a_foreign_address_is_unknown),
		cmocka_unit_test(the_types_of_known_addresses),
		cmocka_unit_test(the_way_back_is_as_the_kernel_says),
		cmocka_unit_test(facts_are_the_hooks),
		cmocka_unit_test(any_is_certain_when_one_alternative_is),
		cmocka_unit_test(a_verdict_by_an_unknown_type_passes),
		cmocka_unit_test(transforms_work_as_on_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
