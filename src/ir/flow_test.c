// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netfilter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ir/flow.h"
#include "ir/shorthand.h"

#define TCP   "6"
#define UDP   "17"
#define ICMP6 "58"

#define TCP_FLAGS ((struct sl_field){SL_TRANSPORT, 1, 13})
#define TTL       ((struct sl_field){SL_NETWORK, 1, 8})
#define ICMP_TYPE ((struct sl_field){SL_TRANSPORT, 1, 0})
#define ETHERTYPE ((struct sl_field){SL_LINK, 2, 12})

/* Conntrack, and an input chain that drops what it does not accept: for IPv4 only. */
static struct sl_chain *track(struct sl_program *p)
{
	struct sl_chain *input;

	step(p, SL_STEP_CONNTRACK);
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	rule(p, input, state(SL_WORLD_ESTABLISHED | SL_WORLD_RELATED), ACCEPT);
	for (u32 i = 0; i < p->path.count; i++)
		p->path.items[i].families = SL_IP;
	return input;
}

static struct sl_program *tracking_host(struct sl_chain **ret_input)
{
	struct sl_program *p = host();

	*ret_input = track(p);
	return p;
}

static void expect(struct sl_program *p, bool minds)
{
	assert_int_equal(sl_program_minds_batch(p), minds);
	sl_program_free(p);
}

static void expect_of_rule(bool minds, struct sl_op (*match)(struct sl_program *))
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);

	rule(p, input, is(p, L4PROTO, TCP), match(p), ACCEPT);
	expect(p, minds);
}

#define MATCH(name, op)                                                                            \
	static struct sl_op name(struct sl_program *p)                                             \
	{                                                                                          \
		(void)p;                                                                           \
		return op;                                                                         \
	}

MATCH(of_port, is(p, DPORT, "22"))
MATCH(of_source, is(p, IP_SADDR, "10.0.0.9"))
MATCH(of_device, is(p, IIFNAME, "eth0"))
MATCH(of_ethertype, is(p, ETHERTYPE, "0x800"))
MATCH(of_address_type, is(p, DADDR_TYPE, "2"))
MATCH(of_unknown, unknown("limit"))
MATCH(of_flags, is(p, TCP_FLAGS, "2"))
MATCH(of_ttl, is(p, TTL, "64"))
MATCH(of_length, is(p, LENGTH, "40"))
MATCH(of_packet_type, is(p, PKTTYPE, "0"))
MATCH(of_mac, is(p, ETHER_SADDR, "1"))
MATCH(of_one_of_flags, any(p, is(p, DPORT, "22"), is(p, TCP_FLAGS, "2")))

static void open_ports_are_the_same_to_all_packets(void **unused)
{
	(void)unused;
	expect_of_rule(false, of_port);
	expect_of_rule(false, of_source);
	expect_of_rule(false, of_device);
	expect_of_rule(false, of_ethertype);
	expect_of_rule(false, of_address_type);
	expect_of_rule(false, of_unknown);
}

/* Wherever optimise/ has put it. */
static void rules_of_a_table_count(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);

	(void)unused;
	rule(p, input, is(p, L4PROTO, TCP), of_ttl(p), ACCEPT);
	gather_all(p, input);
	expect(p, true);
}

static void flags_ttl_and_length_tell_packets_apart(void **unused)
{
	(void)unused;
	expect_of_rule(true, of_flags);
	expect_of_rule(true, of_ttl);
	expect_of_rule(true, of_length);
	expect_of_rule(true, of_packet_type);
	expect_of_rule(true, of_mac);
	expect_of_rule(true, of_one_of_flags);
}

static void a_drop_tells_packets_apart_as_well(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);

	(void)unused;
	rule(p, input, is(p, TCP_FLAGS, "1"), DROP);
	expect(p, true);
}

static void a_rule_without_a_verdict_decides_nothing(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);

	(void)unused;
	rule(p, input, is(p, TCP_FLAGS, "1"), counter(p, input));
	expect(p, false);
}

static void an_effect_of_one_packet_tells_it_apart(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);

	(void)unused;
	rule(p, input, is(p, TCP_FLAGS, "1"), kernel("log"));
	expect(p, true);
	p = tracking_host(&input);
	rule(p, input, is(p, TCP_FLAGS, "1"), set_mark(p, 0, 1));
	expect(p, true);
}

