// SPDX-License-Identifier: GPL-2.0-only
/* Sets and maps: which are followed, as what, and what becomes of lookups in the others. */
#include "lift/ruleset_builder.h"

#define ANONYMOUS (NFT_SET_ANONYMOUS | NFT_SET_CONSTANT)

static void sets_keep_their_kind(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *ports = add_set(&nft, ANONYMOUS, 2);
	struct sl_nft_set *nets = add_set(&nft, NFT_SET_INTERVAL, 4);
	struct sl_nft_set *boxes = add_set(&nft, NFT_SET_INTERVAL | NFT_SET_CONCAT, 8);
	struct sl_program *program;

	(void)state;
	boxes->field_count = 2;
	boxes->field_lengths[0] = 4;
	boxes->field_lengths[1] = 2;
	add_element(&nft, ports, "\0\120", NULL);
	add_element(&nft, ports, "\0\26", NULL);
	add_element(&nft, nets, "\12\0\0\0", "\12\377\377\377");
	add_element(&nft, boxes, "\12\0\0\0\0\1\0\0", "\12\377\377\377\0\5\0\0");
	nft_rule(&nft, nft.chain, load_th(2, 2), lookup(ports), drop_it());
	nft_rule(&nft, nft.chain, load_ip(12, 4), lookup_not(nets), drop_it());
	nft_rule(&nft, nft.chain, load_ip(12, 4), at(4, load_th(2, 2)), lookup(boxes), drop_it());
	program = lift(&nft);
	assert_string_equal(rules_text(program, "in"), "th dport @s0 drop\n"
						       "ip saddr != @s1 drop\n"
						       "ip saddr . th dport @s2 drop\n");
	assert_int_equal(program->sets.items[0]->kind, SL_SET_EXACT);
	assert_true(program->sets.items[0]->is_constant);
	assert_memory_equal(program->sets.items[0]->elements.items[0].key, "\0\26", 2);
	assert_int_equal(program->sets.items[1]->kind, SL_SET_INTERVAL);
	assert_false(program->sets.items[1]->is_constant);
	assert_int_equal(program->sets.items[2]->kind, SL_SET_BOXES);
	assert_int_equal(program->sets.items[2]->field_lengths[1], 2);
	sl_program_free(program);
	nft_free(&nft);
}

static void set_is_lifted_once(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *ports = add_set(&nft, 0, 2);
	struct sl_program *program;

	(void)state;
	nft_rule(&nft, nft.chain, load_th(2, 2), lookup(ports), drop_it());
	nft_rule(&nft, nft.chain, load_th(0, 2), lookup(ports), drop_it());
	program = lift(&nft);
	assert_int_equal(program->sets.count, 1);
	sl_program_free(program);
	nft_free(&nft);
}

static void elements_expire(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *set = add_set(&nft, NFT_SET_TIMEOUT, 4);
	struct sl_program *program;

	(void)state;
	add_element(&nft, set, "\1\2\3\4", NULL)->expires_at_ns = 77;
	nft_rule(&nft, nft.chain, load_ip(12, 4), lookup(set), drop_it());
	program = lift(&nft);
	assert_true(program->sets.items[0]->has_timeouts);
	assert_int_equal(program->sets.items[0]->elements.items[0].expires_at_ns, 77);
	sl_program_free(program);
	nft_free(&nft);
}

static void verdict_map_leads_to_chains(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *map = add_vmap(&nft, ANONYMOUS, 2);
	struct sl_program *program;

	(void)state;
	add_chain(&nft, nft.table, "ssh");
	add_chain(&nft, nft.table, "unused");
	add_mapping(&nft, map, "\0\26", NFT_JUMP, "ssh");
	add_mapping(&nft, map, "\0\27", NF_DROP, NULL);
	add_mapping(&nft, map, NULL, NF_ACCEPT, NULL);
	nft_rule(&nft, nft.chain, load_th(2, 2), lookup(map));
	program = lift(&nft);
	assert_string_equal(rules_text(program, "in"), "th dport vmap @s0\n");
	assert_int_equal(program->chains.count, 2); /* in, ssh */
	const struct sl_set *lifted = program->sets.items[0];

	assert_true(lifted->is_vmap && lifted->has_catchall);
	assert_int_equal(lifted->catchall.kind, SL_VERDICT_ACCEPT);
	assert_int_equal(lifted->elements.items[0].verdict.kind, SL_VERDICT_JUMP);
	assert_string_equal(lifted->elements.items[0].verdict.chain->name, "ssh");
	assert_int_equal(lifted->elements.items[1].verdict.kind, SL_VERDICT_DROP);
	sl_program_free(program);
	nft_free(&nft);
}

