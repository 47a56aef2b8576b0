// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/confirm.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "daemon/lock.h"

static const char device[] = "confirm-test";
static u64 cookie; /* of no namespace, and of no other run */
static int lock_fd;

#define IN_A_MINUTE (sl_monotonic_ns() + 60000 * SL_NS_PER_MS)

static int set_up(void **state)
{
	struct sl_diag diag;

	(void)state;
	cookie = UINT64_MAX - (u64)getpid();
	return sl_lock_take(cookie, device, &lock_fd, &diag); /* makes the directory */
}

static int tear_down(void **state)
{
	(void)state;
	sl_confirm_take(cookie, device);
	sl_lock_remove(cookie, device);
	return close(lock_fd);
}

static int ask(u64 deadline_ns)
{
	struct sl_diag diag;
	int fd = -1;

	assert_int_equal(sl_confirm_ask(cookie, device, deadline_ns, &fd, &diag), 0);
	return fd;
}

static void only_one_decides(void **state)
{
	int fd = ask(IN_A_MINUTE);

	(void)state;
	assert_false(sl_confirm_is_given(fd));
	assert_int_equal(sl_confirm_take(cookie, device), 0);
	assert_true(sl_confirm_is_given(fd));
	assert_int_equal(sl_confirm_take(cookie, device), -ENOENT);
	close(fd);
}

static void time_is_told_while_somebody_waits(void **state)
{
	int fd = ask(IN_A_MINUTE);
	u32 left = sl_confirm_left_ms(cookie, device);

	(void)state;
	assert_in_range(left, 1, 60000);
	close(fd); /* killed */
	assert_int_equal(sl_confirm_left_ms(cookie, device), 0);
	fd = ask(0);
	assert_int_equal(sl_confirm_left_ms(cookie, device), 1);
	close(fd);
}

/* One that waits for what is long gone does not take the next for its own. */
static void a_second_question_ends_the_first(void **state)
{
	int first = ask(IN_A_MINUTE), second = ask(IN_A_MINUTE);

	(void)state;
	assert_true(sl_confirm_is_given(first));
	assert_false(sl_confirm_is_given(second));
	close(first);
	close(second);
}

static void a_new_name_is_followed(void **state)
{
	int fd = ask(IN_A_MINUTE);

	(void)state;
	sl_lock_rename(cookie, device, "other");
	assert_false(sl_confirm_is_given(fd));
	assert_int_equal(sl_confirm_take(cookie, device), -ENOENT);
	assert_int_equal(sl_confirm_take(cookie, "other"), 0);
	assert_true(sl_confirm_is_given(fd));
	sl_lock_rename(cookie, "other", device);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_one_decides),
		cmocka_unit_test(time_is_told_while_somebody_waits),
		cmocka_unit_test(a_second_question_ends_the_first),
		cmocka_unit_test(a_new_name_is_followed),
	};

	if (geteuid()) {
		printf("skipped: the files of locks are root's\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
