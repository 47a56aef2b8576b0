// SPDX-License-Identifier: GPL-2.0-only
/* xtables matches: the info struct on the left, the IR as text on the right. */
#include "lift/ruleset_builder.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_iprange.h>
#include <linux/netfilter/xt_length.h>
#include <linux/netfilter/xt_mac.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_pkttype.h>
#include <linux/netfilter/xt_rpfilter.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdio.h>

static void expect_in(u32 family, const char *expected, struct sl_expr match)
{
	struct nft nft = an_input_chain(family);

	nft_rule(&nft, nft.chain, match, drop_it());
	expect_rules(&nft, "in", expected);
}

/* `info` padded to 8 bytes, as the kernel dumps it. */
static struct sl_expr padded(const char *name, u32 revision, const void *info, u32 size)
{
	static u8 buffer[512];

	memset(buffer, 0, sizeof buffer);
	memcpy(buffer, info, size);
	return xt_match(name, revision, buffer, (size + 7) & ~7u);
}

/* The same at the input hook. */
static void expect_at_hook(const char *expected, struct sl_expr match)
{
	struct nft nft = an_input_chain(NFPROTO_IPV4);
	struct sl_program *front, *program;
	struct sl_diag diag = {""};

	nft_rule(&nft, nft.chain, load_state(), cmp_eq("\1\0\0\0"), drop_it());
	nft_rule(&nft, nft.chain, match, drop_it());
	front = lift(&nft);
	if (sl_lift_hooks(nft.rules, &nft.host, front, &program, &diag) ||
	    sl_program_verify(program, &diag))
		fail_msg("%s", diag.text);
	assert_string_equal(rules_text(program, "in") + strlen("ct state invalid drop\n"),
			    expected);
	sl_program_free(program);
	sl_program_free(front);
	nft_free(&nft);
}

#define becomes_at_hook(expected, name, revision, type, ...)                                       \
	expect_at_hook(expected, padded(name, revision, &(type){__VA_ARGS__}, sizeof(type)))
#define becomes(expected, name, revision, type, ...)                                               \
	expect_in(NFPROTO_IPV4, expected,                                                          \
		  padded(name, revision, &(type){__VA_ARGS__}, sizeof(type)))
#define becomes6(expected, name, revision, type, ...)                                              \
	expect_in(NFPROTO_IPV6, expected,                                                          \
		  padded(name, revision, &(type){__VA_ARGS__}, sizeof(type)))

static u32 be32(u32 number)
{
	return __builtin_bswap32(number);
}

#define ANY_PORT                                                                                   \
	{                                                                                          \
		0, 0xffff                                                                          \
	}

static void tcp_ports_and_flags(void **state)
{
	(void)state;
	becomes("drop\n", "tcp", 0, struct xt_tcp, .spts = ANY_PORT, .dpts = ANY_PORT);
	becomes("th dport 22 drop\n", "tcp", 0, struct xt_tcp, .spts = ANY_PORT, .dpts = {22, 22});
	becomes("th sport 1024-65535 th dport != 80-90 drop\n", "tcp", 0, struct xt_tcp,
		.spts = {1024, 0xffff}, .dpts = {80, 90}, .invflags = XT_TCP_INV_DSTPT);
	becomes("@th,104,8 & 0x17 == 0x02 drop\n", "tcp", 0, struct xt_tcp, .spts = ANY_PORT,
		.dpts = ANY_PORT, .flg_mask = 0x17, .flg_cmp = 2);
	becomes("@th,104,8 & 0x17 != 0x02 drop\n", "tcp", 0, struct xt_tcp, .spts = ANY_PORT,
		.dpts = ANY_PORT, .flg_mask = 0x17, .flg_cmp = 2, .invflags = XT_TCP_INV_FLAGS);
}

