// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/off_switch.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void off_wherever_the_word_stands(void **state)
{
	(void)state;
	assert_true(sl_off_switch_in("sluice=off"));
	assert_true(sl_off_switch_in("sluice=off quiet\n"));
	assert_true(sl_off_switch_in("root=/dev/vda1 sluice=off\n"));
	assert_true(sl_off_switch_in("ro sluice=offline sluice=off quiet"));
}

static void on_with_any_other_word(void **state)
{
	(void)state;
	assert_false(sl_off_switch_in(""));
	assert_false(sl_off_switch_in("root=/dev/vda1 quiet\n"));
	assert_false(sl_off_switch_in("sluice=on"));
	assert_false(sl_off_switch_in("sluice=offline"));
	assert_false(sl_off_switch_in("nosluice=off"));
	assert_false(sl_off_switch_in("my.sluice=off quiet"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(off_wherever_the_word_stands),
		cmocka_unit_test(on_with_any_other_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
