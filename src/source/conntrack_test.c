/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/testing.h"

#include "source/conntrack.h"

/* What a message to the wrong place cannot have answered is in doubt, and that is true. */
static void ask_by_the_socket_that_was_brought(void **state)
{
	(void)state;
	struct sl_netlink *netfilter = NULL, *route = NULL;

	enter_new_namespace();
	assert_int_equal(sl_netlink_open(NETLINK_NETFILTER, &netfilter, NULL), 0);
	assert_int_equal(sl_netlink_open(NETLINK_ROUTE, &route, NULL), 0);
	assert_false(sl_conntrack_expects(netfilter));
	assert_true(sl_conntrack_expects(route));
	assert_false(sl_conntrack_has_helpers(netfilter));
	assert_true(sl_conntrack_has_helpers(route));
	sl_netlink_close(netfilter);
	sl_netlink_close(route);
}

static void ask_one_socket_many_times(void **state)
{
	(void)state;
	struct sl_netlink *netlink = NULL;

	enter_new_namespace();
	assert_int_equal(sl_netlink_open(NETLINK_NETFILTER, &netlink, NULL), 0);
	for (int i = 0; i < 100; i++) {
		assert_false(sl_conntrack_expects(netlink));
		assert_false(sl_conntrack_has_helpers(netlink));
	}
	sl_netlink_close(netlink);
}

static void ask_without_a_socket(void **state)
{
	(void)state;
	enter_new_namespace();
	assert_false(sl_conntrack_expects(NULL));
	assert_false(sl_conntrack_has_helpers(NULL));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ask_by_the_socket_that_was_brought),
		cmocka_unit_test(ask_one_socket_many_times),
		cmocka_unit_test(ask_without_a_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
