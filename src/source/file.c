/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules from files, by way of a private namespace. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "source/command.h"
#include "source/dump.h"
#include "source/namespace.h"
#include "source/source.h"
#include "source/text.h"

/* Nobody else writes there, so the first try succeeds. */
#define DUMP_PATIENCE_MS 1000

#define TOOL_TIMEOUT_MS        10000
#define TOOL_TIMEOUT_MS_PER_MB 10000

/* nft names ten missing devices at a time. */
#define ROUNDS_MAX 100

/*
 * Devices that the host does not have get indices that no host reaches, lest a rule for one of
 * them look like a rule for another.
 */
#define FOREIGN_IFINDEX 0x40000000u

struct stand_ins {
	struct sl_namespace *namespace;
	const struct sl_host *host; /* may be NULL */
	struct sl_arena *arena;
	SL_LIST(const char *) names;
	struct sl_diag *diag;
};

static bool has_stand_in(const struct stand_ins *stand_ins, const char *name)
{
	if (!strcmp(name, "lo"))
		return true;
	for (u32 i = 0; i < stand_ins->names.count; i++)
		if (!strcmp(stand_ins->names.items[i], name))
			return true;
	return false;
}

static int add_stand_in(void *context, const char *name)
{
	struct stand_ins *stand_ins = context;
	const struct sl_link *link =
		stand_ins->host ? sl_host_find_link(stand_ins->host, name) : NULL;
	u32 ifindex = link ? link->ifindex : FOREIGN_IFINDEX + stand_ins->names.count;
	const char **slot;

	if (has_stand_in(stand_ins, name))
		return 0;
	slot = sl_list_push(stand_ins->arena, &stand_ins->names);
	if (!slot || !(*slot = sl_arena_strdup(stand_ins->arena, name)))
		return sl_fail_memory(stand_ins->diag);
	return sl_namespace_add_device(stand_ins->namespace, name, ifindex, stand_ins->diag);
}

static const char *tool_name(enum sl_file_format format)
{
	switch (format) {
	case SL_FILE_NFT:
		return "nft";
	case SL_FILE_IPTABLES:
		return "iptables-nft-restore";
	case SL_FILE_IP6TABLES:
		return "ip6tables-nft-restore";
	}
	return NULL;
}

static u32 tool_timeout_ms(size_t length)
{
	size_t megabytes = length >> 20;

	return TOOL_TIMEOUT_MS +
	       TOOL_TIMEOUT_MS_PER_MB * (u32)(megabytes < 1000 ? megabytes : 1000);
}

struct rules_file {
	char *path, *directory; /* absolute */
	char *text;
	size_t length;
	enum sl_file_format format;
};

static void close_file(struct rules_file *file)
{
	free(file->path);
	free(file->directory);
	free(file->text);
}

static int read_text(const char *path, struct rules_file *file, struct sl_diag *diag)
{
	SL_CLEANUP(sl_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat))
		return sl_fail(diag, errno, "cannot read %s: %m", path);
	if (!S_ISREG(stat.st_mode))
		return sl_fail(diag, EINVAL,
			       "cannot read %s: it is not a regular file, and its rules are read "
			       "twice; save them to a file first",
			       path);
	file->text = malloc((size_t)stat.st_size + 1);
	if (!file->text)
		return sl_fail_memory(diag);
	while (file->length < (size_t)stat.st_size) {
		ssize_t got =
			read(fd, file->text + file->length, (size_t)stat.st_size - file->length);

		if (got < 0)
			return sl_fail(diag, errno, "cannot read %s: %m", path);
		if (got == 0)
			break;
		file->length += (size_t)got;
	}
	file->text[file->length] = '\0';
	return 0;
}

static int open_file(const char *path, struct rules_file *file, struct sl_diag *diag)
{
	int error = read_text(path, file, diag);

	if (error)
		return error;
	file->path = realpath(path, NULL);
	if (!file->path)
		return sl_fail(diag, errno, "cannot read %s: %m", path);
	file->directory = strndup(file->path, (size_t)(strrchr(file->path, '/') - file->path) + 1);
	if (!file->directory)
		return sl_fail_memory(diag);
	file->format = sl_text_format(file->text);
	return 0;
}

static int run_tool(const struct rules_file *file, const struct sl_namespace *namespace,
		    struct sl_command_result *ret_result, struct sl_diag *diag)
{
	const char *tool = tool_name(file->format);
	const char *nft[] = {tool, "-f", file->path, NULL};
	const char *restore[] = {tool, file->path, NULL};
	const char *restore_counters[] = {tool, "--counters", file->path, NULL};
	struct sl_command command = {
		.argv = file->format == SL_FILE_NFT        ? nft
			: sl_text_has_counters(file->text) ? restore_counters
							   : restore,
		.directory = file->directory,
		.input_fd = -1,
		.timeout_ms = tool_timeout_ms(file->length),
		.namespace = namespace,
	};

	return sl_command_run(&command, ret_result, diag);
}

static void trim(char *text)
{
	size_t length = strlen(text);

	while (length && strchr(" \t\n", text[length - 1]))
		text[--length] = '\0';
}

/* Loads the file, again with the devices that nft missed, while it misses new ones. */
static int load_file(const struct rules_file *file, struct stand_ins *stand_ins,
		     struct sl_diag *diag)
{
	int error = 0;

	if (file->format == SL_FILE_NFT)
		error = sl_text_find_devices(file->text, add_stand_in, stand_ins);
	for (u32 i = 0; i < ROUNDS_MAX && !error; i++) {
		SL_CLEANUP(sl_command_result_free) struct sl_command_result result = {0};
		u32 known = stand_ins->names.count;

		error = run_tool(file, stand_ins->namespace, &result, diag);
		if (!error && !result.status)
			return 0;
		if (!error)
			error = sl_text_find_missing(result.errors, add_stand_in, stand_ins);
		if (!error && stand_ins->names.count == known) {
			trim(result.errors);
			return sl_fail(diag, EINVAL, "%s rejects %s:\n%s", tool_name(file->format),
				       file->path, result.errors);
		}
	}
	return error ?: sl_fail(diag, EINVAL, "%s names too many devices", file->path);
}

static int dump(const struct sl_namespace *namespace, struct sl_ruleset **ret_ruleset,
		struct sl_diag *diag)
{
	SL_CLEANUP(sl_netlink_cleanup) struct sl_netlink *netlink = NULL;
	int error = sl_namespace_open_netlink(namespace, NETLINK_NETFILTER, &netlink, diag);

	return error ? error : sl_dump_read(netlink, DUMP_PATIENCE_MS, ret_ruleset, diag);
}

static void free_arena(struct sl_arena **arena)
{
	sl_arena_free(*arena);
}

int sl_source_read_file(const char *path, const struct sl_host *host,
			struct sl_ruleset **ret_ruleset, struct sl_diag *diag)
{
	SL_CLEANUP(sl_namespace_cleanup) struct sl_namespace *namespace = NULL;
	SL_CLEANUP(free_arena) struct sl_arena *arena = sl_arena_new();
	SL_CLEANUP(close_file) struct rules_file file = {0};
	struct stand_ins stand_ins = {.host = host, .arena = arena, .diag = diag};
	int error = arena ? open_file(path, &file, diag) : sl_fail_memory(diag);

	if (!error)
		error = sl_namespace_new(&namespace, diag);
	stand_ins.namespace = namespace;
	if (!error)
		error = load_file(&file, &stand_ins, diag);
	return error ? error : dump(namespace, ret_ruleset, diag);
}
