// SPDX-License-Identifier: GPL-2.0-only
/* Which rules have boxes, and which these are. tests/oracle/boxes_test.c has the random ones. */
#include <errno.h>
#include <linux/netfilter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "classify/boxes.h"
#include "ir/shorthand.h"

#define TCP_FLAGS ((struct sl_field){SL_TRANSPORT, 1, 13})

/* Rules of one chain, as they are told one after the other. */
struct told {
	struct sl_program *p;
	struct sl_chain *chain;
	struct sl_place place;
	struct sl_boxes boxes;
	struct sl_lanes lanes;
};

static struct told begin(void)
{
	struct told told = {.p = host()};

	told.chain = chain(told.p, "input");
	told.place = (struct sl_place){.device = &told.p->device,
				       .family = SL_IP,
				       .chain_family = NFPROTO_INET,
				       .tracking = SL_BEHIND_CONNTRACK};
	return told;
}

static struct told begin_ip6(void)
{
	struct told told = begin();

	told.place.family = SL_IP6;
	return told;
}

static void end(struct told *told)
{
	sl_program_free(told->p);
}

static int tell_rule(struct told *told, const struct sl_op *ops, u32 count)
{
	struct sl_rule *rule = rule_of(told->p, told->chain, ops, count);

	return sl_boxes_add_rule(&told->boxes, &told->lanes, told->p->arena, rule,
				 told->chain->rules.count - 1, &told->place);
}

#define tell(told, ...)                                                                            \
	tell_rule(told, (const struct sl_op[]){__VA_ARGS__},                                       \
		  sizeof((const struct sl_op[]){__VA_ARGS__}) / sizeof(struct sl_op))

static void check_range(const struct told *told, u32 box, u32 lane, u32 lo, u32 hi)
{
	const struct sl_range *range = &told->boxes.list.items[box].lanes[lane];

	assert_true(box < told->boxes.list.count && lane < told->lanes.count);
	if (range->lo != lo || range->hi != hi)
		fail_msg("box %u, lane %u: %#x to %#x, not %#x to %#x", box, lane, range->lo,
			 range->hi, lo, hi);
}

static void check_counts(const struct told *told, u32 boxes, u32 lanes)
{
	assert_int_equal(told->boxes.list.count, boxes);
	assert_int_equal(told->lanes.count, lanes);
}

static void refuses_rule(const struct sl_op *ops, u32 count)
{
	struct told told = begin();

	assert_int_equal(tell_rule(&told, ops, count), -ENOTSUP);
	check_counts(&told, 0, 0);
	end(&told);
}

#define refuses(...)                                                                               \
	refuses_rule((const struct sl_op[]){__VA_ARGS__},                                          \
		     sizeof((const struct sl_op[]){__VA_ARGS__}) / sizeof(struct sl_op))

/* Lanes */

static void prefixes_are_ranges_of_the_address(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;
	struct sl_field first = {SL_NETWORK, 1, 12}, three = {SL_NETWORK, 3, 12};

	(void)unused;
	assert_int_equal(tell(&told, is(p, IP_SADDR, "10.1.2.3"), DROP), 0);
	assert_int_equal(tell(&told, key_is(p, key(p, first), "\x0a"), DROP), 0);
	assert_int_equal(tell(&told, key_is(p, key(p, three), "\x0a\1\2"), DROP), 0);
	assert_int_equal(
		tell(&told,
		     key_is(p, masked(p, key(p, IP_SADDR), "\xff\xf0\0\0", NULL), "\xac\x10\0\0"),
		     DROP),
		0);
	check_counts(&told, 4, 1);
	assert_int_equal(sl_lane_max(&told.lanes, 0), UINT32_MAX);
	check_range(&told, 0, 0, 0x0a010203, 0x0a010203);
	check_range(&told, 1, 0, 0x0a000000, 0x0affffff);
	check_range(&told, 2, 0, 0x0a010200, 0x0a0102ff);
	check_range(&told, 3, 0, 0xac100000, 0xac1fffff);
	assert_int_equal(told.boxes.list.items[3].position, 3);
	end(&told);
}

static void a_masked_value_that_the_mask_cannot_give_never_matches(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;
	struct sl_key net = masked(p, key(p, IP_SADDR), "\xff\xff\0\0", NULL);

	(void)unused;
	assert_int_equal(tell(&told, key_is(p, net, "\x0a\0\0\1"), DROP), 0);
	check_counts(&told, 0, 0);
	end(&told);
}

