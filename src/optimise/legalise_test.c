// SPDX-License-Identifier: GPL-2.0-only
/* What codegen has no code for is left to the kernel; the rest is not touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ir/shorthand.h"
#include "optimise/optimise.h"

static const u8 zeros[SL_KEY_MAX];

/* The op as it stands after the pass, in a rule that drops. */
static struct sl_op legalised(struct sl_program *p, struct sl_op op)
{
	struct sl_chain *input;
	struct sl_diag diag = {0};

	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	if (op.kind == SL_OP_VMAP)
		rule(p, input, op);
	else
		rule(p, input, op, DROP);
	if (sl_program_verify(p, &diag))
		fail_msg("%s", diag.text);
	assert_int_equal(sl_optimise_legalise(p), 0);
	if (sl_program_verify(p, &diag))
		fail_msg("%s", diag.text);
	return input->rules.items[0].ops.items[0];
}

static void stays(struct sl_program *p, struct sl_op op)
{
	struct sl_op after = legalised(p, op);

	assert_int_equal(after.kind, op.kind);
	if (op.set)
		assert_true(op.set->is_used);
	sl_program_free(p);
}

static void becomes(struct sl_program *p, struct sl_op op, enum sl_op_kind kind)
{
	struct sl_op after = legalised(p, op);

	assert_int_equal(after.kind, kind);
	assert_non_null(after.reason);
	if (op.set)
		assert_false(op.set->is_used);
	sl_program_free(p);
}

static struct sl_key with(struct sl_program *p, struct sl_key key, struct sl_transform transform)
{
	struct sl_transform *transforms =
		sl_arena_alloc(p->arena, (key.transform_count + 1u) * sizeof transform);

	assert_non_null(transforms);
	if (key.transform_count)
		memcpy(transforms, key.transforms, key.transform_count * sizeof transform);
	transforms[key.transform_count++] = transform;
	key.transforms = transforms;
	return key;
}

static struct sl_transform swap(u8 at, u8 length, u8 width)
{
	return (struct sl_transform){.kind = SL_SWAP, .at = at, .length = length, .width = width};
}

static struct sl_transform shift(u8 at, u8 length)
{
	return (struct sl_transform){.kind = SL_SHL, .at = at, .length = length, .width = 3};
}

static void words_within_the_key_stay(void **unused)
{
	struct sl_program *p = host();

	(void)unused;
	stays(p, key_is(p, swapped(p, key(p, DPORT), 2), "\0\1"));
	p = host();
	stays(p, key_is(p, shifted(p, key(p, IP_SADDR), SL_SHR, 8), zeros));
	p = host();
	stays(p, key_is(p, swapped(p, key(p, IP6_SADDR), 8), zeros));
	p = host(); /* back and forth, with a mask between */
	stays(p, key_is(p, swapped(p, masked(p, swapped(p, key(p, IP_SADDR), 4), zeros, NULL), 4),
			zeros));
}

static void one_tcp_option_stays(void **unused)
{
	const struct sl_field maxseg = {SL_TCP_OPTION, 2, 2 << 8 | 2},
			      has_sack = {SL_HAS_TCP_OPTION, 1, 4 << 8};
	struct sl_program *p = host();

	(void)unused;
	stays(p, key_is(p, key(p, IP_SADDR, maxseg), zeros));
	p = host();
	becomes(p, key_is(p, key(p, has_sack, maxseg), zeros), SL_OP_UNKNOWN);
	p = host();
	becomes(p, any(p, is(p, maxseg, "1"), is(p, DPORT, "22")), SL_OP_UNKNOWN);
}

static void words_that_the_key_cuts_go(void **unused)
{
	struct sl_program *p = host();

	(void)unused;
	/* of 4 bytes, in a key of 2: the rest is padding */
	becomes(p, key_is(p, with(p, key(p, DPORT), swap(0, 4, 4)), zeros), SL_OP_UNKNOWN);
	p = host();
	becomes(p, key_is(p, shifted(p, key(p, DPORT), SL_SHL, 1), zeros), SL_OP_UNKNOWN);
	p = host(); /* a carry from word to word */
	becomes(p, key_is(p, shifted(p, key(p, IP6_SADDR), SL_SHL, 1), zeros), SL_OP_UNKNOWN);
}

static void words_that_cross_go(void **unused)
{
	struct sl_program *p = host();

	(void)unused;
	becomes(p, key_is(p, with(p, swapped(p, key(p, IP6_SADDR), 8), swap(4, 8, 8)), zeros),
		SL_OP_UNKNOWN);
	p = host(); /* of two sizes */
	becomes(p, key_is(p, with(p, swapped(p, key(p, IP_SADDR), 2), shift(0, 4)), zeros),
		SL_OP_UNKNOWN);
	p = host(); /* side by side they do not meet */
	stays(p, key_is(p, with(p, with(p, key(p, IP_SADDR, DPORT), swap(0, 4, 4)), swap(4, 2, 2)),
			zeros));
}

