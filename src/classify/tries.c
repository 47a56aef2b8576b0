/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A change goes down the trie along the two ends of its range. On the way every node is laid open
 * as 256 children, changed, and closed again in the smallest form that can hold what it has become:
 * so each node is always the one that a build from nothing would have made of it.
 *
 * Memory is handed out in blocks of units. What is given back is kept in lists by size, linked
 * through the blocks' first units.
 */
#include "classify/tries.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FULL_UNITS   128
#define WIDE_UNITS   32768
#define SKIP_UNITS   2
#define RECORD_UNITS 2

/* Part of its range is another's now, though nobody removed it (it expired): not to be reused. */
#define RECORD_IS_SPLIT (1u << 31)

/* From so many elements on a set begins with two bytes at once. */
#define WIDE_FROM_SHORT 256  /* IPv4 addresses: they differ early */
#define WIDE_FROM_LONG  4096 /* IPv6 addresses: most begin alike */

bool sl_set_has_trie(const struct sl_set *set)
{
	return set->kind == SL_SET_INTERVAL && set->key_length <= SL_TRIE_KEY_MAX;
}

static bool has_records(const struct sl_set *set)
{
	return set->is_vmap || set->has_timeouts;
}

/* Words */

static u32 make_word(enum sl_trie_kind kind, u32 at)
{
	return at << SL_TRIE_KIND_BITS | kind;
}

static enum sl_trie_kind kind_of(u32 word)
{
	return word & ((1 << SL_TRIE_KIND_BITS) - 1);
}

static u32 unit_of(u32 word)
{
	return word >> SL_TRIE_KIND_BITS;
}

static u32 *words_at(struct sl_tries *tries, u32 unit)
{
	return (u32 *)&tries->units[unit];
}

/* Memory */

/* The list that blocks of this size are kept in. */
static u32 *free_list(struct sl_tries *tries, u32 units)
{
	assert((units >= 2 && units <= 5) || units == FULL_UNITS);
	return &tries->free[units == FULL_UNITS ? 4 : units - 2];
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

/* A block at the end of the image; 0, and the error is noted, if there is no room. */
static u32 extend(struct sl_tries *tries, u32 units)
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

static u32 allocate(struct sl_tries *tries, u32 units)
{
	u32 *first = free_list(tries, units);
	u32 block = *first;

	if (!block)
		return extend(tries, units);
	*first = (u32)tries->units[block];
	return block;
}

static void release(struct sl_tries *tries, u32 block, u32 units)
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
	return 1 + (u32)sl_trie_borders_below(borders, 255);
}

static u32 border_at(u64 borders, u32 i)
{
	return borders >> 9 * i & 511;
}

static u32 node_units(const struct sl_tries *tries, u32 word)
{
	switch (kind_of(word)) {
	case SL_TRIE_FULL:
		return FULL_UNITS;
	case SL_TRIE_SPARSE:
		return sparse_units(sparse_children(tries->units[unit_of(word)]));
	default:
		return SKIP_UNITS;
	}
}

static void release_node(struct sl_tries *tries, u32 word)
{
	if (kind_of(word) != SL_TRIE_LEAF)
		release(tries, unit_of(word), node_units(tries, word));
}

/* A node and all below it. */
static void release_tree(struct sl_tries *tries, u32 word)
{
	u32 children = kind_of(word) == SL_TRIE_FULL ? 256 : 1, first = 0;

	if (kind_of(word) == SL_TRIE_LEAF)
		return;
	if (kind_of(word) == SL_TRIE_SPARSE) {
		children = sparse_children(tries->units[unit_of(word)]);
		first = 2;
	}
	for (u32 i = 0; i < children; i++)
		release_tree(tries, words_at(tries, unit_of(word))[first + i]);
	release_node(tries, word);
}

/* A node laid open. */
struct view {
	u32 words[256];
};

static void fill(struct view *view, u32 from, u32 to, u32 word)
{
	for (u32 i = from; i < to; i++)
		view->words[i] = word;
}

