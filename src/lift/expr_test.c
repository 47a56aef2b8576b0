// SPDX-License-Identifier: GPL-2.0-only
/* Expressions, one rule each: nf_tables' side on the left, the IR as text on the right. */
#include "lift/ruleset_builder.h"

#include <stdio.h>

#define ZERO4 "\0\0\0\0"

/* A rule in an inet input chain, and what it becomes. */
#define becomes(expected, ...)                                                                     \
	do {                                                                                       \
		struct nft one = an_input_chain(NFPROTO_INET);                                     \
		nft_rule(&one, one.chain, __VA_ARGS__);                                            \
		expect_rules(&one, "in", expected);                                                \
	} while (0)

static void payload_is_compared_where_it_stands(void **state)
{
	(void)state;
	becomes("ip saddr 1.2.3.4 drop\n", load_ip(12, 4), cmp_eq("\1\2\3\4"), drop_it());
	becomes("th dport 22 drop\n", load_th(2, 2), cmp_eq("\0\26"), drop_it());
	becomes("ether saddr 02:00:00:00:00:09 drop\n", load_payload(NFT_PAYLOAD_LL_HEADER, 6, 6),
		cmp_eq("\2\0\0\0\0\11"), drop_it());
}

static void payload_that_xdp_cannot_know_is_unknown(void **state)
{
	(void)state;
	becomes("unknown(length: GRO may have merged packets) drop\n", load_ip(2, 2),
		cmp_eq("\0\0"), drop_it());
	becomes("unknown(length: GRO may have merged packets) drop\n", load_th(4, 2),
		cmp_eq("\0\0"), drop_it());
	becomes("unknown(bytes behind the Ethernet header) drop\n",
		load_payload(NFT_PAYLOAD_LL_HEADER, 14, 2), cmp_eq("\0\0"), drop_it());
	becomes("unknown(inner header) drop\n", load_payload(NFT_PAYLOAD_INNER_HEADER, 0, 2),
		cmp_eq("\0\0"), drop_it());
	becomes("kernel(sets bytes of the packet)\n", writing(load_ip(8, 1)));
}

static void ip6_flow_label_is_not_a_length(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_IPV6);

	(void)state;
	nft_rule(&nft, nft.chain, load_ip(0, 4), cmp_eq("\x60\0\0\0"), drop_it());
	expect_rules(&nft, "in", "@nh,0,32 0x60000000 drop\n");
}

static void ethertype_is_unknown_where_tags_are_stripped(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	eth0(&nft)->strips_vlan = true;
	nft_rule(&nft, nft.chain, load_payload(NFT_PAYLOAD_LL_HEADER, 12, 2), cmp_eq("\x08\0"),
		 drop_it());
	nft_rule(&nft, nft.chain, load_payload(NFT_PAYLOAD_LL_HEADER, 0, 12),
		 cmp_eq("\2\0\0\0\0\1\2\0\0\0\0\2"), drop_it());
	expect_rules(&nft, "in",
		     "unknown(ethertype: the device may have stripped a VLAN tag) drop\n"
		     "@ll,0,96 0x020000000001020000000002 drop\n");
}

static void load_that_may_fail_is_not_forgotten(void **state)
{
	(void)state;
	becomes("unknown(a load that may fail and is not compared) drop\n", load_th(20, 2),
		drop_it());
	becomes("unknown(a load that may fail and is not compared) counter 0 "
		"@th,160,16 0x0001 drop\n",
		load_th(20, 2), count_packet(), cmp_eq("\0\1"), drop_it());
	becomes("unknown(a load that may fail and is not compared) drop\n", load_th(20, 2),
		load_th(0, 2), drop_it());
	/* Every ordinary frame has these. */
	becomes("drop\n", load_th(0, 2), drop_it());
	becomes("drop\n", load_ip(12, 8), drop_it());
}

