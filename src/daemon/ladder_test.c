// SPDX-License-Identifier: GPL-2.0-only
/* Which modes a device is offered, and what is said of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/ladder.h"

static const struct sl_link hardware = {.name = "eth0"};

/* The modes in order, by their first letters; the notes are in `ladder`. */
static const char *offered_of(struct sl_ladder *ladder, struct sl_compiled *compiled,
			      const struct sl_link *link, enum sl_wanted_mode wanted)
{
	static const char letters[] = {
		[SL_MODE_NATIVE] = 'n', [SL_MODE_TC] = 't', [SL_MODE_GENERIC] = 'g'};
	static struct sl_ruleset no_rules;
	static char text[8];
	enum sl_attach_mode modes[4];
	u32 count = 0;

	compiled->rules = &no_rules;
	*ladder = (struct sl_ladder){.compiled = compiled, .link = link, .wanted = wanted};
	sl_ladder_plan(ladder, modes);
	for (; modes[count] != SL_MODE_NONE; count++)
		text[count] = letters[modes[count]];
	text[count] = '\0';
	return text;
}

static const char *offered(struct sl_ladder *ladder, const struct sl_link *link,
			   enum sl_wanted_mode wanted)
{
	static struct sl_compiled compiled;

	return offered_of(ladder, &compiled, link, wanted);
}

static void hardware_is_offered_native_then_tc(void **state)
{
	struct sl_ladder ladder;

	(void)state;
	assert_string_equal(offered(&ladder, &hardware, SL_WANT_AUTO), "nt");
	assert_string_equal(offered(&ladder, &hardware, SL_WANT_GENERIC), "g");
}

/* With a reason, and not even when asked for. */
static void expect_no_xdp(const struct sl_link *link, const char *reason)
{
	struct sl_ladder ladder;

	assert_string_equal(offered(&ladder, link, SL_WANT_NATIVE), "");
	assert_non_null(strstr(ladder.text, reason));
	assert_string_equal(offered(&ladder, link, SL_WANT_AUTO), "t");
	assert_non_null(strstr(ladder.text, reason));
	assert_string_equal(offered(&ladder, link, SL_WANT_TC), "t");
}

static void bond_is_offered_no_xdp(void **state)
{
	const struct sl_link bond = {.name = "bond0", .kind = "bond"};
	struct sl_ladder ladder;

	(void)state;
	expect_no_xdp(&bond, "runs on its members");
	assert_string_equal(offered(&ladder, &bond, SL_WANT_GENERIC), "");
}

static void vlan_device_is_offered_the_one_below_only_when_asked(void **state)
{
	struct sl_link links[] = {{.name = "eth0", .ifindex = 2},
				  {.name = "eth0.5", .kind = "vlan", .ifindex = 3, .lower = 2}};
	struct sl_host host = {.links = {.items = links, .count = 2}};
	struct sl_compiled compiled = {.host = &host};
	struct sl_ladder ladder;

	(void)state;
	assert_string_equal(offered_of(&ladder, &compiled, &links[1], SL_WANT_AUTO), "t");
	assert_non_null(strstr(ladder.text, "it would be on eth0"));
	assert_string_equal(offered_of(&ladder, &compiled, &links[1], SL_WANT_GENERIC), "g");
	assert_ptr_equal(sl_ladder_place(&compiled, &links[1], SL_MODE_NATIVE), &links[1]);
	links[1].is_below = true;
	assert_string_equal(offered_of(&ladder, &compiled, &links[1], SL_WANT_NATIVE), "n");
	assert_ptr_equal(sl_ladder_place(&compiled, &links[1], SL_MODE_NATIVE), &links[0]);
	assert_ptr_equal(sl_ladder_place(&compiled, &links[1], SL_MODE_TC), &links[1]);
	links[0].strips_vlan = true;
	assert_string_equal(offered_of(&ladder, &compiled, &links[1], SL_WANT_NATIVE), "");
	assert_non_null(strstr(ladder.text, "behind `ethtool -K eth0 rxvlan off`"));
	links[0].strips_vlan = false;
	links[1].is_crowded_below = true;
	assert_string_equal(offered_of(&ladder, &compiled, &links[1], SL_WANT_NATIVE), "");
	links[1].is_crowded_below = false;
	snprintf(links[0].kind, sizeof links[0].kind, "bond");
	assert_string_equal(offered_of(&ladder, &compiled, &links[1], SL_WANT_NATIVE), "");
	assert_non_null(strstr(ladder.text, "eth0 below has no driver"));
	links[0].kind[0] = '\0';
	links[1].has_netnsid = true;
	assert_string_equal(offered_of(&ladder, &compiled, &links[1], SL_WANT_NATIVE), "");
}

static void device_that_strips_tags_of_vlan_devices_is_offered_no_xdp(void **state)
{
	struct sl_link link = hardware;
	struct sl_ladder ladder;

	(void)state;
	link.strips_vlan = true;
	assert_string_equal(offered(&ladder, &link, SL_WANT_AUTO), "nt");
	link.has_vlans = true;
	expect_no_xdp(&link, "behind `ethtool -K eth0 rxvlan off`");
	assert_string_equal(offered(&ladder, &link, SL_WANT_GENERIC), "");
	snprintf(link.kind, sizeof link.kind, "veth");
	expect_no_xdp(&link, "would not see the tags");
	offered(&ladder, &link, SL_WANT_NATIVE);
	assert_null(strstr(ladder.text, "ethtool"));
	link.strips_vlan = false;
	assert_string_equal(offered(&ladder, &link, SL_WANT_AUTO), "nt");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hardware_is_offered_native_then_tc),
		cmocka_unit_test(bond_is_offered_no_xdp),
		cmocka_unit_test(vlan_device_is_offered_the_one_below_only_when_asked),
		cmocka_unit_test(device_that_strips_tags_of_vlan_devices_is_offered_no_xdp),
	};

	return cmocka_run_group_tests_name("daemon/ladder", tests, NULL, NULL);
}
