// SPDX-License-Identifier: GPL-2.0-only
/* What packets meet that have come as far as a netfilter hook, and where it is worth standing. */
#include "lift/ruleset_builder.h"

#include <limits.h>
#include <stdio.h>

#include "info.h"

static struct sl_nft_chain *dropping(struct nft *nft, const char *name, u32 hook, s32 priority)
{
	struct sl_nft_chain *chain = add_base(nft, nft->table, name, hook, priority);

	nft_rule(nft, chain, load_state(), cmp_eq("\1\0\0\0"), drop_it());
	return chain;
}

static struct sl_program *lift_hooks(struct nft *nft)
{
	struct sl_program *front = lift(nft), *program;
	struct sl_diag diag = {""};

	if (sl_lift_hooks(nft->rules, &nft->host, front, &program, &diag) ||
	    sl_program_verify(program, &diag))
		fail_msg("%s", diag.text);
	sl_program_free(front);
	return program;
}

/* The path as text; `places`: SL_PLACE_* that are used. */
static void expect_hooks(struct nft *nft, u32 places, const char *path)
{
	struct sl_program *program = lift_hooks(nft);
	u32 used = 0;

	for (u32 i = 0; i < SL_PLACES; i++)
		used |= program->places[i].is_used ? 1u << i : 0;
	assert_string_equal(path_text(program), path);
	assert_int_equal(used, places);
	sl_program_free(program);
	nft_free(nft);
}

static struct sl_foreign_hook *add_foreign(struct nft *nft, u32 hook, s32 priority)
{
	struct sl_foreign_hook *foreign = sl_list_push(nft->rules->arena, &nft->host.foreign_hooks);

	*foreign = (struct sl_foreign_hook){NFPROTO_IPV4, hook, priority, "somebody"};
	return foreign;
}

static void what_came_before_is_over(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	dropping(&nft, "raw", NF_INET_PRE_ROUTING, -300);
	dropping(&nft, "prerouting", NF_INET_PRE_ROUTING, 0);
	dropping(&nft, "late", NF_INET_LOCAL_IN, 10);
	dropping(&nft, "early", NF_INET_LOCAL_IN, -10);
	dropping(&nft, "output", NF_INET_LOCAL_OUT, 0);
	expect_hooks(&nft, SL_PLACE_IP_INPUT | SL_PLACE_IP6_INPUT,
		     "both TRACKED\n"
		     "both ROUTE\n"
		     "both early\n"
		     "both late\n");
}

static void the_place_is_by_the_first_chain_of_the_family(void **state)
{
	struct nft nft = a_table(NFPROTO_IPV4);
	struct sl_program *program;

	(void)state;
	dropping(&nft, "ip", NF_INET_LOCAL_IN, -5);
	nft.table = add_table(&nft, NFPROTO_INET, "both");
	dropping(&nft, "inet", NF_INET_LOCAL_IN, 3);
	program = lift_hooks(&nft);
	assert_true(program->places[0].is_used && program->places[0].priority == -5);
	assert_true(program->places[2].is_used && program->places[2].priority == 3);
	sl_program_free(program);
	nft_free(&nft);
}

static void nothing_to_drop_is_no_place(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	nft_rule(&nft, add_base(&nft, nft.table, "in", NF_INET_LOCAL_IN, 0), load_state(),
		 cmp_eq("\1\0\0\0"), accept_it());
	expect_hooks(&nft, 0, "both TRACKED\nboth ROUTE\n");
}

static void without_conntrack_xdp_decides(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	nft_rule(&nft, add_base(&nft, nft.table, "in", NF_INET_LOCAL_IN, 0), load_th(2, 2),
		 cmp_eq("\0\26"), drop_it());
	expect_hooks(&nft, 0, "both TRACKED\nboth ROUTE\n");
}

static void obstacles_of_the_device_are_none_here(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	eth0(&nft)->has_tc_ingress = true;
	nft_rule(&nft, add_base(&nft, nft.table, "in", NF_INET_LOCAL_IN, 0), load_th(2, 2),
		 cmp_eq("\0\26"), drop_it());
	expect_hooks(&nft, SL_PLACE_IP_INPUT | SL_PLACE_IP6_INPUT,
		     "both TRACKED\nboth ROUTE\nboth in\n");
}

