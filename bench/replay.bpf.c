// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs another XDP program on many different headers: writes the next into the frame and goes on
 * to what stands in its slot.
 */
#include "frames.bpf.h"
#include "replay.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} slot SEC(".maps");

/* By frame: the least that it took REPLAY_DWELL times in a row, in ns; 0 before. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} least_ns SEC(".maps");

__u32 times; /* the frame has been put so far */
static __u64 began_ns;

SEC("xdp")
int replay(struct xdp_md *ctx)
{
	if (put_next_frame(ctx))
		bpf_tail_call(ctx, &slot, 0);
	return XDP_ABORTED;
}

static __always_inline void note_time(__u32 index)
{
	__u64 now = bpf_ktime_get_ns(), took = now - began_ns;
	__u64 *least = bpf_map_lookup_elem(&least_ns, &index);

	if (least && (!*least || took < *least))
		*least = took;
}

/*
 * The same, but each frame stays for a while and has its time taken. Its first turn only warms, and
 * is where the clock starts.
 */
SEC("xdp")
int replay_slowly(struct xdp_md *ctx)
{
	__u32 index = frames_next;

	if (times++ == 1)
		began_ns = bpf_ktime_get_ns();
	if (times == REPLAY_DWELL + 2) {
		note_time(index);
		times = 0;
		frames_next = index >= frames_last ? 0 : index + 1;
	}
	if (put_frame(ctx, index))
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
