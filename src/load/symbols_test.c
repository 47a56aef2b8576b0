// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "load/symbols.h"

/* Stand-ins of /proc/modules and /proc/kallsyms. */
static char modules[64], kallsyms[64];

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int begin(void **state)
{
	*state = calloc(1, sizeof(struct sl_symbols));
	snprintf(modules, sizeof modules, "/tmp/sluice-test-modules-%d", (int)getpid());
	snprintf(kallsyms, sizeof kallsyms, "/tmp/sluice-test-kallsyms-%d", (int)getpid());
	put(modules, "ip_vs 200704 2 - Live 0xffffffffc0a00000\n"
		     "nf_nat 57344 3 nft_nat,xt_nat, Live 0xffffffffc0900000\n");
	put(kallsyms, "ffffffff81000000 T __pfx_nft_do_chain\n"
		      "ffffffff81000010 T nft_do_chain\n"
		      "ffffffff81000010 T __alias\n"
		      "ffffffffc0a00100 t ip_vs_in_hook\t[ip_vs]\n");
	return 0;
}

static int end(void **state)
{
	unlink(modules);
	unlink(kallsyms);
	free(*state);
	return 0;
}

static const char *name_of(struct sl_symbols *symbols, u64 address)
{
	sl_symbols_renew(symbols, modules);
	sl_symbols_want(symbols, address);
	assert_int_equal(sl_symbols_find(symbols, kallsyms), 0);
	return sl_symbols_name(symbols, address);
}

static void functions_have_names(void **state)
{
	assert_string_equal(name_of(*state, 0xffffffff81000010), "nft_do_chain");
	assert_string_equal(name_of(*state, 0xffffffffc0a00100), "ip_vs_in_hook");
	assert_string_equal(name_of(*state, 0xffffffff81000011), "");
}

static void a_name_that_is_known_is_not_looked_for(void **state)
{
	name_of(*state, 0xffffffff81000010);
	unlink(kallsyms);
	assert_string_equal(name_of(*state, 0xffffffff81000010), "nft_do_chain");
	sl_symbols_want(*state, 0xffffffffc0a00100);
	assert_int_equal(sl_symbols_find(*state, kallsyms), -ENOENT);
}

static void a_module_in_the_place_of_another_has_names_of_its_own(void **state)
{
	name_of(*state, 0xffffffffc0a00100);
	put(modules, "nf_nat 57344 3 nft_nat,xt_nat, Live 0xffffffffc0900000\n"
		     "mine 16384 0 - Live 0xffffffffc0a00000 (OE)\n");
	put(kallsyms, "ffffffffc0a00100 t my_hook\t[mine]\n");
	assert_string_equal(name_of(*state, 0xffffffffc0a00100), "my_hook");
}

static void a_module_that_is_used_more_is_the_same(void **state)
{
	name_of(*state, 0xffffffffc0a00100);
	put(modules, "ip_vs 200704 7 ip_vs_rr, Live 0xffffffffc0a00000\n"
		     "nf_nat 57344 3 nft_nat,xt_nat, Live 0xffffffffc0900000\n");
	unlink(kallsyms);
	assert_string_equal(name_of(*state, 0xffffffffc0a00100), "ip_vs_in_hook");
}

static void a_kernel_without_modules_changes_nothing(void **state)
{
	unlink(modules);
	name_of(*state, 0xffffffff81000010);
	unlink(kallsyms);
	assert_string_equal(name_of(*state, 0xffffffff81000010), "nft_do_chain");
}

static void a_list_that_makes_no_sense_is_never_the_same(void **state)
{
	put(modules, "?\n");
	name_of(*state, 0xffffffffc0a00100);
	put(kallsyms, "ffffffffc0a00100 t my_hook\n");
	assert_string_equal(name_of(*state, 0xffffffffc0a00100), "my_hook");
}