static void metadata_of_the_device_stays_a_field(void **state)
{
	(void)state;
	becomes("meta l4proto 6 drop\n", load_meta(NFT_META_L4PROTO), cmp_eq("\6"), drop_it());
	becomes("meta nfproto 2 drop\n", load_meta(NFT_META_NFPROTO), cmp_eq("\2"), drop_it());
	becomes("iif 2 drop\n", load_meta(NFT_META_IIF), cmp_eq("\2\0\0\0"), drop_it());
	becomes("iifname \"eth*\" drop\n", load_meta(NFT_META_IIFNAME), cmp_eq("eth"), drop_it());
	becomes("iifname \"eth0\" drop\n", load_meta(NFT_META_IIFNAME),
		cmp_eq("eth0\0\0\0\0\0\0\0\0\0\0\0\0"), drop_it());
}

static void mark_is_known_only_where_packets_come_without(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	becomes("meta mark 5 drop\n", load_meta(NFT_META_MARK), cmp_eq("\5\0\0\0"), drop_it());
	snprintf(eth0(&nft)->kind, sizeof eth0(&nft)->kind, "veth");
	nft_rule(&nft, nft.chain, load_meta(NFT_META_MARK), cmp_eq("\5\0\0\0"), drop_it());
	expect_rules(&nft, "in", "unknown(mark: something may set it before the rules) drop\n");
}

static void mark_of_a_veth_to_another_namespace_is_zero(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	snprintf(eth0(&nft)->kind, sizeof eth0(&nft)->kind, "veth");
	eth0(&nft)->has_netnsid = true;
	nft_rule(&nft, nft.chain, load_meta(NFT_META_MARK), cmp_eq("\5\0\0\0"), drop_it());
	expect_rules(&nft, "in", "meta mark 5 drop\n");
}

static void metadata_that_xdp_cannot_know_is_unknown(void **state)
{
	(void)state;
	becomes("unknown(length: GRO may have merged packets) drop\n", load_meta(NFT_META_LEN),
		cmp_eq("\5\0\0\0"), drop_it());
	becomes("unknown(meta skuid) drop\n", load_meta(NFT_META_SKUID), cmp_eq(ZERO4), drop_it());
	becomes("unknown(meta key that sluice does not know) drop\n", load_meta(200), cmp_eq(ZERO4),
		drop_it());
	becomes("kernel(sets metadata of the packet)\n", writing(load_meta(NFT_META_PRIORITY)));
}

static void mark_that_rules_set_is_followed(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	becomes("mark = 0x5 drop\n", load_bytes("\5\0\0\0", 4), writing(load_meta(NFT_META_MARK)),
		drop_it());
	becomes("mark = mark & 0xffffff00 ^ 0x1\n", load_meta(NFT_META_MARK),
		mask_bytes("\0\xff\xff\xff", "\1\0\0\0", 4), writing(load_meta(NFT_META_MARK)));
	becomes("mark(mark set to what sluice does not know)\n", load_ip(12, 4),
		writing(load_meta(NFT_META_MARK)));
	becomes("mark(mark set to what sluice does not know)\n", load_state(),
		writing(load_meta(NFT_META_MARK)));
	/* Nothing is known of what it was. */
	snprintf(eth0(&nft)->kind, sizeof eth0(&nft)->kind, "veth");
	nft_rule(&nft, nft.chain, load_meta(NFT_META_MARK),
		 mask_bytes("\0\xff\xff\xff", "\1\0\0\0", 4), writing(load_meta(NFT_META_MARK)));
	expect_rules(&nft, "in", "mark(mark set to what sluice does not know)\n");
}

static void input_has_no_device_to_leave_by(void **state)
{
	(void)state;
	becomes("drop\n", load_meta(NFT_META_OIF), cmp_eq(ZERO4), drop_it());
	becomes("drop\n", load_meta(NFT_META_OIFNAME), cmp_ne("eth"), drop_it());
	becomes("\n", load_meta(NFT_META_OIFNAME), cmp_eq("eth"), drop_it());
	becomes("\n", load_meta(NFT_META_OIFGROUP), cmp_eq(ZERO4), drop_it()); /* breaks */
}

static void forward_leaves_by_a_device_that_is_not_known(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_chain *shared = add_chain(&nft, nft.table, "shared");
	struct sl_nft_chain *forward = add_base(&nft, nft.table, "fw", NF_INET_FORWARD, 0);

	(void)state;
	nft_rule(&nft, nft.chain, jump_to(NFT_JUMP, "shared"));
	nft_rule(&nft, forward, jump_to(NFT_JUMP, "shared"));
	nft_rule(&nft, shared, load_meta(NFT_META_OIFNAME), cmp_ne("eth"), drop_it());
	expect_rules(&nft, "shared", "unknown(meta oifname) drop\n");
}