static void rule_that_goes_on_behind_a_map_is_the_kernels(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *map = add_vmap(&nft, ANONYMOUS, 2);

	(void)state;
	add_mapping(&nft, map, "\0\26", NFT_CONTINUE, NULL);
	nft_rule(&nft, nft.chain, load_th(2, 2), lookup(map), drop_it());
	expect_rules(&nft, "in", "kernel(a verdict map behind which the rule goes on)\n");
}

static void data_map_is_only_asked_for_membership(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *map = add_set(&nft, NFT_SET_MAP, 2);
	struct sl_expr expr = lookup(map);

	(void)state;
	map->data_length = 4;
	expr.lookup.dreg = 16;
	nft_rule(&nft, nft.chain, load_th(2, 2), expr, at(16, cmp_eq("\0\0\0\0")), drop_it());
	expect_rules(&nft, "in", "th dport @s0 unknown(a value looked up in a map) drop\n");
}

static void set_that_packets_fill_is_unknown(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *dynamic = add_set(&nft, NFT_SET_EVAL, 4);
	struct sl_nft_set *plain = add_set(&nft, 0, 4);
	struct sl_nft_set *nets = add_set(&nft, NFT_SET_INTERVAL, 4);
	struct sl_nft_set *map = add_vmap(&nft, 0, 4);
	struct sl_nft_chain *unused = add_chain(&nft, nft.table, "unused");

	(void)state;
	nft_rule(&nft, unused, opaque("dynset"));
	nft_rule(&nft, nft.chain, load_ip(12, 4), lookup(dynamic), drop_it());
	nft_rule(&nft, nft.chain, load_ip(12, 4), lookup(plain), drop_it());
	nft_rule(&nft, nft.chain, load_ip(12, 4), lookup(nets), drop_it());
	nft_rule(&nft, nft.chain, load_ip(12, 4), lookup(map));
	expect_rules(&nft, "in",
		     "unknown(set s0: packets may add to it) drop\n"
		     "unknown(set s1: packets may add to it) drop\n"
		     "ip saddr @s2 drop\n"
		     "ip saddr vmap @s3\n");
}

static struct nft a_chain_that_knows_filled(void)
{
	struct nft nft = an_input_chain(NFPROTO_IPV4);

	nft.host.knows_filled = true;
	return nft;
}

#define SOURCE      load_ip(12, 4)
#define DESTINATION load_ip(16, 4)

static void set_that_is_filled_by_source_is_asked(void **state)
{
	struct nft nft = a_chain_that_knows_filled();
	struct sl_nft_set *dynamic = add_set(&nft, NFT_SET_EVAL, 4);
	struct sl_nft_set *timed = add_set(&nft, NFT_SET_TIMEOUT, 4);

	(void)state;
	nft_rule(&nft, nft.chain, SOURCE, lookup(dynamic), drop_it());
	nft_rule(&nft, nft.chain, SOURCE, lookup_not(dynamic), count_packet(), drop_it());
	nft_rule(&nft, nft.chain, SOURCE, fill_set(dynamic, NFT_DYNSET_OP_ADD), count_packet(),
		 drop_it());
	nft_rule(&nft, nft.chain, SOURCE, fill_set(dynamic, NFT_DYNSET_OP_UPDATE), drop_it());
	nft_rule(&nft, nft.chain, SOURCE, fill_set(timed, NFT_DYNSET_OP_ADD), drop_it());
	nft_rule(&nft, nft.chain, SOURCE, fill_set(timed, NFT_DYNSET_OP_UPDATE), drop_it());
	expect_rules(&nft, "in",
		     "ip saddr in filled 0 drop\n"
		     "ip saddr not in filled 0 counter 0 drop\n"
		     "fill 0 with ip saddr counter 1 drop\n"
		     "fill 0 with ip saddr drop\n"
		     "fill 1 with ip saddr drop\n"
		     "kernel(dynset)\n");
}

