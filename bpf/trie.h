/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets of ranges and of short values, looked up in tries (abi/trie.h). Functions of their own, that
 * the verifier proves once, for any image and any key; a call of one costs less than the memory
 * that it looks at.
 */
#ifndef SLUICE_BPF_TRIE_H
#define SLUICE_BPF_TRIE_H

#include "../abi/trie.h"
#include "config.h"
#include "cursor.h"
#include "kernel.h"

struct trie_units {
	__u64 units[1]; /* CONFIG(trie_units) of them; sized at load */
};

/*
 * All sets of the program. User space writes to it by way of memory; it is as large as the sets
 * were, and about as much again for those that may grow. Full: compiled anew.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct trie_units);
} tries SEC(".maps");

/* For sets without records: whether the key is in one of the ranges, or SL_TRIE_BROKEN. */
__noinline int trie_has(__u32 set, __u64 high, __u64 low)
{
	__u32 first = 0;
	struct trie_units *image = bpf_map_lookup_elem(&tries, &first);

	if (!image)
		return SL_TRIE_BROKEN;
	return sl_trie_walk(image->units, CONFIG(trie_units), set, high, low);
}

/*
 * For the others. The lower half is 0 if there is no range that is still there, SL_TRIE_BROKEN if
 * that cannot be said, else the range's verdict + 1; the upper half is its counter.
 */
__noinline __u64 trie_value(__u32 set, __u64 high, __u64 low)
{
	__u32 first = 0;
	struct trie_units *image = bpf_map_lookup_elem(&tries, &first);
	__u64 now, record, expires_at_ns, value;

	if (!image)
		return SL_TRIE_BROKEN;
	record = (__u32)sl_trie_walk(image->units, CONFIG(trie_units), set, high, low);
	if (!record || record == SL_TRIE_BROKEN)
		return record;
	SL_TRIE_READ(expires_at_ns, image->units, CONFIG(trie_units), record);
	SL_TRIE_READ(value, image->units, CONFIG(trie_units), record + 1);
	if (expires_at_ns) {
		now = bpf_ktime_get_ns();
		if (now >= expires_at_ns)
			return now - expires_at_ns < SL_EXPIRY_GRACE_NS ? SL_TRIE_BROKEN : 0;
	}
	return (value & ~((__u64)1 << 31)) + 1;
}

#endif