/* A rule in a chain of this family that input and forward share, and what it becomes. */
#define shared_becomes(family, expected, ...)                                                      \
	do {                                                                                       \
		struct nft nft = an_input_chain(family);                                           \
		struct sl_nft_chain *shared = add_chain(&nft, nft.table, "shared");                \
		struct sl_nft_chain *fw = add_base(&nft, nft.table, "fw", NF_INET_FORWARD, 0);     \
		nft_rule(&nft, nft.chain, jump_to(NFT_JUMP, "shared"));                            \
		nft_rule(&nft, fw, jump_to(NFT_JUMP, "shared"));                                   \
		nft_rule(&nft, shared, __VA_ARGS__);                                               \
		expect_rules(&nft, "shared", expected);                                            \
	} while (0)

static void forward_sees_one_hop_less(void **state)
{
	const char *unknown = "unknown(hops: forwarding takes one off) drop\n";

	(void)state;
	becomes("ip ttl 64 drop\n", load_ip(8, 1), cmp_eq("\x40"), drop_it());
	shared_becomes(NFPROTO_IPV4, unknown, load_ip(8, 1), cmp_eq("\x40"), drop_it());
	shared_becomes(NFPROTO_IPV4, unknown, load_ip(10, 2), cmp_eq("\0\0"), drop_it());
	shared_becomes(NFPROTO_IPV6, unknown, load_ip(7, 1), cmp_eq("\x40"), drop_it());
	shared_becomes(NFPROTO_INET, unknown, load_ip(7, 1), cmp_eq("\x40"), drop_it());
	shared_becomes(NFPROTO_IPV4, "ip saddr 1.2.3.4 drop\n", load_ip(12, 4), cmp_eq("\1\2\3\4"),
		       drop_it());
}

static void state_predicates_become_worlds(void **state)
{
	(void)state;
	becomes("ct state new drop\n", load_state(), cmp_eq("\10\0\0\0"), drop_it());
	becomes("ct state new,established,related,untracked drop\n", load_state(),
		cmp_ne("\1\0\0\0"), drop_it());
	/* ct state established,related */
	becomes("ct state established,related accept\n", load_state(),
		mask_bytes("\6\0\0\0", ZERO4, 4), cmp_ne(ZERO4), accept_it());
	/* ct state & (new|untracked) == 0 */
	becomes("ct state established,related,invalid accept\n", load_state(),
		mask_bytes("\x48\0\0\0", ZERO4, 4), cmp_eq(ZERO4), accept_it());
	becomes("ct state established,invalid accept\n", load_state(),
		range_bytes(NFT_RANGE_EQ, "\1\0\0\0", "\2\0\0\0", 4), accept_it());
	becomes("ct state new drop\n", load_state(), shift_bits(NFT_BITWISE_RSHIFT, 3, 4),
		cmp_eq("\1\0\0\0"), drop_it());
}

static void state_that_never_or_always_holds_costs_nothing(void **state)
{
	(void)state;
	becomes("\n", load_state(), cmp_eq("\x80\0\0\0"), drop_it());
	becomes("drop\n", load_state(), cmp_ne("\x80\0\0\0"), drop_it());
	becomes("counter 0\n", count_packet(), load_state(), cmp_eq("\x80\0\0\0"), drop_it());
}

static void state_in_a_set_becomes_worlds(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *set = add_set(&nft, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT, 4);

	(void)state;
	add_element(&nft, set, "\10\0\0\0", NULL);
	add_element(&nft, set, "\100\0\0\0", NULL);
	nft_rule(&nft, nft.chain, load_state(), lookup(set), drop_it());
	nft_rule(&nft, nft.chain, load_state(), lookup_not(set), drop_it());
	expect_rules(&nft, "in",
		     "ct state new,untracked drop\n"
		     "ct state established,related,invalid drop\n");
}

