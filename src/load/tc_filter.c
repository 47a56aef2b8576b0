/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/tc_filter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <string.h>

#include "base/cleanup.h"
#include "source/tc_ingress.h"
#include "tc.h"

#define HOOK(index, point)                                                                         \
	{                                                                                          \
		.sz = sizeof(struct bpf_tc_hook), .ifindex = (int)(index), .attach_point = (point) \
	}
#define OWN_PLACE                                                                                  \
	{                                                                                          \
		.sz = sizeof(struct bpf_tc_opts), .handle = SL_TC_HANDLE,                          \
		.priority = SL_TC_PRIORITY                                                         \
	}

/* libbpf prints what the kernel answers, even where "it is there" or "it is not" is the answer. */
static libbpf_print_fn_t hush(void)
{
	return libbpf_set_print(NULL);
}

int sl_tc_qdisc_make(u32 ifindex, bool *ret_made, struct sl_diag *diag)
{
	struct bpf_tc_hook hook = HOOK(ifindex, BPF_TC_INGRESS);
	libbpf_print_fn_t print = hush();
	int error = bpf_tc_hook_create(&hook);

	libbpf_set_print(print);
	if (error && error != -EEXIST)
		return sl_fail(diag, -error, "the kernel refuses a clsact qdisc: %s",
			       strerror(-error));
	*ret_made = !error;
	return 0;
}

static bool is_in_use(u32 ifindex)
{
	SL_CLEANUP(sl_netlink_cleanup) struct sl_netlink *route = NULL;

	return sl_netlink_open(NETLINK_ROUTE, &route, NULL) ||
	       sl_tc_holds_filters(route, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)) ||
	       sl_tc_holds_filters(route, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS));
}

void sl_tc_qdisc_remove(u32 ifindex)
{
	struct bpf_tc_hook hook = HOOK(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
	libbpf_print_fn_t print;

	if (is_in_use(ifindex))
		return;
	print = hush();
	bpf_tc_hook_destroy(&hook);
	libbpf_set_print(print);
}

u32 sl_tc_filter_program(u32 ifindex)
{
	struct bpf_tc_hook hook = HOOK(ifindex, BPF_TC_INGRESS);
	struct bpf_tc_opts opts = OWN_PLACE;
	libbpf_print_fn_t print = hush();
	int error = bpf_tc_query(&hook, &opts);

	libbpf_set_print(print);
	return error ? 0 : opts.prog_id;
}

/*
 * Somebody else can have put a filter at this very place. Who may not look at programs takes one
 * that is there for ours.
 */
static bool is_ours(u32 ifindex)
{
	u32 program = sl_tc_filter_program(ifindex);
	SL_CLEANUP(sl_close) int fd = program ? bpf_prog_get_fd_by_id(program) : -1;
	struct bpf_prog_info info = {0};
	u32 size = sizeof info;

	if (fd < 0)
		return program && errno == EPERM;
	return !bpf_obj_get_info_by_fd(fd, &info, &size) &&
	       (!strcmp(info.name, SL_TC_PROGRAM) || !strcmp(info.name, SL_TC_AUDIT_PROGRAM));
}

int sl_tc_filter_put(u32 ifindex, int program_fd, struct sl_diag *diag)
{
	struct bpf_tc_hook hook = HOOK(ifindex, BPF_TC_INGRESS);
	struct bpf_tc_opts opts = OWN_PLACE;
	libbpf_print_fn_t print = hush();
	int error;

	opts.prog_fd = program_fd;
	opts.flags = is_ours(ifindex) ? BPF_TC_F_REPLACE : 0;
	error = bpf_tc_attach(&hook, &opts);
	libbpf_set_print(print);
	if (error == -EEXIST)
		return sl_fail(diag, EBUSY, "somebody else's TC filter has pref %u handle %u",
			       SL_TC_PRIORITY, SL_TC_HANDLE);
	if (error == -EOPNOTSUPP)
		return sl_fail(diag, EOPNOTSUPP,
			       "its TC filters are in a block that it shares with other devices");
	return error ? sl_fail(diag, -error, "the kernel refuses a TC filter: %s", strerror(-error))
		     : 0;
}

void sl_tc_filter_remove(u32 ifindex)
{
	struct bpf_tc_hook hook = HOOK(ifindex, BPF_TC_INGRESS);
	struct bpf_tc_opts opts = OWN_PLACE;
	libbpf_print_fn_t print;

	if (!is_ours(ifindex))
		return;
	print = hush();
	bpf_tc_detach(&hook, &opts);
	libbpf_set_print(print);
}