static void forward_only_where_the_device_forwards(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	dropping(&nft, "forward", NF_INET_FORWARD, 0);
	eth0(&nft)->forwards_ip = true;
	expect_hooks(&nft, SL_PLACE_IP_FORWARD, "both TRACKED\nboth ROUTE\nip forward\n");
}

static void legacy_rules_are_an_obstacle(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	nft.host.has_legacy_ip = true;
	dropping(&nft, "in", NF_INET_LOCAL_IN, 0);
	expect_hooks(&nft, SL_PLACE_IP6_INPUT, "both TRACKED\nboth ROUTE\nip6 in\n");
}

static void others_between_are_an_obstacle(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	dropping(&nft, "in", NF_INET_LOCAL_IN, 0);
	add_foreign(&nft, NF_INET_LOCAL_IN, -SL_HOOK_SLOTS);
	expect_hooks(&nft, SL_PLACE_IP6_INPUT,
		     "both TRACKED\n"
		     "both ROUTE\n"
		     "ip6 in\n");
}

static void others_before_and_behind_are_none(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	dropping(&nft, "in", NF_INET_LOCAL_IN, 0);
	add_foreign(&nft, NF_INET_PRE_ROUTING, 0);
	add_foreign(&nft, NF_INET_LOCAL_IN, -SL_HOOK_SLOTS - 1);
	add_foreign(&nft, NF_INET_LOCAL_IN, 1);
	expect_hooks(&nft, SL_PLACE_IP_INPUT | SL_PLACE_IP6_INPUT,
		     "both TRACKED\n"
		     "both ROUTE\n"
		     "both in\n"
		     "ip kernel(somebody else's netfilter hook: somebody)\n");
}

static void nat_at_input_may_change_what_comes_behind(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	dropping(&nft, "in", NF_INET_LOCAL_IN, 0);
	dropping(&nft, "late", NF_INET_LOCAL_IN, 100);
	expect_hooks(&nft, SL_PLACE_IP_INPUT | SL_PLACE_IP6_INPUT,
		     "both TRACKED\n"
		     "both ROUTE\n"
		     "both in\n"
		     "both kernel(NAT may change addresses between the hook and this chain)\n"
		     "both late\n");
}

static void no_room_below_the_first_chain_is_no_place(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	dropping(&nft, "in", NF_INET_LOCAL_IN, INT_MIN + 3);
	expect_hooks(&nft, 0, "both TRACKED\nboth ROUTE\n");
}

static void hidden_hooks_are_an_obstacle(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);

	(void)state;
	dropping(&nft, "in", NF_INET_LOCAL_IN, 0);
	dropping(&nft, "odd", NF_INET_LOCAL_IN, 0)->opaque_hook = true;
	expect_hooks(&nft, 0, "both TRACKED\nboth ROUTE\n");
}

static void counters_have_the_fronts_numbers(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);
	struct sl_nft_chain *raw, *in;
	struct sl_program *program;

	(void)state;
	raw = add_base(&nft, nft.table, "raw", NF_INET_PRE_ROUTING, -300);
	nft_rule(&nft, raw, count_packet());
	nft_rule(&nft, raw, load_th(2, 2), cmp_eq("\0\26"), count_packet(), drop_it());
	in = add_base(&nft, nft.table, "in", NF_INET_LOCAL_IN, 0);
	nft_rule(&nft, in, count_packet());
	nft_rule(&nft, in, load_state(), cmp_eq("\1\0\0\0"), count_packet(), drop_it());
	program = lift_hooks(&nft);
	assert_int_equal(program->counters.count, 4);
	assert_int_equal(program->counters.items[2].handle, 3);
	assert_string_equal(program->counters.items[3].chain, "in");
	assert_string_equal(rules_text(program, "in"), "counter 2\n"
						       "ct state invalid counter 3 drop\n");
	sl_program_free(program);
	nft_free(&nft);
}

static void expect_hook_rule(struct nft nft, const char *text)
{
	struct sl_program *program = lift_hooks(&nft);

	assert_string_equal(rules_text(program, "in"), text);
	sl_program_free(program);
	nft_free(&nft);
}

static void the_ethernet_header_is_gone(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	nft_rule(&nft, nft.chain, load_payload(NFT_PAYLOAD_LL_HEADER, 6, 6), cmp_eq("\2\0\0\0\0\2"),
		 drop_it());
	expect_hook_rule(nft, "unknown(the Ethernet header, which is gone at a netfilter hook) "
			      "drop\n");
}

