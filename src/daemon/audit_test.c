// SPDX-License-Identifier: GPL-2.0-only
/* What counts as a disagreement, and what is only not known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/audit.h"

#define SECOND 1000000000ULL

static struct sl_audit_entry entry(u32 decided, u64 first_ns, u64 last_ns)
{
	return (struct sl_audit_entry){
		.decided = decided, .first_ns = first_ns, .last_ns = last_ns};
}

static void no_change_excuses_nothing(void **state)
{
	const struct sl_audit_entry one = entry(1, 5 * SECOND, 5 * SECOND);
	const struct sl_audit_change before = {3 * SECOND, 5 * SECOND - 1};
	const struct sl_audit_change behind = {5 * SECOND + 1, 6 * SECOND};

	(void)state;
	assert_int_equal(sl_audit_racing(&one, 1, NULL, 0), 0);
	assert_int_equal(sl_audit_racing(&one, 1, &before, 1), 0);
	assert_int_equal(sl_audit_racing(&one, 1, &behind, 1), 0);
}

static void a_change_at_that_moment_excuses_a_packet(void **state)
{
	const struct sl_audit_entry one = entry(1, 5 * SECOND, 5 * SECOND);
	const struct sl_audit_change change = {5 * SECOND - 1, 5 * SECOND + 1};

	(void)state;
	assert_int_equal(sl_audit_racing(&one, 1, &change, 1), 1);
}

/* A thousand alike in a second, a change of a millisecond among them: a few may have met it. */
static void a_change_excuses_no_more_than_its_share(void **state)
{
	const struct sl_audit_entry flood = entry(1000, 5 * SECOND, 6 * SECOND);
	const struct sl_audit_change change = {5 * SECOND, 5 * SECOND + 1000000};
	u64 racing;

	(void)state;
	racing = sl_audit_racing(&flood, 1000, &change, 1);
	assert_in_range(racing, 1, 10);
	assert_int_equal(sl_audit_racing(&flood, 1, &change, 1), 1);
}

static void what_rules_let_in_is_told(void **state)
{
	(void)state;
	assert_int_equal(sl_audit_end_of("NO_SOCKET"), SL_END_LET_IN);
	assert_int_equal(sl_audit_end_of("SOCKET_RCVBUFF"), SL_END_LET_IN);
	assert_int_equal(sl_audit_end_of("IP_INNOROUTES"), SL_END_LET_IN);
	assert_int_equal(sl_audit_end_of("A_REASON_OF_LATER"), SL_END_LET_IN);
}

static void what_dies_silently_is_none(void **state)
{
	(void)state;
	assert_int_equal(sl_audit_end_of("IP_CSUM"), SL_END_ANYWAY);
	assert_int_equal(sl_audit_end_of("IP_RPFILTER"), SL_END_ANYWAY);
	assert_int_equal(sl_audit_end_of("IP_INADDRERRORS"), SL_END_ANYWAY);
}

static void without_a_reason_nothing_is_known(void **state)
{
	(void)state;
	assert_int_equal(sl_audit_end_of("NOT_SPECIFIED"), SL_END_UNREASONED);
	assert_int_equal(sl_audit_end_of(""), SL_END_UNREASONED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_change_excuses_nothing),
		cmocka_unit_test(a_change_at_that_moment_excuses_a_packet),
		cmocka_unit_test(a_change_excuses_no_more_than_its_share),
		cmocka_unit_test(what_rules_let_in_is_told),
		cmocka_unit_test(what_dies_silently_is_none),
		cmocka_unit_test(without_a_reason_nothing_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