static void rules_share_lanes_whatever_they_load(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;
	struct sl_field ports = {SL_TRANSPORT, 4, 0}, from_ip = {SL_NETWORK, 2, 22};
	struct sl_field protocol = {SL_NETWORK, 1, 9}, icmp_type = {SL_TRANSPORT, 1, 0};

	(void)unused;
	assert_int_equal(tell(&told, is(p, SPORT, "7"), is(p, DPORT, "9"), DROP), 0);
	assert_int_equal(tell(&told, key_is(p, key(p, ports), "\0\1\0\2"), DROP), 0);
	assert_int_equal(tell(&told, is(p, from_ip, "3"), DROP), 0);
	assert_int_equal(tell(&told, is(p, icmp_type, "8"), DROP), 0);
	check_counts(&told, 4, 2);
	check_range(&told, 1, 0, 1, 1);
	check_range(&told, 1, 1, 2, 2);
	check_range(&told, 2, 0, 0, 65535);
	check_range(&told, 2, 1, 3, 3);
	check_range(&told, 3, 0, 0x800, 0x8ff);
	assert_int_equal(tell(&told, is(p, L4PROTO, "6"), DROP), 0);
	assert_int_equal(tell(&told, is(p, protocol, "17"), DROP), 0);
	check_counts(&told, 6, 3);
	check_range(&told, 5, 2, 17, 17);
	end(&told);
}

static void boxes_from_before_a_lane_ask_nothing_of_it(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;

	(void)unused;
	assert_int_equal(tell(&told, is(p, SPORT, "7"), DROP), 0);
	assert_int_equal(tell(&told, is(p, DPORT, "9"), DROP), 0);
	assert_int_equal(tell(&told, is(p, IP_SADDR, "1.2.3.4"), DROP), 0);
	check_range(&told, 0, 1, 0, 65535);
	check_range(&told, 0, 2, 0, UINT32_MAX);
	check_range(&told, 2, 0, 0, 65535);
	end(&told);
}

static void an_ip6_address_is_four_lanes(void **unused)
{
	struct told told = begin_ip6();
	struct sl_program *p = told.p;
	struct sl_field net = {SL_NETWORK, 8, 24};

	(void)unused;
	assert_int_equal(tell(&told, is(p, IP6_DADDR, "2001:db8:1:2::9"), DROP), 0);
	assert_int_equal(
		tell(&told, key_is(p, key(p, net), value(p, IP6_DADDR, "2001:db8::")), DROP), 0);
	check_counts(&told, 2, 4);
	check_range(&told, 0, 1, 0x00010002, 0x00010002);
	check_range(&told, 0, 3, 9, 9);
	check_range(&told, 1, 0, 0x20010db8, 0x20010db8);
	check_range(&told, 1, 1, 0, 0);
	check_range(&told, 1, 2, 0, UINT32_MAX);
	end(&told);
}

static void a_range_over_lanes_is_a_box_with_edges(void **unused)
{
	struct told told = begin_ip6();
	struct sl_program *p = told.p;

	(void)unused;
	assert_int_equal(
		tell(&told, within(p, IP6_SADDR, "1::", "3:0:0:0:ffff:ffff:ffff:fffe"), DROP), 0);
	check_counts(&told, 3, 4);
	check_range(&told, 0, 0, 0x00010000, 0x0002ffff);
	check_range(&told, 0, 3, 0, UINT32_MAX);
	check_range(&told, 1, 0, 0x00030000, 0x00030000);
	check_range(&told, 1, 1, 0, 0);
	check_range(&told, 1, 2, 0, UINT32_MAX - 1);
	check_range(&told, 2, 2, UINT32_MAX, UINT32_MAX);
	check_range(&told, 2, 3, 0, UINT32_MAX - 1);
	end(&told);
}

static void other_masks_and_byte_orders_have_lanes_of_their_own(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;

	(void)unused;
	assert_int_equal(
		tell(&told, is(p, IP_SADDR, "10.0.0.1"),
		     key_is(p, masked(p, key(p, IP_SADDR), "\0\0\0\xff", NULL), "\0\0\0\1"), DROP),
		0);
	check_counts(&told, 1, 2);
	check_range(&told, 0, 1, 1, 1);
	assert_int_equal(tell(&told, key_is(p, swapped(p, key(p, LENGTH), 4), "\0\0\1\0"), DROP),
			 0);
	check_counts(&told, 2, 3);
	check_range(&told, 1, 2, 256, 256);
	assert_int_equal(told.lanes.keys[2].transform_count, 1);
	end(&told);
}

