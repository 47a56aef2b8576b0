// SPDX-License-Identifier: GPL-2.0-only
/* Rules, and the word that `plan` has for each: rulesets by hand, no kernel. */
#include "lib/decided.h"

#include <stdio.h>

#include "lift/ruleset_builder.h"
#include "optimise/optimise.h"

enum { INVALID = 1, ESTABLISHED = 2, RELATED = 4, NEW = 8 };

#define TCP load_meta(NFT_META_L4PROTO), cmp_eq("\x06")
#define UDP load_meta(NFT_META_L4PROTO), cmp_eq("\x11")

#define STATE(states)                                                                              \
	load_state(), mask_bytes(&(const u32){states}, &(const u32){0}, 4), cmp_ne("\0\0\0\0")

struct decided {
	struct sl_program *program;
	struct sl_decisions decisions;
};

/* For the one test that has code. */
static const struct sl_code *nft_code;

static struct decided decide(struct nft *nft)
{
	struct decided decided = {.program = lift(nft)};

	assert_int_equal(sl_optimise_legalise(decided.program), 0);
	assert_int_equal(sl_decide(decided.program, nft->rules, nft_code, NULL, &decided.decisions),
			 0);
	return decided;
}

/* The same with what is decided at netfilter's hooks. */
static struct decided decide_with_hooks(struct nft *nft)
{
	struct decided decided = {.program = lift(nft)};
	struct sl_decisions hooks;
	struct sl_program *behind;
	struct sl_diag diag = {""};

	assert_int_equal(sl_lift_hooks(nft->rules, &nft->host, decided.program, &behind, &diag), 0);
	assert_int_equal(sl_optimise_legalise(behind), 0);
	assert_int_equal(sl_optimise_legalise(decided.program), 0);
	assert_int_equal(sl_decide(behind, nft->rules, NULL, NULL, &hooks), 0);
	assert_int_equal(sl_decide(decided.program, nft->rules, NULL, &hooks, &decided.decisions),
			 0);
	sl_program_free(behind);
	return decided;
}

static void expect_words(struct nft *nft, struct decided decided, const char *words)
{
	char text[512] = "";
	size_t used = 0;

	for (u32 i = 0; i < decided.decisions.items.count; i++) {
		const struct sl_decided *item = &decided.decisions.items.items[i];
		const char *word = sl_decision_name(item->decision);

		used += (size_t)snprintf(text + used, sizeof text - used,
					 item->rule ? "%s%s" : "%s(%s)", i ? " " : "", word);
	}
	sl_program_free(decided.program);
	nft_free(nft);
	assert_string_equal(text, words);
}

/* Words for all rules, in the ruleset's order, and for policies in parentheses. */
static void expect(struct nft *nft, const char *words)
{
	expect_words(nft, decide(nft), words);
}

static void expect_with_hooks(struct nft *nft, const char *words)
{
	expect_words(nft, decide_with_hooks(nft), words);
}

static struct sl_expr count(u64 packets)
{
	struct sl_expr expr = count_packet();

	expr.counter.packets = packets;
	return expr;
}

static void certain_rules_are_early(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	nft_rule(&nft, nft.chain, TCP, accept_it());
	nft_rule(&nft, nft.chain, UDP, drop_it());
	expect(&nft, "early early (early)");
}

static void kernel_action_stops_only_its_own_packets(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	nft_rule(&nft, nft.chain, TCP, opaque("log"));
	nft_rule(&nft, nft.chain, UDP, drop_it());
	expect(&nft, "kernel early (early)");
}

static void kernel_action_for_all_stops_everything_behind(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	nft_rule(&nft, nft.chain, UDP, drop_it());
	nft_rule(&nft, nft.chain, opaque("log"));
	nft_rule(&nft, nft.chain, TCP, drop_it());
	expect(&nft, "early kernel behind (behind)");
}

static void chain_that_stops_all_stops_its_callers_packets(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_chain *logged = add_chain(&nft, nft.table, "logged");

	(void)state;
	nft_rule(&nft, logged, opaque("log"));
	nft_rule(&nft, logged, TCP, drop_it());
	nft_rule(&nft, nft.chain, UDP, jump_to(NFT_JUMP, "logged"));
	nft_rule(&nft, nft.chain, TCP, drop_it());
	nft_rule(&nft, nft.chain, jump_to(NFT_JUMP, "logged"));
	nft_rule(&nft, nft.chain, TCP, drop_it());
	expect(&nft, "early early early behind (behind) kernel behind");
}

