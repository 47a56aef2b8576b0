// SPDX-License-Identifier: GPL-2.0-only
#include "classify/trie_nodes.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FULL_UNITS 128
#define SKIP_UNITS 2

/* Memory */

/* The list that blocks of this size are kept in. */
static u32 *free_list(struct sl_tries *tries, u32 units)
{
	switch (units) {
	case FULL_UNITS:
		return &tries->free[6];
	case SL_TRIE_BITMAP_UNITS:
		return &tries->free[5];
	default:
		assert(units >= 1 && units <= 5);
		return &tries->free[units - 1];
	}
}

static int grow(struct sl_tries *tries, u32 count)
{
	u32 capacity = 2 * tries->capacity > count ? 2 * tries->capacity : count;
	u64 *units;

	if (tries->is_fixed || count > SL_TRIE_UNITS_MAX)
		return -E2BIG;
	units = realloc(tries->units, (size_t)capacity * sizeof *units);
	if (!units)
		return -ENOMEM;
	tries->units = units;
	tries->capacity = capacity;
	return 0;
}

u32 sl_trie_extend(struct sl_tries *tries, u32 units)
{
	u32 block = tries->count;
	int error = units > tries->capacity - block ? grow(tries, block + units) : 0;

	if (error) {
		tries->error = error;
		return 0;
	}
	tries->count += units;
	return block;
}

u32 sl_trie_allocate(struct sl_tries *tries, u32 units)
{
	u32 *first = free_list(tries, units);
	u32 block = *first;

	if (!block)
		return sl_trie_extend(tries, units);
	*first = (u32)tries->units[block];
	return block;
}

void sl_trie_release(struct sl_tries *tries, u32 block, u32 units)
{
	u32 *first = free_list(tries, units);

	tries->units[block] = *first;
	*first = block;
}

/* Nodes */

static u32 sparse_units(u32 children)
{
	return 1 + (children + 1) / 2;
}

/* Borders that are not used are past every byte, and stand last. */
static u32 sparse_children(u64 borders)
{
	return 1 + (u32)sl_trie_count_9(borders, 255);
}

static u32 border_at(u64 borders, u32 i)
{
	return borders >> 9 * i & 511;
}

static u32 node_units(const struct sl_tries *tries, u32 word)
{
	switch (sl_trie_word_kind(word)) {
	case SL_TRIE_FULL:
		return FULL_UNITS;
	case SL_TRIE_SPARSE:
		return sparse_units(sparse_children(tries->units[sl_trie_word_unit(word)]));
	case SL_TRIE_SKIP:
		return SKIP_UNITS;
	case SL_TRIE_LEAF:
		return 0;
	case SL_TRIE_BITMAP:
		return SL_TRIE_BITMAP_UNITS;
	default:
		return 1 + sl_trie_word_kind(word) - SL_TRIE_BORDERS_1;
	}
}

void sl_trie_release_node(struct sl_tries *tries, u32 word)
{
	if (sl_trie_word_kind(word) != SL_TRIE_LEAF)
		sl_trie_release(tries, sl_trie_word_unit(word), node_units(tries, word));
}

/* The words of a node; *ret_first is the number of the first among the image's. */
static u32 node_words(const struct sl_tries *tries, u32 word, u32 *ret_first)
{
	*ret_first = 2 * sl_trie_word_unit(word);
	switch (sl_trie_word_kind(word)) {
	case SL_TRIE_FULL:
		return 256;
	case SL_TRIE_SPARSE:
		*ret_first += 2;
		return sparse_children(tries->units[sl_trie_word_unit(word)]);
	case SL_TRIE_SKIP:
		return 1;
	default:
		return 0;
	}
}

void sl_trie_release_tree(struct sl_tries *tries, u32 word)
{
	u32 first, count = node_words(tries, word, &first);

	for (u32 i = 0; i < count; i++)
		sl_trie_release_tree(tries, sl_trie_words_at(tries, 0)[first + i]);
	sl_trie_release_node(tries, word);
}

static void fill(struct sl_trie_view *view, u32 from, u32 to, u32 word)
{
	for (u32 i = from; i < to; i++)
		view->words[i] = word;
}

static void open_sparse(struct sl_tries *tries, u32 node, struct sl_trie_view *ret_view)
{
	u64 borders = tries->units[node];
	u32 children = sparse_children(borders), from = 0;

	for (u32 i = 0; i < children; i++) {
		u32 to = i + 1 < children ? border_at(borders, i) : 256;

		fill(ret_view, from, to, sl_trie_words_at(tries, node)[2 + i]);
		from = to;
	}
}

/* The first of the bytes goes into the view; for the others the node is kept. */
static void open_skip(struct sl_tries *tries, u32 word, struct sl_trie_view *ret_view)
{
	u64 *node = &tries->units[sl_trie_word_unit(word)];
	u32 byte = node[1] >> 56;

	fill(ret_view, 0, 256, 0);
	if (node[0] >> 32 > 1) {
		node[0] -= 1ULL << 32;
		node[1] <<= 8;
		ret_view->words[byte] = word;
		return;
	}
	ret_view->words[byte] = (u32)node[0];
	sl_trie_release(tries, sl_trie_word_unit(word), SKIP_UNITS);
}

void sl_trie_open_node(struct sl_tries *tries, u32 word, struct sl_trie_view *ret_view)
{
	switch (sl_trie_word_kind(word)) {
	case SL_TRIE_FULL:
		memcpy(ret_view->words, sl_trie_words_at(tries, sl_trie_word_unit(word)),
		       sizeof ret_view->words);
		break;
	case SL_TRIE_SPARSE:
		open_sparse(tries, sl_trie_word_unit(word), ret_view);
		break;
	case SL_TRIE_SKIP:
		open_skip(tries, word, ret_view);
		return;
	default:
		fill(ret_view, 0, 256, word);
		return;
	}
	sl_trie_release_node(tries, word);
}

