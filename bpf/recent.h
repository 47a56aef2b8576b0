/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xt_recent's lists: has this source come so often within so many seconds? The module's own table
 * is asked, as filled.h asks nf_tables' sets. It has no RCU, but a lock, behind which entries are
 * freed at once; so all that is read may be of the past, or of somebody else, and is made sure of.
 *
 * A bucket is a ring of entries. What is new comes in at its end (recent_entry_init), what goes is
 * poisoned before it is freed, and nothing else moves. So a walk from the end towards the head
 *
 *	misses nobody	who was there all the time: if the entry at hand goes meanwhile and
 *			comes back as another, it is at the end, and the walk is longer. If
 *			it comes back in another ring, or as anything else, its neighbour
 *			does not point back, or the walk does not end here: UNCLEAR
 *	finds somebody	who is there if a second walk, behind all that was read of him,
 *			finds him in the same place. Were his entry another's meanwhile, who
 *			came at the same address with as many packets, they came later than
 *			what was read, and he would match all the more
 *
 * An entry's times are overwritten oldest first, so others can only make a match of what is none.
 * What matches may still be none when the packet comes to the rule:
 *
 *	too old by then		within `grace` of that it is UNCLEAR
 *	removed by a rule	`--remove`, `--reap`: lift/ asks no such list
 *	pushed out by others	of a full list the oldest goes, for packets that are still
 *				under way ahead. While it takes no more than
 *				RECENT_UNDER_WAY to come to this one, it is UNCLEAR
 *	removed by hand		`echo -10.1.2.3 >`, `echo / >`, or by a rule that is added
 *				and wants more times kept: a race without sluice as well
 *
 * What does not match is filled.h's miss, and what is said there holds here. That it was looked for
 * in the right bucket rests on the seed of the hash, which has been proved
 *(src/load/recent_seed.h).
 *
 * The table is there for as long as a rule asks for it; so while the generation is what the guard
 * expects, which looks behind us, nobody has freed it or unloaded the module.
 *
 * What is left is what is left of filled.h; and with RPS or several devices more packets that can
 * push out entries may be under way than RECENT_UNDER_WAY, which is a round of NAPI's.
 */
#ifndef SLUICE_BPF_RECENT_H
#define SLUICE_BPF_RECENT_H

#include "../abi/jenkins.h"
#include "../abi/recent.h"
#include "batch.h"
#include "config.h"
#include "kernel.h"

#define RECENT_CHAIN_MAX 16
#define RECENT_UNDER_WAY 64

/* By the numbers of `filled`. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SL_FILLED_MAX);
	__type(key, __u32);
	__type(value, struct sl_recent_place);
} recents SEC(".maps");

struct recent_links {
	__u64 next, previous;
};

/* A look under way, as filled.h's: one a CPU. */
struct recent_search {
	__u32 is_taken, count;
	struct sl_recent_place place;
	__u64 bucket, entry; /* addresses */
	__u64 at, last;      /* in a ring */
	struct recent_links links;
	__u32 wanted[4], found[4];
	__u64 stamps[SL_RECENT_STAMPS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct recent_search);
} recent_searches SEC(".maps");

static __always_inline bool enter_ring(struct recent_search *search, __u64 address)
{
	search->at = address;
	return !bpf_probe_read_kernel(&search->links, sizeof search->links, (void *)address);
}

/* To the one ahead, if it points back. */
static __always_inline bool step_back(struct recent_search *search)
{
	search->last = search->at;
	return enter_ring(search, search->links.previous) && search->links.next == search->last;
}

static __always_inline __u32 read_count(__u64 address, __u32 bytes)
{
	__u32 count = 0;

	bpf_probe_read_kernel(&count, bytes, (void *)address);
	return count;
}

static __always_inline bool has_address(struct recent_search *search)
{
	if (read_count(search->at + search->place.entry_family, 2) != search->place.family ||
	    bpf_probe_read_kernel(search->found, sizeof search->found,
				  (void *)(search->at + search->place.address)))
		return false;
	return search->found[0] == search->wanted[0] && search->found[1] == search->wanted[1] &&
	       search->found[2] == search->wanted[2] && search->found[3] == search->wanted[3];
}

