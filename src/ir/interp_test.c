// SPDX-License-Identifier: GPL-2.0-only
/* Rules, packet, and the verdict worked out by hand. */
#include "ir/interp.h"

#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ir/shorthand.h"

#define NEW         SL_WORLD_NEW
#define ESTABLISHED SL_WORLD_ESTABLISHED
#define RELATED     SL_WORLD_RELATED
#define INVALID     SL_WORLD_INVALID
#define ALL         SL_WORLDS_ALL

#define CLIENT "10.0.0.9"
#define HOST   "10.0.0.1"

/* What the kernel would answer, and how often it was asked. */
struct answers {
	u8 worlds;
	enum sl_fate fate;
	u64 now_ns;
	u32 asked;
};

static u8 answer_conntrack(void *context, const u8 *frame, u32 length)
{
	struct answers *answers = context;

	(void)frame, (void)length;
	answers->asked++;
	return answers->worlds;
}

static enum sl_fate answer_route(void *context, const u8 *frame, u32 length)
{
	(void)frame, (void)length;
	return ((struct answers *)context)->fate;
}

static struct sl_outcome judge_with(const struct sl_program *p, struct frame frame,
				    struct answers *answers)
{
	struct sl_oracle oracle = {.conntrack = answers->worlds ? answer_conntrack : NULL,
				   .route = answer_route,
				   .context = answers,
				   .now_ns = answers->now_ns};
	struct sl_outcome outcome;
	struct sl_diag diag = {""};

	if (sl_program_verify(p, &diag))
		fail_msg("%s", diag.text);
	sl_interp(p, frame.bytes, frame.length, &oracle, NULL, NULL, &outcome);
	return outcome;
}

/* Nothing is known of the packet beyond its bytes. */
static struct sl_outcome judge(const struct sl_program *p, struct frame frame)
{
	return judge_with(p, frame, &(struct answers){0});
}

#define drops(p, frame)  assert_true(judge(p, frame).drop)
#define passes(p, frame) assert_false(judge(p, frame).drop)

static struct frame tcp_to(u16 port)
{
	return tcp(CLIENT, 1000, HOST, port);
}

/* A host that drops by policy what its input chain does not accept. */
static struct sl_program *strict_host(struct sl_chain **ret_input)
{
	struct sl_program *p = host();

	step(p, SL_STEP_ROUTE);
	*ret_input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	return p;
}

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

/* Worlds */

/* conntrack, then the input chain of a host that drops by policy */
static struct sl_program *tracking_host(struct sl_chain **ret_input)
{
	struct sl_program *p = host();

	step(p, SL_STEP_CONNTRACK);
	step(p, SL_STEP_ROUTE);
	*ret_input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	return p;
}

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

/* Sets */

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
		cmocka_unit_test(an_odd_frame_passes_unjudged),
		cmocka_unit_test(a_foreign_hook_passes_what_reaches_it),
		cmocka_unit_test(jump_comes_back_goto_does_not),
		cmocka_unit_test(return_from_a_base_chain_is_its_policy),
		cmocka_unit_test(the_commonest_ruleset_drops_on_a_miss),
		cmocka_unit_test(a_drop_ahead_of_conntrack_needs_no_lookup),
		cmocka_unit_test(invalid_alone_is_not_proved_by_a_miss),
		cmocka_unit_test(the_reason_is_that_of_a_world_that_passes),
		cmocka_unit_test(state_is_invalid_ahead_of_conntrack),
		cmocka_unit_test(state_is_invalid_throughout_without_conntrack),
		cmocka_unit_test(conntrack_counts_for_its_families_only),
		cmocka_unit_test(split_worlds_rejoin_behind_the_jump),
		cmocka_unit_test(split_worlds_leave_by_goto_while_others_walk_on),
		cmocka_unit_test(a_header_that_is_not_there_fails_inverted_or_not),
		cmocka_unit_test(the_packets_last_byte_can_be_loaded),
		cmocka_unit_test(comparisons_are_memcmp),
		cmocka_unit_test(ranges_are_closed_and_empty_when_reversed),
		cmocka_unit_test(any_needs_one_and_inverted_none),
		cmocka_unit_test(metadata_is_the_device_and_the_packet),
		cmocka_unit_test(nfproto_is_netdev_itself_in_a_netdev_chain),
		cmocka_unit_test(the_type_of_a_foreign_address_is_unknown),
		cmocka_unit_test(the_types_of_known_addresses),
		cmocka_unit_test(any_is_certain_when_one_alternative_is),
		cmocka_unit_test(a_verdict_by_an_unknown_type_passes),
		cmocka_unit_test(an_unknown_concerns_only_the_worlds_that_met_it),
		cmocka_unit_test(behind_unknown_a_drop_is_ignored_and_a_way_out_passes),
		cmocka_unit_test(a_counter_ahead_of_unknown_counts),
		cmocka_unit_test(a_counter_behind_an_ignored_drop_passes),
		cmocka_unit_test(a_policy_that_counts_behind_an_ignored_drop_passes),
		cmocka_unit_test(an_element_made_of_a_counted_rule_counts),
		cmocka_unit_test(the_kernel_takes_only_what_matched_before),
		cmocka_unit_test(transforms_work_as_on_registers),
		cmocka_unit_test(exact_sets_hold_single_values),
		cmocka_unit_test(intervals_compare_the_whole_key),
		cmocka_unit_test(boxes_compare_each_field_and_the_first_wins),
		cmocka_unit_test(a_catchall_catches_what_no_element_does),
		cmocka_unit_test(verdict_maps_carry_every_verdict),
		cmocka_unit_test(elements_expire_by_the_clock),
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
