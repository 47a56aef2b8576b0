/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Builds the tries of abi/trie.h, and changes them in place.
 *
 * Enters: the sets of a program that hold disjoint ranges, or short values, which are ranges as
 * well; their elements one by one in any order. Leaves: one image for all of them, first in memory
 * of its own, then in a map's. Promised: a walk finds for each key the element added last among
 * those that cover it, unless it was removed; and what a change costs depends on the key's length,
 * not on the set's size (but a range that is many times wider than the set's ranges are on average
 * takes a store for each).
 */
#ifndef SLUICE_CLASSIFY_TRIES_H
#define SLUICE_CLASSIFY_TRIES_H

#include "ir/ir.h"
#include "trie.h"

struct sl_tries {
	u64 *units; /* malloc'd, or the map's memory */
	u32 count;  /* in use, those on free lists included */
	u32 capacity;
	u32 set_count;
	bool is_fixed; /* in a map: it cannot grow */
	u32 free[7];   /* first units of free blocks by their size (trie_nodes.c) */
	/* of the change that is being made */
	bool has_records;
	int error;
};

/* Sets that are looked up in a trie; of others nothing is known here. */
bool sl_set_has_trie(const struct sl_set *set);
/* Those whose elements are more than a range: trie_value() of bpf/trie.h, else trie_has(). */
bool sl_set_has_records(const struct sl_set *set);

/* Empty tries for so many sets. 0 or -ENOMEM. */
int sl_tries_init(struct sl_tries *tries, u32 set_count);
void sl_tries_free(struct sl_tries *tries); /* what is in a map stays there */

/*
 * Before a set's first element: about how many will come, which decides how its trie begins.
 * 0, -ENOMEM, or -E2BIG as below.
 */
int sl_trie_begin(struct sl_tries *tries, const struct sl_set *set, u32 elements);

/*
 * Adds or replaces an element, or removes one; a range that is removed must have been added as
 * such. 0; -ENOMEM; or -E2BIG when the image is full: then the set is in no defined state, and must
 * not be used until the image has been built anew.
 */
int sl_trie_add(struct sl_tries *tries, const struct sl_set *set, const struct sl_element *element,
		u32 verdict_index);
int sl_trie_remove(struct sl_tries *tries, const struct sl_set *set, const u8 *key,
		   const u8 *key_end);

/* What a walk for the key finds (sl_trie_walk). */
u32 sl_trie_find(const struct sl_tries *tries, const struct sl_set *set, const u8 *key);

/* From memory of its own to a map's: `capacity` units, all zero. */
void sl_tries_move(struct sl_tries *tries, u64 *units, u32 capacity);

#endif