static void open_sparse(struct sl_tries *tries, u32 node, struct view *ret_view)
{
	u64 borders = tries->units[node];
	u32 children = sparse_children(borders), from = 0;

	for (u32 i = 0; i < children; i++) {
		u32 to = i + 1 < children ? border_at(borders, i) : 256;

		fill(ret_view, from, to, words_at(tries, node)[2 + i]);
		from = to;
	}
}

/* The first of the bytes goes into the view; for the others the node is kept. */
static void open_skip(struct sl_tries *tries, u32 word, struct view *ret_view)
{
	u64 *node = &tries->units[unit_of(word)];
	u32 byte = node[1] >> 56;

	fill(ret_view, 0, 256, 0);
	if (node[0] >> 32 > 1) {
		node[0] -= 1ULL << 32;
		node[1] <<= 8;
		ret_view->words[byte] = word;
		return;
	}
	ret_view->words[byte] = (u32)node[0];
	release(tries, unit_of(word), SKIP_UNITS);
}

/* Takes a node apart; its memory is given back. */
static void open_node(struct sl_tries *tries, u32 word, struct view *ret_view)
{
	switch (kind_of(word)) {
	case SL_TRIE_FULL:
		memcpy(ret_view->words, words_at(tries, unit_of(word)), sizeof ret_view->words);
		break;
	case SL_TRIE_SPARSE:
		open_sparse(tries, unit_of(word), ret_view);
		break;
	case SL_TRIE_SKIP:
		open_skip(tries, word, ret_view);
		return;
	default:
		fill(ret_view, 0, 256, word);
		return;
	}
	release_node(tries, word);
}

/* Where the children of a view change: ends[i] is behind the last byte of the i-th run of equals.
 * Returns how many runs there are, or 0 if more than a SPARSE node can hold. */
static u32 find_runs(const struct view *view, u32 *ends)
{
	u32 runs = 0;

	for (u32 i = 1; i < 256; i++) {
		if (view->words[i] == view->words[i - 1])
			continue;
		if (runs == SL_TRIE_BORDERS)
			return 0;
		ends[runs++] = i;
	}
	ends[runs++] = 256;
	return runs;
}

static u32 close_full(struct sl_tries *tries, const struct view *view)
{
	u32 node = allocate(tries, FULL_UNITS);

	if (!node)
		return 0;
	memcpy(words_at(tries, node), view->words, sizeof view->words);
	return make_word(SL_TRIE_FULL, node);
}

static u32 close_sparse(struct sl_tries *tries, const struct view *view, const u32 *ends, u32 runs)
{
	u32 node = allocate(tries, sparse_units(runs));
	u64 borders = 0;

	if (!node)
		return 0;
	for (u32 i = 0; i < SL_TRIE_BORDERS; i++)
		borders |= (u64)(i + 1 < runs ? ends[i] : 256) << 9 * i;
	tries->units[node] = borders;
	for (u32 i = 0; i < runs; i++)
		words_at(tries, node)[2 + i] = view->words[ends[i] - 1];
	return make_word(SL_TRIE_SPARSE, node);
}

/* The only way on is by `byte`; where `child` skips as well, both become one. */
static u32 close_skip(struct sl_tries *tries, u32 byte, u32 child)
{
	u32 node = kind_of(child) == SL_TRIE_SKIP ? unit_of(child) : 0;
	u64 first = (u64)byte << 56;

	if (node && tries->units[node] >> 32 < SL_TRIE_SKIP_MAX) {
		tries->units[node] += 1ULL << 32;
		tries->units[node + 1] = first | tries->units[node + 1] >> 8;
		return child;
	}
	node = allocate(tries, SKIP_UNITS);
	if (!node)
		return 0;
	tries->units[node] = 1ULL << 32 | child;
	tries->units[node + 1] = first;
	return make_word(SL_TRIE_SKIP, node);
}

/* The byte of a view's only child, −1 if it has none or others. */
static int only_child(const struct view *view, const u32 *ends, u32 runs)
{
	u32 byte = view->words[0] ? 0 : ends[0], runs_before = view->words[0] ? 0 : 1;
	bool is_one_byte = ends[runs_before] == byte + 1;
	bool is_last = runs_before + 1 == runs;
	bool nothing_behind = runs_before + 2 == runs && !view->words[255];

	return is_one_byte && (is_last || nothing_behind) ? (int)byte : -1;
}