static void what_not_every_packet_has_is_refused(void **unused)
{
	struct sl_program *p = host();
	struct sl_field seventh = {SL_TRANSPORT, 2, 7};

	(void)unused;
	refuses(is(p, TCP_FLAGS, "2"), DROP);
	refuses(is(p, seventh, "2"), DROP);
	refuses(is(p, DADDR_TYPE, "2"), DROP);
	refuses(is(p, DPORT, "22"), is(p, TCP_FLAGS, "2"), DROP);
	refuses(key_is(p, shifted(p, key(p, DPORT), SL_SHL, 1), "\0\2"), DROP);
	refuses(key_is(p, swapped(p, key(p, IP_SADDR, IP_DADDR), 4), "\0\0\0\0\0\0\0\0"), DROP);
	sl_program_free(p);
}

static void more_lanes_than_a_table_has_are_refused(void **unused)
{
	struct told told = begin();

	(void)unused;
	for (u8 bit = 0; bit < 16; bit++) {
		u8 mask[2] = {bit < 8 ? (u8)(1 << bit) : 0, bit < 8 ? 1 : (u8)(2 << (bit - 8))};
		struct sl_key odd = masked(told.p, key(told.p, DPORT), mask, NULL);

		if (bit != 15)
			assert_int_equal(tell(&told, key_is(told.p, odd, mask), DROP), 0);
		else
			assert_int_equal(tell(&told, is(told.p, SPORT, "1"), DROP), -ENOTSUP);
	}
	check_counts(&told, 15, 15);
	end(&told);
}

static void what_the_device_fixes_needs_no_lane(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;
	struct sl_set *both = set(p, SL_SET_EXACT, IIFNAME, DPORT);

	(void)unused;
	both->is_constant = true;
	add(p, both, "eth0\0\0\0\0\0\0\0\0\0\0\0\0\0\x16\0\0", NULL);
	add(p, both, "eth1\0\0\0\0\0\0\0\0\0\0\0\0\0\x17\0\0", NULL);
	assert_int_equal(tell(&told, in_set(both, key(p, IIFNAME, DPORT)), DROP), 0);
	check_counts(&told, 1, 1);
	check_range(&told, 0, 0, 22, 22);
	end(&told);
}

/* Comparisons */

static void all_comparisons_are_ranges(void **unused)
{
	static const struct {
		enum sl_compare compare;
		u32 lo, hi;
	} expected[] = {
		{SL_EQ, 80, 80},    {SL_LT, 0, 79},     {SL_LE, 0, 80},
		{SL_GT, 81, 65535}, {SL_GE, 80, 65535},
	};
	struct told told = begin();
	struct sl_program *p = told.p;

	(void)unused;
	for (u32 i = 0; i < SL_ARRAY_SIZE(expected); i++) {
		assert_int_equal(tell(&told, compare(p, DPORT, expected[i].compare, "80"), DROP),
				 0);
		check_range(&told, i, 0, expected[i].lo, expected[i].hi);
	}
	assert_int_equal(tell(&told, compare(p, DPORT, SL_NE, "80"), DROP), 0);
	check_counts(&told, 7, 1);
	check_range(&told, 5, 0, 0, 79);
	check_range(&told, 6, 0, 81, 65535);
	end(&told);
}

static void comparisons_with_the_ends_do_not_wrap(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;

	(void)unused;
	assert_int_equal(tell(&told, compare(p, DPORT, SL_LT, "0"), DROP), 0);
	assert_int_equal(tell(&told, compare(p, DPORT, SL_GT, "65535"), DROP), 0);
	check_counts(&told, 0, 0);
	assert_int_equal(tell(&told, compare(p, DPORT, SL_NE, "65535"), DROP), 0);
	assert_int_equal(tell(&told, compare(p, DPORT, SL_NE, "0"), DROP), 0);
	check_counts(&told, 2, 1);
	check_range(&told, 0, 0, 0, 65534);
	check_range(&told, 1, 0, 1, 65535);
	end(&told);
}