static void tcp_corners(void **state)
{
	(void)state;
	becomes("\n", "tcp", 0, struct xt_tcp, .spts = ANY_PORT, .dpts = ANY_PORT,
		.invflags = XT_TCP_INV_SRCPT);
	becomes("\n", "tcp", 0, struct xt_tcp, .spts = ANY_PORT, .dpts = ANY_PORT,
		.invflags = XT_TCP_INV_FLAGS);
	becomes("unknown(xt tcp: TCP option) th dport 22 drop\n", "tcp", 0, struct xt_tcp,
		.spts = ANY_PORT, .dpts = {22, 22}, .option = 5);
	becomes("unknown(xt tcp) drop\n", "tcp", 0, struct xt_tcp, .spts = ANY_PORT,
		.dpts = ANY_PORT, .invflags = 0x10);
}

static void udp_ports(void **state)
{
	(void)state;
	becomes("th sport != 53 th dport 1000-2000 drop\n", "udp", 0, struct xt_udp,
		.spts = {53, 53}, .dpts = {1000, 2000}, .invflags = XT_UDP_INV_SRCPT);
	becomes("\n", "udp", 0, struct xt_udp, .spts = ANY_PORT, .dpts = {9, 8});
}

/* Type and code lie where TCP has its source port, and print as such: type * 256 + code. */
static void icmp_types_and_codes(void **state)
{
	(void)state;
	becomes("th sport 2048-2303 drop\n", "icmp", 0, struct ipt_icmp, 8, {0, 0xff}, 0);
	becomes("th sport 769 drop\n", "icmp", 0, struct ipt_icmp, 3, {1, 1}, 0);
	becomes("th sport != 769 drop\n", "icmp", 0, struct ipt_icmp, 3, {1, 1}, IPT_ICMP_INV);
	becomes("drop\n", "icmp", 0, struct ipt_icmp, 0xff, {0, 0xff}, 0);
	becomes("\n", "icmp", 0, struct ipt_icmp, 0xff, {0, 0xff}, IPT_ICMP_INV);
	becomes6("th sport 32768-33023 drop\n", "icmp6", 0, struct ip6t_icmp, 128, {0, 0xff}, 0);
	/* For ICMPv6 255 is a type like others. */
	becomes6("th sport 65280-65535 drop\n", "icmp6", 0, struct ip6t_icmp, 255, {0, 0xff}, 0);
}

static void comment_is_kept(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_IPV4);
	struct xt_comment_info info = {"why not"};
	struct sl_program *program;

	(void)state;
	nft_rule(&nft, nft.chain, xt_match("comment", 0, &info, sizeof info), drop_it());
	program = lift(&nft);
	assert_string_equal(rules_text(program, "in"), "drop\n");
	assert_string_equal(program->chains.items[0]->rules.items[0].comment, "why not");
	sl_program_free(program);
	nft_free(&nft);
}

static void multiport_lists(void **state)
{
	(void)state;
	becomes("any(th dport 22, th dport 80-90) drop\n", "multiport", 1, struct xt_multiport_v1,
		.flags = XT_MULTIPORT_DESTINATION, .count = 3, .ports = {22, 80, 90},
		.pflags = {0, 1, 0});
	becomes("none(th sport 22, th dport 22) drop\n", "multiport", 1, struct xt_multiport_v1,
		.flags = XT_MULTIPORT_EITHER, .count = 1, .ports = {22}, .invert = 1);
	becomes("th sport != 22 drop\n", "multiport", 1, struct xt_multiport_v1,
		.flags = XT_MULTIPORT_SOURCE, .count = 1, .ports = {22}, .invert = 1);
	becomes("\n", "multiport", 1, struct xt_multiport_v1, .flags = XT_MULTIPORT_SOURCE);
}

static void multiport_corners(void **state)
{
	(void)state;
	becomes("unknown(xt multiport) drop\n", "multiport", 1, struct xt_multiport_v1, .flags = 3,
		.count = 1);
	becomes("unknown(xt multiport) drop\n", "multiport", 1, struct xt_multiport_v1,
		.count = 16);
	becomes("unknown(xt multiport) drop\n", "multiport", 1, struct xt_multiport_v1, .count = 1,
		.pflags = {1});
	becomes("unknown(xt multiport) drop\n", "multiport", 0, struct xt_multiport, .count = 1);
}