/* The opposite of open_node(): the word of the node that the view is now. */
static u32 close_node(struct sl_tries *tries, const struct view *view)
{
	u32 ends[SL_TRIE_BORDERS + 1], runs = find_runs(view, ends);
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

/* Ranges */

/* The rest of a range's ends, in the block that a node stands for. */
struct rest {
	const u8 *lo, *hi;
	u32 length;
};

static const u8 zeros[SL_TRIE_KEY_MAX], ones[] = {[0 ... SL_TRIE_KEY_MAX - 1] = 0xff};

static bool is_whole_block(const struct rest *rest)
{
	return !memcmp(rest->lo, zeros, rest->length) && !memcmp(rest->hi, ones, rest->length);
}

/* The part of the range that is in child number `child` of those between `first` and `last`. */
static struct rest rest_in_child(const struct rest *rest, u32 bytes, u32 child, u32 first, u32 last)
{
	return (struct rest){
		.lo = child == first ? rest->lo + bytes : zeros,
		.hi = child == last ? rest->hi + bytes : ones,
		.length = rest->length - bytes,
	};
}

/* What becomes of a child's word when `leaf` covers the range in its block. */
static u32 cover(struct sl_tries *tries, u32 word, const struct rest *rest, u32 leaf)
{
	struct view view;

	if (is_whole_block(rest)) {
		release_tree(tries, word);
		return leaf;
	}
	if (word == leaf)
		return word;
	open_node(tries, word, &view);
	for (u32 i = rest->lo[0]; i <= rest->hi[0]; i++) {
		struct rest part = rest_in_child(rest, 1, i, rest->lo[0], rest->hi[0]);

		view.words[i] = cover(tries, view.words[i], &part, leaf);
	}
	return close_node(tries, &view);
}

static u32 two_bytes(const u8 *bytes)
{
	return (u32)bytes[0] << 8 | bytes[1];
}

static void cover_wide(struct sl_tries *tries, u32 node, const struct rest *rest, u32 leaf)
{
	u32 first = two_bytes(rest->lo), last = two_bytes(rest->hi);

	for (u32 i = first; i <= last; i++) {
		struct rest part = rest_in_child(rest, 2, i, first, last);
		u32 word = cover(tries, words_at(tries, node)[i], &part, leaf);

		words_at(tries, node)[i] = word;
	}
}

static int cover_range(struct sl_tries *tries, const struct sl_set *set, const u8 *lo, const u8 *hi,
		       u32 leaf)
{
	struct rest rest = {lo, hi, set->key_length};
	u32 root = words_at(tries, 0)[set->index];

	assert(set->index < tries->set_count && memcmp(lo, hi, set->key_length) <= 0);
	tries->error = 0;
	if (kind_of(root) == SL_TRIE_WIDE) {
		cover_wide(tries, unit_of(root), &rest, leaf);
	} else {
		root = cover(tries, root, &rest, leaf);
		words_at(tries, 0)[set->index] = root;
	}
	return tries->error;
}

/* Records */

static struct sl_trie_record *record_at(struct sl_tries *tries, u32 record)
{
	return (struct sl_trie_record *)&tries->units[record];
}

/* bytes ± 1; false where there is no such number. */
static bool step(u8 *bytes, u32 length, bool up)
{
	for (u32 i = length; i-- > 0;) {
		bytes[i] = (u8)(up ? bytes[i] + 1 : bytes[i] - 1);
		if (bytes[i] != (up ? 0 : 0xff))
			return true;
	}
	return false;
}

static u32 find_beside(const struct sl_tries *tries, const struct sl_set *set, const u8 *key,
		       bool up)
{
	u8 beside[SL_TRIE_KEY_MAX];

	memcpy(beside, key, set->key_length);
	return step(beside, set->key_length, up) ? sl_trie_find(tries, set, beside) : 0;
}

/*
 * The record that is of no use once [lo, hi] is another's, 0 if there is none. It is looked for at
 * `lo` only: more than one is there if they have expired, and then they wait for the next compile.
 */
static u32 find_obsolete(struct sl_tries *tries, const struct sl_set *set, const u8 *lo,
			 const u8 *hi)
{
	u32 record = sl_trie_find(tries, set, lo), last = sl_trie_find(tries, set, hi);
	u32 before = find_beside(tries, set, lo, false), behind = find_beside(tries, set, hi, true);

	if (before && before == record)
		record_at(tries, before)->verdict |= RECORD_IS_SPLIT;
	if (behind && behind == last)
		record_at(tries, behind)->verdict |= RECORD_IS_SPLIT;
	if (!record || record_at(tries, record)->verdict & RECORD_IS_SPLIT)
		return 0;
	return record;
}

static int replace(struct sl_tries *tries, const struct sl_set *set, const u8 *lo, const u8 *hi,
		   u32 leaf)
{
	u32 obsolete = has_records(set) ? find_obsolete(tries, set, lo, hi) : 0;
	int error = cover_range(tries, set, lo, hi, make_word(SL_TRIE_LEAF, leaf));

	if (!error && obsolete)
		release(tries, obsolete, RECORD_UNITS);
	return error;
}

int sl_trie_add(struct sl_tries *tries, const struct sl_set *set, const struct sl_element *element,
		u32 verdict_index)
{
	u32 leaf = 1;

	assert(verdict_index <= SL_TRIE_VERDICT_MASK);
	tries->error = 0;
	if (has_records(set)) {
		leaf = allocate(tries, RECORD_UNITS);
		if (!leaf)
			return tries->error;
		*record_at(tries, leaf) = (struct sl_trie_record){
			.expires_at_ns = element->expires_at_ns,
			.verdict = verdict_index,
			.counter = element->counts ? element->counter : SL_NO_HIT,
		};
	}
	return replace(tries, set, element->key, element->key_end, leaf);
}

int sl_trie_remove(struct sl_tries *tries, const struct sl_set *set, const u8 *key,
		   const u8 *key_end)
{
	return replace(tries, set, key, key_end, 0);
}

/* The image */

int sl_tries_init(struct sl_tries *tries, u32 set_count)
{
	u32 roots = set_count / 2 + 1; /* at least one unit, so that no block is number 0 */
	u64 *units = calloc(roots, sizeof *units);

	if (!units)
		return -ENOMEM;
	*tries = (struct sl_tries){
		.units = units,
		.count = roots,
		.capacity = roots,
		.set_count = set_count,
	};
	return 0;
}

void sl_tries_free(struct sl_tries *tries)
{
	if (!tries->is_fixed)
		free(tries->units);
	*tries = (struct sl_tries){0};
}

int sl_trie_begin(struct sl_tries *tries, const struct sl_set *set, u32 elements)
{
	u32 enough = set->key_length <= 4 ? WIDE_FROM_SHORT : WIDE_FROM_LONG, node;

	if (set->key_length < 2 || elements < enough)
		return 0;
	tries->error = 0;
	node = extend(tries, WIDE_UNITS);
	if (!node)
		return tries->error;
	memset(&tries->units[node], 0, WIDE_UNITS * sizeof *tries->units);
	words_at(tries, 0)[set->index] = make_word(SL_TRIE_WIDE, node);
	return 0;
}

/* `length` ≤ 8 bytes as the highest of a number. */
static u64 number_of(const u8 *bytes, u32 length)
{
	u64 number = 0;

	for (u32 i = 0; i < length; i++)
		number |= (u64)bytes[i] << (56 - 8 * i);
	return number;
}

u32 sl_trie_find(const struct sl_tries *tries, const struct sl_set *set, const u8 *key)
{
	u32 high = set->key_length < 8 ? set->key_length : 8;

	return sl_trie_walk((const __u64 *)tries->units, tries->count, set->index,
			    number_of(key, high), number_of(key + high, set->key_length - high));
}

void sl_tries_move(struct sl_tries *tries, u64 *units, u32 capacity)
{
	assert(capacity >= tries->count && !tries->is_fixed);
	memcpy(units, tries->units, (size_t)tries->count * sizeof *units);
	free(tries->units);
	tries->units = units;
	tries->capacity = capacity;
	tries->is_fixed = true;
}
