/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "state.h"

#define BPFFS "/sys/fs/bpf"

static bool is_bpffs(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

/* True if this thread is in the mount namespace of the process `pid` now. */
static bool enter_mounts_of(pid_t pid)
{
	char path[48];
	struct stat a, b;

	snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);

	SL_CLEANUP(sl_close) int ours = open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC);
	SL_CLEANUP(sl_close) int theirs = open(path, O_RDONLY | O_CLOEXEC);

	if (ours < 0 || theirs < 0 || fstat(ours, &a) || fstat(theirs, &b))
		return false;
	return a.st_ino == b.st_ino || !setns(theirs, CLONE_NEWNS);
}

/*
 * Best effort: without the right to do so, the own namespace has to serve. Where process 1 is
 * somebody else's (in some containers), whoever called `ip netns exec` still has the mounts.
 */
static void enter_host_mounts(void)
{
	if (!enter_mounts_of(1))
		enter_mounts_of(getppid());
}

int sl_pins_init(struct sl_diag *diag)
{
	enter_host_mounts();
	if (is_bpffs(BPFFS))
		return 0;
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME, "mode=0700"))
		return sl_fail(diag, errno,
			       "no BPF file system is mounted at " BPFFS
			       ", and mounting it failed (%s): mount -t bpf bpf " BPFFS,
			       strerror(errno));
	return 0;
}

/* bpffs refuses dots in names; those of devices have no percent signs. */
#define ESCAPED_DOT "%2e"

static void escape(char ret_escaped[SL_PIN_PATH_MAX], const char *device)
{
	char *to = ret_escaped, *end = ret_escaped + SL_PIN_PATH_MAX - sizeof ESCAPED_DOT;

	for (; *device && to < end; device++) {
		if (*device == '.')
			to = stpcpy(to, ESCAPED_DOT);
		else
			*to++ = *device;
	}
	*to = '\0';
}

static void unescape(char ret_device[SL_PIN_PATH_MAX], const char *name)
{
	const size_t length = strlen(ESCAPED_DOT);
	char *to = ret_device, *end = ret_device + SL_PIN_PATH_MAX - 1;

	while (*name && to < end) {
		bool is_dot = !strncmp(name, ESCAPED_DOT, length);

		*to = *name;
		if (is_dot)
			*to = '.';
		to++;
		name += is_dot ? length : 1;
	}
	*to = '\0';
}

void sl_pins_path(char ret_path[SL_PIN_PATH_MAX], u64 net_cookie, const char *device,
		  const char *name)
{
	char escaped[SL_PIN_PATH_MAX];

	escape(escaped, device);
	snprintf(ret_path, SL_PIN_PATH_MAX, SL_PINS_ROOT "/%" PRIu64 "/%.64s%s%s", net_cookie,
		 escaped, name ? "/" : "", name ? name : "");
}

int sl_pins_make_directory(u64 net_cookie, const char *device, struct sl_diag *diag)
{
	char path[SL_PIN_PATH_MAX], *slash;

	sl_pins_path(path, net_cookie, device, NULL);
	slash = path + strlen(BPFFS);
	while (slash) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return sl_fail(diag, errno, "cannot create %s: %s", path, strerror(errno));
		if (slash)
			*slash = '/';
	}
	return 0;
}

int sl_pins_put(u64 net_cookie, const char *device, const char *name, int fd, struct sl_diag *diag)
{
	char path[SL_PIN_PATH_MAX], temporary[SL_PIN_PATH_MAX + 8];

	sl_pins_path(path, net_cookie, device, name);
	snprintf(temporary, sizeof temporary, "%s-new", path); /* bpffs has no '.' in names */
	unlink(temporary);
	if (bpf_obj_pin(fd, temporary) || rename(temporary, path)) {
		int error = errno;

		unlink(temporary);
		return sl_fail(diag, error, "cannot pin %s: %s", path, strerror(error));
	}
	return 0;
}

int sl_pins_get(u64 net_cookie, const char *device, const char *name)
{
	char path[SL_PIN_PATH_MAX];
	int fd;

	sl_pins_path(path, net_cookie, device, name);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

/* Another version's may be longer, and the kernel copies whole values. */
static bool holds_info(int fd)
{
	struct bpf_map_info map = {0};
	u32 size = sizeof map;

	return !bpf_obj_get_info_by_fd(fd, &map, &size) && map.type == BPF_MAP_TYPE_ARRAY &&
	       map.value_size == sizeof(struct sl_info);
}

int sl_pins_read_info(u64 net_cookie, const char *device, struct sl_info *ret_info)
{
	SL_CLEANUP(sl_close) int fd = sl_pins_get(net_cookie, device, "info");
	struct sl_info info;
	u32 zero = 0;

	if (fd < 0)
		return fd;
	if (!holds_info(fd))
		return -EPROTO;
	if (bpf_map_lookup_elem(fd, &zero, &info))
		return -errno;
	if (info.abi_version != SL_ABI_VERSION)
		return -EPROTO;
	*ret_info = info;
	return 0;
}

void sl_pins_drop(u64 net_cookie, const char *device, const char *name)
{
	char path[SL_PIN_PATH_MAX];

	sl_pins_path(path, net_cookie, device, name);
	unlink(path);
}

int sl_pins_rename(u64 net_cookie, const char *device, const char *new_name)
{
	char from[SL_PIN_PATH_MAX], to[SL_PIN_PATH_MAX];

	sl_pins_path(from, net_cookie, device, NULL);
	sl_pins_path(to, net_cookie, new_name, NULL);
	return rename(from, to) ? -errno : 0;
}

int sl_pins_remove(u64 net_cookie, const char *device)
{
	char path[SL_PIN_PATH_MAX], directory[SL_PIN_PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	sl_pins_path(path, net_cookie, device, "link");
	unlink(path);
	sl_pins_path(directory, net_cookie, device, NULL);
	dir = opendir(directory);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	if (rmdir(directory))
		return -errno;
	*strrchr(directory, '/') = '\0'; /* the namespace's, if this was its last device */
	rmdir(directory);
	return 0;
}

int sl_pins_each(u64 net_cookie, int (*each)(void *context, const char *device), void *context)
{
	char path[SL_PIN_PATH_MAX], device[SL_PIN_PATH_MAX];
	struct dirent *entry;
	int stop = 0;
	DIR *dir;

	sl_pins_path(path, net_cookie, "", NULL);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!stop && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		unescape(device, entry->d_name);
		stop = each(context, device);
	}
	closedir(dir);
	return stop;
}