#define STATE_BITS(bits) .match_flags = XT_CONNTRACK_STATE, .state_mask = (bits)
#define ESTABLISHED_BIT  XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED)
#define RELATED_BIT      XT_CONNTRACK_STATE_BIT(IP_CT_RELATED)

static void conntrack_states(void **state)
{
	(void)state;
	becomes("ct state established,related drop\n", "conntrack", 3, struct xt_conntrack_mtinfo3,
		STATE_BITS(ESTABLISHED_BIT | RELATED_BIT));
	becomes("ct state established,related drop\n", "conntrack", 2, struct xt_conntrack_mtinfo2,
		STATE_BITS(ESTABLISHED_BIT | RELATED_BIT));
	becomes("ct state invalid drop\n", "conntrack", 1, struct xt_conntrack_mtinfo1,
		STATE_BITS(XT_CONNTRACK_STATE_INVALID));
	becomes("ct state untracked drop\n", "conntrack", 3, struct xt_conntrack_mtinfo3,
		STATE_BITS(XT_CONNTRACK_STATE_UNTRACKED));
	becomes("ct state established,related,invalid,untracked drop\n", "conntrack", 3,
		struct xt_conntrack_mtinfo3, STATE_BITS(XT_CONNTRACK_STATE_BIT(IP_CT_NEW)),
		.invert_flags = XT_CONNTRACK_STATE);
	becomes("ct state new drop\n", "conntrack", 3, struct xt_conntrack_mtinfo3,
		.match_flags = XT_CONNTRACK_STATE | XT_CONNTRACK_STATE_ALIAS,
		.state_mask = XT_CONNTRACK_STATE_BIT(IP_CT_NEW));
}

static void conntrack_beyond_states_is_unknown(void **state)
{
	(void)state;
	becomes("unknown(xt conntrack: SNAT) drop\n", "conntrack", 3, struct xt_conntrack_mtinfo3,
		STATE_BITS(XT_CONNTRACK_STATE_SNAT));
	becomes("ct state established unknown(xt conntrack: DNAT) drop\n"
		"ct state related unknown(xt conntrack: DNAT) drop\n",
		"conntrack", 3, struct xt_conntrack_mtinfo3, STATE_BITS(XT_CONNTRACK_STATE_DNAT));
	becomes("unknown(xt conntrack: more than the state) drop\n", "conntrack", 3,
		struct xt_conntrack_mtinfo3,
		.match_flags = XT_CONNTRACK_STATE | XT_CONNTRACK_DIRECTION, .state_mask = 2);
	becomes("unknown(xt conntrack: more than the state) drop\n", "conntrack", 3,
		struct xt_conntrack_mtinfo3, .match_flags = XT_CONNTRACK_STATUS);
}

#define CONNECTED_NAMES "ct state new,established,related "

static void conntrack_beyond_states_is_known_at_hooks(void **state)
{
	(void)state;
	becomes_at_hook("ct state new ct status & 16 != 0 drop\n"
			"ct state established ct status & 16 != 0 drop\n"
			"ct state related drop\n",
			"conntrack", 3, struct xt_conntrack_mtinfo3,
			STATE_BITS(XT_CONNTRACK_STATE_SNAT | RELATED_BIT));
	becomes_at_hook("ct state new ct status & 32 == 0 drop\n"
			"ct state established ct status & 32 == 0 drop\n"
			"ct state related ct status & 32 == 0 drop\n"
			"ct state invalid drop\n"
			"ct state untracked drop\n",
			"conntrack", 3, struct xt_conntrack_mtinfo3,
			STATE_BITS(XT_CONNTRACK_STATE_DNAT), .invert_flags = XT_CONNTRACK_STATE);
	becomes_at_hook(CONNECTED_NAMES "ct status & 4 != 0 drop\n", "conntrack", 3,
			struct xt_conntrack_mtinfo3, .match_flags = XT_CONNTRACK_STATUS,
			.status_mask = IPS_ASSURED);
	becomes_at_hook(CONNECTED_NAMES "ct direction 1 drop\n", "conntrack", 3,
			struct xt_conntrack_mtinfo3, .match_flags = XT_CONNTRACK_DIRECTION,
			.invert_flags = XT_CONNTRACK_DIRECTION);
	/* Without a connection the state alone decides. */
	becomes_at_hook("ct state established ct direction 0 drop\n"
			"ct state invalid drop\n",
			"conntrack", 3, struct xt_conntrack_mtinfo3,
			.match_flags = XT_CONNTRACK_STATE | XT_CONNTRACK_DIRECTION,
			.state_mask = ESTABLISHED_BIT | XT_CONNTRACK_STATE_INVALID);
	becomes_at_hook("unknown(xt conntrack: more than the state) drop\n", "conntrack", 3,
			struct xt_conntrack_mtinfo3, .match_flags = XT_CONNTRACK_EXPIRES);
}