static void set_that_is_filled_by_other_things_is_unknown(void **state)
{
	struct nft nft = a_chain_that_knows_filled();
	struct sl_nft_set *by_target = add_set(&nft, NFT_SET_EVAL, 4);
	struct sl_nft_set *shrinks = add_set(&nft, NFT_SET_EVAL, 4);
	struct sl_nft_set *counts = add_set(&nft, NFT_SET_EVAL, 4);
	struct sl_nft_set *good = add_set(&nft, NFT_SET_EVAL, 4);
	struct sl_expr with_counter = fill_set(counts, NFT_DYNSET_OP_ADD);

	(void)state;
	with_counter.dynset.has_exprs = true;
	nft_rule(&nft, nft.chain, DESTINATION, fill_set(by_target, NFT_DYNSET_OP_ADD));
	nft_rule(&nft, nft.chain, SOURCE, fill_set(shrinks, NFT_DYNSET_OP_DELETE));
	nft_rule(&nft, nft.chain, SOURCE, with_counter);
	nft_rule(&nft, nft.chain, SOURCE, lookup(by_target), drop_it());
	nft_rule(&nft, nft.chain, SOURCE, lookup(shrinks), drop_it());
	nft_rule(&nft, nft.chain, SOURCE, lookup(counts), drop_it());
	nft_rule(&nft, nft.chain, DESTINATION, lookup(good), drop_it());
	nft_rule(&nft, nft.chain, SOURCE, mask_bytes("\377\377\377\0", "\0\0\0\0", 4), lookup(good),
		 drop_it());
	expect_rules(&nft, "in",
		     "kernel(dynset)\n"
		     "kernel(dynset)\n"
		     "kernel(dynset)\n"
		     "unknown(set s0: packets may add to it) drop\n"
		     "unknown(set s1: packets may add to it) drop\n"
		     "unknown(set s2: packets may add to it) drop\n"
		     "unknown(set s3: packets may add to it) drop\n"
		     "unknown(set s3: packets may add to it) drop\n");
}

/* NAT may have given it another source; or it is the host's own. */
static void set_that_is_filled_behind_nat_is_unknown(void **state)
{
	struct nft nft = a_chain_that_knows_filled();
	struct sl_nft_set *out = add_set(&nft, NFT_SET_EVAL, 4);
	struct sl_nft_set *jumped = add_set(&nft, NFT_SET_EVAL, 4);
	struct sl_nft_chain *output = add_base(&nft, nft.table, "out", NF_INET_LOCAL_OUT, 0);
	struct sl_nft_chain *post = add_base(&nft, nft.table, "post", NF_INET_POST_ROUTING, 300);
	struct sl_nft_chain *plain = add_chain(&nft, nft.table, "plain");

	(void)state;
	nft_rule(&nft, post, SOURCE, fill_set(out, NFT_DYNSET_OP_ADD));
	nft_rule(&nft, output, jump_to(NFT_JUMP, "plain"));
	nft_rule(&nft, plain, SOURCE, fill_set(jumped, NFT_DYNSET_OP_ADD));
	nft_rule(&nft, nft.chain, SOURCE, lookup(out), drop_it());
	nft_rule(&nft, nft.chain, SOURCE, lookup(jumped), drop_it());
	expect_rules(&nft, "in",
		     "unknown(set s0: packets may add to it) drop\n"
		     "unknown(set s1: packets may add to it) drop\n");
}

