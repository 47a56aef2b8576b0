/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ir/flow.h"
#include "ir/shorthand.h"

/* An input chain behind conntrack that drops who is in a set of two. */
static struct sl_program *blocklist(struct sl_set **ret_set)
{
	struct sl_program *p = host();
	struct sl_chain *input;

	step(p, SL_STEP_CONNTRACK);
	step(p, SL_STEP_ROUTE);
	input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	*ret_set = set(p, SL_SET_INTERVAL, IP_SADDR);
	add(p, *ret_set, "\x0a\x00\x00\x01", NULL);
	add(p, *ret_set, "\x0a\x00\x01\x00", "\x0a\x00\x01\xff");
	rule(p, input, in_set(*ret_set, key(p, IP_SADDR)), DROP);
	return p;
}

static void outline_keeps_what_sets_are_and_not_what_is_in_them(void **state)
{
	struct sl_set *set, before;
	struct sl_program *p = blocklist(&set), *outline;
	const struct sl_set *after;
	char name[16], table[16];

	(void)state;
	set->is_used = set->has_timeouts = true;
	before = *set;
	snprintf(name, sizeof name, "%s", set->name);
	snprintf(table, sizeof table, "%s", set->table);
	outline = sl_program_outline(p);
	assert_non_null(outline);
	sl_program_free(p); /* nothing of it is borrowed */
	assert_int_equal(outline->sets.count, 1);
	after = outline->sets.items[0];
	assert_string_equal(after->name, name);
	assert_string_equal(after->table, table);
	assert_int_equal(after->family, before.family);
	assert_int_equal(after->index, before.index);
	assert_int_equal(after->kind, before.kind);
	assert_int_equal(after->key_length, before.key_length);
	assert_true(after->is_used);
	assert_true(after->has_timeouts);
	assert_int_equal(after->elements.count, 0);
	sl_program_free(outline);
}

/* Of these, too, an element may come that only a compile can follow. */
static void outline_keeps_the_sets_that_packets_fill(void **state)
{
	struct sl_program *p = host(), *outline;
	struct sl_filled *filled = sl_list_push(p->arena, &p->filled);

	(void)state;
	assert_non_null(filled);
	*filled = (struct sl_filled){.name = sl_arena_strdup(p->arena, "banned"),
				     .table_name = sl_arena_strdup(p->arena, "t"),
				     .family = 2,
				     .table = 7,
				     .set = 9,
				     .key_length = 4};
	outline = sl_program_outline(p);
	assert_non_null(outline);
	sl_program_free(p);
	assert_int_equal(outline->filled.count, 1);
	filled = outline->filled.items;
	assert_string_equal(filled->name, "banned");
	assert_string_equal(filled->table_name, "t");
	assert_int_equal(filled->family, 2);
	assert_int_equal(filled->set, 9);
	sl_program_free(outline);
}

static void outline_tracks_connections_if_the_program_does(void **state)
{
	struct sl_set *set;
	struct sl_program *p = blocklist(&set), *outline;

	(void)state;
	p->miss_worlds = SL_WORLD_RELATED;
	p->device.wants_tc = true;
	outline = sl_program_outline(p);
	assert_non_null(outline);
	assert_true(sl_program_tracks(p, SL_IP));
	sl_program_free(p);
	assert_true(sl_program_tracks(outline, SL_IP));
	assert_int_equal(outline->miss_worlds, SL_WORLD_RELATED);
	assert_true(outline->device.wants_tc);
	assert_int_equal(outline->chains.count, 0);
	sl_program_free(outline);

	p = host();
	outline = sl_program_outline(p);
	assert_false(sl_program_tracks(outline, SL_IP | SL_IP6));
	sl_program_free(p);
	sl_program_free(outline);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outline_keeps_what_sets_are_and_not_what_is_in_them),
		cmocka_unit_test(outline_keeps_the_sets_that_packets_fill),
		cmocka_unit_test(outline_tracks_connections_if_the_program_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