static void ranges_and_what_is_outside(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;

	(void)unused;
	assert_int_equal(tell(&told, within(p, DPORT, "10", "20"), DROP), 0);
	assert_int_equal(tell(&told, inverted(within(p, DPORT, "10", "20")), DROP), 0);
	assert_int_equal(tell(&told, inverted(within(p, DPORT, "0", "65535")), DROP), 0);
	assert_int_equal(tell(&told, within(p, DPORT, "20", "10"), DROP), 0);
	check_counts(&told, 3, 1);
	check_range(&told, 0, 0, 10, 20);
	check_range(&told, 1, 0, 0, 9);
	check_range(&told, 2, 0, 21, 65535);
	end(&told);
}

static void tests_of_one_rule_are_intersected(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;

	(void)unused;
	assert_int_equal(tell(&told, compare(p, DPORT, SL_GE, "10"), compare(p, DPORT, SL_LE, "20"),
			      is(p, SPORT, "5"), DROP),
			 0);
	check_counts(&told, 1, 2);
	check_range(&told, 0, 0, 10, 20);
	check_range(&told, 0, 1, 5, 5);
	assert_int_equal(
		tell(&told, is(p, DPORT, "1"), is(p, DPORT, "2"), is(p, L4PROTO, "6"), DROP), 0);
	check_counts(&told, 1, 2); /* never matches: not even a lane */
	end(&told);
}

/* tcp flags syn / syn,ack */
static struct sl_op flags(struct sl_program *p)
{
	return key_is(p, masked(p, key(p, TCP_FLAGS), "\x12", NULL), "\2");
}

static void what_only_tcp_has_is_asked_of_tcp_alone(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;

	(void)unused;
	assert_int_equal(tell(&told, flags(p), is(p, L4PROTO, "6"), DROP), -ENOTSUP);
	assert_int_equal(tell(&told, is(p, L4PROTO, "17"), flags(p), DROP), -ENOTSUP);
	assert_int_equal(tell(&told, compare(p, L4PROTO, SL_LE, "6"), flags(p), DROP), -ENOTSUP);
	check_counts(&told, 0, 0);
	assert_int_equal(tell(&told, is(p, L4PROTO, "6"), flags(p), DROP), 0);
	check_counts(&told, 1, 2);
	check_range(&told, 0, 0, 6, 6);
	check_range(&told, 0, 1, 2, 2);
	end(&told);
}

static void alternatives_are_boxes_each(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;

	(void)unused;
	assert_int_equal(tell(&told, any(p, is(p, DPORT, "5"), is(p, SPORT, "6")), DROP), 0);
	check_counts(&told, 2, 2);
	check_range(&told, 0, 0, 5, 5);
	check_range(&told, 0, 1, 0, 65535);
	check_range(&told, 1, 1, 6, 6);
	assert_int_equal(tell(&told,
			      inverted(any(p, compare(p, DPORT, SL_LT, "5"),
					   inverted(within(p, DPORT, "0", "9")))),
			      DROP),
			 0);
	check_counts(&told, 3, 2);
	check_range(&told, 2, 0, 5, 9);
	end(&told);
}

/* Sets */

static struct sl_set *ports(struct sl_program *p, bool is_constant)
{
	struct sl_set *ports = set(p, SL_SET_INTERVAL, DPORT);

	ports->is_constant = is_constant;
	add(p, ports, "\0\5", NULL);
	add(p, ports, "\0\6", "\0\x08");
	add(p, ports, "\0\x14", NULL);
	return ports;
}

static void a_constant_set_is_its_ranges(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;

	(void)unused;
	assert_int_equal(tell(&told, in_set(ports(p, true), key(p, DPORT)), DROP), 0);
	check_counts(&told, 2, 1);
	check_range(&told, 0, 0, 5, 8); /* neighbours are one range */
	check_range(&told, 1, 0, 20, 20);
	assert_int_equal(tell(&told, inverted(in_set(ports(p, true), key(p, DPORT))), DROP), 0);
	check_counts(&told, 5, 1);
	check_range(&told, 2, 0, 0, 4);
	check_range(&told, 3, 0, 9, 19);
	check_range(&told, 4, 0, 21, 65535);
	end(&told);
}

