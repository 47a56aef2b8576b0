// SPDX-License-Identifier: GPL-2.0-only
/* What the code once got wrong: small programs, run by the kernel and judged by the interpreter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/netfilter.h>
#include <time.h>

#include "ir/shorthand.h"
#include "optimise/optimise.h"
#include "run.h"

#define CLIENT "10.0.0.9"
#define HOST   "10.0.0.1"

static struct sl_dataplane *load(struct sl_program *p)
{
	struct sl_dataplane *dataplane = NULL;
	struct sl_diag diag = {0};

	if (sl_run_load(p, SL_POINT_XDP, &dataplane, &diag))
		fail_msg("%s", diag.text);
	return dataplane;
}

/* On a conntrack miss, where the program has conntrack. */
static u8 miss(void *context, const u8 *frame, u32 length)
{
	(void)frame;
	(void)length;
	return ((const struct sl_program *)context)->miss_worlds;
}

static bool drops(const struct sl_dataplane *dataplane, struct frame frame)
{
	int verdict = sl_run_frame(dataplane, frame.bytes, frame.length);

	assert_true(verdict == XDP_DROP || verdict == XDP_PASS);
	return verdict == XDP_DROP;
}

static void expect(const struct sl_program *p, const struct sl_dataplane *dataplane,
		   struct frame frame, bool drop)
{
	const struct sl_oracle oracle = {.conntrack = miss, .context = (void *)p};
	struct sl_outcome outcome;

	sl_interp(p, frame.bytes, frame.length, &oracle, NULL, NULL, &outcome);
	assert_int_equal(outcome.drop, drop);
	assert_int_equal(drops(dataplane, frame), drop);
}

static void end(struct sl_program *p, struct sl_dataplane *dataplane)
{
	sl_dataplane_free(dataplane);
	sl_program_free(p);
}

static struct sl_program *begin(struct sl_chain **ret_input)
{
	struct sl_program *p = host();

	step(p, SL_STEP_ROUTE);
	*ret_input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	return p;
}

/* No code was made for the one that never holds, so that all packets matched. */
static void an_alternative_that_never_holds_matches_nothing(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_set *families = set(p, SL_SET_EXACT, NFPROTO);
	struct sl_dataplane *dataplane;

	(void)unused;
	families->is_constant = true;
	add(p, families, &(u8){NFPROTO_IPV6}, NULL);
	rule(p, input, any(p, is(p, DPORT, "22"), in_set(families, key(p, NFPROTO))), DROP);
	dataplane = load(p);
	expect(p, dataplane, tcp(CLIENT, 1, HOST, 22), true);
	expect(p, dataplane, tcp(CLIENT, 1, HOST, 23), false);
	expect(p, dataplane, tcp("fd00::9", 1, "fd00::1", 23), true);
	end(p, dataplane);
}

/* The key is made of words of 2 bytes, then of one of 4 in one piece: it was stored at byte 6. */
static void a_key_for_a_map_is_stored_piece_by_piece(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_set *set = set(p, SL_SET_EXACT, ETHER_SADDR, LENGTH);
	struct sl_key key = key(p, ETHER_SADDR, LENGTH);
	struct sl_transform swap = {.kind = SL_SWAP, .length = 6, .width = 2};
	struct sl_dataplane *dataplane;

	(void)unused;
	key.transforms = &swap;
	key.transform_count = 1;
	add(p, set, "\0\2\0\0\11\0\0\0\50\0\0\0", NULL); /* 02:00:00:00:00:09, 40 bytes */
	rule(p, input, in_set(set, key), DROP);
	dataplane = load(p);
	expect(p, dataplane, tcp(CLIENT, 1, HOST, 22), true);
	expect(p, dataplane, udp(CLIENT, 1, HOST, 22), false);
	end(p, dataplane);
}

/* A chunk of one byte, in front of a word: the length's other bytes stood in it too. */
static void a_piece_of_metadata_is_no_wider_than_asked_for(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_key key = key(p, LENGTH);
	struct sl_transform swap = {.kind = SL_SWAP, .at = 1, .length = 2, .width = 2};
	struct frame longer = udp(CLIENT, 1, HOST, 22);
	struct sl_dataplane *dataplane;

	(void)unused;
	key.transforms = &swap;
	key.transform_count = 1;
	rule(p, input, key_is(p, key, "\54\0\1\0"), DROP); /* 300 = 0x12c */
	longer.bytes[16] = 300 >> 8;
	longer.bytes[17] = 300 & 0xff;
	longer.length = 14 + 300;
	dataplane = load(p);
	expect(p, dataplane, longer, true);
	expect(p, dataplane, udp(CLIENT, 1, HOST, 22), false);
	end(p, dataplane);
}

