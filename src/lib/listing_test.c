// SPDX-License-Identifier: GPL-2.0-only
#include "lib/listing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char ruleset[] =
	"table inet filter { # handle 7\n"
	"\tset banned { # handle 3\n"
	"\t\ttype ipv4_addr\n"
	"\t\telements = { 192.0.2.1 comment \"not a rule # handle 5\" }\n"
	"\t}\n"
	"\n"
	"\tchain input { # handle 1\n"
	"\t\ttype filter hook input priority filter; policy drop;\n"
	"\t\ttcp dport 22 accept # handle 4\n"
	"\t\tudp dport 53 counter packets 1 bytes 2 drop comment \"say # handle 9\" # handle 12\n"
	"\t}\n"
	"}\n"
	"table ip filter { # handle 8\n"
	"\tchain INPUT { # handle 1\n"
	"\t\tmeta l4proto tcp  drop # handle 4\n"
	"\t}\n"
	"}\n";

static struct sl_listing parse(struct sl_arena **ret_arena)
{
	struct sl_arena *arena = sl_arena_new();
	struct sl_listing listing;

	assert_non_null(arena);
	assert_int_equal(sl_listing_parse(arena, sl_arena_strdup(arena, ruleset), &listing), 0);
	*ret_arena = arena;
	return listing;
}

static void rules_are_found_by_the_handles_of_table_and_rule(void **state)
{
	struct sl_arena *arena;
	struct sl_listing listing = parse(&arena);

	(void)state;
	assert_string_equal(sl_listing_find(&listing, 7, 4), "tcp dport 22 accept");
	assert_string_equal(sl_listing_find(&listing, 8, 4), "meta l4proto tcp  drop");
	assert_string_equal(
		sl_listing_find(&listing, 7, 12),
		"udp dport 53 counter packets 1 bytes 2 drop comment \"say # handle 9\"");
	assert_null(sl_listing_find(&listing, 7, 9));
	assert_null(sl_listing_find(&listing, 7, 5));
	assert_null(sl_listing_find(&listing, 7, 3));
	assert_null(sl_listing_find(&listing, 9, 4));
	sl_arena_free(arena);
}

static void every_line_is_kept_as_it_was(void **state)
{
	struct sl_arena *arena;
	struct sl_listing listing = parse(&arena);
	const char *at = ruleset;

	(void)state;
	for (u32 i = 0; i < listing.lines.count; i++) {
		size_t length = strlen(listing.lines.items[i].text);

		assert_memory_equal(listing.lines.items[i].text, at, length);
		at += length + 1;
	}
	assert_int_equal(*at, '\0');
	sl_arena_free(arena);
}

static void nothing_is_found_in_nothing(void **state)
{
	const struct sl_listing empty = {0};

	(void)state;
	assert_null(sl_listing_find(&empty, 1, 1));
}

static void counter_is_found_past_quotes_and_elements(void **state)
{
	static const struct {
		const char *rule;
		int at; /* −1: none */
	} cases[] = {
		{"counter packets 5 bytes 60", 0},
		{"tcp dport 1 counter packets 5 bytes 60 drop", 12},
		{"log prefix \"counter packets 1 bytes 2 \" counter packets 5 bytes 60", 40},
		{"ip saddr { 1.1.1.1 counter packets 1 bytes 2 } counter packets 5 bytes 60", 47},
		{"drop comment \"counter packets 1 bytes 2\"", -1},
		{"counter name \"x\"", -1},
		{"encounter packets 5 bytes 60", -1},
		{"tcp dport 1 drop", -1},
		{"", -1},
	};

	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(cases); i++) {
		u64 packets = 0, bytes = 0;
		size_t length = 0;
		const char *found =
			sl_listing_find_counter(cases[i].rule, &packets, &bytes, &length);

		if (cases[i].at < 0) {
			assert_null(found);
			continue;
		}
		assert_ptr_equal(found, cases[i].rule + cases[i].at);
		assert_int_equal(packets, 5);
		assert_int_equal(bytes, 60);
		assert_int_equal(length, strlen("counter packets 5 bytes 60"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_found_by_the_handles_of_table_and_rule),
		cmocka_unit_test(every_line_is_kept_as_it_was),
		cmocka_unit_test(nothing_is_found_in_nothing),
		cmocka_unit_test(counter_is_found_past_quotes_and_elements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
