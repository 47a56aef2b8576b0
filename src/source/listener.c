/* SPDX-License-Identifier: GPL-2.0-only */
/* Packet sockets from /proc/net/packet, and whose they are from /proc/PID/fd. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "source/host.h"

struct socket {
	unsigned long inode;
	u32 ifindex, protocol;
	bool has_owner;
};

struct sockets {
	struct socket *items;
	u32 count, capacity;
};

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int read_sockets(struct sl_arena *arena, struct sockets *sockets, struct sl_diag *diag)
{
	static const char path[] = "/proc/thread-self/net/packet";
	SL_CLEANUP(sl_fclose) FILE *file = fopen(path, "re");
	char line[256];

	if (!file)
		return sl_fail(diag, errno, "cannot list the packet sockets in %s: %m", path);
	while (fgets(line, sizeof line, file)) {
		struct socket found = {0}, *socket;

		/* sk RefCnt Type Proto Iface R Rmem User Inode; the heading does not scan. */
		if (sscanf(line, "%*s %*d %*d %x %u %*d %*u %*u %lu", &found.protocol,
			   &found.ifindex, &found.inode) != 3)
			continue;
		socket = sl_list_push(arena, sockets);
		if (!socket)
			return sl_fail_memory(diag);
		*socket = found;
	}
	return 0;
}

static struct socket *find_socket(const struct sockets *sockets, unsigned long inode)
{
	for (u32 i = 0; i < sockets->count; i++)
		if (sockets->items[i].inode == inode)
			return &sockets->items[i];
	return NULL;
}

static void read_name(u32 pid, char *name, size_t size)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%u/comm", pid);
	SL_CLEANUP(sl_fclose) FILE *file = fopen(path, "re");

	if (!file || !fgets(name, (int)size, file))
		*name = '\0';
	name[strcspn(name, "\n")] = '\0';
}

static int push(struct sl_arena *arena, struct sl_listeners *listeners, const struct socket *socket,
		u32 pid)
{
	struct sl_listener *listener = sl_list_push(arena, listeners);

	if (!listener)
		return -ENOMEM;
	listener->pid = pid;
	listener->ifindex = socket->ifindex;
	listener->protocol = socket->protocol;
	if (pid)
		read_name(pid, listener->process, sizeof listener->process);
	return 0;
}

/* Which of the sockets the process holds; what may not be read holds none. */
static int search_process(struct sl_arena *arena, struct sl_listeners *listeners,
			  const struct sockets *sockets, u32 pid)
{
	char path[64], target[64];

	snprintf(path, sizeof path, "/proc/%u/fd", pid);
	SL_CLEANUP(close_dir) DIR *dir = opendir(path);
	int error = 0;

	for (struct dirent *entry; dir && !error && (entry = readdir(dir));) {
		ssize_t length = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
		struct socket *socket;
		unsigned long inode;

		if (length < 0)
			continue;
		target[length] = '\0';
		if (sscanf(target, "socket:[%lu]", &inode) != 1)
			continue;
		socket = find_socket(sockets, inode);
		if (socket) {
			socket->has_owner = true;
			error = push(arena, listeners, socket, pid);
		}
	}
	return error;
}

static int search_processes(struct sl_arena *arena, struct sl_listeners *listeners,
			    const struct sockets *sockets)
{
	SL_CLEANUP(close_dir) DIR *dir = opendir("/proc");
	int error = 0;

	for (struct dirent *entry; dir && !error && (entry = readdir(dir));)
		if (isdigit((unsigned char)*entry->d_name))
			error = search_process(arena, listeners, sockets,
					       (u32)strtoul(entry->d_name, NULL, 10));
	return error;
}

int sl_host_listeners(struct sl_arena *arena, struct sl_listeners *ret_listeners,
		      struct sl_diag *diag)
{
	struct sl_listeners listeners = {0};
	struct sockets sockets = {0};
	int error = read_sockets(arena, &sockets, diag);

	if (error)
		return error;
	if (sockets.count)
		error = search_processes(arena, &listeners, &sockets);
	for (u32 i = 0; i < sockets.count && !error; i++)
		if (!sockets.items[i].has_owner)
			error = push(arena, &listeners, &sockets.items[i], 0);
	if (error)
		return sl_fail_memory(diag);
	*ret_listeners = listeners;
	return 0;
}
