/* SPDX-License-Identifier: GPL-2.0-only */
/* Many different headers, one after the other: a classifier is not to learn a single one by heart.
 */
#ifndef SLUICE_BENCH_FRAMES_BPF_H
#define SLUICE_BENCH_FRAMES_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "frames.h"

/* Sized and filled before the program runs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct frame);
} frames SEC(".maps");

__u32 frames_last; /* behind which the first comes again */
__u32 frames_next; /* one core runs the program */

static __always_inline bool put_frame(struct xdp_md *ctx, __u32 index)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct frame *frame = bpf_map_lookup_elem(&frames, &index);

	if (!frame || data + sizeof *frame > end)
		return false;
	*(struct frame *)data = *frame;
	return true;
}

static __always_inline bool put_next_frame(struct xdp_md *ctx)
{
	__u32 index = frames_next;

	frames_next = index >= frames_last ? 0 : index + 1;
	return put_frame(ctx, index);
}

#endif