static struct frame with_options(const char *from, const char *to, const char *options, u32 length)
{
	struct frame frame = tcp(from, 1, to, 22);
	u32 tcp = frame.length - 20;
	u8 *ip_length = &frame.bytes[tcp == 34 ? 17 : 19];

	for (u32 i = 0; i < length; i++)
		frame.bytes[frame.length + i] = (u8)options[i];
	frame.bytes[tcp + 12] = (u8)((20 + length) / 4 << 4);
	*ip_length = (u8)(*ip_length + length);
	frame.length += length;
	return frame;
}

/* Right, short of a byte, too long, the last possible; the IP header ahead is no option. */
static void tcp_options_are_found_where_the_interpreter_finds_them(void **unused)
{
	static const struct {
		const char options[41];
		u32 length;
		bool is_small;
	} cases[] = {
		{"\2\4\1\1", 4, true},
		{"\2\4\5\xb4", 4, false},
		{"\1\1\4\2\2\4\1\1", 8, true},
		{"\4\0\2\4\1\1\1\1", 8, true}, /* one byte, and another; then it */
		{"\5\0\1\2\4\0\1\1", 8, true},
		{"\2\3\1\1", 4, false},
		{"\2\5\1\1", 4, false},
		{"\1\1\1\2", 4, false},
		{"\3\xff\1\1\2\4\1\1", 8, false},
		{"\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"
		 "\2\4\1\1",
		 40, true},
		{"", 0, false},
	};
	const struct sl_field maxseg = {SL_TCP_OPTION, 2, 2 << 8 | 2};
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_dataplane *dataplane;

	(void)unused;
	rule(p, input, within(p, maxseg, "1", "500"), DROP);
	dataplane = load(p);
	for (u32 i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		expect(p, dataplane, with_options(CLIENT, HOST, cases[i].options, cases[i].length),
		       cases[i].is_small);
		expect(p, dataplane,
		       with_options("fd00::9", "fd00::1", cases[i].options, cases[i].length),
		       cases[i].is_small);
	}
	expect(p, dataplane, udp(CLIENT, 1, HOST, 22), false);
	end(p, dataplane);
}

/* Its worlds come to the policy by two ways; what counted first was lost. */
static void a_policy_counts_once_for_all_worlds(void **unused)
{
	struct sl_program *p = host();
	struct sl_dataplane *dataplane;
	struct sl_chain *input;
	u32 of_rule, of_policy;

	(void)unused;
	step(p, SL_STEP_CONNTRACK);
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	of_policy = new_counter(p, input, 0);
	p->path.items[p->path.count - 1].policy_counter = of_policy;
	of_rule = new_counter(p, input, 1);
	rule(p, input, (struct sl_op){.kind = SL_OP_COUNTER, .counter = of_rule});
	rule(p, input, state(SL_WORLD_INVALID), is(p, DPORT, "22"), RETURN);
	dataplane = load(p);
	expect(p, dataplane, tcp(CLIENT, 1, HOST, 22), true);
	assert_int_equal(sl_run_counted(dataplane, of_rule), 1);
	assert_int_equal(sl_run_counted(dataplane, of_policy), 1);
	end(p, dataplane);
}

static void a_counter_behind_an_ignored_drop_passes(void **unused)
{
	struct sl_program *p = host();
	struct sl_dataplane *dataplane;
	struct sl_chain *raw, *input;

	(void)unused;
	raw = base_chain(p, SL_HOOK_PREROUTING, -300, ACCEPTS);
	rule(p, raw, is(p, DPORT, "22"), unknown("osf"), DROP);
	step(p, SL_STEP_CONNTRACK);
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	rule(p, input, is(p, SPORT, "9"), counter(p, input), DROP);
	dataplane = load(p);
	expect(p, dataplane, tcp(CLIENT, 9, HOST, 22), false);
	expect(p, dataplane, tcp(CLIENT, 9, HOST, 23), true);
	expect(p, dataplane, tcp(CLIENT, 8, HOST, 22), true); /* nobody counts it */
	end(p, dataplane);
}

