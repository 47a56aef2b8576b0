/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/usage.h"

#include <bpf/bpf.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "config.h"
#include "load/pins.h"

/* The most maps of one program that the kernel takes. */
#define MAPS_MAX 64

struct maps {
	u32 ids[2 * MAPS_MAX], count;
};

/* "memlock:	4096" */
static u64 read_bytes(int fd)
{
	unsigned long long bytes = 0;
	char path[48], line[128];

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);

	SL_CLEANUP(sl_fclose) FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	return bytes;
}

static bool is_counted(const struct maps *maps, u32 id)
{
	for (u32 i = 0; i < maps->count; i++)
		if (maps->ids[i] == id)
			return true;
	return false;
}

static void add_map(struct maps *maps, u32 id, struct sl_usage *usage)
{
	if (is_counted(maps, id) || maps->count == SL_ARRAY_SIZE(maps->ids))
		return;
	maps->ids[maps->count++] = id;

	SL_CLEANUP(sl_close) int fd = bpf_map_get_fd_by_id(id);

	if (fd >= 0)
		usage->map_bytes += read_bytes(fd);
}

static void add_program(struct maps *maps, u32 program, struct sl_usage *usage)
{
	u32 ids[MAPS_MAX];
	struct bpf_prog_info info = {.nr_map_ids = MAPS_MAX, .map_ids = (u64)(uintptr_t)ids};
	u32 size = sizeof info;
	SL_CLEANUP(sl_close) int fd = program ? bpf_prog_get_fd_by_id(program) : -1;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return;
	usage->program_bytes += read_bytes(fd);
	for (u32 i = 0; i < info.nr_map_ids && i < MAPS_MAX; i++)
		add_map(maps, ids[i], usage);
}

/* What the links at netfilter's hooks go on to: a program array shows ids. */
static u32 find_hook_program(u64 net_cookie, const char *device)
{
	SL_CLEANUP(sl_close) int fd = sl_pins_get(net_cookie, device, "hook_generation");
	u32 zero = 0, program = 0;

	if (fd < 0 || bpf_map_lookup_elem(fd, &zero, &program))
		return 0;
	return program;
}

static u32 count_addresses(u64 net_cookie, const char *device)
{
	SL_CLEANUP(sl_close) int fd = sl_pins_get(net_cookie, device, "local");
	u8 keys[2][64];
	u32 count = 0;

	if (fd < 0)
		return 0;
	while (count < SL_LOCAL_ADDRESSES_MAX &&
	       !bpf_map_get_next_key(fd, count ? keys[count % 2] : NULL, keys[(count + 1) % 2]))
		count++;
	return count;
}

struct sl_usage sl_usage_read(u64 net_cookie, const char *device, u32 program)
{
	struct sl_usage usage = {.addresses = count_addresses(net_cookie, device)};
	struct maps maps = {0};

	add_program(&maps, program, &usage);
	add_program(&maps, find_hook_program(net_cookie, device), &usage);
	return usage;
}
