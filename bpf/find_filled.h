/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the sets that packets fill (abi/filled.h), by their handles, and makes sure that they are
 * of the kind that bpf/filled.h knows how to read.
 */
#ifndef SLUICE_BPF_FIND_FILLED_H
#define SLUICE_BPF_FIND_FILLED_H

#include <linux/netfilter/nf_tables.h>

#include "../abi/filled.h"
#include "find.h"

__u32 filled_count; /* in */
struct sl_filled_query filled_queries[SL_FILLED_MAX];
__u32 knows_filled; /* out: this kernel tells enough of itself */

/*
 * Modules that are not loaded tell nothing; before 6.12 elements keep their time in another way. A
 * word's first byte is taken for its lowest.
 */
#define KNOWS_FILLED()                                                                             \
	(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && bpf_core_type_exists(struct nft_set) &&      \
	 bpf_core_type_exists(struct nft_set_type) && bpf_core_type_exists(struct nft_rhash) &&    \
	 bpf_core_type_exists(struct nft_rhash_elem) &&                                            \
	 bpf_core_type_exists(struct nft_set_ext) && bpf_core_type_exists(struct bucket_table) &&  \
	 bpf_core_type_exists(struct nft_timeout) &&                                               \
	 bpf_core_enum_value_exists(enum nft_set_extensions, NFT_SET_EXT_TIMEOUT) &&               \
	 bpf_core_enum_value_exists(enum nft_set_extensions, NFT_SET_EXT_EXPRESSIONS))

/* The only kind that rules can add to (NFT_SET_EVAL), and laid out as it is told. */
static __always_inline bool is_filled_kind(struct nft_set *set, struct rhashtable *table,
					   __u32 key_length)
{
	struct nft_set_type *type =
		(void *)BPF_CORE_READ(set, ops) - bpf_core_field_offset(struct nft_set_type, ops);

	return BPF_CORE_READ(type, features) & NFT_SET_EVAL &&
	       BPF_CORE_READ(set, klen) == key_length &&
	       BPF_CORE_READ(table, key_len) == key_length &&
	       BPF_CORE_READ(table, p.key_len) == key_length &&
	       BPF_CORE_READ(table, p.head_offset) ==
		       bpf_core_field_offset(struct nft_rhash_elem, node);
}

static long find_one_filled(__u32 index, void *unused)
{
	struct sl_filled_query *query;
	struct rhashtable *hash;
	struct nft_table *table;
	struct nft_set *set;

	if (index >= SL_FILLED_MAX)
		return 1;
	query = &filled_queries[index];
	query->place.table = 0;
	table = find_table(query->table);
	set = table ? find_by_handle((void *)table + bpf_core_field_offset(struct nft_table, sets),
				     query->set, OF_SETS)
		    : NULL;
	if (!set)
		return 0;
	hash = (void *)set + bpf_core_field_offset(struct nft_set, data) +
	       bpf_core_field_offset(struct nft_rhash, ht);
	if (!is_filled_kind(set, hash, query->key_length))
		return 0;
	query->place.key_length = query->key_length;
	query->place.ext = bpf_core_field_offset(struct nft_rhash_elem, ext) -
			   bpf_core_field_offset(struct nft_rhash_elem, node);
	query->place.effects =
		1 + bpf_core_enum_value(enum nft_set_extensions, NFT_SET_EXT_EXPRESSIONS);
	query->place.expiry = 1 + bpf_core_enum_value(enum nft_set_extensions, NFT_SET_EXT_TIMEOUT);
	query->place.expires_at = bpf_core_field_offset(struct nft_timeout, expiration);
	query->place.table = (__u64)hash + bpf_core_field_offset(struct rhashtable, tbl);
	return 0;
}

#endif
