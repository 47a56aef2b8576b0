// SPDX-License-Identifier: GPL-2.0-only
#include "cli/whole_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <dirent.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"

static char directory[] = "/tmp/sluice-whole-file-XXXXXX";

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) && !chdir(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return chdir("/") || rmdir(directory) ? -1 : 0;
}

static void expect_content(const char *path, const char *content)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen(path, "re");
	char got[64] = "";

	assert_non_null(file);
	got[fread(got, 1, sizeof got - 1, file)] = '\0';
	assert_string_equal(got, content);
}

static u32 count_files(void)
{
	DIR *open = opendir(".");
	u32 count = 0;

	for (struct dirent *entry; (entry = readdir(open));)
		count += entry->d_name[0] != '.';
	closedir(open);
	return count;
}

static void replaces_what_was_there(void **state)
{
	struct sl_diag diag;
	struct stat there;

	(void)state;
	assert_int_equal(sl_whole_file_write("page", "long before", 11, &diag), 0);
	assert_int_equal(sl_whole_file_write("page", "new", 3, &diag), 0);
	expect_content("page", "new");
	assert_int_equal(stat("page", &there), 0);
	assert_int_equal(there.st_mode & 0777, 0600);
	assert_int_equal(count_files(), 1);
	unlink("page");
}

static void leaves_what_is_no_plain_file(void **state)
{
	struct sl_diag diag;
	struct stat there;

	(void)state;
	assert_int_equal(symlink("elsewhere", "page"), 0);
	assert_int_equal(sl_whole_file_write("page", "new", 3, &diag), -EEXIST);
	assert_non_null(strstr(diag.text, "page is there and is no plain file"));
	assert_int_equal(lstat("page", &there), 0);
	assert_true(S_ISLNK(there.st_mode));
	assert_int_equal(count_files(), 1);
	unlink("page");
	assert_int_equal(sl_whole_file_write(".", "new", 3, &diag), -EEXIST);
}

static void says_why_it_cannot(void **state)
{
	struct sl_diag diag;

	(void)state;
	assert_int_equal(sl_whole_file_write("nowhere/page", "new", 3, &diag), -ENOENT);
	assert_string_equal(diag.text, "cannot write nowhere/page: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaces_what_was_there),
		cmocka_unit_test(leaves_what_is_no_plain_file),
		cmocka_unit_test(says_why_it_cannot),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