static void legacy_state_match(void **state)
{
	(void)state;
	becomes("ct state new,untracked drop\n", "state", 0, struct xt_state_info,
		.statemask = XT_STATE_BIT(IP_CT_NEW) | XT_STATE_UNTRACKED);
}

static void iprange_of_both_families(void **state)
{
	(void)state;
	becomes("ip saddr 1.0.0.0-1.0.0.9 ip daddr != 2.0.0.0-2.0.0.9 drop\n", "iprange", 1,
		struct xt_iprange_mtinfo, .src_min.ip = be32(0x01000000),
		.src_max.ip = be32(0x01000009), .dst_min.ip = be32(0x02000000),
		.dst_max.ip = be32(0x02000009),
		.flags = IPRANGE_SRC | IPRANGE_DST | IPRANGE_DST_INV);
	becomes6("ip6 saddr ::1-::5 drop\n", "iprange", 1, struct xt_iprange_mtinfo,
		 .src_min.ip6 = {0, 0, 0, be32(1)}, .src_max.ip6 = {0, 0, 0, be32(5)},
		 .flags = IPRANGE_SRC);
	becomes("unknown(xt iprange) drop\n", "iprange", 1, struct xt_iprange_mtinfo, .flags = 4);
	becomes("unknown(xt iprange) drop\n", "iprange", 0, struct xt_iprange_mtinfo, .flags = 1);
}

static void mac_source(void **state)
{
	(void)state;
	becomes("ether saddr 02:00:00:00:00:09 drop\n", "mac", 0, struct xt_mac_info,
		{2, 0, 0, 0, 0, 9}, 0);
	becomes("ether saddr != 02:00:00:00:00:09 drop\n", "mac", 0, struct xt_mac_info,
		{2, 0, 0, 0, 0, 9}, 1);
}

static void mark_where_there_is_none(void **state)
{
	struct xt_mark_mtinfo1 info = {.mark = 5, .mask = 7};
	struct nft nft = an_input_chain(NFPROTO_IPV4);

	(void)state;
	becomes("meta mark & 7 == 5 drop\n", "mark", 1, struct xt_mark_mtinfo1, .mark = 5,
		.mask = 7);
	snprintf(eth0(&nft)->kind, sizeof eth0(&nft)->kind, "veth");
	nft_rule(&nft, nft.chain, padded("mark", 1, &info, sizeof info), drop_it());
	expect_rules(&nft, "in", "unknown(mark: something may set it before the rules) drop\n");
}

static void addrtype_of_the_destination(void **state)
{
	(void)state;
	becomes("fib daddr type 2 drop\n", "addrtype", 1, struct xt_addrtype_info_v1,
		.dest = XT_ADDRTYPE_LOCAL);
	becomes("none(fib daddr type 2, fib daddr type 3) drop\n", "addrtype", 1,
		struct xt_addrtype_info_v1, .dest = XT_ADDRTYPE_LOCAL | XT_ADDRTYPE_BROADCAST,
		.flags = XT_ADDRTYPE_INVERT_DEST);
	becomes("fib daddr type != 5 drop\n", "addrtype", 0, struct xt_addrtype_info,
		.dest = XT_ADDRTYPE_MULTICAST, .invert_dest = 1);
	becomes6("fib daddr type 5 drop\n", "addrtype", 1, struct xt_addrtype_info_v1,
		 .dest = XT_ADDRTYPE_MULTICAST);
	becomes("drop\n", "addrtype", 1, struct xt_addrtype_info_v1, .dest = 0);
}