static void lengths_are_those_that_the_rules_see(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_IPV4);

	(void)state;
	nft_rule(&nft, nft.chain, load_ip(2, 2), cmp_eq("\0\124"), drop_it());
	nft_rule(&nft, nft.chain, load_meta(NFT_META_LEN), cmp_eq("\0\1\0\0"), drop_it());
	expect_hook_rule(nft, "ip length 84 drop\nmeta length 256 drop\n");
}

static void the_devices_type_is_not_asked_for(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	nft_rule(&nft, nft.chain, load_meta(NFT_META_IIFTYPE), cmp_eq("\1\0"), count_packet(),
		 accept_it());
	expect_hook_rule(nft, "unknown(meta iiftype) counter 0 accept\n");
}

static void marks_are_those_that_the_rules_see(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	nft_rule(&nft, nft.chain, load_meta(NFT_META_MARK), cmp_eq("\1\0\0\0"), accept_it());
	expect_hook_rule(nft, "meta mark 1 accept\n");
}

/* Without a connection they break the rule. */
static void the_connection_is_at_hand(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	nft_rule(&nft, nft.chain, load_ct(NFT_CT_STATUS), mask_bytes("\40\0\0\0", "\0\0\0\0", 4),
		 cmp_ne("\0\0\0\0"), accept_it());
	nft_rule(&nft, nft.chain, load_ct(NFT_CT_MARK), cmp_eq("\7\0\0\0"), drop_it());
	nft_rule(&nft, nft.chain, load_ct(NFT_CT_DIRECTION), cmp_eq("\1"), drop_it());
	expect_hook_rule(nft, "ct state new,established,related ct status & 32 != 0 accept\n"
			      "ct state new,established,related ct mark 7 drop\n"
			      "ct state new,established,related ct direction 1 drop\n");
}

static void forwarded_packets_have_a_device_to_leave_by(void **state)
{
	struct nft nft = a_table(NFPROTO_IPV4);
	struct sl_program *program;

	(void)state;
	eth0(&nft)->forwards_ip = true;
	nft.chain = dropping(&nft, "forward", NF_INET_FORWARD, 0);
	nft_rule(&nft, nft.chain, load_meta(NFT_META_OIF), cmp_eq("\3\0\0\0"), drop_it());
	nft_rule(&nft, nft.chain, load_meta(NFT_META_OIFNAME), cmp_eq("eth1\0\0\0\0\0\0\0\0\0\0\0"),
		 drop_it());
	nft_rule(&nft, nft.chain, load_meta(NFT_META_OIFGROUP), cmp_eq("\3\0\0\0"), drop_it());
	program = lift_hooks(&nft);
	assert_string_equal(rules_text(program, "forward"), "ct state invalid drop\n"
							    "oif 3 drop\n"
							    "oifname \"eth1\" drop\n"
							    "unknown(meta oifgroup) drop\n");
	sl_program_free(program);
	nft_free(&nft);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_came_before_is_over),
		cmocka_unit_test(the_place_is_by_the_first_chain_of_the_family),
		cmocka_unit_test(nothing_to_drop_is_no_place),
		cmocka_unit_test(without_conntrack_xdp_decides),
		cmocka_unit_test(obstacles_of_the_device_are_none_here),
		cmocka_unit_test(forward_only_where_the_device_forwards),
		cmocka_unit_test(legacy_rules_are_an_obstacle),
		cmocka_unit_test(others_between_are_an_obstacle),
		cmocka_unit_test(others_before_and_behind_are_none),
		cmocka_unit_test(nat_at_input_may_change_what_comes_behind),
		cmocka_unit_test(no_room_below_the_first_chain_is_no_place),
		cmocka_unit_test(hidden_hooks_are_an_obstacle),
		cmocka_unit_test(counters_have_the_fronts_numbers),
		cmocka_unit_test(the_ethernet_header_is_gone),
		cmocka_unit_test(lengths_are_those_that_the_rules_see),
		cmocka_unit_test(the_devices_type_is_not_asked_for),
		cmocka_unit_test(marks_are_those_that_the_rules_see),
		cmocka_unit_test(the_connection_is_at_hand),
		cmocka_unit_test(forwarded_packets_have_a_device_to_leave_by),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
