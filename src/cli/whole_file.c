// SPDX-License-Identifier: GPL-2.0-only
#include "cli/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t wrote = write(fd, data, size);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -errno;
		data += wrote;
		size -= (size_t)wrote;
	}
	return fsync(fd) ? -errno : 0;
}

static int check_place(const char *path, struct sl_diag *diag)
{
	struct stat there;

	if (lstat(path, &there) || S_ISREG(there.st_mode))
		return 0;
	return sl_fail(diag, EEXIST,
		       "%s is there and is no plain file: give a name for a new one, or - for "
		       "standard output",
		       path);
}

int sl_whole_file_write(const char *path, const char *data, size_t size, struct sl_diag *diag)
{
	char temporary[PATH_MAX];
	int error = check_place(path, diag);

	if (error)
		return error;
	if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
		return sl_fail(diag, ENAMETOOLONG, "cannot write %.64s…: %s", path,
			       strerror(ENAMETOOLONG));

	SL_CLEANUP(sl_close) int fd = mkostemp(temporary, O_CLOEXEC);

	if (fd < 0)
		return sl_fail(diag, errno, "cannot write %s: %s", path, strerror(errno));
	error = write_all(fd, data, size);
	if (!error && rename(temporary, path))
		error = -errno;
	if (error) {
		unlink(temporary);
		return sl_fail(diag, -error, "cannot write %s: %s", path, strerror(-error));
	}
	return 0;
}