static void addrtype_beyond_the_destination_is_unknown(void **state)
{
	(void)state;
	becomes("unknown(xt addrtype: type of the source address) drop\n", "addrtype", 1,
		struct xt_addrtype_info_v1, .source = XT_ADDRTYPE_LOCAL);
	becomes("unknown(xt addrtype: limited to a device) drop\n", "addrtype", 1,
		struct xt_addrtype_info_v1, .dest = XT_ADDRTYPE_LOCAL,
		.flags = XT_ADDRTYPE_LIMIT_IFACE_IN);
	becomes("unknown(xt addrtype) drop\n", "addrtype", 1, struct xt_addrtype_info_v1,
		.dest = XT_ADDRTYPE_ANYCAST);
	/* For IPv6 two bits are two demands. */
	becomes6("unknown(xt addrtype) drop\n", "addrtype", 1, struct xt_addrtype_info_v1,
		 .dest = XT_ADDRTYPE_LOCAL | XT_ADDRTYPE_MULTICAST);
}

static void pkttype_of_the_link_layer(void **state)
{
	(void)state;
	becomes("meta pkttype 1 drop\n", "pkttype", 0, struct xt_pkttype_info, 1, 0);
	becomes("meta pkttype != 1 drop\n", "pkttype", 0, struct xt_pkttype_info, 1, 1);
}

static void mark_is_set_by_rules(void **state)
{
	static const struct xt_mark_tginfo2 bits = {.mark = 0x4000, .mask = 0xc000},
					    all = {.mark = 7, .mask = ~0u};
	static const struct xt_connmark_tginfo1 restores = {.mode = XT_CONNMARK_RESTORE},
						saves = {.mode = XT_CONNMARK_SAVE};

	(void)state;
	expect_in(NFPROTO_IPV4, "mark = mark & 0xffff3fff ^ 0x4000 drop\n",
		  xt_target("MARK", 2, &bits, sizeof bits));
	expect_in(NFPROTO_IPV6, "mark = 0x7 drop\n", xt_target("MARK", 2, &all, sizeof all));
	expect_in(NFPROTO_IPV4, "mark(mark set to the connection's) drop\n",
		  xt_target("CONNMARK", 1, &restores, sizeof restores));
	expect_in(NFPROTO_IPV4, "kernel(xt CONNMARK)\n",
		  xt_target("CONNMARK", 1, &saves, sizeof saves));
}

static void odd_revisions_and_sizes_are_unknown(void **state)
{
	static const char *const decoded[] = {"tcp",       "udp",       "icmp",     "comment",
					      "multiport", "conntrack", "state",    "iprange",
					      "mac",       "mark",      "addrtype", "pkttype"};
	static const u8 info[512];
	char expected[64];

	(void)state;
	for (u32 i = 0; i < SL_ARRAY_SIZE(decoded); i++) {
		snprintf(expected, sizeof expected, "unknown(xt %s) drop\n", decoded[i]);
		expect_in(NFPROTO_IPV4, expected, xt_match(decoded[i], 9, info, 16));
		for (u32 revision = 0; revision < 4; revision++)
			expect_in(NFPROTO_IPV4, expected,
				  xt_match(decoded[i], revision, info, 500));
	}
	/* In inet or bridge tables the family of the packet is not that of the table. */
	expect_in(NFPROTO_INET, "unknown(xt tcp) drop\n",
		  xt_match("tcp", 0, info, sizeof(struct xt_tcp)));
}

