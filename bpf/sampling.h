/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Samples of drops, for whoever watches (abi/sampling.h). While nobody does it costs each drop one
 * load and one branch, and no other packet anything.
 *
 * Which ones is left to chance, lest a pattern in the traffic hide from it; it is asked once a
 * sample, for it takes longer than to count.
 */
#ifndef SLUICE_BPF_SAMPLING_H
#define SLUICE_BPF_SAMPLING_H

#include "../abi/sampling.h"
#include "capture.h"
#include "config.h"
#include "cursor.h"
#include "guard.h"
#include "hook.h"
#include "kernel.h"

volatile struct sl_sampling_cell sampling SEC(".data.sampling");

/* Sized at load (dataplane.c): where nobody can watch, a page. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SL_SAMPLING_RING_BYTES);
} samples SEC(".maps");

static __always_inline bool is_watched(void)
{
	return sampling.every;
}

/* Drops of this CPU until the next sample; of each generation its own. */
struct sampling_turn {
	__u32 left;  /* 0: not drawn yet */
	__u32 every; /* as it was when that was drawn */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sampling_turn);
} sampling_turns SEC(".maps");

/* 1 … span, alike. */
static __always_inline __u32 draw(__u64 span)
{
	return 1 + (bpf_get_prandom_u32() * span >> 32);
}

/*
 * From one sample to the next it is 1 to 2 × every − 1 drops, by chance; to the first one of a
 * generation at most `every`, lest those that live for a few drops only have too few.
 */
static __always_inline bool is_turn(__u32 every)
{
	__u32 zero = 0;
	struct sampling_turn *turn = bpf_map_lookup_elem(&sampling_turns, &zero);

	if (!turn)
		return false;
	if (turn->every != every || !turn->left) {
		turn->every = every;
		turn->left = draw(every);
	}
	if (--turn->left)
		return false;
	turn->left = draw(2 * (__u64)every - 1);
	return true;
}

/* Room for a sample; NULL: this drop is none. What the watcher has left behind ends here. */
static __always_inline struct sl_sample *begin_sample(void)
{
	__u32 every = sampling.every;
	struct sl_sample *sample;
	__u64 now;

	if (!every || !is_turn(every))
		return NULL;
	now = bpf_ktime_get_ns();
	if ((__s64)(now - sampling.until_ns) > 0) {
		sampling.every = 0;
		return NULL;
	}
	sample = bpf_ringbuf_reserve(&samples, sizeof *sample, 0);
	if (!sample) {
		__sync_fetch_and_add(&sampling.lost, 1);
		return NULL;
	}
	sample->at_ns = now;
	sample->every = every;
	return sample;
}

/* The last that the packet met, as count_rules() finds them. */
static __always_inline __u32 last_counter(const struct sl_cursor *cursor, __u32 world)
{
	__u32 counter = SL_NO_HIT;

	if (!CONFIG(hit_max))
		return counter;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SL_CURSOR_HITS; i++) {
		__u32 last = SL_CURSOR_HITS - 1 - i;

		if (i >= CONFIG(hit_max) || last < cursor->hits_left)
			break;
		__u32 hit = cursor->hits[last];

		if (hit & world)
			counter = hit >> 8;
	}
	return counter;
}

static __always_inline void end_sample(struct sl_sample *sample, const struct sl_cursor *cursor,
				       __u32 length, __u32 captured)
{
	__u32 worlds = *(volatile __u32 *)&cursor->worlds;

	sample->ifindex = CONFIG(ifindex);
	sample->generation = live.expected.generation;
	sample->counters = CONFIG(counters_id);
	sample->counter = last_counter(cursor, worlds & -worlds);
	sample->length = length;
	sample->captured = captured;
	sample->worlds = worlds;
	bpf_ringbuf_submit(sample, 0);
}

static __always_inline void lose_sample(struct sl_sample *sample)
{
	__sync_fetch_and_add(&sampling.lost, 1);
	bpf_ringbuf_discard(sample, 0);
}

/* Functions of their own, for the stack's sake. */

static __noinline int sample_xdp(struct xdp_md *context, const struct sl_cursor *cursor)
{
	struct sl_sample *sample = begin_sample();
	__u32 length, captured;

	if (!sample)
		return 0;
	length = frame_length(context);
	captured = at_most(length, SL_SAMPLE_BYTES);
	sample->place = SL_SAMPLE_XDP;
	if (capture_frame(context, sample->bytes, captured))
		end_sample(sample, cursor, length, captured);
	else
		lose_sample(sample);
	return 0;
}

static __noinline int sample_tc(struct __sk_buff *context, const struct sl_cursor *cursor)
{
	struct sl_sample *sample = begin_sample();
	__u32 length, captured;

	if (!sample)
		return 0;
	length = context->len;
	captured = at_most(length, SL_SAMPLE_BYTES);
	sample->place = SL_SAMPLE_TC;
	if (capture_skb(context, sample->bytes, captured))
		end_sample(sample, cursor, length, captured);
	else
		lose_sample(sample);
	return 0;
}

_Static_assert(sizeof(((struct packet_copy *)0)->bytes) <= SL_SAMPLE_BYTES, "it fits");

/* At a hook, where there is a copy of the first bytes. */
static __noinline int sample_hook(const struct packet_copy *copy, __u32 length,
				  const struct sl_cursor *cursor)
{
	struct sl_sample *sample = begin_sample();

	if (!sample)
		return 0;
	sample->place = SL_SAMPLE_HOOK;
	__builtin_memcpy(sample->bytes, copy->bytes, sizeof copy->bytes);
	end_sample(sample, cursor, length,
		   length < sizeof copy->bytes ? length : sizeof copy->bytes);
	return 0;
}

#endif