static void a_catch_all_takes_everything(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;
	struct sl_set *all = ports(p, true);

	(void)unused;
	all->has_catchall = true;
	assert_int_equal(tell(&told, is(p, SPORT, "1"), in_set(all, key(p, DPORT)), DROP), 0);
	check_counts(&told, 1, 2);
	check_range(&told, 0, 1, 0, 65535);
	assert_int_equal(tell(&told, inverted(in_set(all, key(p, DPORT))), DROP), 0);
	check_counts(&told, 1, 2);
	end(&told);
}

static void sets_that_change_are_refused(void **unused)
{
	struct sl_program *p = host();
	struct sl_set *expiring = ports(p, true);

	(void)unused;
	expiring->has_timeouts = true;
	refuses(in_set(ports(p, false), key(p, DPORT)), DROP);
	refuses(in_set(expiring, key(p, DPORT)), DROP);
	sl_program_free(p);
}

static void concatenated_intervals_are_products(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;
	struct sl_set *both = set(p, SL_SET_BOXES, IP_SADDR, DPORT);

	(void)unused;
	both->is_constant = true;
	add(p, both, "\x0a\0\0\0\0\x16\0\0", "\x0a\xff\xff\xff\0\x17\0\0");
	add(p, both, "\1\2\3\4\0\x50\0\0", "\1\2\3\4\0\x50\0\0");
	assert_int_equal(tell(&told, in_set(both, key(p, IP_SADDR, DPORT)), DROP), 0);
	check_counts(&told, 2, 2);
	check_range(&told, 0, 0, 0x0a000000, 0x0affffff);
	check_range(&told, 0, 1, 22, 23);
	check_range(&told, 1, 1, 80, 80);
	end(&told);
}

static struct sl_op in_many(struct sl_program *p, u32 count)
{
	struct sl_set *many = set(p, SL_SET_EXACT, DPORT);

	many->is_constant = true;
	for (u32 i = 0; i < count; i++)
		add(p, many, (u8[]){(u8)(2 * i >> 8), (u8)(2 * i)}, NULL);
	return in_set(many, key(p, DPORT));
}

static void one_large_set_is_fine_but_not_its_product(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;

	(void)unused;
	assert_int_equal(tell(&told, in_many(p, SL_BOXES_PER_SET), DROP), 0);
	assert_int_equal(told.boxes.list.count, SL_BOXES_PER_SET);
	refuses(in_many(p, SL_BOXES_PER_SET + 1), DROP);
	refuses(in_many(p, SL_BOXES_PER_SET), compare(p, SPORT, SL_NE, "9"), DROP);
	refuses(in_many(p, SL_BOXES_PER_RULE), compare(p, SPORT, SL_NE, "9"), DROP);
	end(&told);
}

/* Worlds */

static void states_are_worlds(void **unused)
{
	struct told told = begin();
	u8 fresh = SL_WORLD_NEW | SL_WORLD_INVALID;

	(void)unused;
	assert_int_equal(tell(&told, state(fresh), state(fresh | SL_WORLD_RELATED), DROP), 0);
	assert_int_equal(tell(&told, state(SL_WORLD_NEW), state(SL_WORLD_RELATED), DROP), 0);
	assert_int_equal(tell(&told, DROP), 0);
	check_counts(&told, 2, 0);
	assert_int_equal(told.boxes.list.items[0].worlds, fresh);
	assert_int_equal(told.boxes.list.items[1].worlds, SL_WORLDS_ALL);
	assert_int_equal(told.boxes.list.items[1].position, 2);
	end(&told);
}

static void ahead_of_conntrack_all_worlds_look_invalid(void **unused)
{
	struct told told = begin();

	(void)unused;
	told.place.tracking = SL_BEFORE_CONNTRACK;
	assert_int_equal(tell(&told, state(SL_WORLD_NEW), DROP), 0);
	check_counts(&told, 0, 0);
	assert_int_equal(tell(&told, state(SL_WORLD_INVALID), DROP), 0);
	check_counts(&told, 1, 0);
	assert_int_equal(told.boxes.list.items[0].worlds, SL_WORLDS_ALL);
	end(&told);
}

static void a_chain_on_both_sides_of_conntrack_has_no_states(void **unused)
{
	struct told told = begin();

	(void)unused;
	told.place.tracking = SL_AROUND_CONNTRACK;
	assert_int_equal(tell(&told, state(SL_WORLD_NEW), DROP), -ENOTSUP);
	assert_int_equal(tell(&told, state(SL_WORLD_INVALID), DROP), -ENOTSUP);
	assert_int_equal(tell(&told, state(SL_WORLDS_ALL), DROP), 0);
	check_counts(&told, 1, 0);
	end(&told);
}

