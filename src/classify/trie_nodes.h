/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of tries, and the nodes in it: laid open as 256 words, or as borders, and closed again
 * in the smallest form that can hold what they have become.
 *
 * Memory is handed out in blocks of units. What is given back is kept in lists by size, linked
 * through the blocks' first units. Where there is no room, tries->error tells, and block 0 comes,
 * or a word that is 0.
 */
#ifndef SLUICE_CLASSIFY_TRIE_NODES_H
#define SLUICE_CLASSIFY_TRIE_NODES_H

#include "classify/borders.h"
#include "classify/tries.h"

static inline u32 sl_trie_word(enum sl_trie_kind kind, u32 at)
{
	return at << SL_TRIE_KIND_BITS | kind;
}

static inline enum sl_trie_kind sl_trie_word_kind(u32 word)
{
	return word & ((1 << SL_TRIE_KIND_BITS) - 1);
}

static inline u32 sl_trie_word_unit(u32 word)
{
	return word >> SL_TRIE_KIND_BITS;
}

static inline u32 *sl_trie_words_at(struct sl_tries *tries, u32 unit)
{
	return (u32 *)&tries->units[unit];
}

/* A block at the end of the image; or one that was given back, if there is. */
u32 sl_trie_extend(struct sl_tries *tries, u32 units);
u32 sl_trie_allocate(struct sl_tries *tries, u32 units);
void sl_trie_release(struct sl_tries *tries, u32 block, u32 units);

void sl_trie_release_node(struct sl_tries *tries, u32 word);
/* The node and all below it. */
void sl_trie_release_tree(struct sl_tries *tries, u32 word);

/* A node laid open. */
struct sl_trie_view {
	u32 words[256];
};

/* Takes a node apart, and gives its memory back; and the opposite: the word that the view is now.
 */
void sl_trie_open_node(struct sl_tries *tries, u32 word, struct sl_trie_view *ret_view);
u32 sl_trie_close_node(struct sl_tries *tries, const struct sl_trie_view *view);

/*
 * Of a leaf, a node of borders, or a bitmap, which stays as it is. False: of a bitmap that has more
 * than there is room for.
 */
bool sl_trie_find_borders(const struct sl_tries *tries, u32 word, struct sl_borders *ret_borders);
/* No more than SL_TRIE_BORDERS_MAX; any. */
u32 sl_trie_close_borders(struct sl_tries *tries, const struct sl_borders *borders);
u32 sl_trie_close_bitmap(struct sl_tries *tries, const struct sl_borders *borders);

#endif