static void accept_in_a_chain_ends_what_is_behind_the_jump(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_chain *all = add_chain(&nft, nft.table, "all");

	(void)state;
	nft_rule(&nft, all, accept_it());
	nft_rule(&nft, nft.chain, jump_to(NFT_GOTO, "all"));
	nft_rule(&nft, nft.chain, TCP, drop_it());
	expect(&nft, "early not met (not met) early");
}

static void return_comes_back(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_chain *back = add_chain(&nft, nft.table, "back");

	(void)state;
	nft_rule(&nft, back, verdict(NFT_RETURN));
	nft_rule(&nft, back, TCP, drop_it());
	nft_rule(&nft, nft.chain, jump_to(NFT_JUMP, "back"));
	nft_rule(&nft, nft.chain, TCP, drop_it());
	expect(&nft, "early early (early) early not met");
}

static void unknown_match_before_accept_lets_its_packets_pass(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	nft_rule(&nft, nft.chain, TCP, load_meta(NFT_META_SKUID), cmp_eq("\1\0\0\0"), accept_it());
	nft_rule(&nft, nft.chain, UDP, drop_it());
	nft_rule(&nft, nft.chain, load_meta(NFT_META_SKUID), cmp_eq("\1\0\0\0"), accept_it());
	nft_rule(&nft, nft.chain, UDP, drop_it());
	expect(&nft, "maybe early maybe behind (behind)");
}

static void unknown_match_before_drop_leaves_it_to_those_behind(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	nft_rule(&nft, nft.chain, load_meta(NFT_META_SKUID), cmp_eq("\1\0\0\0"), drop_it());
	nft_rule(&nft, nft.chain, UDP, drop_it());
	expect(&nft, "maybe early (early)");
}

static void chain_behind_an_unknown_match_is_never_met_early(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_chain *deep = add_chain(&nft, nft.table, "deep");

	(void)state;
	nft_rule(&nft, deep, UDP, drop_it());
	nft_rule(&nft, nft.chain, TCP, load_meta(NFT_META_SKUID), cmp_eq("\1\0\0\0"),
		 jump_to(NFT_JUMP, "deep"));
	nft_rule(&nft, nft.chain, UDP, drop_it());
	expect(&nft, "maybe early (early) behind");
}

static void connections_are_conntracks(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_chain *known = add_chain(&nft, nft.table, "known");

	(void)state;
	nft_rule(&nft, known, TCP, drop_it());
	nft_rule(&nft, nft.chain, STATE(ESTABLISHED), jump_to(NFT_JUMP, "known"));
	nft_rule(&nft, nft.chain, STATE(ESTABLISHED | RELATED), accept_it());
	nft_rule(&nft, nft.chain, STATE(INVALID), drop_it());
	nft_rule(&nft, nft.chain, STATE(NEW), UDP, drop_it());
	nft_rule(&nft, nft.chain, TCP, drop_it());
	expect(&nft, "early early maybe early early (early) behind");
}

static void new_packets_that_pass_take_the_invalid_with_them(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	nft_rule(&nft, nft.chain, STATE(NEW), opaque("log"));
	nft_rule(&nft, nft.chain, TCP, drop_it());
	expect(&nft, "kernel behind (behind)");
}

static void obstacle_on_the_path_is_named_first(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct decided decided;

	(void)state;
	nft_rule(&nft, nft.chain, TCP, opaque("log"));
	nft_rule(&nft, nft.chain, UDP, count(7), drop_it());
	eth0(&nft)->has_tc_ingress = true;
	decided = decide(&nft);
	assert_true(decided.decisions.obstacles.count >= 1);
	assert_non_null(decided.decisions.obstacles.items[0].step);
	assert_int_equal(decided.decisions.obstacles.items[0].rules_behind, 2);
	assert_int_equal(decided.decisions.obstacles.items[0].packets, 7);
	assert_true(sl_decisions_share(&decided.decisions) < 0.1);
	sl_program_free(decided.program);
	expect(&nft, "behind behind (behind)");
}

static void share_is_of_dropped_packets_where_they_are_counted(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct decided decided;

	(void)state;
	nft_rule(&nft, nft.chain, TCP, count(1000), accept_it());
	nft_rule(&nft, nft.chain, UDP, count(30), drop_it());
	nft_rule(&nft, nft.chain, TCP, opaque("log"), count(10), drop_it());
	nft.chain->policy = NF_DROP;
	nft.chain->has_counters = true;
	nft.chain->packets = 60;
	decided = decide(&nft);
	assert_int_equal(decided.decisions.dropped, 100);
	assert_int_equal(decided.decisions.dropped_early, 90);
	assert_int_equal((int)sl_decisions_share(&decided.decisions), 90);
	assert_int_equal(decided.decisions.obstacles.items[0].packets, 10);
	sl_program_free(decided.program);
	nft_free(&nft);
}

