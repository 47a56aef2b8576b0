/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/namespace_watch.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CALLS_BETWEEN_LOOKS 4
/* Commands that pass through a namespace do not live there. */
#define LOOKS_TO_BELIEVE 3

void sl_namespace_watch_init(struct sl_namespace_watch *watch)
{
	struct stat own, host;

	*watch = (struct sl_namespace_watch){.is_host = true};
	if (stat("/proc/self/ns/net", &own))
		return;
	watch->device = own.st_dev;
	watch->inode = own.st_ino;
	watch->may_be_host = stat("/proc/1/ns/net", &host) != 0;
	watch->is_host =
		!watch->may_be_host && own.st_dev == host.st_dev && own.st_ino == host.st_ino;
}

static bool leads_here(const struct sl_namespace_watch *watch, const char *path)
{
	struct stat other;

	return !stat(path, &other) && other.st_dev == watch->device && other.st_ino == watch->inode;
}

/* A bind mount of it, by whatever name: mountinfo gives its root as net:[inode]. */
static bool has_name(const struct sl_namespace_watch *watch)
{
	FILE *file = fopen("/proc/1/mountinfo", "r");
	char line[1024], wanted[48];
	bool found = !file;

	snprintf(wanted, sizeof wanted, " net:[%llu] ", (unsigned long long)watch->inode);
	while (!found && fgets(line, sizeof line, file))
		found = strstr(line, wanted);
	if (file)
		fclose(file);
	return found;
}

/* Any keeper is in it for the namespace's sake, not its own. */
static bool is_keeper(long pid)
{
	char path[64], name[16] = "";
	FILE *file;

	snprintf(path, sizeof path, "/proc/%ld/comm", pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(name, sizeof name, file))
		name[0] = '\0';
	fclose(file);
	return name[0] == 's' && name[1] == 'l' && name[2] == 'u' && name[3] == 'i' &&
	       name[4] == 'c' && name[5] == 'e';
}

static bool has_inhabitant(const struct sl_namespace_watch *watch)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	bool found = !dir;
	char path[64];

	while (dir && !found && (entry = readdir(dir))) {
		long pid = isdigit((unsigned char)entry->d_name[0]) ? atol(entry->d_name) : 0;

		if (!pid || pid == getpid())
			continue;
		snprintf(path, sizeof path, "/proc/%ld/ns/net", pid);
		found = leads_here(watch, path) && !is_keeper(pid);
	}
	if (dir)
		closedir(dir);
	return found;
}

bool sl_namespace_watch_is_left(struct sl_namespace_watch *watch)
{
	if (watch->is_host || watch->calls++ % CALLS_BETWEEN_LOOKS)
		return false;
	if (has_name(watch))
		watch->seen = LOOKS_TO_BELIEVE;
	else if (has_inhabitant(watch))
		watch->seen += !watch->may_be_host;
	else
		return watch->seen >= LOOKS_TO_BELIEVE;
	return false;
}
