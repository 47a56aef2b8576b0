/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets that packets fill: `add @seen { ip saddr }` and the like. The kernel's own table is asked
 * (lib/rhashtable.c, with nft_set_hash.c's keys), in the way of its own lookup and under the same
 * RCU: what others add, from other devices or because they were passed, is in it. So the answer is
 * the one that the packet would get if it were at the rule by now. It comes there a little later:
 *
 *	a hit stays one   until the element ends; within FILLED_GRACE of that it is
 *			  unclear. Where rules delete elements, or make them end at
 *			  once, lift/ does not ask, and who else does moves the
 *			  generation, which the guard looks at behind us
 *	a miss stays one  unless somebody adds the key meanwhile. From another CPU that
 *			  is a race without sluice as well; by a packet ahead of this
 *			  one, in GRO or in the backlog, it is not
 *
 * So what would be dropped, and missed a set, passes if a packet of the same source has passed
 * lately, by batch.h's notes; lift/ asks only sets whose keys begin with the source, in the lookup
 * and wherever a rule adds to them, ahead of NAT. All that passes is noted, since it may add, but
 * not what passes for this reason: by all that is known it is dropped, and adds nothing. If it does
 * add, because what it missed is there by the time that it comes to the rule, then the packet that
 * put it there was still waiting when this one passed, and has a note. That lasts several times as
 * long as packets wait: longer than both of them.
 *
 * At netfilter's hooks a packet is just ahead of the rules, so nothing stands between.
 *
 * While elements move to other buckets, and wherever something is odd, it is UNCLEAR, as by an
 * UNKNOWN op. Memory that is gone brings that, or anything; then the guard sees that the rules have
 * changed.
 *
 * What is left is what is left of batch.h's notes; and knocks of more than four steps in a row,
 * each of which waits, and comes while the last one does.
 */
#ifndef SLUICE_BPF_FILLED_H
#define SLUICE_BPF_FILLED_H

#include "../abi/filled.h"
#include "../abi/jenkins.h"
#include "batch.h"
#include "config.h"
#include "kernel.h"

#define FILLED_GRACE     256 /* jiffies: a quarter of a second, or more */
#define FILLED_CHAIN_MAX 16  /* elements of one bucket; the kernel rehashes at about as many */
#define FILLED_WORDS     (SL_FILLED_KEY_MAX / 4)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SL_FILLED_MAX);
	__type(key, __u32);
	__type(value, struct sl_filled_place);
} filled SEC(".maps");

/*
 * A lookup under way; callers leave hardly any room on the stack. One a CPU: for who preempts
 * another that has it (where softirqs are threads) nothing is clear.
 */
struct filled_search {
	__u32 is_taken, padding;
	struct sl_filled_place place;
	__u64 table, bucket; /* addresses */
	__u64 word;          /* the last that was read */
	__u32 wanted[FILLED_WORDS], found[FILLED_WORDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct filled_search);
} filled_searches SEC(".maps");

/* Of so many bytes; 0 if they cannot be read. */
static __always_inline __u64 look(struct filled_search *search, __u32 bytes, __u64 address)
{
	search->word = 0;
	bpf_probe_read_kernel(&search->word, bytes, (void *)address);
	return search->word;
}

/* An element that has the key, at its struct nft_set_ext. MISS: it is over. */
static __always_inline enum sl_filled_answer look_at(struct filled_search *search, __u64 ext)
{
	__u8 expiry = look(search, 1, ext + search->place.expiry);
	__u64 now = bpf_jiffies64(), ends;

	if (look(search, 1, ext + search->place.effects))
		return SL_FILLED_COUNTS;
	if (look(search, 1, ext))
		return SL_FILLED_UNCLEAR;
	if (!expiry || !look(search, 8, ext + expiry)) /* a time of 0 has no end */
		return SL_FILLED_HIT;
	ends = look(search, 8, ext + expiry + search->place.expires_at);
	if (ends <= now)
		return SL_FILLED_MISS;
	return ends - now < FILLED_GRACE ? SL_FILLED_UNCLEAR : SL_FILLED_HIT;
}

static __always_inline bool has_key(struct filled_search *search, __u64 ext)
{
	__u64 key = ext + look(search, 1, ext + 1);
	__u32 length = search->place.key_length;

	/* What is behind it was 0 from the start, and stays it. */
	if (length > sizeof search->found ||
	    bpf_probe_read_kernel(search->found, length, (void *)key))
		return false;
	return search->found[0] == search->wanted[0] && search->found[1] == search->wanted[1] &&
	       search->found[2] == search->wanted[2] && search->found[3] == search->wanted[3];
}

/* Down the bucket; a node's address that is odd ends it, and says which one it was. */
static __always_inline enum sl_filled_answer walk(struct filled_search *search)
{
	__u64 node = look(search, 8, search->bucket) & ~1ULL;

	if (!node)
		return SL_FILLED_MISS;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < FILLED_CHAIN_MAX; i++) {
		enum sl_filled_answer answer;

		if (node & 1)
			return node == (search->bucket | 1) ? SL_FILLED_MISS : SL_FILLED_UNCLEAR;
		if (has_key(search, node + search->place.ext)) {
			answer = look_at(search, node + search->place.ext);
			if (answer != SL_FILLED_MISS)
				return answer;
		}
		node = look(search, 8, node);
		if (!node)
			return SL_FILLED_UNCLEAR; /* it could not be read */
	}
	return SL_FILLED_UNCLEAR;
}

#define AT(field) bpf_core_field_offset(struct bucket_table, field)

static __always_inline enum sl_filled_answer find(struct filled_search *search)
{
	__u64 table = look(search, 8, search->place.table);
	enum sl_filled_answer answer;
	__u32 size, hash;

	search->table = table;
	size = look(search, 4, table + AT(size));
	if (!size || size & (size - 1) || look(search, 4, table + AT(nest)))
		return SL_FILLED_UNCLEAR;
	hash = sl_jenkins_hash(search->wanted, search->place.key_length,
			       look(search, 4, table + AT(hash_rnd)));
	search->bucket = table + AT(buckets) + (__u64)(hash & (size - 1)) * sizeof(void *);
	answer = walk(search);
	__sync_lock_test_and_set(&search->word, 1); /* fence(), but with nothing on the stack */
	if (answer == SL_FILLED_MISS && look(search, 8, search->table + AT(future_tbl)))
		return SL_FILLED_UNCLEAR; /* it may have moved */
	return answer;
}

/* The key's bytes, the first highest. An enum sl_filled_answer. */
__noinline int filled_has(__u32 set, __u64 high, __u64 low)
{
	const struct sl_filled_place *place = bpf_map_lookup_elem(&filled, &set);
	enum sl_filled_answer answer;
	struct filled_search *search;

	/* Known when the program is loaded: the verifier looks at no more of it. */
	if (!CONFIG(has_filled) || !place || !place->table)
		return SL_FILLED_UNCLEAR;
	set = 0;
	search = bpf_map_lookup_elem(&filled_searches, &set);
	if (!search || __sync_lock_test_and_set(&search->is_taken, 1))
		return SL_FILLED_UNCLEAR;
	search->place = *place;
	search->wanted[0] = bpf_htonl(high >> 32);
	search->wanted[1] = bpf_htonl(high);
	search->wanted[2] = bpf_htonl(low >> 32);
	search->wanted[3] = bpf_htonl(low);
	__builtin_memset(search->found, 0, sizeof search->found);
	answer = find(search);
	*(volatile __u32 *)&search->is_taken = 0;
	if (answer == SL_FILLED_MISS)
		note_miss(true);
	return answer;
}

#endif