static void share_is_of_rules_where_nothing_is_counted(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct decided decided;

	(void)state;
	nft_rule(&nft, nft.chain, TCP, opaque("log"), drop_it());
	nft_rule(&nft, nft.chain, UDP, drop_it());
	decided = decide(&nft);
	assert_int_equal((int)sl_decisions_share(&decided.decisions), 50);
	sl_program_free(decided.program);
	nft_free(&nft);
}

static void rules_of_other_hooks_do_not_count(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_chain *out = add_base(&nft, nft.table, "out", NF_INET_LOCAL_OUT, 0);
	struct sl_nft_chain *forward = add_base(&nft, nft.table, "forward", NF_INET_FORWARD, 0);
	struct decided decided;

	(void)state;
	nft_rule(&nft, nft.chain, UDP, drop_it());
	nft_rule(&nft, out, TCP, drop_it());
	nft_rule(&nft, forward, TCP, drop_it());
	decided = decide(&nft);
	assert_int_equal(decided.decisions.counts[SL_DECIDED_NOT_MET], 2);
	assert_int_equal((int)sl_decisions_share(&decided.decisions), 100);
	sl_program_free(decided.program);
	expect(&nft, "early (early) not met (not met) not met (not met)");
}

static void forwarding_device_meets_both(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_chain *forward = add_base(&nft, nft.table, "forward", NF_INET_FORWARD, 0);

	(void)state;
	eth0(&nft)->forwards_ip = true;
	nft_rule(&nft, nft.chain, opaque("log"));
	nft_rule(&nft, nft.chain, TCP, drop_it());
	nft_rule(&nft, forward, TCP, drop_it());
	expect(&nft, "kernel behind (behind) early (early)");
}

static void verdict_map_leads_on(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *map = add_vmap(&nft, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT, 1);
	struct sl_nft_chain *tcp = add_chain(&nft, nft.table, "tcp");
	struct sl_expr look = lookup(map);

	(void)state;
	add_mapping(&nft, map, "\x06", NFT_JUMP, "tcp");
	add_mapping(&nft, map, "\x11", NF_DROP, NULL);
	nft_rule(&nft, tcp, load_th(2, 2), cmp_eq("\0\26"), drop_it());
	nft_rule(&nft, nft.chain, load_meta(NFT_META_L4PROTO), look);
	nft_rule(&nft, nft.chain, drop_it());
	expect(&nft, "early early (not met) early");
}

static void rules_that_the_code_has_no_room_for_are_behind(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_IPV4);
	struct sl_nft_chain *deep = add_chain(&nft, nft.table, "deep");
	struct sl_program *chains;
	struct sl_code code = {0};

	(void)state;
	nft_rule(&nft, deep, TCP, drop_it());
	nft_rule(&nft, deep, UDP, drop_it()); /* handle 2: the cut */
	nft_rule(&nft, nft.chain, UDP, drop_it());
	nft_rule(&nft, nft.chain, TCP, jump_to(NFT_JUMP, "deep"));
	nft_rule(&nft, nft.chain, TCP, drop_it());
	chains = lift(&nft);
	for (u32 i = 0; i < chains->chains.count; i++)
		if (!strcmp(chains->chains.items[i]->name, "deep"))
			code.cuts[SL_MARKER_IP_INPUT - SL_MARKER_FIRST] =
				(struct sl_code_cut){chains->chains.items[i], 2};
	nft_code = &code;
	expect(&nft, "early early behind (behind) early behind");
	nft_code = NULL;
	sl_program_free(chains);
}

/* IPv6 packets get behind the cut in IPv4's code, but not into rules for IPv4. */
static void rules_behind_a_cut_are_not_saved_by_the_other_family(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_code code = {0};
	struct sl_program *chains;

	(void)state;
	nft_rule(&nft, nft.chain, load_meta(NFT_META_NFPROTO), cmp_eq("\2"), TCP, drop_it());
	nft_rule(&nft, nft.chain, load_meta(NFT_META_NFPROTO), cmp_eq("\2"), UDP, drop_it());
	nft_rule(&nft, nft.chain, load_meta(NFT_META_NFPROTO), cmp_eq("\12"), UDP, drop_it());
	chains = lift(&nft);
	code.cuts[SL_MARKER_IP_INPUT - SL_MARKER_FIRST] =
		(struct sl_code_cut){chains->chains.items[0], 2};
	nft_code = &code;
	expect(&nft, "early behind early (early)");
	nft_code = NULL;
	sl_program_free(chains);
}

