/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds xt_recent's lists (abi/recent.h), each by its file in /proc, which the caller has open; and
 * what it takes to know the seed of their hash, a variable of the module's without a name here.
 */
#ifndef SLUICE_BPF_FIND_RECENT_H
#define SLUICE_BPF_FIND_RECENT_H

#include "../abi/recent.h"
#include "find.h"

#define RECENT_BUCKETS_MAX 65536
#define RECENT_CHUNK       64 /* bytes */

__u32 recent_count; /* in */
struct sl_recent_query recent_queries[SL_FILLED_MAX];
__u32 knows_recent; /* out: this kernel tells enough of itself */

struct sl_rule_place asked_by; /* in: an expression of the kind */
__s32 witness_fd;              /* … a list to learn from, and its buckets */
__u32 witness_buckets;
__u64 match_address; /* out */
__u32 recent_words[SL_RECENT_WORDS];
struct sl_recent_witness recent_witnesses[SL_RECENT_WITNESSES];
__u32 witness_count;

#define RECENT_OFFSET(type, field) bpf_core_field_offset(struct type, field)

/* Modules that are not loaded tell nothing. A number's first byte is taken for its lowest. */
#define KNOWS_RECENT()                                                                             \
	(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && bpf_core_type_exists(struct recent_table) && \
	 bpf_core_type_exists(struct recent_entry) &&                                              \
	 bpf_core_type_exists(struct recent_iter_state) &&                                         \
	 bpf_core_type_exists(struct xt_match) && bpf_core_type_exists(struct nft_expr_ops) &&     \
	 bpf_core_field_exists(((struct recent_table *)0)->nstamps_max_mask) &&                    \
	 RECENT_OFFSET(recent_entry, list) == 0)

/* The list whose file the caller has open as `fd`. */
static __always_inline struct recent_table *table_behind(__s32 fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct file **files = BPF_CORE_READ(task, files, fdt, fd);
	struct recent_iter_state *state;
	struct seq_file *lines;
	struct file *file;

	if (fd < 0 || bpf_probe_read_kernel(&file, sizeof file, files + fd))
		return NULL;
	lines = BPF_CORE_READ(file, private_data);
	state = BPF_CORE_READ(lines, private);
	return (void *)BPF_CORE_READ(state, table);
}

/* All of an address counts, and there are no more times kept than we look at. */
static __always_inline bool is_recent_kind(struct recent_table *table, bool is_ip6)
{
	__u32 mask[4] = {0};

	bpf_probe_read_kernel(mask, sizeof mask, (void *)table + RECENT_OFFSET(recent_table, mask));
	if (BPF_CORE_READ(table, nstamps_max_mask) >= SL_RECENT_STAMPS || mask[0] != ~0u)
		return false;
	return !is_ip6 || (mask[1] & mask[2] & mask[3]) == ~0u;
}

static long find_one_recent(__u32 index, void *unused)
{
	struct sl_recent_query *query;
	struct sl_recent_place *place;
	struct recent_table *table;

	if (index >= SL_FILLED_MAX)
		return 1;
	query = &recent_queries[index];
	place = &query->place;
	table = table_behind(query->fd);
	if (!table || !is_recent_kind(table, query->is_ip6))
		return 0;
	place->table_count = RECENT_OFFSET(recent_table, entries);
	place->table_ages = RECENT_OFFSET(recent_table, lru_list);
	place->table_buckets = RECENT_OFFSET(recent_table, iphash);
	place->ages = RECENT_OFFSET(recent_entry, lru_list);
	place->address = RECENT_OFFSET(recent_entry, addr);
	place->entry_family = RECENT_OFFSET(recent_entry, family);
	place->stamp_count = RECENT_OFFSET(recent_entry, nstamps);
	place->stamps = RECENT_OFFSET(recent_entry, stamps);
	place->table = (__u64)table;
	return 0;
}

/* The first of each bucket, as far as there is room. */
static long take_witness(__u32 bucket, struct recent_table **table)
{
	__u64 head = (__u64)*table + RECENT_OFFSET(recent_table, iphash) +
		     (__u64)bucket * sizeof(struct list_head);
	__u64 entry = read_word(head);
	__u32 at = witness_count, address = 0;

	if (at >= SL_RECENT_WITNESSES)
		return 1;
	if (!entry || entry == head)
		return 0;
	bpf_probe_read_kernel(&address, sizeof address,
			      (void *)entry + RECENT_OFFSET(recent_entry, addr));
	recent_witnesses[at].address = address;
	recent_witnesses[at].bucket = bucket;
	witness_count = at + 1;
	return 0;
}

static __always_inline void take_witnesses(void)
{
	struct recent_table *table = table_behind(witness_fd);

	witness_count = 0;
	if (table && witness_buckets <= RECENT_BUCKETS_MAX)
		bpf_loop(witness_buckets, take_witness, &table, 0);
}

static __always_inline bool is_recent_match(struct xt_match *match)
{
	char name[8] = {0};

	bpf_probe_read_kernel(name, sizeof name, (void *)match + RECENT_OFFSET(xt_match, name));
	return *(__u64 *)name == 0x746e65636572; /* "recent" */
}

/* The words about it: half of them ahead, half from it on. What cannot be read is 0. */
static __always_inline void take_words(struct xt_match *match)
{
	__u64 from = (__u64)match - sizeof recent_words / 2;

	for (__u32 i = 0; i < sizeof recent_words / RECENT_CHUNK; i++) {
		void *to = (void *)recent_words + i * RECENT_CHUNK;

		if (bpf_probe_read_kernel(to, RECENT_CHUNK, (void *)(from + i * RECENT_CHUNK)))
			__builtin_memset(to, 0, RECENT_CHUNK);
	}
}

static __always_inline void learn_of_recent(void)
{
	struct nft_expr *expression = find_expression(&asked_by);
	struct xt_match *match = expression ? (void *)BPF_CORE_READ(expression, ops, data) : NULL;

	match_address = 0;
	if (!match || !is_recent_match(match))
		return;
	match_address = (__u64)match;
	take_words(match);
	take_witnesses();
}

#endif