static void only_matches_without_state_are_unknown(void **state)
{
	static const char *const pure[] = {"string", "owner",  "time",     "set", "ttl",
					   "length", "policy", "rpfilter", "u32", "connmark"};
	static const char *const stateful[] = {"limit",     "hashlimit", "recent",
					       "connlimit", "quota",     "statistic",
					       "rateest",   "nfacct",    "nonesuch"};
	static const u8 info[8];
	char expected[64];

	(void)state;
	for (u32 i = 0; i < SL_ARRAY_SIZE(pure); i++) {
		snprintf(expected, sizeof expected, "unknown(xt %s) drop\n", pure[i]);
		expect_in(NFPROTO_IPV4, expected, xt_match(pure[i], 0, info, 8));
	}
	for (u32 i = 0; i < SL_ARRAY_SIZE(stateful); i++) {
		snprintf(expected, sizeof expected, "kernel(xt %s)\n", stateful[i]);
		expect_in(NFPROTO_IPV4, expected, xt_match(stateful[i], 0, info, 8));
	}
}

static void expect_in_prerouting(const char *expected, u8 flags)
{
	const struct xt_rpfilter_info info = {flags};
	struct nft nft = a_table(NFPROTO_IPV4);

	nft.chain = add_base(&nft, nft.table, "pre", NF_INET_PRE_ROUTING, -300);
	nft_rule(&nft, nft.chain, padded("rpfilter", 0, &info, sizeof info), drop_it());
	expect_rules(&nft, "pre", expected);
}

static void rpfilter_asks_for_the_way_back(void **state)
{
	(void)state;
	expect_in_prerouting("fib saddr . iif exists 1 drop\n", 0);
	expect_in_prerouting("fib saddr . iif exists != 1 drop\n",
			     XT_RPFILTER_INVERT | XT_RPFILTER_VALID_MARK);
	expect_in_prerouting("unknown(xt rpfilter) drop\n", XT_RPFILTER_LOOSE);
	expect_in_prerouting("unknown(xt rpfilter) drop\n", XT_RPFILTER_ACCEPT_LOCAL);
	becomes("unknown(xt rpfilter) drop\n", "rpfilter", 0, struct xt_rpfilter_info, 0);
}

static void targets_are_the_kernels(void **state)
{
	static const u8 info[8];

	(void)state;
	expect_in(NFPROTO_IPV4, "kernel(xt LOG)\n", xt_target("LOG", 0, info, 8));
	expect_in(NFPROTO_IPV4, "kernel(xt DNAT)\n", xt_target("DNAT", 2, info, 8));
	expect_in(NFPROTO_IPV4, "kernel(xt MARK)\n", xt_target("MARK", 1, info, 8));
	expect_in(NFPROTO_IPV4, "kernel(xt CONNMARK)\n", xt_target("CONNMARK", 3, info, 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_ports_and_flags),
		cmocka_unit_test(tcp_corners),
		cmocka_unit_test(udp_ports),
		cmocka_unit_test(icmp_types_and_codes),
		cmocka_unit_test(comment_is_kept),
		cmocka_unit_test(multiport_lists),
		cmocka_unit_test(multiport_corners),
		cmocka_unit_test(conntrack_states),
		cmocka_unit_test(conntrack_beyond_states_is_unknown),
		cmocka_unit_test(conntrack_beyond_states_is_known_at_hooks),
		cmocka_unit_test(legacy_state_match),
		cmocka_unit_test(iprange_of_both_families),
		cmocka_unit_test(mac_source),
		cmocka_unit_test(mark_where_there_is_none),
		cmocka_unit_test(addrtype_of_the_destination),
		cmocka_unit_test(addrtype_beyond_the_destination_is_unknown),
		cmocka_unit_test(pkttype_of_the_link_layer),
		cmocka_unit_test(mark_is_set_by_rules),
		cmocka_unit_test(odd_revisions_and_sizes_are_unknown),
		cmocka_unit_test(only_matches_without_state_are_unknown),
		cmocka_unit_test(rpfilter_asks_for_the_way_back),
		cmocka_unit_test(targets_are_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
