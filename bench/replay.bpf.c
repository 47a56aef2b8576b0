// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs another XDP program on many different headers: writes the next into the frame and goes on
 * to what stands in its slot.
 */
#include "frames.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} slot SEC(".maps");

SEC("xdp")
int replay(struct xdp_md *ctx)
{
	if (put_next_frame(ctx))
		bpf_tail_call(ctx, &slot, 0);
	return XDP_ABORTED;
}

/* What a measurement is held against. */
SEC("xdp")
int empty(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
