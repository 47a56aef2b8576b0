// SPDX-License-Identifier: GPL-2.0-only
/* Which base chains the device's packets meet, in which order, and every reason to be cautious. */
#include "lift/ruleset_builder.h"

#include <errno.h>
#include <limits.h>
#include <linux/netfilter/xt_CT.h>
#include <net/if_arp.h>
#include <stdio.h>

/* A chain that drops something, so that its order against others may matter. */
static struct sl_nft_chain *dropping(struct nft *nft, const char *name, u32 hook, s32 priority)
{
	struct sl_nft_chain *chain = add_base(nft, nft->table, name, hook, priority);

	nft_rule(nft, chain, load_th(2, 2), cmp_eq("\0\26"), drop_it());
	return chain;
}

static void expect_path_of(struct nft nft, const char *expected)
{
	expect_path(&nft, expected);
}

static void empty_ruleset_only_routes(void **state)
{
	(void)state;
	expect_path_of(a_table(NFPROTO_INET), "both ROUTE\n");
}

static void hooks_come_in_order_of_the_stack(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	dropping(&nft, "late-forward", NF_INET_FORWARD, 5);
	dropping(&nft, "forward", NF_INET_FORWARD, 0);
	dropping(&nft, "input", NF_INET_LOCAL_IN, 0)->policy = NF_DROP;
	dropping(&nft, "output", NF_INET_LOCAL_OUT, 0);
	dropping(&nft, "postrouting", NF_INET_POST_ROUTING, 0);
	dropping(&nft, "prerouting", NF_INET_PRE_ROUTING, 0);
	dropping(&nft, "raw", NF_INET_PRE_ROUTING, -300);
	add_device(&nft, dropping(&nft, "ingress", NF_INET_INGRESS, 0), "eth0");
	expect_path(&nft, "both ingress\n"
			  "both raw\n"
			  "both prerouting\n"
			  "both ROUTE\n"
			  "both input drop\n"
			  "both forward\n"
			  "both late-forward\n");
}

static void families_interleave_by_priority(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	dropping(&nft, "inet", NF_INET_LOCAL_IN, 0);
	nft.table = add_table(&nft, NFPROTO_IPV4, "four");
	dropping(&nft, "ip-early", NF_INET_LOCAL_IN, -10);
	dropping(&nft, "ip-late", NF_INET_LOCAL_IN, 10);
	nft.table = add_table(&nft, NFPROTO_IPV6, "six");
	dropping(&nft, "ip6", NF_INET_LOCAL_IN, 0);
	nft.table = add_table(&nft, NFPROTO_BRIDGE, "bridge");
	dropping(&nft, "bridge", NF_INET_LOCAL_IN, 0);
	nft.table = add_table(&nft, NFPROTO_ARP, "arp");
	dropping(&nft, "arp", 0, 0);
	expect_path(&nft, "both ROUTE\n"
			  "ip ip-early\n"
			  "both inet\n"
			  "ip6 ip6\n"
			  "ip ip-late\n");
}

static void ingress_chains_are_for_their_devices(void **state)
{
	struct nft nft = a_table(NFPROTO_NETDEV);

	(void)state;
	add_device(&nft, dropping(&nft, "other", NF_NETDEV_INGRESS, 0), "eth1");
	add_device(&nft, dropping(&nft, "wildcard", NF_NETDEV_INGRESS, 2), "eth*");
	add_device(&nft, dropping(&nft, "prefix", NF_NETDEV_INGRESS, 0), "eth");
	add_device(&nft, dropping(&nft, "egress", NF_NETDEV_EGRESS, 0), "eth0");
	add_device(&nft, dropping(&nft, "exact", NF_NETDEV_INGRESS, 1), "eth0");
	expect_path(&nft, "both exact\n"
			  "both wildcard\n"
			  "both ROUTE\n");
}

static void dormant_tables_are_not_met(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	dropping(&nft, "input", NF_INET_LOCAL_IN, 0);
	nft.table->flags = NFT_TABLE_F_DORMANT;
	expect_path(&nft, "both ROUTE\n");
}

