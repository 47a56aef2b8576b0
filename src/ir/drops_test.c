// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ir/drops.h"
#include "ir/shorthand.h"

#define KNOWN (SL_WORLD_ESTABLISHED | SL_WORLD_RELATED)
#define OTHER (SL_WORLDS_ALL & ~KNOWN)

static struct sl_program *behind_conntrack(void)
{
	struct sl_program *p = host();

	step(p, SL_STEP_TRACKED);
	step(p, SL_STEP_ROUTE);
	return p;
}

static void expect(struct sl_program *p, u8 worlds)
{
	assert_int_equal(sl_program_drop_worlds(p), worlds);
	sl_program_free(p);
}

static void what_is_let_in_by_its_state_alone_is_safe(void **unused)
{
	struct sl_program *p = behind_conntrack();
	struct sl_chain *input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);

	(void)unused;
	rule(p, input, state(KNOWN), ACCEPT);
	rule(p, input, is(p, DPORT, "80"), ACCEPT);
	expect(p, OTHER);
}

static void what_is_asked_for_more_is_not(void **unused)
{
	struct sl_program *p = behind_conntrack();
	struct sl_chain *input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);

	(void)unused;
	rule(p, input, state(KNOWN), is(p, DPORT, "80"), ACCEPT);
	rule(p, input, state(SL_WORLD_ESTABLISHED), unknown("mark"), ACCEPT);
	expect(p, SL_WORLDS_ALL);
}

static void drops_ahead_of_it_count(void **unused)
{
	struct sl_program *p = behind_conntrack();
	struct sl_chain *input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);

	(void)unused;
	rule(p, input, state(SL_WORLD_RELATED), is(p, DPORT, "80"), DROP);
	rule(p, input, state(KNOWN), ACCEPT);
	rule(p, input, state(SL_WORLD_ESTABLISHED | SL_WORLD_INVALID), DROP);
	expect(p, SL_WORLD_RELATED | SL_WORLD_INVALID);
}

static void an_accept_is_for_its_own_base_chain(void **unused)
{
	struct sl_program *p = behind_conntrack();
	struct sl_chain *first = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS),
			*second = base_chain(p, SL_HOOK_INPUT, 1, ACCEPTS);

	(void)unused;
	rule(p, first, state(KNOWN), ACCEPT);
	rule(p, second, state(SL_WORLD_ESTABLISHED), is(p, DPORT, "80"), DROP);
	expect(p, SL_WORLD_ESTABLISHED);
}

static void other_chains_are_not_looked_into(void **unused)
{
	struct sl_program *p = behind_conntrack();
	struct sl_chain *input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS),
			*other = chain(p, "other");

	(void)unused;
	rule(p, input, state(SL_WORLD_ESTABLISHED), ACCEPT);
	rule(p, input, jump(other));
	expect(p, SL_WORLDS_ALL & ~SL_WORLD_ESTABLISHED);
}

static void what_the_kernel_must_see_is_not_dropped_behind_it(void **unused)
{
	struct sl_program *p = behind_conntrack();
	struct sl_chain *input = base_chain(p, SL_HOOK_INPUT, 0, DROPS);

	(void)unused;
	rule(p, input, state(SL_WORLD_NEW), kernel("log"));
	rule(p, input, is(p, DPORT, "80"), kernel("log"));
	expect(p, SL_WORLDS_ALL & ~SL_WORLD_NEW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_let_in_by_its_state_alone_is_safe),
		cmocka_unit_test(what_is_asked_for_more_is_not),
		cmocka_unit_test(drops_ahead_of_it_count),
		cmocka_unit_test(an_accept_is_for_its_own_base_chain),
		cmocka_unit_test(other_chains_are_not_looked_into),
		cmocka_unit_test(what_the_kernel_must_see_is_not_dropped_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
