// SPDX-License-Identifier: GPL-2.0-only
/* Which sets take memory; that they are filled rightly is for tests/oracle to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "ir/shorthand.h"
#include "load/maps.h"
#include "optimise/optimise.h"

/* A rule that looks addresses up in a set of a thousand; and what its set takes. */
static u32 count_entries(bool has_catchall, bool is_vmap)
{
	struct sl_program *p = host();
	struct sl_chain *input = base_chain(p, SL_HOOK_INPUT, 0, ACCEPTS);
	struct sl_set *hosts = set(p, SL_SET_EXACT, IP_SADDR);
	struct sl_map_size size;
	struct sl_diag diag;

	hosts->has_catchall = has_catchall;
	hosts->is_vmap = is_vmap;
	for (u32 i = 0; i < 1000; i++)
		add(p, hosts, (u8[]){10, 0, (u8)(i >> 8), (u8)i}, NULL);
	if (is_vmap)
		rule(p, input, vmap(hosts, key(p, IP_SADDR)));
	else
		rule(p, input, in_set(hosts, key(p, IP_SADDR)), DROP);
	assert_int_equal(sl_optimise_legalise(p), 0);
	assert_int_equal(sl_set_maps_size(p, &size, &diag), 0);
	sl_program_free(p);
	return size.entries;
}

static void a_set_that_holds_everything_takes_no_memory(void **unused)
{
	(void)unused;
	assert_int_equal(count_entries(false, false), 1000);
	assert_int_equal(count_entries(true, false), 0);
}

static void a_verdict_map_with_a_catchall_is_looked_up(void **unused)
{
	(void)unused;
	assert_int_equal(count_entries(true, true), 1000);
}

/* Number i of addresses that are everywhere. */
static void address(u32 i, u8 *ret_address)
{
	u32 number = (i ^ i >> 16) * 0x85ebca6b;

	number = (number ^ number >> 13) * 0xc2b2ae35;
	number ^= number >> 16;
	for (u32 k = 0; k < 4; k++)
		ret_address[k] = (u8)(number >> 8 * (3 - k));
}

/* In the map's memory, where there is no more than was planned for. */
static void a_set_may_grow_by_half(void **unused)
{
	static const u32 sizes[] = {1000, 50000, 1000000};

	(void)unused;
	for (u32 i = 0; i < SL_ARRAY_SIZE(sizes); i++) {
		struct sl_program *p = host();
		struct sl_set *hosts = set(p, SL_SET_INTERVAL, IP_SADDR);
		struct sl_set_maps maps;
		struct sl_diag diag;
		u8 key[4];
		u64 *units;

		hosts->is_used = true;
		for (u32 k = 0; k < sizes[i]; k++) {
			address(k, key);
			add(p, hosts, key, key);
		}
		assert_int_equal(sl_set_maps_create(p, &maps, &diag), 0);
		units = calloc(maps.trie_units, sizeof *units);
		assert_non_null(units);
		sl_tries_move(&maps.tries, units, maps.trie_units);
		for (u32 k = sizes[i]; k < sizes[i] + sizes[i] / 2; k++) {
			struct sl_element element = {.key = key, .key_end = key};

			address(k, key);
			assert_int_equal(sl_set_map_add(&maps, hosts, &element, 0), 0);
		}
		sl_tries_free(&maps.tries);
		sl_set_maps_close(&maps);
		free(units);
		sl_program_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_that_holds_everything_takes_no_memory),
		cmocka_unit_test(a_set_may_grow_by_half),
		cmocka_unit_test(a_verdict_map_with_a_catchall_is_looked_up),
	};

	return cmocka_run_group_tests_name("load/maps", tests, NULL, NULL);
}