static void policies_count(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);
	struct sl_nft_chain *input = dropping(&nft, "input", NF_INET_LOCAL_IN, 0);
	struct sl_program *program;

	(void)state;
	input->has_counters = true;
	program = lift(&nft);
	assert_int_equal(program->path.items[1].policy_counter, 0);
	assert_int_equal(program->counters.items[0].handle, 0);
	sl_program_free(program);
	nft_free(&nft);
}

static void conntrack_is_met_where_a_rule_asks_for_it(void **state)
{
	struct nft nft = a_table(NFPROTO_IPV4);

	(void)state;
	dropping(&nft, "raw", NF_INET_PRE_ROUTING, -201);
	dropping(&nft, "mangle", NF_INET_PRE_ROUTING, -199);
	nft_rule(&nft, add_base(&nft, nft.table, "out", NF_INET_LOCAL_OUT, 0), load_state(),
		 cmp_eq("\1\0\0\0"), drop_it());
	expect_path(&nft, "ip raw\n"
			  "ip CONNTRACK\n"
			  "ip mangle\n"
			  "both ROUTE\n");
}

static struct nft with_expr(u32 family, struct sl_expr expr)
{
	struct nft nft = a_table(family);

	nft_rule(&nft, add_chain(&nft, nft.table, "unused"), expr);
	return nft;
}

static void whatever_may_hold_conntrack_does(void **state)
{
	static const u8 info[64];
	struct nft nft = a_table(NFPROTO_IPV6);

	(void)state;
	add_base(&nft, nft.table, "snat", NF_INET_POST_ROUTING, 100)->type = "nat";
	expect_path(&nft, "ip6 CONNTRACK\nboth ROUTE\n");
	expect_path_of(with_expr(NFPROTO_INET, opaque("masq")), "both CONNTRACK\nboth ROUTE\n");
	expect_path_of(with_expr(NFPROTO_INET, opaque("nonesuch")), "both CONNTRACK\nboth ROUTE\n");
	expect_path_of(with_expr(NFPROTO_BRIDGE, load_state()), "both CONNTRACK\nboth ROUTE\n");
	expect_path_of(with_expr(NFPROTO_IPV4, xt_match("connlimit", 1, info, 64)),
		       "ip CONNTRACK\nboth ROUTE\n");
	expect_path_of(with_expr(NFPROTO_IPV4, xt_target("NETMAP", 0, info, 64)),
		       "ip CONNTRACK\nboth ROUTE\n");
	/* These do not. */
	expect_path_of(with_expr(NFPROTO_INET, opaque("limit")), "both ROUTE\n");
	expect_path_of(with_expr(NFPROTO_IPV4, xt_match("tcp", 0, info, 16)), "both ROUTE\n");
}

static u8 miss_worlds_of(struct nft nft)
{
	struct sl_program *program = lift(&nft);
	u8 worlds = program->miss_worlds;

	sl_program_free(program);
	nft_free(&nft);
	return worlds;
}

static void a_miss_is_new_or_invalid_unless_rules_say_more(void **state)
{
	const u8 plain = SL_WORLD_NEW | SL_WORLD_INVALID, expecting = plain | SL_WORLD_RELATED;
	struct xt_ct_target_info_v1 helper = {.helper = "ftp"}, zone = {.zone = 5},
				    notrack = {.flags = XT_CT_NOTRACK};
	struct nft nft = a_table(NFPROTO_INET);
	u32 size = sizeof helper;

	(void)state;
	assert_int_equal(miss_worlds_of(with_expr(NFPROTO_INET, load_state())), plain);
	assert_int_equal(miss_worlds_of(with_expr(NFPROTO_INET, opaque("notrack"))), plain);
	assert_int_equal(
		miss_worlds_of(with_expr(NFPROTO_IPV4, xt_target("CT", 1, &notrack, size))), plain);
	assert_int_equal(miss_worlds_of(with_expr(NFPROTO_IPV4, xt_target("CT", 2, &helper, size))),
			 expecting);
	assert_int_equal(miss_worlds_of(with_expr(NFPROTO_IPV4, xt_target("CT", 1, &zone, size))),
			 SL_WORLDS_ALL);
	assert_int_equal(miss_worlds_of(with_expr(NFPROTO_IPV4, xt_target("CT", 7, &zone, size))),
			 SL_WORLDS_ALL);
	assert_int_equal(miss_worlds_of(with_expr(NFPROTO_INET, writing(load_ct(NFT_CT_ZONE)))),
			 SL_WORLDS_ALL);
	assert_int_equal(miss_worlds_of(with_expr(NFPROTO_INET, opaque("ct"))), SL_WORLDS_ALL);

	struct sl_nft_object *object = sl_list_push(nft.rules->arena, &nft.table->objects);

	assert_non_null(object);
	object->name = "ftp";
	object->type = NFT_OBJECT_CT_HELPER;
	assert_int_equal(miss_worlds_of(nft), expecting);
}

