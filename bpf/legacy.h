/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether iptables-legacy's tables are still those that were compiled. No notice tells of their
 * changes and no counter counts them; all that a change leaves behind is another struct
 * xt_table_info in the table, and the old one is freed. So its address says little: two changes
 * later the third may lie where the first one did, and with iptables-legacy it often does.
 *
 * What is in it tells for sure. To compare all of it may take as long as all else together; so each
 * CPU does that only now and then, and in between compares the address alone. That is enough for as
 * long as two changes take at the very least (pause_ns), for within that time it cannot have been
 * another and be the old one again.
 *
 * Counters lie elsewhere, one for each CPU; where the machine can only ever have one, they lie in
 * the table, and no drop rests on such tables (source/legacy.h).
 */
#ifndef SLUICE_BPF_LEGACY_H
#define SLUICE_BPF_LEGACY_H

#include "../abi/xt_tables.h"
#include "kernel.h"
#include "known.h"

volatile struct sl_legacy_cell legacy SEC(".data.legacy");

/* Sized at load: the chunks of IPv4, then those of IPv6. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sl_legacy_chunk);
} legacy_chunks SEC(".maps");

/*
 * One a CPU: when it last compared a table; and what would lie on the stack, of which the caller's
 * part is all but full. A packet that comes while another has it passes, as with packet_copies.
 */
struct legacy_looks {
	__u64 is_taken;
	__u64 at_ns[SL_LEGACY_FAMILIES * SL_LEGACY_WATCHES];
	__u64 began_ns, word;
	__u32 first, differs; /* the chunk that a table begins at; whether some chunk is another */
	__u64 words[SL_LEGACY_CHUNK_WORDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct legacy_looks);
} legacy_looks SEC(".maps");

static __always_inline struct legacy_looks *this_cpus_looks(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&legacy_looks, &zero);
}

static __always_inline bool are_same_words(const __u64 *words, const __u64 *expected)
{
	__u64 difference = 0;

#pragma unroll
	for (int i = 0; i < SL_LEGACY_CHUNK_WORDS; i++) {
		difference |= words[i] ^ expected[i];
		asm volatile("" : "+r"(difference)::"memory"); /* not all loads at once */
	}
	return !difference;
}

static long compare_chunk(__u32 index, void *unused)
{
	struct legacy_looks *looks = this_cpus_looks();
	const struct sl_legacy_chunk *chunk;

	if (!looks)
		return 1;
	looks->differs = 1;
	index += looks->first;
	chunk = bpf_map_lookup_elem(&legacy_chunks, &index);
	if (!chunk ||
	    bpf_probe_read_kernel(looks->words, sizeof looks->words, (void *)chunk->address))
		return 1;
	looks->differs = !are_same_words(looks->words, chunk->words);
	return looks->differs;
}

static __always_inline bool has_word(struct legacy_looks *looks,
				     const volatile struct sl_known_word *word)
{
	if (bpf_rdonly_cast)
		return is_same(word);
	looks->word = 0;
	bpf_probe_read_kernel(&looks->word, sizeof looks->word, (void *)word->address);
	return looks->word == word->value;
}

/*
 * As it was when the clock was read, or later. A change that comes meanwhile comes while this
 * packet is under way; and those that follow look again, if the two changes were there that it
 * takes.
 */
static __always_inline bool compare_table(struct legacy_looks *looks,
					  const volatile struct sl_legacy_watch *watch)
{
	looks->began_ns = bpf_ktime_get_ns();
	looks->differs = 1;
	if (!has_word(looks, &watch->word))
		return false;
	bpf_loop(watch->count, compare_chunk, NULL, 0);
	return !looks->differs;
}

/* The clock last: what was found is no older than that says. */
static __always_inline bool is_same_still(struct legacy_looks *looks, __u64 *at_ns,
					  const volatile struct sl_legacy_watch *watch)
{
	if (!has_word(looks, &watch->word))
		return false;
	if (bpf_ktime_get_ns() - *at_ns < watch->pause_ns)
		return true;
	looks->first = watch->first;
	if (!compare_table(looks, watch))
		return false;
	*at_ns = looks->began_ns;
	return true;
}

static __noinline bool legacy_watch_is_as_expected(__u32 number)
{
	struct legacy_looks *looks = this_cpus_looks();
	const volatile struct sl_legacy_watch *watch;
	__u64 *at_ns;
	bool is_same;

	if (number >= SL_LEGACY_FAMILIES * SL_LEGACY_WATCHES || !looks ||
	    __sync_lock_test_and_set(&looks->is_taken, 1))
		return false;
	watch = &legacy.watches[number];
	at_ns = &looks->at_ns[number];
	asm("" : "+r"(watch), "+r"(at_ns)); /* in a register each, and not reckoned anew */
	is_same = is_same_still(looks, at_ns, watch);
	*(volatile __u64 *)&looks->is_taken = 0;
	return is_same;
}

/* Called one by one, and not in a loop, which would want room on the caller's stack. */
static __always_inline bool legacy_is_as_expected(bool is_ip6)
{
#pragma unroll
	for (__u32 i = 0; i < SL_LEGACY_WATCHES; i++) {
		if (i >= legacy.counts[is_ip6])
			break;
		if (!legacy_watch_is_as_expected(is_ip6 * SL_LEGACY_WATCHES + i))
			return false;
	}
	return true;
}

#endif
