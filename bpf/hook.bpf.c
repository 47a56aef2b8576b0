/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands at the netfilter hooks as long as the attachment does: netfilter's links cannot
 * change their program, and a hook that comes or goes is a change that every data plane of the
 * namespace must look at. So this one stays, and goes on to the present generation (sluice.bpf.c).
 */
#include "kernel.h"

#define NF_ACCEPT 1

__u32 ifindex; /* the device; user space stores it while no link is there */

/* One entry; empty while no generation is there, and then every packet passes. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} generation SEC(".maps");

/* load/foreign.c knows it by its name. */
SEC("sluice/hook")
int sluice_hook(struct bpf_nf_ctx *context)
{
	if ((__u32)context->state->in->ifindex == ifindex)
		bpf_tail_call(context, &generation, 0);
	return NF_ACCEPT;
}

char _license[] SEC("license") = "GPL";