static void set_whose_elements_may_end_at_once_is_unknown(void **state)
{
	struct nft nft = a_chain_that_knows_filled();
	struct sl_nft_set *by_rule = add_set(&nft, NFT_SET_EVAL | NFT_SET_TIMEOUT, 4);
	struct sl_nft_set *by_set = add_set(&nft, NFT_SET_EVAL | NFT_SET_TIMEOUT, 4);
	struct sl_nft_set *longer = add_set(&nft, NFT_SET_EVAL | NFT_SET_TIMEOUT, 4);
	struct sl_expr quick = fill_set(by_rule, NFT_DYNSET_OP_UPDATE);

	(void)state;
	quick.dynset.timeout_ms = 20;
	by_set->timeout_ms = 20;
	longer->timeout_ms = 5000;
	nft_rule(&nft, nft.chain, SOURCE, quick);
	nft_rule(&nft, nft.chain, SOURCE, fill_set(by_set, NFT_DYNSET_OP_UPDATE));
	nft_rule(&nft, nft.chain, SOURCE, fill_set(longer, NFT_DYNSET_OP_UPDATE));
	nft_rule(&nft, nft.chain, SOURCE, lookup(by_rule), drop_it());
	nft_rule(&nft, nft.chain, SOURCE, lookup(by_set), drop_it());
	nft_rule(&nft, nft.chain, SOURCE, lookup(longer), drop_it());
	expect_rules(&nft, "in",
		     "kernel(dynset)\n"
		     "kernel(dynset)\n"
		     "kernel(dynset)\n"
		     "unknown(set s0: packets may add to it) drop\n"
		     "unknown(set s1: packets may add to it) drop\n"
		     "ip saddr in filled 0 drop\n");
}

/* In a table of both families the bytes of one are something else in the other. */
static void source_is_one_only_in_packets_of_its_family(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *set = add_set(&nft, NFT_SET_EVAL, 4);

	(void)state;
	nft.host.knows_filled = true;
	nft_rule(&nft, nft.chain, SOURCE, lookup(set), drop_it());
	nft_rule(&nft, nft.chain, load_meta(NFT_META_NFPROTO), cmp_eq("\2"), SOURCE, lookup(set),
		 drop_it());
	nft_rule(&nft, nft.chain, load_meta(NFT_META_NFPROTO), cmp_eq("\n"), SOURCE, lookup(set),
		 drop_it());
	expect_rules(&nft, "in",
		     "unknown(set s0: packets may add to it) drop\n"
		     "meta nfproto 2 ip saddr in filled 0 drop\n"
		     "meta nfproto 10 unknown(set s0: packets may add to it) drop\n");
}

/* Others of the table are what they were. */
static void set_that_no_rule_fills_is_followed(void **state)
{
	struct nft nft = a_chain_that_knows_filled();
	struct sl_nft_set *dynamic = add_set(&nft, NFT_SET_EVAL, 4);
	struct sl_nft_set *plain = add_set(&nft, 0, 4);

	(void)state;
	nft_rule(&nft, nft.chain, SOURCE, fill_set(dynamic, NFT_DYNSET_OP_ADD));
	nft_rule(&nft, nft.chain, SOURCE, lookup(plain), drop_it());
	expect_rules(&nft, "in", "fill 0 with ip saddr\nip saddr @s1 drop\n");
}

static void set_that_keeps_state_is_the_kernels(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *counting = add_set(&nft, 0, 4);
	struct sl_nft_set *with_exprs = add_set(&nft, NFT_SET_EXPR, 4);
	struct sl_nft_set *objects = add_set(&nft, NFT_SET_MAP | NFT_SET_OBJECT, 4);
	struct sl_nft_set *odd = add_set(&nft, 0, 4);

	(void)state;
	objects->data_length = 4;
	odd->opaque = "has an unknown flag";
	add_element(&nft, counting, "\1\2\3\4", NULL)->opaque = SL_ELEMENT_COUNTS;
	nft_rule(&nft, nft.chain, load_ip(12, 4), lookup(counting), drop_it());
	nft_rule(&nft, nft.chain, load_ip(12, 4), lookup(with_exprs), drop_it());
	nft_rule(&nft, nft.chain, load_ip(12, 4), lookup(objects), drop_it());
	nft_rule(&nft, nft.chain, load_ip(12, 4), lookup(odd), drop_it());
	expect_rules(
		&nft, "in",
		"kernel(set s0: counts per element, or holds what sluice does not understand)\n"
		"kernel(set s1: counts per element, or holds what sluice does not understand)\n"
		"kernel(set s2: holds what sluice does not understand)\n"
		"kernel(set s3: holds what sluice does not understand)\n");
}