static void state_map_becomes_a_rule_for_each_world(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *map = add_vmap(&nft, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT, 4);

	(void)state;
	add_mapping(&nft, map, "\2\0\0\0", NF_ACCEPT, NULL);
	add_mapping(&nft, map, "\1\0\0\0", NF_DROP, NULL);
	nft_rule(&nft, nft.chain, count_packet(), load_state(), lookup(map));
	/* Each world counts once, whether the map knows it or not. */
	expect_rules(&nft, "in",
		     "ct state new counter 0\n"
		     "ct state established counter 0 accept\n"
		     "ct state related counter 0\n"
		     "ct state invalid counter 0 drop\n"
		     "ct state untracked counter 0\n");
}

static void state_beside_a_field_splits_the_rule(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	nft_rule(&nft, nft.chain, load_state(), at(4, load_th(2, 2)), cmp_eq("\10\0\0\0\0\26"),
		 drop_it());
	expect_rules(&nft, "in",
		     "ct state new th dport[4] & 0x00000000 ^ 0x08000000 [0,4] "
		     "== 0x080000000016 drop\n"
		     "ct state established th dport[4] & 0x00000000 ^ 0x02000000 [0,4] "
		     "== 0x080000000016 drop\n"
		     "ct state related th dport[4] & 0x00000000 ^ 0x04000000 [0,4] "
		     "== 0x080000000016 drop\n"
		     "ct state invalid th dport[4] & 0x00000000 ^ 0x01000000 [0,4] "
		     "== 0x080000000016 drop\n"
		     "ct state untracked th dport[4] & 0x00000000 ^ 0x40000000 [0,4] "
		     "== 0x080000000016 drop\n");
}

static void other_conntrack_keys_are_unknown(void **state)
{
	(void)state;
	becomes("unknown(ct mark) drop\n", load_ct(NFT_CT_MARK), cmp_eq(ZERO4), drop_it());
	becomes("unknown(ct saddr) drop\n", load_ct(NFT_CT_SRC), cmp_eq(ZERO4), drop_it());
	becomes("unknown(ct key that sluice does not know) drop\n", load_ct(99), cmp_eq(ZERO4),
		drop_it());
	becomes("kernel(sets something of the connection)\n", writing(load_ct(NFT_CT_MARK)));
}

static void comparisons_keep_their_order(void **state)
{
	(void)state;
	becomes("th dport < 22 drop\n", load_th(2, 2), cmp_bytes(NFT_CMP_LT, "\0\26", 2),
		drop_it());
	becomes("th dport <= 22 drop\n", load_th(2, 2), cmp_bytes(NFT_CMP_LTE, "\0\26", 2),
		drop_it());
	becomes("th dport > 22 drop\n", load_th(2, 2), cmp_bytes(NFT_CMP_GT, "\0\26", 2),
		drop_it());
	becomes("th dport >= 22 drop\n", load_th(2, 2), cmp_bytes(NFT_CMP_GTE, "\0\26", 2),
		drop_it());
	becomes("th dport != 22-80 drop\n", load_th(2, 2),
		range_bytes(NFT_RANGE_NEQ, "\0\26", "\0\120", 2), drop_it());
}

static void range_that_holds_nothing_never_matches(void **state)
{
	(void)state;
	becomes("\n", load_th(2, 2), range_bytes(NFT_RANGE_EQ, "\0\2", "\0\1", 2), drop_it());
	becomes("th dport >= 0 drop\n", load_th(2, 2),
		range_bytes(NFT_RANGE_NEQ, "\0\2", "\0\1", 2), drop_it());
}

