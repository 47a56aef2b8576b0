/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rates (`limit`) that the kernel's rules keep: is there surely nothing left of one? Then a packet
 * that asks it changes nothing (nft_limit_eval), and whatever the rule makes of it can be decided
 * here. The kernel's own numbers are read, not copies of them: whoever else asks, from other
 * devices or because the packet was passed, is in them.
 *
 * The memory may be gone, with the rule; then the read fails or brings anything, and the guard,
 * which looks later, finds that the generation has changed.
 */
#ifndef SLUICE_BPF_LIMIT_H
#define SLUICE_BPF_LIMIT_H

#include "../abi/limit.h"
#include "config.h"
#include "kernel.h"

/*
 * The kernel asks a little later than we do, and so may find what has just come in. Within this
 * time of it the packet passes.
 */
#define LIMIT_GRACE_NS 1000000ULL

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SL_LIMITS_MAX);
	__type(key, __u32);
	__type(value, struct sl_limit_place);
} limits SEC(".maps");

static __always_inline __u32 read_half(__u64 address)
{
	__u32 half = ~0u;

	bpf_probe_read_kernel(&half, sizeof half, (void *)address);
	return half;
}

/*
 * Whether what is left and when it was counted are read as a pair. Who holds the lock writes `last`
 * and then `tokens`: had it been held at the first look, `tokens` is another by the second.
 */
static __always_inline bool read_pair(const struct sl_limit_place *place, __u64 *ret_tokens,
				      __u64 *ret_last)
{
	__u64 tokens = read_word(place->tokens), last = read_word(place->last);

	fence();
	if (read_half(place->lock))
		return false;
	fence();
	*ret_tokens = tokens;
	*ret_last = last;
	return tokens == read_word(place->tokens) && last == read_word(place->last);
}

__noinline int limit_is_spent(__u32 limit)
{
	const struct sl_limit_place *place = bpf_map_lookup_elem(&limits, &limit);
	__u64 tokens, last, now;

	if (!place || !place->tokens || !read_pair(place, &tokens, &last))
		return 0;
	now = bpf_ktime_get_ns() + LIMIT_GRACE_NS;
	return now > last && tokens + (now - last) < place->cost;
}

#endif