static void there_is_always_room_for(struct sl_symbols *symbols, u64 address, const char *name)
{
	for (u32 look = 0; look < 4; look++) {
		u64 from = 0xffffffff82000000 + look * 4096;

		sl_symbols_renew(symbols, modules);
		for (u32 i = 0; i < SL_SYMBOLS_WANTED_MAX - 1; i++)
			sl_symbols_want(symbols, from + i);
		sl_symbols_want(symbols, address);
		assert_int_equal(sl_symbols_find(symbols, kallsyms), 0);
		assert_string_equal(sl_symbols_name(symbols, address), name);
	}
}

static bool is_of_ip_vs(const char *name)
{
	return !strncmp(name, "ip_vs_", 6);
}

static void likely_names_are_found_along_with_others(void **state)
{
	struct sl_symbols *symbols = *state;

	symbols->is_likely = is_of_ip_vs;
	name_of(symbols, 0xffffffff81000010);
	unlink(kallsyms);
	assert_string_equal(name_of(symbols, 0xffffffffc0a00100), "ip_vs_in_hook");
}

static void likely_names_leave_room_for_others(void **state)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen(kallsyms, "w");
	struct sl_symbols *symbols = *state;

	symbols->is_likely = is_of_ip_vs;
	for (u32 i = 0; i < 1000; i++)
		fprintf(file, "ffffffffc0a%05x t ip_vs_%u\t[ip_vs]\n", i, i);
	fflush(file);
	assert_string_equal(name_of(symbols, 0xffffffffc0a003e7), "ip_vs_999");
	there_is_always_room_for(symbols, 0xffffffffc0a00100, "ip_vs_256");
}

static void note_address(void *context, u64 address, const char *name)
{
	if (!strcmp(name, "ip_vs_in_hook"))
		*(u64 *)context = address;
}

static void every_symbol_is_told(void **state)
{
	u64 address = 0;

	(void)state;
	assert_int_equal(sl_symbols_each(kallsyms, note_address, &address), 0);
	assert_int_equal(address, 0xffffffffc0a00100);
}

static void half_a_list_is_told_from_a_whole_one(void **state)
{
	u64 address = 0;

	(void)state;
	put(kallsyms, "ffffffffc0a00100 t ip_vs_in_hook\t[ip_vs]\nffffffffc0a00");
	assert_int_equal(sl_symbols_each(kallsyms, note_address, &address), -EBADMSG);
}

static void hidden_names_are_looked_for_again(void **state)
{
	put(kallsyms, "0000000000000000 T nft_do_chain\n");
	assert_string_equal(name_of(*state, 0xffffffff81000010), "");
	put(kallsyms, "ffffffff81000010 T nft_do_chain\n");
	assert_string_equal(name_of(*state, 0xffffffff81000010), "nft_do_chain");
}

static void there_is_always_room_for_one_look(void **state)
{
	there_is_always_room_for(*state, 0xffffffffc0a00100, "ip_vs_in_hook");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(functions_have_names, begin, end),
		cmocka_unit_test_setup_teardown(a_name_that_is_known_is_not_looked_for, begin, end),
		cmocka_unit_test_setup_teardown(
			a_module_in_the_place_of_another_has_names_of_its_own, begin, end),
		cmocka_unit_test_setup_teardown(a_module_that_is_used_more_is_the_same, begin, end),
		cmocka_unit_test_setup_teardown(a_kernel_without_modules_changes_nothing, begin,
						end),
		cmocka_unit_test_setup_teardown(a_list_that_makes_no_sense_is_never_the_same, begin,
						end),
		cmocka_unit_test_setup_teardown(likely_names_are_found_along_with_others, begin,
						end),
		cmocka_unit_test_setup_teardown(likely_names_leave_room_for_others, begin, end),
		cmocka_unit_test_setup_teardown(every_symbol_is_told, begin, end),
		cmocka_unit_test_setup_teardown(half_a_list_is_told_from_a_whole_one, begin, end),
		cmocka_unit_test_setup_teardown(hidden_names_are_looked_for_again, begin, end),
		cmocka_unit_test_setup_teardown(there_is_always_room_for_one_look, begin, end),
	};

	return cmocka_run_group_tests_name("load/symbols", tests, NULL, NULL);
}