static void bitwise_and_byteorder_transform_the_key(void **state)
{
	struct sl_expr elsewhere = mask_bytes("\377\377\0\0", ZERO4, 4);

	(void)state;
	becomes("ip saddr & 255.255.0.0 == 10.1.0.0 drop\n", load_ip(12, 4),
		mask_bytes("\377\377\0\0", ZERO4, 4), cmp_eq("\12\1\0\0"), drop_it());
	elsewhere.bitwise.dreg = 16;
	becomes("ip saddr & 255.255.0.0 == 10.1.0.0 drop\n", load_ip(12, 4), elsewhere,
		at(16, cmp_eq("\12\1\0\0")), drop_it());
	becomes("@th,96,8 >> 4 == 0x05 drop\n", load_th(12, 1),
		shift_bits(NFT_BITWISE_RSHIFT, 4, 1), cmp_eq("\5"), drop_it());
	becomes("@th,96,8 & 0xf0 >> 4 == 0x05 drop\n", load_th(12, 1), mask_bytes("\360", "\0", 1),
		shift_bits(NFT_BITWISE_RSHIFT, 4, 1), cmp_eq("\5"), drop_it());
	/* A right shift of two bytes brings down the word's other two. */
	becomes("unknown(a part of what a register holds) drop\n", load_ip(12, 4),
		shift_bits(NFT_BITWISE_RSHIFT, 4, 2), cmp_eq("\5\0"), drop_it());
	becomes("meta mark swap4 0x00000001-0x00000005 drop\n", load_meta(NFT_META_MARK),
		swap_words(4, 4), range_bytes(NFT_RANGE_EQ, "\0\0\0\1", "\0\0\0\5", 4), drop_it());
}

static void transforms_that_kernels_disagree_on_are_unknown(void **state)
{
	(void)state;
	becomes("unknown(a shift of several words) drop\n", load_ip(12, 8),
		shift_bits(NFT_BITWISE_LSHIFT, 4, 8), cmp_eq("\0"), drop_it());
	becomes("unknown(byteorder of several words) drop\n", load_ip(12, 4), swap_words(4, 2),
		cmp_eq("\0"), drop_it());
	becomes("unknown(bitwise operation) drop\n", load_ip(12, 4), shift_bits(4, 4, 4),
		cmp_eq("\0"), drop_it());
	becomes("unknown(bitwise) drop\n", load_ip(12, 4), opaque("bitwise"), cmp_eq("\0"),
		drop_it());
}

static void immediates_are_folded(void **state)
{
	(void)state;
	becomes("drop\n", load_bytes("\1\2", 2), cmp_eq("\1\2\0\0"), drop_it()); /* padded */
	becomes("\n", load_bytes("\1\2", 2), cmp_eq("\1\3"), drop_it());
	becomes("ip saddr & 0x00000000 ^ 0x05000000 [4,4] == 0x0000000005000000 drop\n",
		load_ip(12, 4), at(4, load_bytes("\5", 1)), cmp_eq("\0\0\0\0\5\0\0\0"), drop_it());
}

static void verdicts_end_the_rule(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	add_chain(&nft, nft.table, "there");
	nft_rule(&nft, nft.chain, verdict(NFT_CONTINUE), count_packet(), accept_it(), drop_it());
	nft_rule(&nft, nft.chain, jump_to(NFT_JUMP, "there"));
	nft_rule(&nft, nft.chain, jump_to(NFT_GOTO, "there"));
	nft_rule(&nft, nft.chain, verdict(NFT_RETURN));
	nft_rule(&nft, nft.chain, verdict(NFT_BREAK), drop_it());
	nft_rule(&nft, nft.chain, verdict(NF_QUEUE));
	nft_rule(&nft, nft.chain, jump_to(NFT_JUMP, "nowhere"));
	expect_rules(&nft, "in",
		     "counter 0 accept\n"
		     "jump there\n"
		     "goto there\n"
		     "return\n"
		     "\n"
		     "kernel(a verdict that only the kernel can carry out)\n"
		     "kernel(a verdict that only the kernel can carry out)\n");
}

static void counters_are_kept_per_rule(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_program *program;

	(void)state;
	nft_rule(&nft, nft.chain, drop_it());
	nft_rule(&nft, nft.chain, count_packet(), count_packet(), drop_it());
	nft_rule(&nft, nft.chain, object(NFT_OBJECT_COUNTER), drop_it());
	program = lift(&nft);
	assert_string_equal(rules_text(program, "in"),
			    "drop\n"
			    "counter 0 kernel(a second counter in one rule)\n"
			    "kernel(named counter)\n");
	assert_int_equal(program->counters.count, 1);
	assert_int_equal(program->counters.items[0].handle, 2);
	assert_string_equal(program->counters.items[0].chain, "in");
	sl_program_free(program);
	nft_free(&nft);
}