static void chain_at_conntracks_priority_passes(void **state)
{
	struct nft nft = a_table(NFPROTO_IPV4);

	(void)state;
	dropping(&nft, "at", NF_INET_PRE_ROUTING, -200);
	nft_rule(&nft, add_chain(&nft, nft.table, "unused"), load_state());
	expect_path(&nft, "ip CONNTRACK\n"
			  "ip kernel(a base chain shares conntrack's priority)\n"
			  "both ROUTE\n");
}

static void nat_chains_share_one_hook(void **state)
{
	struct nft nft = a_table(NFPROTO_IPV4);
	struct sl_nft_chain *nat = add_base(&nft, nft.table, "second", NF_INET_PRE_ROUTING, 50);

	(void)state;
	nat->type = "nat";
	nft_rule(&nft, nat, count_packet(), load_th(2, 2), cmp_eq("\0\1"), drop_it());
	nat = add_base(&nft, nft.table, "first", NF_INET_PRE_ROUTING, 40);
	nat->type = "nat";
	nft_rule(&nft, nat, count_packet());
	nat = add_base(&nft, nft.table, "input-nat", NF_INET_LOCAL_IN, -50);
	nat->type = "nat";
	dropping(&nft, "prerouting", NF_INET_PRE_ROUTING, 0);
	dropping(&nft, "mangle", NF_INET_PRE_ROUTING, -150);
	dropping(&nft, "input", NF_INET_LOCAL_IN, 0);
	expect_path(&nft, "ip CONNTRACK\n"
			  "ip mangle\n"
			  "ip first\n"
			  "ip second\n"
			  "ip prerouting\n"
			  "both ROUTE\n"
			  "ip input\n"
			  "ip input-nat\n");
}

static void drops_in_nat_chains_are_the_kernels(void **state)
{
	struct nft nft = a_table(NFPROTO_IPV4);
	struct sl_nft_chain *nat = add_base(&nft, nft.table, "nat", NF_INET_PRE_ROUTING, -100);
	struct sl_nft_chain *shared = add_chain(&nft, nft.table, "shared");
	struct sl_program *program;

	(void)state;
	nat->type = "nat";
	nat->policy = NF_DROP;
	nft_rule(&nft, nat, jump_to(NFT_JUMP, "shared"));
	nft_rule(&nft, shared, drop_it());
	program = lift(&nft);
	assert_string_equal(
		path_text(program),
		"ip CONNTRACK\n"
		"ip kernel(drop by policy in a nat chain, which only new connections meet)\n"
		"both ROUTE\n");
	assert_string_equal(rules_text(program, "shared"),
			    "kernel(drop in a nat chain, which only new connections meet)\n");
	sl_program_free(program);
	nft_free(&nft);
}

#define SHARED "kernel(two base chains share a priority, and their order is not known)\n"

static void equal_priorities_pass_where_order_shows(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	dropping(&nft, "input", NF_INET_LOCAL_IN, 0);
	nft.table = add_table(&nft, NFPROTO_IPV4, "four");
	nft_rule(&nft, add_base(&nft, nft.table, "counting", NF_INET_LOCAL_IN, 0), count_packet());
	expect_path(&nft, "both ROUTE\n"
			  "ip " SHARED "ip6 input\n");
}

