/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds iptables-legacy's tables and copies them, as they are (abi/xt_tables.h). Somebody may
 * change them meanwhile: then the copy is of no state that ever was, which nothing in the kernel
 * will equal.
 */
#ifndef SLUICE_BPF_FIND_LEGACY_H
#define SLUICE_BPF_FIND_LEGACY_H

#include "../abi/xt_tables.h"
#include "kernel.h"

#define LEGACY_NFPROTO_IPV4 2
#define LEGACY_NFPROTO_IPV6 10
#define MEMORIES_MAX        256

struct sl_legacy_family legacy_families[SL_LEGACY_FAMILIES];
struct sl_legacy_chunk legacy_chunks[SL_LEGACY_FAMILIES * SL_LEGACY_CHUNKS];

struct sl_legacy_name legacy_names[SL_LEGACY_NAMES_MAX]; /* in: addresses; out: the rest */
__u32 legacy_name_count;                                 /* in */

/* While x_tables is a module and not loaded, there is nothing. */
#define KNOWS_LEGACY()                                                                             \
	(bpf_core_field_exists(((struct xt_pernet *)0)->tables) &&                                 \
	 bpf_core_field_exists(((struct xt_table *)0)->private) &&                                 \
	 bpf_core_field_exists(((struct xt_table_info *)0)->entries))

static __always_inline struct list_head *tables_of(struct xt_pernet *xtables, __u32 protocol)
{
	return (void *)xtables + bpf_core_field_offset(struct xt_pernet, tables) +
	       protocol * bpf_core_type_size(struct list_head);
}

/*
 * Of the protocols that can have no tables the lists are empty: that is what it is known by among
 * the memories of all modules, for not every kernel tells which one is whose.
 */
static __always_inline bool is_xtables(struct xt_pernet *xtables)
{
	const __u32 without_tables = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 9;

	for (__u32 protocol = 0; protocol <= LEGACY_NFPROTO_IPV6; protocol++) {
		struct list_head *list = tables_of(xtables, protocol);
		struct list_head *first = BPF_CORE_READ(list, next);

		if (without_tables >> protocol & 1 ? first != list
						   : BPF_CORE_READ(first, prev) != list)
			return false;
	}
	return true;
}

struct xtables_search {
	void **memories;
	__u32 count;
	struct xt_pernet *found;
};

static long look_at_memory(__u32 index, struct xtables_search *search)
{
	struct xt_pernet *one = NULL;

	if (index >= search->count)
		return 1;
	bpf_probe_read_kernel(&one, sizeof one, search->memories + index);
	if (!one || !is_xtables(one))
		return 0;
	search->found = one;
	return 1;
}

/* What x_tables keeps of a namespace; NULL: not to be found. */
static __always_inline struct xt_pernet *find_xtables(struct net *net)
{
	struct net_generic *generic = BPF_CORE_READ(net, gen);
	struct xtables_search search = {
		.memories = (void **)generic,
		.count = BPF_CORE_READ(generic, s.len),
	};

	bpf_loop(MEMORIES_MAX, look_at_memory, &search, 0);
	return search.found;
}

struct legacy_copy {
	__u64 from;
	__u32 size, first; /* bytes; the chunk, of all, that it begins at */
};

static long copy_chunk(__u32 index, struct legacy_copy *copy)
{
	__u32 at = index * SL_LEGACY_CHUNK_BYTES, slot = copy->first + index;
	struct sl_legacy_chunk *chunk;

	if (at >= copy->size || slot >= SL_LEGACY_FAMILIES * SL_LEGACY_CHUNKS)
		return 1;
	if (at > copy->size - SL_LEGACY_CHUNK_BYTES)
		at = copy->size - SL_LEGACY_CHUNK_BYTES;
	chunk = &legacy_chunks[slot];
	chunk->address = copy->from + at;
	bpf_probe_read_kernel(chunk->words, sizeof chunk->words, (void *)chunk->address);
	return 0;
}

static __always_inline void note_legacy_table(struct sl_legacy_family *family, __u32 family_first,
					      struct xt_table *table, struct sl_legacy_table *noted)
{
	struct xt_table_info *info = BPF_CORE_READ(table, private);
	struct legacy_copy copy = {
		.from = (__u64)info,
		.size = BPF_CORE_READ(info, size) +
			bpf_core_field_offset(struct xt_table_info, entries),
		.first = family_first + family->chunks,
	};

	noted->info.address = (__u64)table + bpf_core_field_offset(struct xt_table, private);
	noted->info.value = (__u64)info;
	noted->size = copy.size;
	noted->priority = BPF_CORE_READ(table, priority);
	bpf_probe_read_kernel(noted->name, sizeof noted->name,
			      (void *)table + bpf_core_field_offset(struct xt_table, name));
	noted->first = family->chunks;
	noted->count = (copy.size + SL_LEGACY_CHUNK_BYTES - 1) / SL_LEGACY_CHUNK_BYTES;
	family->chunks += noted->count;
	if (family->chunks <= SL_LEGACY_CHUNKS && copy.size >= SL_LEGACY_CHUNK_BYTES)
		bpf_loop(SL_LEGACY_CHUNKS, copy_chunk, &copy, 0);
}

static __always_inline void note_legacy_family(struct xt_pernet *xtables, __u32 protocol,
					       __u32 number)
{
	struct sl_legacy_family *family = &legacy_families[number];
	struct list_head *head = tables_of(xtables, protocol);
	struct list_head *at = BPF_CORE_READ(head, next);

	family->head.address = (__u64)head;
	family->head.value = (__u64)at;
	for (__u32 i = 0; i < SL_LEGACY_TABLES && at && at != head; i++) {
		note_legacy_table(family, number * SL_LEGACY_CHUNKS,
				  (void *)at - bpf_core_field_offset(struct xt_table, list),
				  &family->tables[i]);
		family->count++;
		at = BPF_CORE_READ(at, next);
	}
	if (at != head)
		family->count++;
}

static __always_inline void note_legacy(struct net *net)
{
	struct xt_pernet *xtables;

	__builtin_memset(legacy_families, 0, sizeof legacy_families);
	if (!KNOWS_LEGACY())
		return;
	xtables = find_xtables(net);
	if (!xtables)
		return;
	note_legacy_family(xtables, LEGACY_NFPROTO_IPV4, 0);
	note_legacy_family(xtables, LEGACY_NFPROTO_IPV6, 1);
}

static long note_name(__u32 index, void *unused)
{
	struct sl_legacy_name *name;
	struct xt_match *match;

	if (index >= SL_LEGACY_NAMES_MAX)
		return 1;
	name = &legacy_names[index];
	match = (void *)name->address;
	bpf_probe_read_kernel(name->name, sizeof name->name,
			      (void *)match + bpf_core_field_offset(struct xt_match, name));
	name->revision = BPF_CORE_READ(match, revision);
	return 0;
}

#endif
