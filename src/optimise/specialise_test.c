// SPDX-License-Identifier: GPL-2.0-only
/* What the device and the family fix is folded, and nothing else. */
#include <linux/netfilter.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ir/shorthand.h"
#include "optimise/optimise.h"

static struct sl_program *begin(struct sl_chain **ret_input)
{
	struct sl_program *p = host();

	step(p, SL_STEP_ROUTE);
	*ret_input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	return p;
}

static void specialise(struct sl_program *p)
{
	struct sl_diag diag = {0};

	assert_int_equal(sl_optimise_specialise(p), 0);
	if (sl_program_verify(p, &diag))
		fail_msg("%s", diag.text);
}

/* The input chain of one family. */
static const struct sl_chain *input_of(const struct sl_program *p, u8 family)
{
	for (u32 i = 0; i < p->path.count; i++)
		if (p->path.items[i].kind == SL_STEP_CHAIN && p->path.items[i].families == family)
			return p->path.items[i].chain;
	fail_msg("the family has no input chain");
	return NULL;
}

static const struct sl_op *first_op(const struct sl_chain *chain)
{
	assert_int_equal(chain->rules.count, 1);
	return &chain->rules.items[0].ops.items[0];
}

static void each_family_gets_steps_of_its_own(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	rule(p, input, is(p, NFPROTO, "2"), is(p, DPORT, "22"), DROP);
	specialise(p);
	assert_int_equal(p->path.count, 4); /* route and input, twice */
	assert_int_equal(input_of(p, SL_IP)->rules.count, 1);
	assert_int_equal(input_of(p, SL_IP)->rules.items[0].ops.count, 2);
	assert_int_equal(input_of(p, SL_IP6)->rules.count, 0);
	sl_program_free(p);
}

static void what_the_device_fixes_is_folded(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	rule(p, input, is(p, IIFNAME, "eth1"), ACCEPT);
	rule(p, input, is(p, IIFNAME, "eth0"), is(p, MARK, "0"), DROP);
	specialise(p);
	assert_int_equal(first_op(input_of(p, SL_IP))->kind, SL_OP_VERDICT);
	sl_program_free(p);
}

static void matches_without_an_effect_are_gone(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);

	(void)unused;
	rule(p, input, is(p, DPORT, "22"), CONTINUE);
	rule(p, input, is(p, DPORT, "22"), unknown("osf"));
	rule(p, input, is(p, DPORT, "22"), counter(p, input), is(p, SPORT, "1"));
	specialise(p);
	assert_int_equal(input_of(p, SL_IP)->rules.count, 1);
	assert_int_equal(input_of(p, SL_IP)->rules.items[0].ops.count, 2);
	sl_program_free(p);
}

static struct sl_set *constant_map(struct sl_program *p, struct sl_field field)
{
	struct sl_set *map = set(p, SL_SET_EXACT, field);

	map->is_constant = map->is_vmap = true;
	return map;
}

static void a_verdict_map_that_is_known_becomes_its_verdict(void **unused)
{
	struct sl_chain *input, *inner;
	struct sl_program *p = begin(&input);
	struct sl_set *protocols = constant_map(p, NFPROTO);

	(void)unused;
	inner = chain(p, "inner");
	rule(p, inner, is(p, DPORT, "22"), DROP);
	map(p, protocols, "\2", jump(inner));
	rule(p, input, vmap(protocols, key(p, NFPROTO)));
	specialise(p);
	assert_int_equal(first_op(input_of(p, SL_IP))->kind, SL_OP_VERDICT);
	assert_int_equal(first_op(input_of(p, SL_IP))->verdict.kind, SL_VERDICT_JUMP);
	assert_int_equal(input_of(p, SL_IP6)->rules.count, 0); /* it misses */
	sl_program_free(p);
}

/* Its key may be one that there is no code for. It once took the verdict with it. */
static void a_folded_verdict_keeps_nothing_of_the_map(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_field protocol = META(2, PROTOCOL);
	struct sl_set *map = constant_map(p, protocol);
	struct sl_diag diag = {0};

	(void)unused;
	add(p, map, "\2\0", NULL)->verdict = (struct sl_verdict){SL_VERDICT_ACCEPT};
	rule(p, input, vmap(map, shifted(p, key(p, protocol), SL_SHR, 2)));
	rule(p, input, DROP);
	assert_int_equal(sl_optimise(p, 1u << 20, &diag), 0);
	assert_int_equal(first_op(input_of(p, SL_IP))->kind, SL_OP_VERDICT);
	assert_int_equal(first_op(input_of(p, SL_IP))->verdict.kind, SL_VERDICT_ACCEPT);
	assert_int_equal(first_op(input_of(p, SL_IP))->key.part_count, 0);
	sl_program_free(p);
}

