/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The filter of known connections: a Bloom filter that holds every tuple by which conntrack can
 * find a connection of the namespace, and more. Who is not in it is a stranger: a lookup would
 * miss, and is spared. Nothing else is concluded from it than from a miss (conntrack.h), so what
 * must be true is that no tuple is in the table and not in the filter. A tuple that is only in the
 * filter, of a connection that has ended or by a collision, costs a lookup.
 *
 * How entries come into the table (as read in Linux 6.6, and seen on 6.18):
 *
 *	a packet confirms	__nf_conntrack_confirm(), called by nf_confirm() as the last
 *	the connection that	hook of LOCAL_IN and POST_ROUTING. Just ahead of it known.bpf.c
 *	it began		writes both tuples of a connection that is not confirmed yet.
 *				NAT is done by then: it hooks in at ±100, wherever its chains
 *				stand, and leaves alone what is confirmed; until then the
 *				connection is one packet's own. The table may refuse the entry;
 *				or, where two packets began the same connection at once, take
 *				its reply's tuple alone, for a second
 *				(nf_ct_resolve_clash_harder()). Packets of expected connections,
 *				and those that come back out of a queue, go the same way
 *	somebody asks for it	conntrackd, conntrack -I, bpf_ct_insert_entry():
 *				nf_conntrack_hash_check_insert(), which alone counts what it
 *				does in `insert` of the namespace's statistics, each CPU its
 *				own. They are compared below; one differs, and the filter is out
 *				of use
 *	others confirm		TC's action ct, Open vSwitch, bridge conntrack, IPVS: where one
 *				of these is in the kernel, there is no filter. Should one come
 *				later, as a module, the kernel's list of modules does not begin
 *				as it did, which is compared as well
 *	it was there before	it is in a dump of the table, made once every program that runs
 *				knows of the generation to write to, and clashes of before are
 *				over. An entry that has run out is not dumped, and ended there
 *				and then; if a packet that had found it a moment ago revives it
 *				in between, that packet passes the hooks, which meanwhile write
 *				known connections, too
 *
 * An entry's tuples never change once it is in the table. The filter knows nothing of zones, which
 * makes it say "known" more often than need be.
 *
 * The hooks are there all the time: a link can be detached, but not attached again, and the lists
 * of hooks are compared. Before it vouches for a list, the keeper has seen our program in it, and
 * behind that nothing but other programs, which change no packet, and nf_confirm(). Where packets
 * wait in a queue while the list changes, the kernel drops them if a hook goes, and lets none pass
 * by a hook that comes behind theirs.
 *
 * Bits are only ever set, and before the entry is in the table, whose locks order the two: so who
 * reads a packet that was sent because of the entry finds them set. When too many are set, the
 * keeper fills a second generation (daemon/renewal.h), while hooks write both.
 *
 * What is left: the hash table is resized twice, back to its size, within one dump, which then
 * misses what moved; a module of the kind above comes and goes while nothing is dropped, within
 * half a second; an entry is revived as told, by a packet that the rules then drop; and lists of
 * hooks that return to where they were (docs/what-changes.md).
 */
#ifndef SLUICE_BPF_KNOWN_H
#define SLUICE_BPF_KNOWN_H

#include "../abi/known.h"
#include "kernel.h"

volatile struct sl_known_cell known SEC(".data.known");

/* Two generations, one behind the other; sized at load, one word where there is no filter. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} known_words SEC(".maps");

/*
 * Eight bytes of the kernel's from anywhere, by a plain load: as of a type that begins with a
 * number of that size, for want of one that is nothing else. It is 0 where nothing is. (A call of
 * bpf_probe_read_kernel takes as long as all the rest.)
 */
static __always_inline __u64 load_word(__u64 address)
{
	const struct timespec64 *there =
		bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct timespec64));

	return there->tv_sec;
}

static __always_inline bool is_same(const volatile struct sl_known_word *word)
{
	return load_word(word->address) == word->value;
}

/* Nothing has entered the table, or can have, that did not enter the filter before. */
static __always_inline bool filter_stands(bool is_ip6)
{
	const volatile struct sl_known_sight *sight = &known.sight;

	if (!is_same(&sight->hooks[is_ip6][0]) || !is_same(&sight->hooks[is_ip6][1]))
		return false;
	if (sight->modules.address && !is_same(&sight->modules))
		return false;
	for (__u32 cpu = 0; cpu < SL_KNOWN_CPUS_MAX; cpu++) {
		if (cpu >= sight->cpus)
			break;
		if ((__u32)load_word(sight->inserts[cpu].address) != sight->inserts[cpu].value)
			return false;
	}
	return true;
}

/* True only if a lookup of this tuple would find nothing. */
static __always_inline bool is_stranger(const struct sl_known_tuple *tuple)
{
	__u64 version = known.version, hash = sl_known_hash(&known, tuple);
	__u32 index = sl_known_index(&known, hash, version & 1);
	const __u64 *word = bpf_map_lookup_elem(&known_words, &index);

	if (!version || !word || !(~*(volatile __u64 *)word & sl_known_bits(hash)))
		return false;
	return filter_stands(tuple->is_ip6) && known.version == version;
}

#endif
