// SPDX-License-Identifier: GPL-2.0-only
#include "cli/listen.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int try(const char *where, char ret_text[SL_LISTEN_TEXT])
{
	struct sl_diag diag;
	int fd, error = sl_listen(where, &fd, ret_text, &diag);

	if (!error)
		close(fd);
	return error;
}

static void a_port_alone_is_loopback(void **state)
{
	char text[SL_LISTEN_TEXT];

	(void)state;
	assert_int_equal(try("0", text), 0);
	assert_int_equal(strncmp(text, "127.0.0.1:", 10), 0);
	assert_true(atoi(text + 10) > 0);
	assert_int_equal(try("127.0.0.1:0", text), 0);
	assert_int_equal(strncmp(text, "127.0.0.1:", 10), 0);
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",   ":",        ":9469",     "127.0.0.1:", "localhost:9469", "65536", "94x69",
		"-1", "::1:9469", "[::1:9469", "[]:9469",    "1.2.3.4:123456", "unix:",
	};
	char text[SL_LISTEN_TEXT];

	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(wrong); i++)
		if (try(wrong[i], text) != -EINVAL)
			fail_msg("taken: \"%s\"", wrong[i]);
}

static void a_socket_in_use_stays(void **state)
{
	char directory[] = "/tmp/sluice-listen-XXXXXX", where[64], text[SL_LISTEN_TEXT];
	struct sl_diag diag;
	struct stat file;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(where, sizeof where, "unix:%s/s", directory);
	assert_int_equal(sl_listen(where, &fd, text, &diag), 0);
	assert_string_equal(text, where);
	assert_int_equal(stat(sl_listen_path(where), &file), 0);
	assert_int_equal(file.st_mode & 0777, 0660);
	assert_int_equal(try(where, text), -EADDRINUSE);
	close(fd);
	assert_int_equal(try(where, text), 0); /* nobody listens there any more */
	unlink(sl_listen_path(where));
	rmdir(directory);
}

static void what_is_no_socket_stays(void **state)
{
	char path[] = "/tmp/sluice-listen-XXXXXX", where[64], text[SL_LISTEN_TEXT];

	(void)state;
	close(mkstemp(path));
	snprintf(where, sizeof where, "unix:%s", path);
	assert_int_equal(try(where, text), -EADDRINUSE);
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_alone_is_loopback),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(a_socket_in_use_stays),
		cmocka_unit_test(what_is_no_socket_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
