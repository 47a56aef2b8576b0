/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asks a table about one header after another: what table_step() costs, over a program that does
 * the rest alike.
 */
#include <linux/types.h>

/* Set as libbpf does it; nothing patches this program's instructions. */
const volatile __u32 table_words;
#define SLUICE_BPF_CONFIG_H
#define CONFIG(field) field

#include "../bpf/table.h"

#define HEADERS (1 << 16)
#define TURNS   16

struct header {
	__u32 lanes[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, HEADERS);
	__type(key, __u32);
	__type(value, struct header);
} headers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, HEADERS);
	__type(key, __u32);
	__type(value, __u32);
} times SEC(".maps");

const volatile __u32 root;

/* The header that is next. */
__u32 next;
__u32 last_hit;

static __always_inline bool ask(struct sl_question *question)
{
	__u32 index = next++ & (HEADERS - 1);
	struct header *header = bpf_map_lookup_elem(&headers, &index);

	if (!header)
		return false;
	*question = (struct sl_question){.root = root, .worlds = 1};
	__builtin_memcpy(question->lanes, header->lanes, sizeof question->lanes);
	/* The lanes are written whether they are asked for or not. */
	asm volatile("" : : "r"(question) : "memory");
	return true;
}

SEC("xdp")
int nothing(struct xdp_md *context)
{
	struct sl_question question;

	return ask(&question) ? XDP_PASS : XDP_ABORTED;
}

SEC("xdp")
int classify(struct xdp_md *context)
{
	struct sl_question question;
	int result;

	if (!ask(&question))
		return XDP_ABORTED;
	result = table_step(&question);
	last_hit = question.hit;
	return result == SL_STEP_BROKEN ? XDP_ABORTED : XDP_PASS;
}

/* The least that each header takes when it is asked for again and again. */
SEC("xdp")
int time_each(struct xdp_md *context)
{
	__u32 index = next & (HEADERS - 1), *least = bpf_map_lookup_elem(&times, &index);
	struct sl_question question;
	__u64 start;

	if (!least || !ask(&question))
		return XDP_ABORTED;
	start = bpf_ktime_get_ns();
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < TURNS; i++) {
		question.worlds = 1;
		question.from = 0;
		if (table_step(&question) == SL_STEP_BROKEN)
			return XDP_ABORTED;
	}
	start = bpf_ktime_get_ns() - start;
	if (!*least || start < *least)
		*least = start;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
