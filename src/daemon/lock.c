/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define DIRECTORY "/run/sluice"

void sl_lock_path(char ret_path[SL_LOCK_PATH_MAX], u64 net_cookie, const char *device,
		  const char *what)
{
	snprintf(ret_path, SL_LOCK_PATH_MAX, DIRECTORY "/%" PRIu64 "-%s.%s", net_cookie, device,
		 what);
}

static void lock_path(char ret_path[SL_LOCK_PATH_MAX], u64 net_cookie, const char *device)
{
	sl_lock_path(ret_path, net_cookie, device, "lock");
}

int sl_lock_take(u64 net_cookie, const char *device, int *ret_fd, struct sl_diag *diag)
{
	char path[SL_LOCK_PATH_MAX];

	if (mkdir(DIRECTORY, 0755) && errno != EEXIST)
		return sl_fail(diag, errno, "cannot create " DIRECTORY ": %s", strerror(errno));
	lock_path(path, net_cookie, device);

	SL_CLEANUP(sl_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return sl_fail(diag, errno, "cannot open %s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB))
		return sl_fail(diag, EALREADY,
			       "sluice process %d already keeps %s in step, or audits it",
			       (int)sl_lock_holder(net_cookie, device), device);
	*ret_fd = sl_take_fd(&fd);
	return 0;
}

int sl_lock_sign(int fd)
{
	char text[16];
	int length = snprintf(text, sizeof text, "%d\n", (int)getpid());

	if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)length, 0) != length)
		return -errno;
	return 0;
}

pid_t sl_lock_holder(u64 net_cookie, const char *device)
{
	char path[SL_LOCK_PATH_MAX], text[16] = "";

	lock_path(path, net_cookie, device);

	SL_CLEANUP(sl_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || !flock(fd, LOCK_SH | LOCK_NB))
		return 0; /* closing gives the lock back */
	if (pread(fd, text, sizeof text - 1, 0) <= 0)
		return 0;
	return (pid_t)atoi(text);
}

void sl_lock_remove(u64 net_cookie, const char *device)
{
	char path[SL_LOCK_PATH_MAX];

	lock_path(path, net_cookie, device);
	unlink(path);
}

void sl_lock_rename(u64 net_cookie, const char *device, const char *new_name)
{
	static const char *const files[] = {"lock", "confirm"};
	char from[SL_LOCK_PATH_MAX], to[SL_LOCK_PATH_MAX];

	for (size_t i = 0; i < SL_ARRAY_SIZE(files); i++) {
		sl_lock_path(from, net_cookie, device, files[i]);
		sl_lock_path(to, net_cookie, new_name, files[i]);
		rename(from, to);
	}
}
