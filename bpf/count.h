/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters: of the rules, where the kernel's own miss what was dropped early, and of fates.
 * All are per CPU and wrap after 2^64.
 */
#ifndef SLUICE_BPF_COUNT_H
#define SLUICE_BPF_COUNT_H

#include "config.h"
#include "cursor.h"
#include "kernel.h"
#include "state.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * SL_FATE_COUNTS); /* the rest is carried (state.h) */
	__type(key, __u32);
	__type(value, struct sl_count);
} fates SEC(".maps");

/* One entry a counted rule; sized at load. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sl_count);
} rule_counters SEC(".maps");

static __always_inline void add_packet(void *map, __u32 index, __u32 bytes)
{
	struct sl_count *count = bpf_map_lookup_elem(map, &index);

	if (!count)
		return;
	count->packets++;
	count->bytes += bytes;
}

/*
 * A packet in several worlds counts in the lowest of them, NEW before INVALID: on a conntrack
 * miss the two cannot always be told apart (form.h), and the verdict is the same.
 */
static __always_inline void count_rules(const struct sl_cursor *cursor, __u32 worlds, __u32 bytes)
{
	__u32 world = worlds & -worlds, padding = cursor->frame_room - cursor->room;

	if (!CONFIG(hit_max))
		return;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SL_CURSOR_HITS; i++) {
		__u32 last = SL_CURSOR_HITS - 1 - i;

		if (i >= CONFIG(hit_max) || last < cursor->hits_left)
			return;
		__u32 hit = cursor->hits[last];

		if (hit & world)
			add_packet(&rule_counters, hit >> 8,
				   bytes + (hit & SL_HIT_PADDED ? padding : 0));
	}
}

/*
 * Older verifiers want to see a value written before one is read. Any but 0 (cursor.h), in words of
 * 8 bytes: those compare equal to what the verifier lost sight of.
 */
static __always_inline void clear_hits(struct sl_cursor *cursor)
{
	if (!CONFIG(hit_max))
		return;
	cursor->hits_left = SL_CURSOR_HITS;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SL_CURSOR_HITS; i += 2) {
		if (i >= CONFIG(hit_max))
			return;
		__builtin_memset(&cursor->hits[SL_CURSOR_HITS - 2 - i], 1, 8);
	}
}

#endif