static void registers_that_the_rule_did_not_load_are_unknown(void **state)
{
	(void)state;
	becomes("unknown(a register that this rule has not loaded) drop\n", cmp_eq("\0"),
		drop_it());
	becomes("unknown(a register that this rule has not loaded) drop\n", load_th(0, 2),
		cmp_eq("\0\0\0\0\0\0\0\0"), drop_it());
	becomes("unknown(a part of what a register holds) drop\n", load_ip(12, 8),
		at(4, cmp_eq("\0\0\0\0")), drop_it());
	becomes("unknown(a register that was overwritten in part) drop\n", load_ip(12, 8),
		load_th(0, 2), at(4, cmp_eq("\0\0\0\0")), drop_it());
}

static void padding_is_zero_where_the_kernel_zeroes_it(void **state)
{
	struct sl_expr elsewhere = swap_words(2, 2);

	(void)state;
	/* A short load, and a mask, clear the rest of their word. */
	becomes("th dport 22 drop\n", load_th(2, 2), cmp_eq("\0\26\0\0"), drop_it());
	becomes("@th,104,8 & 0x02 [0,1] == 0x02000000 drop\n", load_th(13, 1),
		mask_bytes("\2", "\0", 1), cmp_eq("\2\0\0\0"), drop_it());
	/* A swap into another register leaves there what there was. */
	elsewhere.byteorder.dreg = 16;
	becomes("unknown(a register that this rule has not loaded) drop\n", load_th(2, 2),
		elsewhere, at(16, cmp_eq("\26\0\0\0")), drop_it());
	/* A left shift pushes bits into it. */
	becomes("unknown(a mask of part of a word that was shifted) drop\n", load_th(2, 2),
		shift_bits(NFT_BITWISE_LSHIFT, 4, 2), mask_bytes("\377\377", "\0\0", 2),
		cmp_eq("\0\0"), drop_it());
}

static void a_rate_of_packets_is_the_kernels_to_keep(void **state)
{
	(void)state;
	becomes("th dport 22 limit 0\n", load_th(2, 2), cmp_eq("\0\26"),
		limit_of(NFT_LIMIT_PKTS, false), count_packet(), accept_it());
	becomes("counter 0 limit over 0 drop\n", count_packet(), limit_of(NFT_LIMIT_PKTS, true),
		drop_it());
	becomes("limit over 0 limit 1\n", limit_of(NFT_LIMIT_PKTS, true),
		limit_of(NFT_LIMIT_PKTS, false), drop_it());
	becomes("kernel(limit of bytes)\n", limit_of(NFT_LIMIT_PKT_BYTES, false), drop_it());
}

/* Of a connection that begins, four bits are known; of others none; without one the rule breaks. */
static void the_status_of_a_new_connection_is_partly_known(void **state)
{
	(void)state;
	becomes("ct state established unknown(ct status) accept\n"
		"ct state related unknown(ct status) accept\n",
		load_ct(NFT_CT_STATUS), mask_bytes("\x20\0\0\0", "\0\0\0\0", 4), cmp_ne("\0\0\0\0"),
		accept_it());
	becomes("ct state new drop\n"
		"ct state established unknown(ct status) drop\n"
		"ct state related unknown(ct status) drop\n",
		load_ct(NFT_CT_STATUS), mask_bytes("\x2b\0\0\0", "\0\0\0\0", 4), cmp_eq("\0\0\0\0"),
		drop_it());
	becomes("ct state new unknown(ct status) drop\n" /* SNAT may come yet */
		"ct state established unknown(ct status) drop\n"
		"ct state related unknown(ct status) drop\n",
		load_ct(NFT_CT_STATUS), mask_bytes("\x30\0\0\0", "\0\0\0\0", 4), cmp_eq("\0\0\0\0"),
		drop_it());
	becomes("ct state new unknown(ct status) drop\n"
		"ct state established unknown(ct status) drop\n"
		"ct state related unknown(ct status) drop\n",
		load_ct(NFT_CT_STATUS), cmp_eq("\0\0\0\0"), drop_it());
}