static void equal_priorities_are_fine_where_order_does_not_show(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	dropping(&nft, "one", NF_INET_LOCAL_IN, 0);
	dropping(&nft, "two", NF_INET_LOCAL_IN, 0)->policy = NF_DROP;
	nft_rule(&nft, add_base(&nft, nft.table, "log", NF_INET_FORWARD, 0), opaque("log"));
	nft_rule(&nft, add_base(&nft, nft.table, "count", NF_INET_FORWARD, 0), count_packet());
	expect_path(&nft, "both ROUTE\n"
			  "both one\n"
			  "both two drop\n"
			  "both log\n"
			  "both count\n");
}

/* A mark that one sets is what another asks for, or sets. */
static void equal_priorities_pass_where_one_marks_for_another(void **state)
{
	struct nft nft = a_table(NFPROTO_IPV4);
	struct sl_nft_chain *marks = add_base(&nft, nft.table, "marks", NF_INET_LOCAL_IN, 0);
	struct sl_nft_chain *asks = add_base(&nft, nft.table, "asks", NF_INET_LOCAL_IN, 0);

	(void)state;
	nft_rule(&nft, marks, load_bytes("\5\0\0\0", 4), writing(load_meta(NFT_META_MARK)));
	nft_rule(&nft, asks, load_meta(NFT_META_MARK), cmp_eq("\5\0\0\0"), accept_it());
	expect_path(&nft, "both ROUTE\n"
			  "ip " SHARED);
	nft = a_table(NFPROTO_IPV4);
	marks = add_base(&nft, nft.table, "marks", NF_INET_LOCAL_IN, 0);
	dropping(&nft, "drops", NF_INET_LOCAL_IN, 0);
	nft_rule(&nft, marks, load_bytes("\5\0\0\0", 4), writing(load_meta(NFT_META_MARK)));
	expect_path(&nft, "both ROUTE\n"
			  "ip marks\n"
			  "ip drops\n");
}

static void effects_are_found_behind_jumps_and_maps(void **state)
{
	struct nft nft = a_table(NFPROTO_IPV4);
	struct sl_nft_chain *input = add_base(&nft, nft.table, "in", NF_INET_LOCAL_IN, 0);
	struct sl_nft_set *map = add_vmap(&nft, NFT_SET_ANONYMOUS, 2);

	(void)state;
	nft_rule(&nft, add_chain(&nft, nft.table, "deep"), count_packet());
	add_mapping(&nft, map, "\0\1", NFT_GOTO, "deep");
	nft_rule(&nft, input, load_th(2, 2), lookup(map));
	dropping(&nft, "two", NF_INET_LOCAL_IN, 0);
	expect_path(&nft, "both ROUTE\n"
			  "ip " SHARED);
}

static void chain_with_an_opaque_hook_passes_everything(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	dropping(&nft, "input", NF_INET_LOCAL_IN, 0)->opaque_hook = true;
	expect_path(&nft, "both kernel(a base chain's hook holds what sluice does not understand)\n"
			  "both CONNTRACK\n"
			  "both ROUTE\n");
}

static void legacy_tables_pass_from_raw_on(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	nft.host.has_legacy_ip = true;
	dropping(&nft, "early", NF_INET_PRE_ROUTING, -301);
	dropping(&nft, "at", NF_INET_PRE_ROUTING, -300);
	expect_path(&nft, "both early\n"
			  "ip kernel(iptables-legacy rules are present)\n"
			  "both at\n"
			  "both ROUTE\n");
}

/* A filter table that was read, whose INPUT stands where `rank` says. */
static void add_legacy(struct nft *nft, u32 family, s32 rank)
{
	struct sl_nft_table *table = add_table(nft, family, "legacy filter");
	struct sl_nft_chain *chain = add_base(nft, table, "INPUT", NF_INET_LOCAL_IN, 0);
	struct sl_legacy_hook *hook = sl_list_push(nft->host.arena, &nft->host.legacy_hooks);

	assert_non_null(hook);
	*hook = (struct sl_legacy_hook){.family = family, .hook = NF_INET_LOCAL_IN, .rank = rank};
	table->is_legacy = true;
	nft_rule(nft, chain, count_packet(), verdict(NF_DROP));
	*(family == NFPROTO_IPV4 ? &nft->host.has_legacy_ip : &nft->host.has_legacy_ip6) = true;
	nft->rules->holds_legacy[family != NFPROTO_IPV4] = true;
}