static void numbers_that_no_item_can_hold_are_refused(void **unused)
{
	struct told told = begin();
	struct sl_op counts = counter(told.p, told.chain), drop = DROP;
	const struct sl_rule *rule = rule_of(told.p, told.chain, &drop, 1);

	(void)unused;
	counts.counter = SL_TABLE_COUNTER_MAX + 1;
	assert_int_equal(tell(&told, counts, drop), -ENOTSUP);
	counts.counter = SL_TABLE_COUNTER_MAX;
	assert_int_equal(tell(&told, counts, drop), 0);
	assert_int_equal(sl_boxes_add_rule(&told.boxes, &told.lanes, told.p->arena, rule,
					   SL_TABLE_POSITION_MAX + 1, &told.place),
			 -ENOTSUP);
	assert_int_equal(sl_boxes_add_rule(&told.boxes, &told.lanes, told.p->arena, rule,
					   SL_TABLE_POSITION_MAX, &told.place),
			 0);
	end(&told);
}

static void places_follow_the_path(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *raw = base_chain(p, SL_HOOK_PREROUTING, -300, ACCEPTS);
	struct sl_chain *early = chain(p, "early"), *both = chain(p, "both");
	struct sl_chain *nowhere = chain(p, "nowhere"), *late = chain(p, "late"), *input;
	struct sl_set *ways = set(p, SL_SET_EXACT, DPORT);
	struct sl_place *places;

	(void)unused;
	step(p, SL_STEP_CONNTRACK);
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	for (u32 i = 0; i < p->path.count; i++)
		p->path.items[i].families = SL_IP6;
	rule(p, raw, jump(early));
	rule(p, early, go_to(both));
	rule(p, input, vmap(ways, key(p, DPORT)));
	map(p, ways, "\0\1", jump(both));
	map(p, ways, "\0\2", jump(late));
	places = sl_places_find(p, p->arena);
	assert_non_null(places);
	assert_int_equal(places[raw->index].tracking, SL_BEFORE_CONNTRACK);
	assert_int_equal(places[early->index].tracking, SL_BEFORE_CONNTRACK);
	assert_int_equal(places[both->index].tracking, SL_AROUND_CONNTRACK);
	assert_int_equal(places[late->index].tracking, SL_BEHIND_CONNTRACK);
	assert_int_equal(places[late->index].family, SL_IP6);
	assert_int_equal(places[nowhere->index].family, 0);
	sl_program_free(p);
}

/* Effects */

static void check_action(struct told *told, enum sl_item_action action, bool counts)
{
	const struct sl_box *box = &told->boxes.list.items[told->boxes.list.count - 1];

	assert_int_equal(box->position, told->chain->rules.count - 1);
	assert_int_equal(box->action, action);
	assert_int_equal(box->counts, counts);
	if (counts)
		assert_int_equal(box->counter, told->p->counters.count - 1);
}

static void verdicts_are_actions(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;

	(void)unused;
	assert_int_equal(tell(&told, is(p, DPORT, "1"), DROP), 0);
	check_action(&told, SL_ITEM_DROP, false);
	assert_int_equal(tell(&told, counter(p, told.chain), ACCEPT), 0);
	check_action(&told, SL_ITEM_ACCEPT, true);
	assert_int_equal(tell(&told, RETURN), 0);
	check_action(&told, SL_ITEM_RETURN, false);
	assert_int_equal(tell(&told, VERDICT(KERNEL)), 0);
	check_action(&told, SL_ITEM_PASS, false);
	assert_int_equal(tell(&told, counter(p, told.chain), kernel("log"), DROP), 0);
	check_action(&told, SL_ITEM_PASS, true);
	assert_int_equal(tell(&told, counter(p, told.chain), CONTINUE), 0);
	check_action(&told, SL_ITEM_CONTINUE, true);
	assert_int_equal(tell(&told, is(p, DPORT, "1"), counter(p, told.chain)), 0);
	check_action(&told, SL_ITEM_CONTINUE, true);
	check_counts(&told, 7, 1);
	assert_int_equal(tell(&told, is(p, DPORT, "1"), CONTINUE), 0);
	assert_int_equal(tell(&told, is(p, DPORT, "1")), 0);
	check_counts(&told, 7, 1); /* what does nothing has no box */
	end(&told);
}