static void only_what_has_no_effect_is_unknown(void **state)
{
	static const char *const loads[] = {"fib",  "socket", "rt",     "osf",
					    "xfrm", "hash",   "tunnel", "inner"};
	static const char *const effects[] = {
		"limit", "quota",    "connlimit", "dynset",  "log",     "reject", "nat",
		"masq",  "redir",    "tproxy",    "queue",   "notrack", "dup",    "synproxy",
		"fwd",   "numgen",   "last",      "exthdr",  "secmark", "objref", "flow_offload",
		"rule",  "nonesuch", "lookup",    "payload", "ct",      "meta",   "immediate"};
	char expected[64];

	(void)state;
	for (u32 i = 0; i < SL_ARRAY_SIZE(loads); i++) {
		snprintf(expected, sizeof expected, "unknown(%s) drop\n", loads[i]);
		becomes(expected, opaque(loads[i]), cmp_eq("\1"), drop_it());
	}
	for (u32 i = 0; i < SL_ARRAY_SIZE(effects); i++) {
		snprintf(expected, sizeof expected, "kernel(%s)\n", effects[i]);
		becomes(expected, opaque(effects[i]), drop_it());
	}
	becomes("unknown(cmp) drop\n", load_th(2, 2), opaque("cmp"), drop_it());
}

static void effects_keep_their_place_in_the_rule(void **state)
{
	(void)state;
	becomes("th dport 22 kernel(limit)\n", load_th(2, 2), cmp_eq("\0\26"), opaque("limit"),
		load_th(0, 2), cmp_eq("\0\26"), drop_it());
}

static void expression_that_the_reader_gave_up_on_is_not_trusted(void **state)
{
	struct sl_expr expr = load_meta(NFT_META_L4PROTO);

	(void)state;
	expr.opaque = "has an unknown attribute";
	becomes("kernel(meta)\n", expr, cmp_eq("\6"), drop_it());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payload_is_compared_where_it_stands),
		cmocka_unit_test(payload_that_xdp_cannot_know_is_unknown),
		cmocka_unit_test(ip6_flow_label_is_not_a_length),
		cmocka_unit_test(ethertype_is_unknown_where_tags_are_stripped),
		cmocka_unit_test(load_that_may_fail_is_not_forgotten),
		cmocka_unit_test(metadata_of_the_device_stays_a_field),
		cmocka_unit_test(mark_is_known_only_where_packets_come_without),
		cmocka_unit_test(mark_of_a_veth_to_another_namespace_is_zero),
		cmocka_unit_test(metadata_that_xdp_cannot_know_is_unknown),
		cmocka_unit_test(mark_that_rules_set_is_followed),
		cmocka_unit_test(input_has_no_device_to_leave_by),
		cmocka_unit_test(forward_leaves_by_a_device_that_is_not_known),
		cmocka_unit_test(forward_sees_one_hop_less),
		cmocka_unit_test(state_predicates_become_worlds),
		cmocka_unit_test(state_that_never_or_always_holds_costs_nothing),
		cmocka_unit_test(state_in_a_set_becomes_worlds),
		cmocka_unit_test(state_map_becomes_a_rule_for_each_world),
		cmocka_unit_test(state_beside_a_field_splits_the_rule),
		cmocka_unit_test(other_conntrack_keys_are_unknown),
		cmocka_unit_test(comparisons_keep_their_order),
		cmocka_unit_test(range_that_holds_nothing_never_matches),
		cmocka_unit_test(bitwise_and_byteorder_transform_the_key),
		cmocka_unit_test(transforms_that_kernels_disagree_on_are_unknown),
		cmocka_unit_test(immediates_are_folded),
		cmocka_unit_test(verdicts_end_the_rule),
		cmocka_unit_test(counters_are_kept_per_rule),
		cmocka_unit_test(registers_that_the_rule_did_not_load_are_unknown),
		cmocka_unit_test(padding_is_zero_where_the_kernel_zeroes_it),
		cmocka_unit_test(a_rate_of_packets_is_the_kernels_to_keep),
		cmocka_unit_test(the_status_of_a_new_connection_is_partly_known),
		cmocka_unit_test(only_what_has_no_effect_is_unknown),
		cmocka_unit_test(effects_keep_their_place_in_the_rule),
		cmocka_unit_test(expression_that_the_reader_gave_up_on_is_not_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
