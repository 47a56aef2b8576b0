// SPDX-License-Identifier: GPL-2.0-only
/* What a configuration may say, and what is said of one that says something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "load/memory.h"
#include "service/config.h"

/* As from a file, whose name in messages becomes "FILE". */
static int read_bytes(const char *bytes, size_t length, struct sl_config *config, char message[256])
{
	char path[] = "/tmp/sluice-config-XXXXXX";
	struct sl_diag diag = {0};
	int fd = mkstemp(path), error;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), (ssize_t)length);
	close(fd);
	error = sl_config_read(path, config, &diag);
	unlink(path);
	if (!strncmp(diag.text, path, strlen(path)))
		snprintf(message, 256, "FILE%.250s", diag.text + strlen(path));
	else
		snprintf(message, 256, "%.255s", diag.text);
	return error;
}

static void read_good(const char *text, struct sl_config *config)
{
	char message[256];

	assert_int_equal(read_bytes(text, strlen(text), config, message), 0);
	assert_string_equal(message, "");
}

static void devices_take_what_is_not_said_from_the_defaults(void **state)
{
	struct sl_config config;

	(void)state;
	read_good("# all of it\n\n[device eth0]\n; nothing\n", &config);
	assert_int_equal(config.count, 1);
	assert_string_equal(config.devices[0].device, "eth0");
	assert_int_equal(config.devices[0].mode, SL_WANT_AUTO);
	assert_int_equal(config.devices[0].memory_limit, SL_MEMORY_LIMIT);
	assert_false(config.devices[0].replaces);
	assert_false(config.detaches_on_stop);
	sl_config_free(&config);
}

static void settings_belong_to_their_section(void **state)
{
	const struct sl_device_config *wan;
	struct sl_config config;

	(void)state;
	read_good("[device eth0]\nmode=tc\r\n[ service ]\n on-stop = detach\n"
		  "[device   wan.7 ]\n\tmemory = 2G\nreplace = yes",
		  &config);
	assert_int_equal(config.count, 2);
	assert_true(config.detaches_on_stop);
	assert_int_equal(config.devices[0].mode, SL_WANT_TC);
	assert_false(config.devices[0].replaces);
	wan = sl_config_find(&config, "wan.7");
	assert_non_null(wan);
	assert_int_equal(wan->memory_limit, (u64)2 << 30);
	assert_true(wan->replaces);
	assert_int_equal(wan->mode, SL_WANT_AUTO);
	assert_null(sl_config_find(&config, "wan"));
	sl_config_free(&config);
}

static void nothing_is_a_configuration_too(void **state)
{
	struct sl_config config;

	(void)state;
	read_good("", &config);
	assert_int_equal(config.count, 0);
	sl_config_free(&config);
}

static const struct {
	const char *text, *message;
} mistakes[] = {
	{"[device eth0]\nmod = tc\n",
	 "FILE:2: [device] has no setting \"mod\"; expected: mode, memory, replace"},
	{"[device eth0]\n\n\nmode = fast\n",
	 "FILE:4: mode = \"fast\"; expected: auto, native, tc, generic or offload"},
	{"[device eth0]\nmode =\n",
	 "FILE:2: mode = \"\"; expected: auto, native, tc, generic or offload"},
	{"[device eth0]\nmemory = 64 M\n", "FILE:2: memory = \"64 M\"; expected: a size like 64M"},
	{"[device eth0]\nmemory = 0\n", "FILE:2: memory = \"0\"; expected: a size like 64M"},
	{"[device eth0]\nreplace = maybe\n", "FILE:2: replace = \"maybe\"; expected: yes or no"},
	{"[service]\non-stop = explode\n",
	 "FILE:2: on-stop = \"explode\"; expected: keep or detach"},
	{"[service]\nmode = tc\n", "FILE:2: [service] has no setting \"mode\"; expected: on-stop"},
	{"[device eth0]\nmode = tc\nmode = tc\n", "FILE:3: mode is set twice in this section"},
	{"[device eth0]\n[device eth1]\n[device eth0]\n",
	 "FILE:3: device eth0 has a section in line 1 already"},
	{"[service]\n[service]\n", "FILE:2: [service] stands in line 1 already"},
	{"mode = tc\n", "FILE:1: \"mode\" stands in no section; expected: [device NAME]"},
	{"[device eth0\n", "FILE:1: no \"]\" ends the section's name"},
	{"[eth0]\n", "FILE:1: no section [eth0]; expected: [device NAME] or [service]"},
	{"[service eth0]\n",
	 "FILE:1: no section [service eth0]; expected: [device NAME] or [service]"},
	{"[]\n", "FILE:1: no section []; expected: [device NAME] or [service]"},
	{"[device]\n", "FILE:1: \"\" cannot be a device's name; expected: 1 to 15 characters, no "
		       "blank, colon or slash"},
	{"[device a b]\n", "FILE:1: \"a b\" cannot be a device's name; expected: 1 to 15 "
			   "characters, no blank, colon or slash"},
	{"[device sixteen-letters0]\n",
	 "FILE:1: \"sixteen-letters0\" cannot be a device's name; expected: 1 to 15 characters, "
	 "no blank, colon or slash"},
	{"[device ..]\n", "FILE:1: \"..\" cannot be a device's name; expected: 1 to 15 "
			  "characters, no blank, colon or slash"},
	{"eth0\n", "FILE:1: \"eth0\"; expected: [SECTION], or NAME = VALUE"},
};

static void a_mistake_is_told_with_its_line_and_what_was_expected(void **state)
{
	struct sl_config untouched = {.count = 77}, config = untouched;

	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(mistakes); i++) {
		const char *text = mistakes[i].text;
		char message[256];

		assert_true(read_bytes(text, strlen(text), &config, message) < 0);
		assert_string_equal(message, mistakes[i].message);
		assert_memory_equal(&config, &untouched, sizeof config);
	}
}

static void what_is_no_text_is_refused(void **state)
{
	static char bytes[4096];
	struct sl_config config;
	char message[256];

	(void)state;
	assert_true(read_bytes(bytes, sizeof bytes, &config, message) < 0);
	assert_string_equal(message, "FILE:1: longer than 1022 bytes, or no text");
}

static void a_file_that_is_not_there_is_named(void **state)
{
	struct sl_config config;
	struct sl_diag diag = {0};

	(void)state;
	assert_true(sl_config_read("/nonexistent/sluice.conf", &config, &diag) < 0);
	assert_non_null(strstr(diag.text, "/nonexistent/sluice.conf"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_take_what_is_not_said_from_the_defaults),
		cmocka_unit_test(settings_belong_to_their_section),
		cmocka_unit_test(nothing_is_a_configuration_too),
		cmocka_unit_test(a_mistake_is_told_with_its_line_and_what_was_expected),
		cmocka_unit_test(what_is_no_text_is_refused),
		cmocka_unit_test(a_file_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
