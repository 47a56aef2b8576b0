/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Since Linux 6.6; younger than Debian 12's headers. */
#define TCX_INGRESS ((enum bpf_attach_type)46)

const char *sl_mode_name(enum sl_attach_mode mode)
{
	static const char *const names[] = {
		[SL_MODE_NONE] = "none",
		[SL_MODE_NATIVE] = "native",
		[SL_MODE_TC] = "tc",
		[SL_MODE_GENERIC] = "generic",
	};

	return names[mode];
}

static int fail_busy(u32 ifindex, const char *device, struct sl_diag *diag)
{
	char name[16];
	u32 id = sl_attach_find_xdp(ifindex, name);

	if (!id)
		return sl_fail(diag, EBUSY, "%s is busy with another program", device);
	return sl_fail(diag, EBUSY,
		       "another XDP program is on %s: %s (id %u). See `bpftool prog show id %u`; "
		       "take it off with whatever put it there, or attach with --replace",
		       device, name[0] ? name : "without a name", id, id);
}

static int fail_attach(int error, u32 ifindex, const char *device, u32 mtu,
		       enum sl_attach_mode mode, struct sl_diag *diag)
{
	switch (error) {
	case EBUSY:
	case EEXIST:
		return fail_busy(ifindex, device, diag);
	case EOPNOTSUPP:
		return sl_fail(diag, error,
			       "the driver of %s refuses XDP, or does with its present "
			       "features (LRO?)",
			       device);
	case ERANGE:
	case EINVAL:
		if (mode != SL_MODE_TC && mtu > 3000)
			return sl_fail(diag, error,
				       "the MTU of %s, %u, is too large for XDP (one page holds "
				       "about 3,500 bytes)",
				       device, mtu);
		if (mode == SL_MODE_TC)
			return sl_fail(diag, ENOSYS, "this kernel has no TCX (it came with 6.6)");
		break;
	case ENODEV:
		return sl_fail(diag, error, "%s is gone", device);
	case EPERM:
		return sl_fail(diag, error,
			       "the kernel refuses: it wants CAP_NET_ADMIN and CAP_BPF");
	default:
		break;
	}
	return sl_fail(diag, error, "the kernel refuses: %s", strerror(error));
}

/* Tests of what is done without TCX set this, on kernels that have it. */
static bool shuns_tcx(void)
{
	return getenv("SLUICE_WITHOUT_TCX") != NULL;
}

int sl_attach(u32 ifindex, const char *device, u32 mtu, enum sl_attach_mode mode, int program_fd,
	      int *ret_link_fd, struct sl_diag *diag)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts);
	enum bpf_attach_type type = BPF_XDP;

	if (mode == SL_MODE_NATIVE)
		opts.flags = XDP_FLAGS_DRV_MODE;
	else if (mode == SL_MODE_GENERIC)
		opts.flags = XDP_FLAGS_SKB_MODE;
	else
		type = TCX_INGRESS;
	if (type == TCX_INGRESS && shuns_tcx())
		return fail_attach(EINVAL, ifindex, device, mtu, mode, diag);

	int fd = bpf_link_create(program_fd, (int)ifindex, type, &opts);

	if (fd < 0)
		return fail_attach(errno, ifindex, device, mtu, mode, diag);
	*ret_link_fd = fd;
	return 0;
}

u32 sl_attach_find_xdp(u32 ifindex, char ret_name[16])
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_prog_info info = {0};
	u32 size = sizeof info;
	int fd;

	ret_name[0] = '\0';
	if (bpf_xdp_query((int)ifindex, 0, &query) || !query.prog_id)
		return 0;
	fd = bpf_prog_get_fd_by_id(query.prog_id);
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size))
		snprintf(ret_name, 16, "%.15s", info.name);
	if (fd >= 0)
		close(fd);
	return query.prog_id;
}

void sl_attach_remove_foreign(u32 ifindex)
{
	bpf_xdp_detach((int)ifindex, 0, NULL);
}

u32 sl_attach_count_tcx(u32 ifindex, u32 own_program)
{
	u32 ids[64], foreign = 0;
	LIBBPF_OPTS(bpf_prog_query_opts, query, .prog_ids = ids, .prog_cnt = 64);

	/* bpf_prog_query() takes the device where cgroups have their fd. */
	if (bpf_prog_query_opts((int)ifindex, TCX_INGRESS, &query))
		return errno != EINVAL && errno != ENODEV; /* no tcx; no device */
	for (u32 i = 0; i < query.prog_cnt; i++)
		foreign += ids[i] != own_program;
	return foreign;
}