static void rules_for_other_protocols_do_not_count(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);

	(void)unused;
	rule(p, input, is(p, TTL, "255"), is(p, L4PROTO, ICMP6), is(p, ICMP_TYPE, "135"), ACCEPT);
	expect(p, false);
}

static void rules_for_known_connections_do_not_count(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);

	(void)unused;
	rule(p, input, state(SL_WORLD_ESTABLISHED), is(p, TCP_FLAGS, "4"), DROP);
	expect(p, false);
}

/* The same, with a raw chain ahead of conntrack. */
static struct sl_program *raw_host(struct sl_chain **ret_raw)
{
	struct sl_program *p = host();

	*ret_raw = base_chain(p, SL_HOOK_PREROUTING, -300, ACCEPTS);
	track(p);
	return p;
}

/* What the kernel does to it, a mark say, may let in its connection. There all look invalid. */
static void ahead_of_conntrack_packets_for_the_kernel_are_told_apart(void **unused)
{
	struct sl_chain *raw;
	struct sl_program *p = raw_host(&raw);

	(void)unused;
	rule(p, raw, state(SL_WORLD_INVALID), is(p, LENGTH, "40"), kernel("log"));
	expect(p, true);
	p = raw_host(&raw);
	rule(p, raw, state(SL_WORLD_INVALID), is(p, LENGTH, "40"), set_mark(p, 0, 1));
	expect(p, true);
}

/* They drop the same packets of a connection that is known. */
static void ahead_of_conntrack_rules_that_only_drop_do_not_count(void **unused)
{
	struct sl_chain *raw;
	struct sl_program *p = raw_host(&raw);

	(void)unused;
	rule(p, raw, state(SL_WORLD_INVALID), is(p, LENGTH, "40"), DROP);
	rule(p, raw, is(p, TCP_FLAGS, "2"), ACCEPT);
	expect(p, false);
}

static void chains_and_maps_are_followed(void **unused)
{
	struct sl_chain *input, *checks;
	struct sl_program *p = tracking_host(&input);
	struct sl_set *ports = set(p, SL_SET_EXACT, DPORT);

	(void)unused;
	checks = chain(p, "checks");
	rule(p, checks, is(p, TCP_FLAGS, "1"), DROP);
	map(p, ports, "\0\x16", jump(checks));
	rule(p, input, vmap(ports, key(p, DPORT)));
	expect(p, true);
}

static void the_next_header_is_no_part_of_a_connection(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);

	(void)unused;
	for (u32 i = 0; i < p->path.count; i++)
		p->path.items[i].families = SL_IP6;
	rule(p, input, is(p, ((struct sl_field){SL_NETWORK, 1, 6}), UDP), ACCEPT);
	expect(p, true);
}

static void without_conntrack_nothing_matters(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);

	(void)unused;
	rule(p, input, is(p, TCP_FLAGS, "2"), ACCEPT);
	expect(p, false);
}

static void each_family_may_have_conntrack_or_not(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input), *untracked = host();

	(void)unused;
	assert_true(sl_program_tracks(p, SL_IP));
	assert_false(sl_program_tracks(p, SL_IP6));
	assert_true(sl_program_tracks(p, SL_IP | SL_IP6));
	assert_false(sl_program_tracks(untracked, SL_IP | SL_IP6));
	sl_program_free(p);
	sl_program_free(untracked);
}

/* A router, whose forward chain drops what it does not accept. */
static struct sl_program *router(struct sl_chain **ret_forward)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);

	p->route_ip = SL_ROUTE_LOOKUP;
	*ret_forward = base_chain(p, SL_HOOK_FORWARD, 0, DROPS);
	rule(p, *ret_forward, state(SL_WORLD_ESTABLISHED), ACCEPT);
	return p;
}

static void an_answer_may_come_back_by_the_device(void **unused)
{
	struct sl_chain *forward;
	struct sl_program *p = router(&forward);

	(void)unused;
	rule(p, forward, is(p, DPORT, "80"), ACCEPT);
	expect(p, true);
	p = router(&forward);
	rule(p, forward, is(p, DPORT, "80"), kernel("log"));
	expect(p, true);
}