/* HIT: `at` is the entry, or was. */
static __always_inline enum sl_filled_answer walk_bucket(struct recent_search *search)
{
	if (!enter_ring(search, search->bucket))
		return SL_FILLED_UNCLEAR;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < RECENT_CHAIN_MAX; i++) {
		if (search->links.previous == search->bucket)
			return SL_FILLED_MISS;
		if (!step_back(search))
			return SL_FILLED_UNCLEAR;
		if (has_address(search))
			return SL_FILLED_HIT;
	}
	return SL_FILLED_UNCLEAR;
}

static __always_inline enum sl_filled_answer judge_stamps(struct recent_search *search)
{
	__u64 from = bpf_jiffies64() - search->place.window;
	__u32 certain = 0, possible = 0, count;

	count = read_count(search->entry + search->place.stamp_count, 2);
	search->count = count;
	if (!count || count > SL_RECENT_STAMPS ||
	    bpf_probe_read_kernel(search->stamps, count * sizeof(__u64),
				  (void *)(search->entry + search->place.stamps)))
		return SL_FILLED_UNCLEAR;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SL_RECENT_STAMPS; i++) {
		__s64 left = search->stamps[i] - from;

		if (i >= count)
			break;
		possible += !search->place.window || left >= 0;
		certain += !search->place.window || left >= search->place.grace;
	}
	if (certain >= search->place.hits)
		return SL_FILLED_HIT;
	return possible < search->place.hits ? SL_FILLED_MISS : SL_FILLED_UNCLEAR;
}

/* Enough others would have to go first. */
static __always_inline bool is_in_no_danger(struct recent_search *search)
{
	__u64 table = search->place.table;
	__u32 count = read_count(table + search->place.table_count, 4), ahead;

	if (count > search->place.room)
		return false;
	if (count + RECENT_UNDER_WAY <= search->place.room)
		return true;
	ahead = count + RECENT_UNDER_WAY - search->place.room;
	if (!enter_ring(search, search->entry + search->place.ages))
		return false;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < RECENT_UNDER_WAY; i++) {
		if (i >= ahead)
			return true;
		if (search->links.previous == table + search->place.table_ages ||
		    !step_back(search))
			return false;
	}
	return ahead <= RECENT_UNDER_WAY;
}

/* It is still where it was, with no fewer packets than were read. */
static __always_inline bool is_still_there(struct recent_search *search)
{
	return walk_bucket(search) == SL_FILLED_HIT && search->at == search->entry &&
	       read_count(search->entry + search->place.stamp_count, 2) >= search->count;
}

static __always_inline enum sl_filled_answer look_up(struct recent_search *search)
{
	__u32 hash = sl_jenkins_hash(search->wanted, search->place.length, search->place.seed);
	enum sl_filled_answer answer;

	search->bucket = search->place.table + search->place.table_buckets +
			 (__u64)(hash & (search->place.buckets - 1)) * sizeof(struct recent_links);
	answer = walk_bucket(search);
	if (answer != SL_FILLED_HIT)
		return answer;
	search->entry = search->at;
	answer = judge_stamps(search);
	if (answer != SL_FILLED_HIT)
		return answer;
	if (!is_in_no_danger(search))
		return SL_FILLED_UNCLEAR;
	fence();
	return is_still_there(search) ? SL_FILLED_HIT : SL_FILLED_UNCLEAR;
}

/* The address's bytes, the first highest. An enum sl_filled_answer. */
__noinline int recent_has(__u32 list, __u64 high, __u64 low)
{
	const struct sl_recent_place *place = bpf_map_lookup_elem(&recents, &list);
	enum sl_filled_answer answer;
	struct recent_search *search;

	/* Known when the program is loaded: the verifier looks at no more of it. */
	if (!CONFIG(has_recent) || !place || !place->table)
		return SL_FILLED_UNCLEAR;
	list = 0;
	search = bpf_map_lookup_elem(&recent_searches, &list);
	if (!search || __sync_lock_test_and_set(&search->is_taken, 1))
		return SL_FILLED_UNCLEAR;
	search->place = *place;
	search->wanted[0] = bpf_htonl(high >> 32);
	search->wanted[1] = bpf_htonl(high);
	search->wanted[2] = bpf_htonl(low >> 32);
	search->wanted[3] = bpf_htonl(low);
	answer = look_up(search);
	*(volatile __u32 *)&search->is_taken = 0;
	if (answer == SL_FILLED_MISS)
		note_miss(true);
	return answer;
}

#endif