static struct sl_op in_boxes(struct sl_program *p, struct sl_transform transform)
{
	struct sl_set *boxes = set(p, SL_SET_BOXES, IP_SADDR, DPORT, IP_DADDR);

	add(p, boxes, zeros, zeros);
	return in_set(boxes, with(p, key(p, IP_SADDR, DPORT, IP_DADDR), transform));
}

static void words_that_a_field_of_a_box_cuts_go(void **unused)
{
	struct sl_program *p = host();

	(void)unused;
	stays(p, in_boxes(p, swap(0, 4, 4)));
	p = host();
	stays(p, in_boxes(p, swap(4, 2, 2)));
	p = host();
	becomes(p, in_boxes(p, swap(4, 4, 4)), SL_OP_UNKNOWN); /* the port and its padding */
	p = host();
	becomes(p, in_boxes(p, swap(0, 8, 8)), SL_OP_UNKNOWN);
	p = host();
	becomes(p, in_boxes(p, swap(4, 4, 2)), SL_OP_UNKNOWN); /* the second is padding */
}

static void a_verdict_map_that_goes_takes_its_worlds_to_the_kernel(void **unused)
{
	struct sl_program *p = host();
	struct sl_set *boxes = set(p, SL_SET_BOXES, DPORT);

	(void)unused;
	map(p, boxes, "\0\1", DROP);
	becomes(p, vmap(boxes, key(p, DPORT)), SL_OP_KERNEL);
}

static void many_boxes_go(void **unused)
{
	struct sl_program *p = host();
	struct sl_set *boxes = set(p, SL_SET_BOXES, IP_SADDR, DPORT);

	(void)unused;
	for (u32 i = 0; i < 65; i++)
		add(p, boxes, zeros, zeros);
	becomes(p, in_set(boxes, key(p, IP_SADDR, DPORT)), SL_OP_UNKNOWN);
}

static void ranges_of_very_long_keys_go(void **unused)
{
	struct sl_program *p = host();
	struct sl_set *longer = set(p, SL_SET_INTERVAL, IP6_SADDR, DPORT);
	struct sl_set *shorter;

	(void)unused;
	becomes(p, in_set(longer, key(p, IP6_SADDR, DPORT)), SL_OP_UNKNOWN);
	p = host();
	shorter = set(p, SL_SET_INTERVAL, IP6_SADDR);
	stays(p, in_set(shorter, key(p, IP6_SADDR)));
}

static void address_types_stay_in_their_plain_form_only(void **unused)
{
	struct sl_program *p = host();

	(void)unused;
	stays(p, is(p, DADDR_TYPE, "2"));
	p = host();
	stays(p, is(p, WAY_BACK, "0"));
	p = host();
	becomes(p, compare(p, WAY_BACK_IF, SL_GT, "0"), SL_OP_UNKNOWN);
	p = host();
	stays(p, compare(p, DADDR_TYPE, SL_NE, "2"));
	p = host();
	becomes(p, compare(p, DADDR_TYPE, SL_LT, "2"), SL_OP_UNKNOWN);
	p = host();
	becomes(p, key_is(p, key(p, DADDR_TYPE, DPORT), zeros), SL_OP_UNKNOWN);
	p = host();
	becomes(p, any(p, is(p, DPORT, "1"), is(p, DADDR_TYPE, "2")), SL_OP_UNKNOWN);
}

static void one_alternative_takes_the_others_along(void **unused)
{
	struct sl_program *p = host();

	(void)unused;
	stays(p, any(p, is(p, DPORT, "1"), within(p, SPORT, "1", "2")));
	p = host();
	becomes(p,
		any(p, is(p, DPORT, "1"), key_is(p, shifted(p, key(p, SPORT), SL_SHL, 1), zeros)),
		SL_OP_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_within_the_key_stay),
		cmocka_unit_test(one_tcp_option_stays),
		cmocka_unit_test(words_that_the_key_cuts_go),
		cmocka_unit_test(words_that_cross_go),
		cmocka_unit_test(words_that_a_field_of_a_box_cuts_go),
		cmocka_unit_test(a_verdict_map_that_goes_takes_its_worlds_to_the_kernel),
		cmocka_unit_test(many_boxes_go),
		cmocka_unit_test(ranges_of_very_long_keys_go),
		cmocka_unit_test(address_types_stay_in_their_plain_form_only),
		cmocka_unit_test(one_alternative_takes_the_others_along),
	};

	return cmocka_run_group_tests_name("optimise/legalise", tests, NULL, NULL);
}