static void legacy_tables_that_were_read_are_tables(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	dropping(&nft, "input", NF_INET_LOCAL_IN, 5);
	add_legacy(&nft, NFPROTO_IPV4, 0);
	nft.host.has_legacy_ip6 = true;
	nft.rules->legacy_obstacles[1] = "more than sluice can watch";
	expect_path(&nft, "ip6 kernel(more than sluice can watch)\n"
			  "both ROUTE\n"
			  "ip INPUT\n"
			  "both input\n");
}

/* Both count what they drop: whoever comes second misses what the first one took. */
static void order_among_equals_is_that_of_the_hooks(void **state)
{
	(void)state;
	for (s32 rank = -1; rank <= 1; rank++) {
		struct nft nft = a_table(NFPROTO_INET);
		struct sl_nft_chain *input =
			add_base(&nft, nft.table, "input", NF_INET_LOCAL_IN, 0);

		nft_rule(&nft, input, count_packet(), verdict(NF_DROP));
		add_legacy(&nft, NFPROTO_IPV4, rank);
		add_legacy(&nft, NFPROTO_IPV6, -rank);
		expect_path(&nft, rank < 0   ? "both ROUTE\nip INPUT\nboth input\nip6 INPUT\n"
				  : rank > 0 ? "both ROUTE\nip6 INPUT\nboth input\nip INPUT\n"
					     : "both ROUTE\n"
					       "both kernel(two base chains share a priority, and "
					       "their order is not known)\n");
	}
}

static void add_flowtable(struct nft *nft, const char *device)
{
	struct sl_nft_flowtable *flowtable =
		sl_list_push(nft->rules->arena, &nft->table->flowtables);
	const char **slot;

	assert_non_null(flowtable);
	flowtable->name = "f";
	slot = sl_list_push(nft->rules->arena, &flowtable->devices);
	assert_non_null(slot);
	*slot = device;
}

#define FLOWTABLE "kernel(a flowtable of this device may take the packet past the rules)\n"

static void flowtable_takes_packets_past_the_rules(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	add_flowtable(&nft, "eth0");
	dropping(&nft, "mangle", NF_INET_PRE_ROUTING, -150);
	dropping(&nft, "forward", NF_INET_FORWARD, 0);
	expect_path(&nft, "both CONNTRACK\n"
			  "both mangle\n"
			  "both " FLOWTABLE "both ROUTE\n"
			  "both forward\n");
}

static void flowtable_also_skips_what_is_before_conntrack(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	add_flowtable(&nft, "eth*");
	dropping(&nft, "raw", NF_INET_PRE_ROUTING, -300);
	expect_path(&nft, "both " FLOWTABLE "both raw\n"
			  "both CONNTRACK\n"
			  "both " FLOWTABLE "both ROUTE\n");
}

static void flowtable_of_others_does_not_matter(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	add_flowtable(&nft, "eth1");
	expect_path(&nft, "both CONNTRACK\nboth ROUTE\n");
}

static void ipsec_passes_at_routing(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	nft.host.has_xfrm = true;
	dropping(&nft, "prerouting", NF_INET_PRE_ROUTING, 0);
	expect_path(&nft, "both prerouting\n"
			  "both kernel(IPsec policies may take the packet)\n"
			  "both ROUTE\n");
}

static void port_of_a_bridge_passes(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);
	struct sl_link *bridge = add_link(&nft, "br0", "bridge");

	(void)state;
	eth0(&nft)->master = bridge->ifindex;
	expect_path(&nft, "both kernel(eth0 is a port of br0)\nboth ROUTE\n");
}

static void br_netfilter_concerns(struct nft *nft, bool our_packets)
{
	*(struct sl_foreign_hook *)sl_list_push(nft->rules->arena, &nft->host.foreign_hooks) =
		(struct sl_foreign_hook){NFPROTO_IPV4, NF_INET_PRE_ROUTING, INT_MIN,
					 "ip_sabotage_in"};
	dropping(nft, "prerouting", NF_INET_PRE_ROUTING, 0);
	expect_path(nft, our_packets ? "ip kernel(somebody else's netfilter hook: ip_sabotage_in)\n"
				       "both prerouting\nboth ROUTE\n"
				     : "both prerouting\nboth ROUTE\n");
}

