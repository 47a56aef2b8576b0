/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/confirm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/lock.h"

static void confirm_path(char ret_path[SL_LOCK_PATH_MAX], u64 net_cookie, const char *device)
{
	sl_lock_path(ret_path, net_cookie, device, "confirm");
}

static int write_deadline(int fd, u64 deadline_ns)
{
	char text[24];
	int length = snprintf(text, sizeof text, "%" PRIu64 "\n", deadline_ns);

	if (flock(fd, LOCK_EX | LOCK_NB))
		return -errno;
	if (write(fd, text, (size_t)length) != length)
		return -EIO;
	return 0;
}

int sl_confirm_ask(u64 net_cookie, const char *device, u64 deadline_ns, int *ret_fd,
		   struct sl_diag *diag)
{
	char path[SL_LOCK_PATH_MAX];
	int error;

	confirm_path(path, net_cookie, device);
	unlink(path); /* of one that was killed, or of an attachment that is gone: it is no other's
		       */

	SL_CLEANUP(sl_close) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return sl_fail(diag, errno, "cannot create %s: %s", path, strerror(errno));
	error = write_deadline(fd, deadline_ns);
	if (error) {
		unlink(path);
		return sl_fail(diag, -error, "cannot write %s: %s", path, strerror(-error));
	}
	*ret_fd = sl_take_fd(&fd);
	return 0;
}

bool sl_confirm_is_given(int fd)
{
	struct stat file;

	return !fstat(fd, &file) && !file.st_nlink;
}

u32 sl_confirm_left_ms(u64 net_cookie, const char *device)
{
	char path[SL_LOCK_PATH_MAX], text[24] = "";
	u64 deadline_ns, now = sl_monotonic_ns();

	confirm_path(path, net_cookie, device);

	SL_CLEANUP(sl_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || !flock(fd, LOCK_SH | LOCK_NB)) /* nobody is behind it any more */
		return 0;
	if (read(fd, text, sizeof text - 1) <= 0)
		return 0;
	deadline_ns = strtoull(text, NULL, 10);
	return deadline_ns > now ? (u32)((deadline_ns - now) / SL_NS_PER_MS) : 1;
}

int sl_confirm_take(u64 net_cookie, const char *device)
{
	char path[SL_LOCK_PATH_MAX];

	confirm_path(path, net_cookie, device);
	return unlink(path) ? -errno : 0;
}
