// SPDX-License-Identifier: GPL-2.0-only
/* Trials that are written and read again, and files that make no sense. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "trial_file.h"

#define TRIALS 60
#define FRAMES 60

static char *write_text(const struct sl_trial *trial)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	sl_trial_write(trial, out);
	fclose(out);
	return text;
}

/* Through a file of its own. */
static int read_text(const char *text, struct sl_trial **ret_trial, struct sl_diag *diag)
{
	char path[] = "/tmp/trial-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	int error = sl_trial_read(path, ret_trial, diag);
	close(fd);
	unlink(path);
	return error;
}

static void what_is_written_is_read_the_same(void **state)
{
	u32 changes = 0;

	(void)state;
	for (u64 seed = 1; seed <= TRIALS; seed++) {
		struct sl_trial *drawn, *read;
		struct sl_diag diag = {""};

		assert_int_equal(sl_trial_draw(seed, FRAMES, NULL, &drawn, &diag), 0);
		char *before = write_text(drawn);
		if (read_text(before, &read, &diag))
			fail_msg("%s", diag.text);
		char *after = write_text(read);
		assert_string_equal(before, after);
		assert_int_equal(drawn->script->acts.count, read->script->acts.count);
		assert_string_equal(drawn->rules.text, read->rules.text);
		changes += sl_script_changes(read->script);
		free(before);
		free(after);
		sl_trial_free(drawn);
		sl_trial_free(read);
	}
	assert_true(changes > 0);
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const char *const texts[] = {
		"pear 00\n",
		"peer 0\n",
		"peer 00112233 ack of 20000 at 2 sum 0 # the acknowledgement ends behind the "
		"frame\n",
		"host forwarding\n",
		"host forwarding 1 backwarding 1\n",
		"rules pf\n",
		"dut tcp 10.77.1.1 20000 nowhere 80\n",
	};

	(void)state;
	for (u32 i = 0; i < SL_ARRAY_SIZE(texts); i++) {
		struct sl_trial *trial;
		struct sl_diag diag = {""};

		assert_int_equal(read_text(texts[i], &trial, &diag), -EINVAL);
		assert_non_null(strstr(diag.text, "cannot make sense"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_the_same),
		cmocka_unit_test(what_makes_no_sense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
