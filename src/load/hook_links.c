// SPDX-License-Identifier: GPL-2.0-only
#include "load/hook_links.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "hook.skel.h"
#include "load/dataplane.h"
#include "load/pins.h"

struct sl_hook_links {
	struct hook_bpf *skeleton;
	struct {
		int fd;       /* −1: none */
		s32 priority; /* of the chain that it stands ahead of */
	} links[SL_PLACES];
};

/* In the order of SL_PLACE_*. */
static const struct {
	const char *pin;
	u32 family, hook;
} places[SL_PLACES] = {
	{"hook_ip_input", NFPROTO_IPV4, NF_INET_LOCAL_IN},
	{"hook_ip_forward", NFPROTO_IPV4, NF_INET_FORWARD},
	{"hook_ip6_input", NFPROTO_IPV6, NF_INET_LOCAL_IN},
	{"hook_ip6_forward", NFPROTO_IPV6, NF_INET_FORWARD},
};

/* Without user space's hold on it, by fd or pin, the kernel would empty the map. */
static const char generation_pin[] = "hook_generation";

static int load(struct sl_hook_links *hooks)
{
	static bool registered;

	if (!registered && libbpf_register_prog_handler("sluice/hook", SL_PROGRAM_NETFILTER,
							SL_ATTACH_NETFILTER, NULL) < 0)
		return -EINVAL;
	registered = true;
	hooks->skeleton = hook_bpf__open_and_load();
	return hooks->skeleton ? 0 : -errno;
}

bool sl_hook_links_exist(void)
{
	const struct bpf_insn accept[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = NF_ACCEPT},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = SL_ATTACH_NETFILTER);
	SL_CLEANUP(sl_close)
	int fd = bpf_prog_load(SL_PROGRAM_NETFILTER, "sluice_probe", "GPL", accept,
			       SL_ARRAY_SIZE(accept), &opts);

	return fd >= 0 || errno != EINVAL;
}

int sl_hook_links_open(struct sl_hook_links **ret_hooks, struct sl_diag *diag)
{
	struct sl_hook_links *hooks = calloc(1, sizeof *hooks);
	int error;

	if (!hooks)
		return sl_fail_memory(diag);
	for (u32 i = 0; i < SL_PLACES; i++)
		hooks->links[i].fd = -1;
	error = load(hooks);
	if (error) {
		sl_hook_links_close(hooks);
		return sl_fail(diag, -error, "cannot load the program for netfilter's hooks: %s",
			       strerror(-error));
	}
	*ret_hooks = hooks;
	return 0;
}

void sl_hook_links_close(struct sl_hook_links *hooks)
{
	if (!hooks)
		return;
	for (u32 i = 0; i < SL_PLACES; i++)
		sl_close(&hooks->links[i].fd);
	hook_bpf__destroy(hooks->skeleton);
	free(hooks);
}

/* What union bpf_attr has for it since Linux 6.4, which Debian 12's headers and libbpf do not. */
struct link_create {
	__u32 prog_fd, target_fd, attach_type, flags;
	__u32 pf, hooknum;
	__s32 priority;
	__u32 netfilter_flags;
};

/* No two of these links share a priority. */
int sl_hook_link_create(int program_fd, u32 family, u32 hook, s32 priority, u32 slots)
{
	struct link_create attr = {
		.prog_fd = (__u32)program_fd,
		.attach_type = SL_ATTACH_NETFILTER,
		.pf = family,
		.hooknum = hook,
	};
	long fd = -1;

	for (u32 below = 0; below < slots; below++) {
		attr.priority = priority - (s32)below;
		fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof attr);
		if (fd >= 0 || errno != EBUSY)
			break;
	}
	return fd < 0 ? -errno : (int)fd;
}

static int stand_ahead(const struct sl_hook_links *hooks, u32 place, s32 chain)
{
	return sl_hook_link_create(bpf_program__fd(hooks->skeleton->progs.sluice_hook),
				   places[place].family, places[place].hook, chain - 1,
				   SL_HOOK_SLOTS);
}

static void take_away(struct sl_hook_links *hooks, u32 place, u64 net_cookie, const char *device)
{
	bpf_link_detach(hooks->links[place].fd);
	sl_close(&hooks->links[place].fd);
	sl_pins_drop(net_cookie, device, places[place].pin);
}

static int put_link(struct sl_hook_links *hooks, u32 place, s32 chain, u64 net_cookie,
		    const char *device, struct sl_diag *diag)
{
	int fd = stand_ahead(hooks, place, chain);

	if (fd < 0)
		return sl_fail(diag, -fd, "cannot attach to a netfilter hook: %s", strerror(-fd));
	hooks->links[place].fd = fd;
	hooks->links[place].priority = chain;
	return sl_pins_put(net_cookie, device, places[place].pin, fd, diag);
}

void sl_hook_links_aim(struct sl_hook_links *hooks, u32 ifindex)
{
	hooks->skeleton->bss->ifindex = ifindex;
}

int sl_hook_links_place(struct sl_hook_links *hooks, const struct sl_hook_place wanted[SL_PLACES],
			u64 net_cookie, const char *device, bool *ret_changed, struct sl_diag *diag)
{
	int error = sl_pins_put(net_cookie, device, generation_pin,
				bpf_map__fd(hooks->skeleton->maps.generation), diag);

	*ret_changed = false;
	for (u32 i = 0; i < SL_PLACES && !error; i++) {
		bool stands = hooks->links[i].fd >= 0;

		if (stands == wanted[i].is_used &&
		    (!stands || hooks->links[i].priority == wanted[i].priority))
			continue;
		*ret_changed = true;
		if (stands)
			take_away(hooks, i, net_cookie, device);
		if (wanted[i].is_used)
			error = put_link(hooks, i, wanted[i].priority, net_cookie, device, diag);
	}
	return error;
}

int sl_hook_links_put(struct sl_hook_links *hooks, int program_fd)
{
	int map_fd = bpf_map__fd(hooks->skeleton->maps.generation);
	u32 zero = 0;

	if (program_fd < 0)
		return bpf_map_delete_elem(map_fd, &zero) && errno != ENOENT ? -errno : 0;
	return bpf_map_update_elem(map_fd, &zero, &program_fd, BPF_ANY) ? -errno : 0;
}

void sl_hook_links_remove(u64 net_cookie, const char *device)
{
	for (u32 i = 0; i < SL_PLACES; i++) {
		SL_CLEANUP(sl_close) int fd = sl_pins_get(net_cookie, device, places[i].pin);

		if (fd < 0)
			continue;
		bpf_link_detach(fd);
		sl_pins_drop(net_cookie, device, places[i].pin);
	}
	sl_pins_drop(net_cookie, device, generation_pin);
}