static void a_verdict_map_behind_an_unknown_stays(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_set *protocols = constant_map(p, NFPROTO);
	struct sl_diag diag = {0};

	(void)unused;
	map(p, protocols, "\2", DROP);
	rule(p, input, unknown("osf"), vmap(protocols, key(p, NFPROTO)));
	rule(p, input, is(p, DADDR_TYPE, "2"), vmap(protocols, key(p, NFPROTO)));
	specialise(p);
	for (u8 family = SL_IP; family <= SL_IP6; family++) {
		assert_int_equal(input_of(p, family)->rules.count, 2);
		for (u32 i = 0; i < 2; i++)
			assert_int_equal(input_of(p, family)->rules.items[i].ops.items[1].kind,
					 SL_OP_VMAP);
	}
	assert_int_equal(sl_program_verify(p, &diag), 0);
	sl_program_free(p);
}

static void sets_that_can_change_are_not_folded(void **unused)
{
	struct sl_chain *input;
	struct sl_program *p = begin(&input);
	struct sl_set *names = set(p, SL_SET_EXACT, IIFNAME);

	(void)unused;
	rule(p, input, in_set(names, key(p, IIFNAME)), DROP);
	specialise(p);
	assert_int_equal(first_op(input_of(p, SL_IP))->kind, SL_OP_SET);
	sl_program_free(p);
}

static void verdict_maps_lead_to_the_familys_own_chains(void **unused)
{
	struct sl_chain *input, *inner;
	struct sl_program *p = begin(&input);
	struct sl_set *ports = set(p, SL_SET_EXACT, DPORT);
	const struct sl_verdict *ip, *ip6;

	(void)unused;
	inner = chain(p, "inner");
	rule(p, inner, is(p, NFPROTO, "2"), is(p, SPORT, "9"), DROP);
	map(p, ports, "\0\26", jump(inner));
	rule(p, input, vmap(ports, key(p, DPORT)));
	specialise(p);
	ip = &first_op(input_of(p, SL_IP))->set->elements.items[0].verdict;
	ip6 = &first_op(input_of(p, SL_IP6))->set->elements.items[0].verdict;
	assert_ptr_not_equal(ip->chain, ip6->chain);
	assert_int_equal(ip->chain->rules.count, 1);
	assert_int_equal(ip6->chain->rules.count, 0);
	sl_program_free(p);
}

static void rules_that_share_a_map_share_its_copy(void **unused)
{
	struct sl_chain *input, *inner;
	struct sl_program *p = begin(&input);
	struct sl_set *ports = set(p, SL_SET_EXACT, DPORT);
	const struct sl_rule *ip, *ip6;

	(void)unused;
	inner = chain(p, "inner");
	rule(p, inner, is(p, SPORT, "9"), DROP);
	map(p, ports, "\0\26", jump(inner));
	rule(p, input, is(p, L4PROTO, "6"), vmap(ports, key(p, DPORT)));
	rule(p, input, is(p, L4PROTO, "17"), vmap(ports, key(p, DPORT)));
	specialise(p);
	ip = input_of(p, SL_IP)->rules.items;
	ip6 = input_of(p, SL_IP6)->rules.items;
	assert_ptr_equal(ip[0].ops.items[1].set, ip[1].ops.items[1].set);
	assert_ptr_not_equal(ip[0].ops.items[1].set, ip6[0].ops.items[1].set);
	assert_int_equal(p->sets.count, 3); /* the old one is empty now */
	sl_program_free(p);
}

static void a_map_of_nothing_but_a_catchall_keeps_it(void **unused)
{
	struct sl_chain *input, *inner;
	struct sl_program *p = begin(&input);
	struct sl_set *ports = set(p, SL_SET_EXACT, DPORT);

	(void)unused;
	inner = chain(p, "inner");
	ports->is_vmap = ports->has_catchall = true;
	ports->catchall = jump(inner).verdict;
	rule(p, input, vmap(ports, key(p, DPORT)));
	specialise(p);
	assert_ptr_equal(
		first_op(input_of(p, SL_IP6))->set->catchall.chain,
		p->chains.items[first_op(input_of(p, SL_IP6))->set->catchall.chain->index]);
	sl_program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_family_gets_steps_of_its_own),
		cmocka_unit_test(what_the_device_fixes_is_folded),
		cmocka_unit_test(matches_without_an_effect_are_gone),
		cmocka_unit_test(a_verdict_map_that_is_known_becomes_its_verdict),
		cmocka_unit_test(a_folded_verdict_keeps_nothing_of_the_map),
		cmocka_unit_test(a_verdict_map_behind_an_unknown_stays),
		cmocka_unit_test(sets_that_can_change_are_not_folded),
		cmocka_unit_test(verdict_maps_lead_to_the_familys_own_chains),
		cmocka_unit_test(rules_that_share_a_map_share_its_copy),
		cmocka_unit_test(a_map_of_nothing_but_a_catchall_keeps_it),
	};

	return cmocka_run_group_tests_name("optimise/specialise", tests, NULL, NULL);
}