/* Where the children of a view change: ends[i] is behind the last byte of the i-th run of equals.
 * Returns how many runs there are, or 0 if more than a SPARSE node can hold. */
static u32 find_runs(const struct sl_trie_view *view, u32 *ends)
{
	u32 runs = 0;

	for (u32 i = 1; i < 256; i++) {
		if (view->words[i] == view->words[i - 1])
			continue;
		if (runs == SL_TRIE_SPARSE_MAX)
			return 0;
		ends[runs++] = i;
	}
	ends[runs++] = 256;
	return runs;
}

static u32 close_full(struct sl_tries *tries, const struct sl_trie_view *view)
{
	u32 node = sl_trie_allocate(tries, FULL_UNITS);

	if (!node)
		return 0;
	memcpy(sl_trie_words_at(tries, node), view->words, sizeof view->words);
	return sl_trie_word(SL_TRIE_FULL, node);
}

static u32 close_sparse(struct sl_tries *tries, const struct sl_trie_view *view, const u32 *ends,
			u32 runs)
{
	u32 node = sl_trie_allocate(tries, sparse_units(runs));
	u64 borders = 0;

	if (!node)
		return 0;
	for (u32 i = 0; i < SL_TRIE_SPARSE_MAX; i++)
		borders |= (u64)(i + 1 < runs ? ends[i] : 256) << 9 * i;
	tries->units[node] = borders;
	for (u32 i = 0; i < runs; i++)
		sl_trie_words_at(tries, node)[2 + i] = view->words[ends[i] - 1];
	return sl_trie_word(SL_TRIE_SPARSE, node);
}

/* The only way on is by `byte`; where `child` skips as well, both become one. */
static u32 close_skip(struct sl_tries *tries, u32 byte, u32 child)
{
	u32 node = sl_trie_word_kind(child) == SL_TRIE_SKIP ? sl_trie_word_unit(child) : 0;
	u64 first = (u64)byte << 56;

	if (node && tries->units[node] >> 32 < SL_TRIE_SKIP_MAX) {
		tries->units[node] += 1ULL << 32;
		tries->units[node + 1] = first | tries->units[node + 1] >> 8;
		return child;
	}
	node = sl_trie_allocate(tries, SKIP_UNITS);
	if (!node)
		return 0;
	tries->units[node] = 1ULL << 32 | child;
	tries->units[node + 1] = first;
	return sl_trie_word(SL_TRIE_SKIP, node);
}

/* The byte of a view's only child, −1 if it has none or others. */
static int only_child(const struct sl_trie_view *view, const u32 *ends, u32 runs)
{
	u32 byte = view->words[0] ? 0 : ends[0], runs_before = view->words[0] ? 0 : 1;
	bool is_one_byte = ends[runs_before] == byte + 1;
	bool is_last = runs_before + 1 == runs;
	bool nothing_behind = runs_before + 2 == runs && !view->words[255];

	return is_one_byte && (is_last || nothing_behind) ? (int)byte : -1;
}

u32 sl_trie_close_node(struct sl_tries *tries, const struct sl_trie_view *view)
{
	u32 ends[SL_TRIE_SPARSE_MAX + 1], runs = find_runs(view, ends);
	int byte;

	if (!runs)
		return close_full(tries, view);
	/* A node stands in one place only, so that what is all the same is a leaf. */
	if (runs == 1)
		return view->words[0];
	byte = only_child(view, ends, runs);
	if (byte >= 0)
		return close_skip(tries, (u32)byte, view->words[byte]);
	return close_sparse(tries, view, ends, runs);
}

/* Nodes of borders, and bitmaps */

u32 sl_trie_close_borders(struct sl_tries *tries, const struct sl_borders *borders)
{
	u32 units = (borders->count + SL_BORDERS_A_UNIT - 1) / SL_BORDERS_A_UNIT, node;

	if (!borders->count || (borders->count == 1 && !borders->items[0]))
		return sl_trie_word(SL_TRIE_LEAF, borders->count);
	node = sl_trie_allocate(tries, units);
	if (!node)
		return 0;
	sl_borders_pack(borders, &tries->units[node], units);
	return sl_trie_word(SL_TRIE_BORDERS_1 + units - 1, node);
}

u32 sl_trie_close_bitmap(struct sl_tries *tries, const struct sl_borders *borders)
{
	u32 node = sl_trie_allocate(tries, SL_TRIE_BITMAP_UNITS);

	if (!node)
		return 0;
	memset(&tries->units[node], 0, SL_TRIE_BITMAP_UNITS * sizeof *tries->units);
	for (u32 i = 0; i < borders->count; i += 2)
		sl_bitmap_cover(&tries->units[node], borders->items[i], sl_borders_end(borders, i),
				true);
	return sl_trie_word(SL_TRIE_BITMAP, node);
}

bool sl_trie_find_borders(const struct sl_tries *tries, u32 word, struct sl_borders *ret_borders)
{
	if (sl_trie_word_kind(word) == SL_TRIE_BITMAP)
		return sl_bitmap_unpack(ret_borders, &tries->units[sl_trie_word_unit(word)]);
	ret_borders->count = 0;
	if (sl_trie_word_kind(word) == SL_TRIE_LEAF)
		return !sl_trie_word_unit(word) || sl_borders_push(ret_borders, 0);
	sl_borders_unpack(ret_borders, &tries->units[sl_trie_word_unit(word)],
			  node_units(tries, word));
	return true;
}