static void what_goes_elsewhere_is_refused(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *other = chain(p, "other");
	struct sl_set *ways = set(p, SL_SET_EXACT, DPORT);

	(void)unused;
	map(p, ways, "\0\1", DROP);
	refuses(jump(other));
	refuses(go_to(other));
	refuses(vmap(ways, key(p, DPORT)));
	sl_program_free(p);
}

static void a_counter_counts_what_the_rule_decides(void **unused)
{
	struct sl_program *p = host();
	struct sl_chain *other = chain(p, "other");

	(void)unused;
	refuses(counter(p, other), is(p, DPORT, "1"), DROP);
	refuses(counter(p, other), state(SL_WORLD_NEW), DROP);
	refuses(counter(p, other), counter(p, other), DROP);
	sl_program_free(p);
}

static void what_is_not_known_passes_or_is_refused(void **unused)
{
	struct told told = begin();
	struct sl_program *p = told.p;

	(void)unused;
	assert_int_equal(tell(&told, is(p, DPORT, "1"), unknown("limit"), ACCEPT), 0);
	check_action(&told, SL_ITEM_PASS, false);
	assert_int_equal(tell(&told, unknown("limit"), is(p, DPORT, "2"), RETURN), 0);
	check_action(&told, SL_ITEM_PASS, false);
	check_range(&told, 1, 0, 2, 2);
	assert_int_equal(tell(&told, unknown("limit"), jump(told.chain)), 0);
	check_action(&told, SL_ITEM_PASS, false);
	assert_int_equal(tell(&told, unknown("limit"), counter(p, told.chain), DROP), 0);
	check_action(&told, SL_ITEM_PASS, false);
	check_counts(&told, 4, 1);
	assert_int_equal(tell(&told, unknown("limit"), CONTINUE), 0);
	assert_int_equal(tell(&told, unknown("limit")), 0);
	check_counts(&told, 4, 1);
	refuses(unknown("limit"), DROP);
	refuses(counter(p, told.chain), unknown("limit"), ACCEPT);
	end(&told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_are_ranges_of_the_address),
		cmocka_unit_test(a_masked_value_that_the_mask_cannot_give_never_matches),
		cmocka_unit_test(rules_share_lanes_whatever_they_load),
		cmocka_unit_test(boxes_from_before_a_lane_ask_nothing_of_it),
		cmocka_unit_test(an_ip6_address_is_four_lanes),
		cmocka_unit_test(a_range_over_lanes_is_a_box_with_edges),
		cmocka_unit_test(other_masks_and_byte_orders_have_lanes_of_their_own),
		cmocka_unit_test(what_not_every_packet_has_is_refused),
		cmocka_unit_test(more_lanes_than_a_table_has_are_refused),
		cmocka_unit_test(what_the_device_fixes_needs_no_lane),
		cmocka_unit_test(all_comparisons_are_ranges),
		cmocka_unit_test(comparisons_with_the_ends_do_not_wrap),
		cmocka_unit_test(ranges_and_what_is_outside),
		cmocka_unit_test(tests_of_one_rule_are_intersected),
		cmocka_unit_test(what_only_tcp_has_is_asked_of_tcp_alone),
		cmocka_unit_test(alternatives_are_boxes_each),
		cmocka_unit_test(a_constant_set_is_its_ranges),
		cmocka_unit_test(a_catch_all_takes_everything),
		cmocka_unit_test(sets_that_change_are_refused),
		cmocka_unit_test(concatenated_intervals_are_products),
		cmocka_unit_test(one_large_set_is_fine_but_not_its_product),
		cmocka_unit_test(states_are_worlds),
		cmocka_unit_test(ahead_of_conntrack_all_worlds_look_invalid),
		cmocka_unit_test(a_chain_on_both_sides_of_conntrack_has_no_states),
		cmocka_unit_test(numbers_that_no_item_can_hold_are_refused),
		cmocka_unit_test(places_follow_the_path),
		cmocka_unit_test(verdicts_are_actions),
		cmocka_unit_test(what_goes_elsewhere_is_refused),
		cmocka_unit_test(a_counter_counts_what_the_rule_decides),
		cmocka_unit_test(what_is_not_known_passes_or_is_refused),
	};

	return cmocka_run_group_tests_name("classify/boxes", tests, NULL, NULL);
}
