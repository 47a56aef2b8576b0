// SPDX-License-Identifier: GPL-2.0-only
/* Which chains a report has, in which order and how deep: rulesets by hand, no kernel. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/report.h"
#include "lift/ruleset_builder.h"
#include "optimise/optimise.h"

#define TCP load_meta(NFT_META_L4PROTO), cmp_eq("\x06")
#define UDP load_meta(NFT_META_L4PROTO), cmp_eq("\x11")

struct arranged {
	struct sl_compiled compiled;
	struct sl_plan plan;
	struct sl_report report;
};

/* With these early drops, if any. */
static void arrange(struct nft *nft, const struct sl_rule_entry *early, struct arranged *arranged)
{
	struct sl_plan *plan = &arranged->plan;

	*arranged = (struct arranged){.compiled = {.rules = nft->rules}};
	plan->compiled = &arranged->compiled;
	plan->legal = lift(nft);
	assert_int_equal(sl_optimise_legalise(plan->legal), 0);
	assert_int_equal(sl_decide(plan->legal, nft->rules, NULL, NULL, &plan->decisions), 0);
	arranged->report.plan = plan;
	arranged->report.early.entries = calloc(1, sizeof *early);
	if (early) {
		*arranged->report.early.entries = *early;
		arranged->report.early.count = 1;
	}
	assert_int_equal(sl_report_arrange(&arranged->report), 0);
}

static void release(struct nft *nft, struct arranged *arranged)
{
	sl_early_free(&arranged->report.early);
	sl_program_free(arranged->plan.legal);
	nft_free(nft);
}

/* "in0 a1 b2; late0 !out": lanes with their chains and depths; behind "!" chains in none. */
static void expect(struct nft *nft, const char *wanted)
{
	struct arranged arranged;
	const struct sl_report *report = &arranged.report;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	const char *semicolon = "";

	arrange(nft, NULL, &arranged);
	for (u32 i = 0; i < report->lanes.count; i++) {
		const struct sl_report_lane *lane = &report->lanes.items[i];

		for (u32 c = 0; c < lane->count; c++)
			fprintf(out, "%s%s%u", c ? " " : semicolon, lane->chains[c]->chain->name,
				lane->chains[c]->depth);
		if (lane->count)
			semicolon = "; ";
	}
	for (u32 i = 0; i < report->chain_count; i++)
		if (!report->chains[i].is_placed)
			fprintf(out, " !%s", report->chains[i].chain->name);
	fclose(out);
	release(nft, &arranged);
	assert_string_equal(text, wanted);
	free(text);
}

static void base_chains_stand_as_packets_meet_them(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);

	(void)state;
	add_base(&nft, nft.table, "late", NF_INET_LOCAL_IN, 10);
	add_base(&nft, nft.table, "pre", NF_INET_PRE_ROUTING, 0);
	add_base(&nft, nft.table, "early", NF_INET_LOCAL_IN, -10);
	add_base(&nft, nft.table, "out", NF_INET_LOCAL_OUT, 0);
	expect(&nft, "pre0; early0; in0; late0 !out");
}

static void a_chain_stands_once_as_deep_as_it_can_be(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_chain *a = add_chain(&nft, nft.table, "a");
	struct sl_nft_chain *b = add_chain(&nft, nft.table, "b");
	struct sl_nft_chain *late = add_base(&nft, nft.table, "late", NF_INET_LOCAL_IN, 10);

	(void)state;
	add_chain(&nft, nft.table, "c");
	add_chain(&nft, nft.table, "nobody");
	nft_rule(&nft, nft.chain, jump_to(NFT_JUMP, "c"));
	nft_rule(&nft, nft.chain, jump_to(NFT_JUMP, "a"));
	nft_rule(&nft, nft.chain, jump_to(NFT_JUMP, "a"));
	nft_rule(&nft, a, jump_to(NFT_GOTO, "b"));
	nft_rule(&nft, b, jump_to(NFT_JUMP, "c"));
	nft_rule(&nft, late, jump_to(NFT_JUMP, "b"));
	expect(&nft, "in0 c3 a1 b2; late0 !nobody");
}

static void a_map_leads_to_chains_in_their_own_order(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *map = add_vmap(&nft, 0, 2);

	(void)state;
	add_chain(&nft, nft.table, "a");
	add_chain(&nft, nft.table, "b");
	add_chain(&nft, nft.table, "c");
	add_mapping(&nft, map, "\0\1", NFT_JUMP, "c");
	add_mapping(&nft, map, "\0\2", NF_DROP, NULL);
	add_mapping(&nft, map, "\0\3", NFT_JUMP, "a");
	nft_rule(&nft, nft.chain, UDP, jump_to(NFT_JUMP, "b"));
	nft_rule(&nft, nft.chain, TCP, load_th(2, 2), lookup(map));
	expect(&nft, "in0 b1 a1 c1");
}

static struct sl_expr count(u64 packets)
{
	struct sl_expr expr = count_packet();

	expr.counter.packets = packets;
	return expr;
}

static void drops_are_the_kernels_and_sluices(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct arranged arranged;

	(void)state;
	nft.table->handle = 7;
	nft.chain->handle = 8;
	nft_rule(&nft, nft.chain, TCP, count(3), drop_it());
	nft_rule(&nft, nft.chain, UDP, count(50), accept_it());
	arrange(&nft,
		&(struct sl_rule_entry){.table_handle = 7,
					.chain_handle = 8,
					.rule_handle = nft.chain->rules.items[0].handle,
					.packets = 40},
		&arranged);
	assert_int_equal(arranged.report.chains[0].dropped, 3);
	assert_int_equal(arranged.report.chains[0].dropped_early, 40);
	assert_int_equal(arranged.report.most_packets, 50);
	release(&nft, &arranged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base_chains_stand_as_packets_meet_them),
		cmocka_unit_test(a_chain_stands_once_as_deep_as_it_can_be),
		cmocka_unit_test(a_map_leads_to_chains_in_their_own_order),
		cmocka_unit_test(drops_are_the_kernels_and_sluices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