static void map_of_an_unknown_key_may_do_anything(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *map = add_vmap(&nft, ANONYMOUS, 4);

	(void)state;
	add_mapping(&nft, map, "\1\0\0\0", NF_DROP, NULL);
	nft_rule(&nft, nft.chain, load_ct(NFT_CT_MARK), lookup(map));
	expect_rules(&nft, "in", "unknown(ct mark) kernel(a verdict map)\n");
}

static void boxes_that_overlap_do_not_decide(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *map = add_vmap(&nft, NFT_SET_INTERVAL, 8);
	struct sl_nft_element *element;

	(void)state;
	map->field_count = 2;
	map->field_lengths[0] = map->field_lengths[1] = 4;
	element = add_element(&nft, map, "\1\0\0\0\1\0\0\0", "\3\0\0\0\3\0\0\0");
	element->verdict.code = NF_DROP;
	element = add_element(&nft, map, "\2\0\0\0\2\0\0\0", "\2\0\0\0\2\0\0\0");
	element->verdict.code = NF_ACCEPT;
	nft_rule(&nft, nft.chain, load_ip(12, 4), at(4, load_ip(16, 4)), lookup(map));
	expect_rules(&nft, "in",
		     "unknown(set s0: its ranges overlap) kernel(set s0: its ranges overlap)\n");
}

/* The kernel takes none such; a program that held one would not verify. */
static void box_that_ends_before_it_starts_is_unknown(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *set = add_set(&nft, NFT_SET_INTERVAL, 8);

	(void)state;
	set->field_count = 2;
	set->field_lengths[0] = set->field_lengths[1] = 4;
	add_element(&nft, set, "\1\0\0\0\3\0\0\0", "\2\0\0\0\1\0\0\0");
	nft_rule(&nft, nft.chain, load_ip(12, 4), at(4, load_ip(16, 4)), lookup(set), drop_it());
	expect_rules(&nft, "in", "unknown(set s0: a range ends before it starts) drop\n");
}

static void range_among_single_values_is_unknown(void **state)
{
	struct nft nft = an_input_chain(NFPROTO_INET);
	struct sl_nft_set *set = add_set(&nft, 0, 4);

	(void)state;
	add_element(&nft, set, "\1\0\0\0", "\2\0\0\0");
	nft_rule(&nft, nft.chain, load_ip(12, 4), lookup(set), drop_it());
	expect_rules(&nft, "in", "unknown(set s0: a range among single values) drop\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_keep_their_kind),
		cmocka_unit_test(set_is_lifted_once),
		cmocka_unit_test(elements_expire),
		cmocka_unit_test(verdict_map_leads_to_chains),
		cmocka_unit_test(rule_that_goes_on_behind_a_map_is_the_kernels),
		cmocka_unit_test(data_map_is_only_asked_for_membership),
		cmocka_unit_test(set_that_packets_fill_is_unknown),
		cmocka_unit_test(set_that_is_filled_by_source_is_asked),
		cmocka_unit_test(set_that_is_filled_by_other_things_is_unknown),
		cmocka_unit_test(set_that_is_filled_behind_nat_is_unknown),
		cmocka_unit_test(set_whose_elements_may_end_at_once_is_unknown),
		cmocka_unit_test(source_is_one_only_in_packets_of_its_family),
		cmocka_unit_test(set_that_no_rule_fills_is_followed),
		cmocka_unit_test(set_that_keeps_state_is_the_kernels),
		cmocka_unit_test(map_of_an_unknown_key_may_do_anything),
		cmocka_unit_test(boxes_that_overlap_do_not_decide),
		cmocka_unit_test(box_that_ends_before_it_starts_is_unknown),
		cmocka_unit_test(range_among_single_values_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