static struct sl_link *set_kind(struct sl_link *link, const char *kind, u32 lower)
{
	snprintf(link->kind, sizeof link->kind, "%s", kind);
	link->lower = lower;
	return link;
}

static void br_netfilter_leaves_other_devices_alone(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	add_link(&nft, "br0", "bridge");
	br_netfilter_concerns(&nft, false);
}

static void br_netfilter_leaves_a_vlan_on_a_bond_alone(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);
	struct sl_link *bond = add_link(&nft, "bond0", "bond"),
		       *member = add_link(&nft, "eth1", "");

	(void)state;
	member->master = bond->ifindex;
	set_kind(eth0(&nft), "vlan", bond->ifindex);
	br_netfilter_concerns(&nft, false);
}

static void br_netfilter_concerns_a_vlan_on_a_bridge(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	set_kind(eth0(&nft), "vlan", add_link(&nft, "br0", "bridge")->ifindex);
	br_netfilter_concerns(&nft, true);
}

static void br_netfilter_concerns_a_bond_of_a_bridge(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	add_link(&nft, "br0", "bridge")->master = set_kind(eth0(&nft), "bond", 0)->ifindex;
	br_netfilter_concerns(&nft, true);
}

static void br_netfilter_concerns_a_vlan_on_what_is_elsewhere(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	set_kind(eth0(&nft), "vlan", add_link(&nft, "eth1", "")->ifindex)->has_netnsid = true;
	br_netfilter_concerns(&nft, true);
}

static void device_of_an_unknown_kind_passes(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	snprintf(eth0(&nft)->kind, sizeof eth0(&nft)->kind, "team");
	expect_path(&nft, "both kernel(eth0: sluice does not know what devices of its kind do to "
			  "packets)\nboth ROUTE\n");
}

static void device_without_ethernet_passes(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	eth0(&nft)->type = ARPHRD_LOOPBACK;
	expect_path(&nft, "both kernel(eth0: it carries no Ethernet frames of its own)\n"
			  "both ROUTE\n");
}

static void tc_filter_passes(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	eth0(&nft)->has_tc_ingress = true;
	expect_path(&nft, "both kernel(eth0: a TC ingress filter sees packets before the rules)\n"
			  "both ROUTE\n");
}

static void macvlan_on_the_device_passes(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	add_link(&nft, "mac0", "macvlan")->lower = eth0(&nft)->ifindex;
	expect_path(&nft, "both kernel(mac0 sits on eth0 and takes packets from it before the "
			  "rules)\nboth ROUTE\n");
}

static void vlan_on_the_device_takes_nothing_from_its_rules(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	add_link(&nft, "vlan5", "vlan")->lower = eth0(&nft)->ifindex;
	expect_path(&nft, "both ROUTE\n");
}

static void vlan_devices_and_bonds_have_a_path_of_their_own(void **state)
{
	static const char *const kinds[] = {"vlan", "bond"};

	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(kinds); i++) {
		struct nft nft = a_table(NFPROTO_INET);

		snprintf(eth0(&nft)->kind, sizeof eth0(&nft)->kind, "%s", kinds[i]);
		expect_path(&nft, "both ROUTE\n");
	}
}

static void link_of_another_namespace_does_not_sit_on_the_device(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);
	struct sl_link *link = add_link(&nft, "mac0", "macvlan");

	(void)state;
	link->lower = eth0(&nft)->ifindex;
	link->has_netnsid = true;
	expect_path(&nft, "both ROUTE\n");
}

static void expect_routing(struct nft nft, enum sl_route_mode ip, enum sl_route_mode ip6)
{
	struct sl_program *program = lift(&nft);

	assert_int_equal(program->route_ip, ip);
	assert_int_equal(program->route_ip6, ip6);
	sl_program_free(program);
	nft_free(&nft);
}