/* A packet can meet more counters than there is room for. */
static void a_packet_that_meets_too_many_counters_passes(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_dataplane *dataplane;

	(void)unused;
	for (u32 i = 0; i < SL_HITS_MAX; i++)
		rule(p, input, counter(p, input));
	rule(p, input, is(p, DPORT, "22"), counter(p, input));
	rule(p, input, DROP);
	dataplane = load(p);
	expect(p, dataplane, tcp(CLIENT, 1, HOST, 22), false);
	expect(p, dataplane, tcp(CLIENT, 1, HOST, 23), true);
	for (u32 i = 0; i < SL_HITS_MAX; i++)
		assert_int_equal(sl_run_counted(dataplane, i), 1);
	end(p, dataplane);
}

/* Nested ever deeper, by gotos that need most of the room for waiting worlds. */
static void a_chain_too_deep_to_wait_for_is_the_kernels(void **unused)
{
	struct sl_program *p = host();
	struct sl_dataplane *dataplane;
	struct sl_chain *from, *to;

	(void)unused;
	step(p, SL_STEP_CONNTRACK);
	step(p, SL_STEP_ROUTE);
	from = base_chain(p, SL_HOOK_INPUT, 0, DROPS);
	rule(p, from, is(p, DPORT, "1"), DROP);
	for (u32 i = 0; i < SL_JUMP_DEPTH_MAX; i++) {
		to = chain(p, "deeper");
		rule(p, from, state(SL_WORLD_NEW | SL_WORLD_INVALID), is(p, DPORT, "22"),
		     go_to(to));
		from = to;
	}
	rule(p, from, DROP);
	dataplane = load(p);
	assert_false(drops(dataplane, tcp(CLIENT, 1, HOST, 22)));
	expect(p, dataplane, tcp(CLIENT, 1, HOST, 1), true);
	expect(p, dataplane, tcp(CLIENT, 1, HOST, 23), true);
	end(p, dataplane);
}

static u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

/* It drops while it is there, and again when it is surely gone; a while between it passes. */
static void an_element_that_is_just_expiring_makes_its_packets_pass(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_set *ports = set(p, SL_SET_EXACT, DPORT);
	struct sl_dataplane *dataplane;
	u64 now = now_ns();

	(void)unused;
	ports->has_timeouts = true;
	map(p, ports, "\0\1", DROP);
	map(p, ports, "\0\2", DROP);
	map(p, ports, "\0\3", DROP);
	ports->elements.items[0].expires_at_ns = now + 60 * SL_EXPIRY_GRACE_NS;
	ports->elements.items[1].expires_at_ns = now - 1;
	ports->elements.items[2].expires_at_ns =
		now > SL_EXPIRY_GRACE_NS ? now - SL_EXPIRY_GRACE_NS : 1;
	rule(p, input, vmap(ports, key(p, DPORT)));
	rule(p, input, is(p, SPORT, "9"), DROP);
	dataplane = load(p);
	assert_true(drops(dataplane, tcp(CLIENT, 1, HOST, 1)));
	assert_false(drops(dataplane, tcp(CLIENT, 9, HOST, 2)));
	assert_true(drops(dataplane, tcp(CLIENT, 9, HOST, 3)));
	assert_false(drops(dataplane, tcp(CLIENT, 1, HOST, 3)));
	end(p, dataplane);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_alternative_that_never_holds_matches_nothing),
		cmocka_unit_test(a_key_for_a_map_is_stored_piece_by_piece),
		cmocka_unit_test(a_piece_of_metadata_is_no_wider_than_asked_for),
		cmocka_unit_test(tcp_options_are_found_where_the_interpreter_finds_them),
		cmocka_unit_test(a_policy_counts_once_for_all_worlds),
		cmocka_unit_test(a_counter_behind_an_ignored_drop_passes),
		cmocka_unit_test(a_packet_that_meets_too_many_counters_passes),
		cmocka_unit_test(a_chain_too_deep_to_wait_for_is_the_kernels),
		cmocka_unit_test(an_element_that_is_just_expiring_makes_its_packets_pass),
	};
	int failed;

	if (!sl_run_begin())
		return SL_RUN_SKIPPED;
	failed = cmocka_run_group_tests_name("oracle/case", tests, NULL, NULL);
	sl_run_end();
	return failed;
}