/* Sixteen chains that each jump twice to the next: 65,536 ways. */
static void many_ways_are_walked_once(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_chain *from = nft.chain;
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h",
					    "i", "j", "k", "l", "m", "n", "o"};
	struct decided decided;

	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(names); i++) {
		struct sl_nft_chain *to = add_chain(&nft, nft.table, names[i]);

		nft_rule(&nft, from, TCP, jump_to(NFT_JUMP, names[i]));
		nft_rule(&nft, from, UDP, jump_to(NFT_JUMP, names[i]));
		from = to;
	}
	nft_rule(&nft, from, drop_it());
	decided = decide(&nft);
	assert_int_equal(decided.decisions.counts[SL_DECIDED_EARLY], 31);
	sl_program_free(decided.program);
	nft_free(&nft);
}

static void what_only_the_state_tells_is_decided_at_hooks(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	nft_rule(&nft, nft.chain, STATE(ESTABLISHED | RELATED), accept_it());
	nft_rule(&nft, nft.chain, STATE(INVALID), drop_it());
	nft_rule(&nft, nft.chain, UDP, drop_it());
	nft_rule(&nft, nft.chain, UDP, xt_match("recent", 0, "", 0), drop_it());
	expect_with_hooks(&nft, "early netfilter early kernel (early)");
}

/* The first rule lets by what comes in one world, and the other worlds go on. */
static void one_world_that_passes_keeps_no_other(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	nft_rule(&nft, nft.chain, STATE(NEW), object(NFT_OBJECT_QUOTA));
	nft_rule(&nft, nft.chain, STATE(INVALID), drop_it());
	nft_rule(&nft, nft.chain, STATE(NEW), drop_it());
	expect_with_hooks(&nft, "kernel netfilter behind (netfilter)");
}

static void drops_at_hooks_are_counted_apart(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct decided decided;

	(void)state;
	nft_rule(&nft, nft.chain, STATE(INVALID), count(30), drop_it());
	nft_rule(&nft, nft.chain, UDP, count(60), drop_it());
	nft_rule(&nft, nft.chain, UDP, xt_match("recent", 0, "", 0), count(10), drop_it());
	decided = decide_with_hooks(&nft);
	assert_int_equal(decided.decisions.dropped_early, 60);
	assert_int_equal(decided.decisions.dropped_at_hooks, 30);
	assert_true(sl_decisions_share(&decided.decisions) > 89.9);
	assert_int_equal(decided.decisions.counts[SL_DECIDED_HOOK], 1);
	sl_program_free(decided.program);
	nft_free(&nft);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certain_rules_are_early),
		cmocka_unit_test(kernel_action_stops_only_its_own_packets),
		cmocka_unit_test(kernel_action_for_all_stops_everything_behind),
		cmocka_unit_test(chain_that_stops_all_stops_its_callers_packets),
		cmocka_unit_test(accept_in_a_chain_ends_what_is_behind_the_jump),
		cmocka_unit_test(return_comes_back),
		cmocka_unit_test(unknown_match_before_accept_lets_its_packets_pass),
		cmocka_unit_test(unknown_match_before_drop_leaves_it_to_those_behind),
		cmocka_unit_test(chain_behind_an_unknown_match_is_never_met_early),
		cmocka_unit_test(connections_are_conntracks),
		cmocka_unit_test(new_packets_that_pass_take_the_invalid_with_them),
		cmocka_unit_test(obstacle_on_the_path_is_named_first),
		cmocka_unit_test(share_is_of_dropped_packets_where_they_are_counted),
		cmocka_unit_test(share_is_of_rules_where_nothing_is_counted),
		cmocka_unit_test(rules_of_other_hooks_do_not_count),
		cmocka_unit_test(forwarding_device_meets_both),
		cmocka_unit_test(verdict_map_leads_on),
		cmocka_unit_test(rules_that_the_code_has_no_room_for_are_behind),
		cmocka_unit_test(rules_behind_a_cut_are_not_saved_by_the_other_family),
		cmocka_unit_test(many_ways_are_walked_once),
		cmocka_unit_test(what_only_the_state_tells_is_decided_at_hooks),
		cmocka_unit_test(one_world_that_passes_keeps_no_other),
		cmocka_unit_test(drops_at_hooks_are_counted_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