static void routing_follows_the_hosts_settings(void **state)
{
	struct nft still = a_table(NFPROTO_INET), ip = still, ip6 = still, multicast = still;

	(void)state;
	expect_routing(still, SL_ROUTE_INPUT_ONLY, SL_ROUTE_LOCAL_ONLY);
	ip = a_table(NFPROTO_INET);
	eth0(&ip)->forwards_ip = true;
	expect_routing(ip, SL_ROUTE_LOOKUP, SL_ROUTE_LOCAL_ONLY);
	ip6 = a_table(NFPROTO_INET);
	ip6.host.forwards_ip6 = true;
	expect_routing(ip6, SL_ROUTE_INPUT_ONLY, SL_ROUTE_LOOKUP);
	multicast = a_table(NFPROTO_INET);
	multicast.host.routes_multicast = true;
	expect_routing(multicast, SL_ROUTE_PASS, SL_ROUTE_PASS);
}

static void unknown_device_is_an_error(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);
	struct sl_program *program = NULL;
	struct sl_diag diag = {""};

	(void)state;
	assert_int_equal(sl_lift(nft.rules, &nft.host, "eth9", &program, &diag), -ENODEV);
	assert_null(program);
	assert_non_null(strstr(diag.text, "eth9"));
	nft_free(&nft);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_ruleset_only_routes),
		cmocka_unit_test(hooks_come_in_order_of_the_stack),
		cmocka_unit_test(families_interleave_by_priority),
		cmocka_unit_test(ingress_chains_are_for_their_devices),
		cmocka_unit_test(dormant_tables_are_not_met),
		cmocka_unit_test(policies_count),
		cmocka_unit_test(conntrack_is_met_where_a_rule_asks_for_it),
		cmocka_unit_test(whatever_may_hold_conntrack_does),
		cmocka_unit_test(a_miss_is_new_or_invalid_unless_rules_say_more),
		cmocka_unit_test(chain_at_conntracks_priority_passes),
		cmocka_unit_test(nat_chains_share_one_hook),
		cmocka_unit_test(drops_in_nat_chains_are_the_kernels),
		cmocka_unit_test(equal_priorities_pass_where_order_shows),
		cmocka_unit_test(equal_priorities_pass_where_one_marks_for_another),
		cmocka_unit_test(equal_priorities_are_fine_where_order_does_not_show),
		cmocka_unit_test(effects_are_found_behind_jumps_and_maps),
		cmocka_unit_test(chain_with_an_opaque_hook_passes_everything),
		cmocka_unit_test(legacy_tables_pass_from_raw_on),
		cmocka_unit_test(legacy_tables_that_were_read_are_tables),
		cmocka_unit_test(order_among_equals_is_that_of_the_hooks),
		cmocka_unit_test(flowtable_takes_packets_past_the_rules),
		cmocka_unit_test(flowtable_also_skips_what_is_before_conntrack),
		cmocka_unit_test(flowtable_of_others_does_not_matter),
		cmocka_unit_test(ipsec_passes_at_routing),
		cmocka_unit_test(port_of_a_bridge_passes),
		cmocka_unit_test(br_netfilter_leaves_other_devices_alone),
		cmocka_unit_test(br_netfilter_leaves_a_vlan_on_a_bond_alone),
		cmocka_unit_test(br_netfilter_concerns_a_vlan_on_a_bridge),
		cmocka_unit_test(br_netfilter_concerns_a_bond_of_a_bridge),
		cmocka_unit_test(br_netfilter_concerns_a_vlan_on_what_is_elsewhere),
		cmocka_unit_test(device_of_an_unknown_kind_passes),
		cmocka_unit_test(device_without_ethernet_passes),
		cmocka_unit_test(tc_filter_passes),
		cmocka_unit_test(macvlan_on_the_device_passes),
		cmocka_unit_test(vlan_on_the_device_takes_nothing_from_its_rules),
		cmocka_unit_test(vlan_devices_and_bonds_have_a_path_of_their_own),
		cmocka_unit_test(link_of_another_namespace_does_not_sit_on_the_device),
		cmocka_unit_test(routing_follows_the_hosts_settings),
		cmocka_unit_test(unknown_device_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