static void what_is_never_forwarded_has_no_answers(void **unused)
{
	struct sl_chain *forward;
	struct sl_program *p = router(&forward);

	(void)unused;
	rule(p, forward, is(p, DPORT, "80"), DROP);
	expect(p, false);
}

static void every_forward_chain_has_a_say(void **unused)
{
	struct sl_chain *forward;
	struct sl_program *p = router(&forward);

	(void)unused;
	base_chain(p, SL_HOOK_FORWARD, 10, ACCEPTS);
	expect(p, false);
}

static void what_the_kernel_redirects_escapes_the_forward_chain(void **unused)
{
	struct sl_chain *forward, *mangle;
	struct sl_program *p = router(&forward);

	(void)unused;
	mangle = base_chain(p, SL_HOOK_PREROUTING, -150, ACCEPTS);
	rule(p, mangle, is(p, DPORT, "80"), kernel("tproxy"));
	expect(p, true);
}

static void expect_form(bool asks, u8 miss_worlds, u8 states)
{
	struct sl_chain *input;
	struct sl_program *p = tracking_host(&input);

	p->miss_worlds = miss_worlds;
	rule(p, input, state(states), is(p, DPORT, "22"), ACCEPT);
	assert_int_equal(sl_program_asks_form(p), asks);
	gather_all(p, input);
	assert_int_equal(sl_program_asks_form(p), asks);
	sl_program_free(p);
}

static void the_form_matters_where_rules_tell_new_from_invalid(void **unused)
{
	const u8 miss = SL_WORLD_NEW | SL_WORLD_INVALID;

	(void)unused;
	expect_form(true, miss, SL_WORLD_INVALID);
	expect_form(true, miss, SL_WORLD_NEW | SL_WORLD_ESTABLISHED);
	expect_form(false, miss, SL_WORLD_ESTABLISHED | SL_WORLD_RELATED);
	expect_form(false, miss, SL_WORLDS_ALL & ~SL_WORLD_ESTABLISHED);
}

static void the_form_matters_where_a_miss_is_one_of_the_two(void **unused)
{
	(void)unused;
	expect_form(false, SL_WORLDS_ALL, SL_WORLD_INVALID);
	expect_form(false, SL_WORLD_NEW | SL_WORLD_INVALID | SL_WORLD_RELATED, SL_WORLD_INVALID);
}

static void the_form_matters_behind_conntrack(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *raw = base_chain(p, SL_HOOK_PREROUTING, -300, ACCEPTS);

	(void)unused;
	rule(p, raw, state(SL_WORLD_INVALID), DROP);
	assert_false(sl_program_asks_form(p));
	step(p, SL_STEP_CONNTRACK);
	assert_true(sl_program_asks_form(p));
	sl_program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_ports_are_the_same_to_all_packets),
		cmocka_unit_test(rules_of_a_table_count),
		cmocka_unit_test(flags_ttl_and_length_tell_packets_apart),
		cmocka_unit_test(a_drop_tells_packets_apart_as_well),
		cmocka_unit_test(a_rule_without_a_verdict_decides_nothing),
		cmocka_unit_test(an_effect_of_one_packet_tells_it_apart),
		cmocka_unit_test(rules_for_other_protocols_do_not_count),
		cmocka_unit_test(rules_for_known_connections_do_not_count),
		cmocka_unit_test(ahead_of_conntrack_packets_for_the_kernel_are_told_apart),
		cmocka_unit_test(ahead_of_conntrack_rules_that_only_drop_do_not_count),
		cmocka_unit_test(chains_and_maps_are_followed),
		cmocka_unit_test(the_next_header_is_no_part_of_a_connection),
		cmocka_unit_test(without_conntrack_nothing_matters),
		cmocka_unit_test(each_family_may_have_conntrack_or_not),
		cmocka_unit_test(an_answer_may_come_back_by_the_device),
		cmocka_unit_test(what_is_never_forwarded_has_no_answers),
		cmocka_unit_test(every_forward_chain_has_a_say),
		cmocka_unit_test(what_the_kernel_redirects_escapes_the_forward_chain),
		cmocka_unit_test(the_form_matters_where_rules_tell_new_from_invalid),
		cmocka_unit_test(the_form_matters_where_a_miss_is_one_of_the_two),
		cmocka_unit_test(the_form_matters_behind_conntrack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
