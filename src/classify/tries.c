/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A change goes down the trie along the two ends of its range. On the way every node is laid open,
 * changed, and closed again (trie_nodes.h).
 */
#include "classify/tries.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify/trie_nodes.h"
#include "ir/key.h"

/* Roots of lines: from so many elements on, of so many each, and at most 2^18 of them (16 MiB). */
#define LINES_FROM      200000
#define ELEMENTS_A_LINE 10
#define LINE_BITS_MAX   18

#define RECORD_UNITS 2

/* Part of its range is another's now, though nobody removed it (it expired): not to be reused. */
#define RECORD_IS_SPLIT (1u << 31)

/* A key, or the part of one that remains, as a number: its first bit is the highest. */
__extension__ typedef unsigned __int128 u128;

/* Up to so many bytes, values are found sooner in a trie than in the kernel's hash. */
#define EXACT_KEY_MAX 4

bool sl_set_has_trie(const struct sl_set *set)
{
	if (set->kind == SL_SET_EXACT)
		return set->key_length <= EXACT_KEY_MAX;
	return set->kind == SL_SET_INTERVAL && set->key_length <= SL_TRIE_KEY_MAX;
}

bool sl_set_has_records(const struct sl_set *set)
{
	return set->is_vmap || set->has_timeouts;
}

/* Ranges */

/* What is left of a range's ends in the block of a node; behind their bits, zeros and ones. */
struct rest {
	u128 lo, hi;
	int bits;
};

static u32 first_bits(u128 number, int bits)
{
	return (u32)(number >> (128 - bits));
}

/* The part of the range that is in the child that the next bits select. */
static struct rest rest_in_child(const struct rest *rest, int bits, u32 child)
{
	struct rest part = {0, ~(u128)0, rest->bits - bits};

	if (child == first_bits(rest->lo, bits))
		part.lo = rest->lo << bits;
	if (child == first_bits(rest->hi, bits))
		part.hi = ~(~rest->hi << bits);
	return part;
}

/* From one border up to before another. */
static struct rest rest_between(u32 lo, u32 end, int bits)
{
	int shift = 128 - SL_TRIE_BORDER_BITS;

	return (struct rest){(u128)lo << shift, ((u128)end << shift) - 1, bits};
}

static bool is_whole(const struct rest *rest)
{
	return rest->lo == 0 && rest->hi == ~(u128)0;
}

static u32 cover(struct sl_tries *tries, u32 word, const struct rest *rest, u32 leaf);

static u32 cover_node(struct sl_tries *tries, u32 word, const struct rest *rest, u32 leaf)
{
	struct sl_trie_view view;

	sl_trie_open_node(tries, word, &view);
	for (u32 i = first_bits(rest->lo, 8); i <= first_bits(rest->hi, 8); i++) {
		struct rest part = rest_in_child(rest, 8, i);

		view.words[i] = cover(tries, view.words[i], &part, leaf);
	}
	return sl_trie_close_node(tries, &view);
}

/* Too many borders for one node. */
static u32 spread(struct sl_tries *tries, const struct sl_borders *borders, int bits)
{
	u32 word = 0;

	for (u32 i = 0; i < borders->count; i += 2) {
		struct rest rest =
			rest_between(borders->items[i], sl_borders_end(borders, i), bits);

		word = cover_node(tries, word, &rest, sl_trie_word(SL_TRIE_LEAF, 1));
	}
	return word;
}

static u32 cover_borders(struct sl_tries *tries, u32 word, const struct rest *rest, u32 leaf)
{
	u32 lo = first_bits(rest->lo, SL_TRIE_BORDER_BITS);
	u32 end = first_bits(rest->hi, SL_TRIE_BORDER_BITS) + 1;
	bool is_bitmap = sl_trie_word_kind(word) == SL_TRIE_BITMAP;
	struct sl_borders borders;

	if (is_bitmap)
		sl_bitmap_cover(&tries->units[sl_trie_word_unit(word)], lo, end, leaf);
	if (!sl_trie_find_borders(tries, word, &borders))
		return word;
	if (!is_bitmap)
		sl_borders_cover(&borders, lo, end, leaf);
	else if (borders.count > SL_TRIE_BORDERS_MAX)
		return word;
	sl_trie_release_node(tries, word);
	if (borders.count <= SL_TRIE_BORDERS_MAX)
		return sl_trie_close_borders(tries, &borders);
	if (rest->bits <= SL_TRIE_BITMAP_BITS)
		return sl_trie_close_bitmap(tries, &borders);
	return spread(tries, &borders, rest->bits);
}

static bool has_borders(const struct sl_tries *tries, u32 word, int bits)
{
	return bits <= SL_TRIE_BORDER_BITS && !tries->has_records &&
	       (sl_trie_word_kind(word) == SL_TRIE_LEAF ||
		sl_trie_word_kind(word) >= SL_TRIE_BORDERS_1);
}

/* What becomes of a word when `leaf` covers the range in its block. */
static u32 cover(struct sl_tries *tries, u32 word, const struct rest *rest, u32 leaf)
{
	if (is_whole(rest)) {
		sl_trie_release_tree(tries, word);
		return leaf;
	}
	if (word == leaf)
		return word;
	if (has_borders(tries, word, rest->bits))
		return cover_borders(tries, word, rest, leaf);
	return cover_node(tries, word, rest, leaf);
}

/* `length` bytes. */
static u128 number_of(const u8 *bytes, u32 length)
{
	u128 number = 0;

	for (u32 i = 0; i < length; i++)
		number |= (u128)bytes[i] << (120 - 8 * i);
	return number;
}

/* Lines */

static bool holds_words(const u64 *line)
{
	return line[0] >= SL_TRIE_LINE_HOLDS_WORDS;
}

static void open_line(const u64 *line, u32 *ret_words)
{
	memcpy(ret_words, line, SL_TRIE_LINE_WORDS * sizeof *ret_words);
	ret_words[1] &= SL_TRIE_WORD_MASK;
}

static void close_line(u64 *line, const u32 *words)
{
	memcpy(line, words, SL_TRIE_LINE_WORDS * sizeof *words);
	line[0] |= SL_TRIE_LINE_HOLDS_WORDS;
}

static void release_words(struct sl_tries *tries, const u32 *words)
{
	for (u32 i = 0; i < SL_TRIE_LINE_WORDS; i++)
		sl_trie_release_tree(tries, words[i]);
}

static void cover_words(struct sl_tries *tries, u32 *words, const struct rest *rest, u32 leaf)
{
	int bits = SL_TRIE_LINE_WORDS_BITS;

	for (u32 i = first_bits(rest->lo, bits); i <= first_bits(rest->hi, bits); i++) {
		struct rest part = rest_in_child(rest, bits, i);

		words[i] = cover(tries, words[i], &part, leaf);
	}
}

/* What lies below the words of a line, as borders of the line; false if they are too many. */
static bool gather_borders(const struct sl_tries *tries, const u32 *words,
			   struct sl_borders *ret_borders)
{
	int shift = SL_TRIE_LINE_WORDS_BITS;
	u32 each = SL_BORDERS_END >> shift;
	bool fits = true;

	ret_borders->count = 0;
	for (u32 i = 0; i < SL_TRIE_LINE_WORDS && fits; i++) {
		struct sl_borders part;

		fits = sl_trie_find_borders(tries, words[i], &part);
		for (u32 k = 0; k < part.count && fits; k++)
			fits = sl_borders_push(ret_borders, i * each + (part.items[k] >> shift));
		if (part.count % 2 && fits)
			fits = sl_borders_push(ret_borders, (i + 1) * each);
	}
	return fits && ret_borders->count <= SL_BORDERS_A_LINE;
}

/* More borders than a line has room for, as words. */
static void spread_line(struct sl_tries *tries, u32 line, const struct sl_borders *borders)
{
	u32 words[SL_TRIE_LINE_WORDS] = {0};

	for (u32 i = 0; i < borders->count; i += 2) {
		struct rest rest = rest_between(borders->items[i], sl_borders_end(borders, i),
						SL_TRIE_BORDER_BITS);

		cover_words(tries, words, &rest, sl_trie_word(SL_TRIE_LEAF, 1));
	}
	close_line(&tries->units[line], words);
}

static void cover_line_borders(struct sl_tries *tries, u32 line, const struct rest *rest, u32 leaf)
{
	struct sl_borders borders;

	sl_borders_unpack(&borders, &tries->units[line], SL_TRIE_LINE_UNITS);
	sl_borders_cover(&borders, first_bits(rest->lo, SL_TRIE_BORDER_BITS),
			 first_bits(rest->hi, SL_TRIE_BORDER_BITS) + 1, leaf);
	if (borders.count <= SL_BORDERS_A_LINE)
		sl_borders_pack(&borders, &tries->units[line], SL_TRIE_LINE_UNITS);
	else
		spread_line(tries, line, &borders);
}

static void cover_line_words(struct sl_tries *tries, u32 line, const struct rest *rest, u32 leaf)
{
	u32 words[SL_TRIE_LINE_WORDS];
	struct sl_borders borders;

	open_line(&tries->units[line], words);
	cover_words(tries, words, rest, leaf);
	if (gather_borders(tries, words, &borders)) {
		release_words(tries, words);
		sl_borders_pack(&borders, &tries->units[line], SL_TRIE_LINE_UNITS);
	} else {
		close_line(&tries->units[line], words);
	}
}

/* All of it becomes what `leaf` says. */
static void fill_line(struct sl_tries *tries, u32 line, u32 leaf)
{
	struct sl_borders borders = {.count = sl_trie_word_unit(leaf)}; /* at 0 */
	u32 words[SL_TRIE_LINE_WORDS];

	if (holds_words(&tries->units[line])) {
		open_line(&tries->units[line], words);
		release_words(tries, words);
	}
	sl_borders_pack(&borders, &tries->units[line], SL_TRIE_LINE_UNITS);
}

static void cover_line(struct sl_tries *tries, u32 line, const struct rest *rest, u32 leaf)
{
	if (is_whole(rest))
		fill_line(tries, line, leaf);
	else if (holds_words(&tries->units[line]))
		cover_line_words(tries, line, rest, leaf);
	else
		cover_line_borders(tries, line, rest, leaf);
}

/* Roots */

/* What becomes of the child of a root that the key's first bits select. */
static void cover_child(struct sl_tries *tries, u64 root, u32 i, const struct rest *rest, u32 leaf)
{
	u32 first = (u32)root, word;

	if (root & SL_TRIE_ROOT_LINES) {
		cover_line(tries, first + i * SL_TRIE_LINE_UNITS, rest, leaf);
		return;
	}
	word = cover(tries, sl_trie_words_at(tries, first)[i], rest, leaf);
	sl_trie_words_at(tries, first)[i] = word; /* where they are now: the image may have moved */
}

static int cover_range(struct sl_tries *tries, const struct sl_set *set, const u8 *lo, const u8 *hi,
		       u32 leaf)
{
	u64 root = tries->units[set->index];
	int root_bits = (int)(root >> 32 & 31), bits = 8 * (int)set->key_length;
	struct rest rest = {number_of(lo, set->key_length), number_of(hi, set->key_length), bits};

	assert(set->index < tries->set_count && rest.lo <= rest.hi);
	if (bits < 128)
		rest.hi |= ~(u128)0 >> bits;
	tries->error = 0;
	tries->has_records = sl_set_has_records(set);
	if (!root_bits) {
		cover_child(tries, set->index, 0, &rest, leaf); /* its own unit's first word */
		return tries->error;
	}
	for (u32 i = first_bits(rest.lo, root_bits); i <= first_bits(rest.hi, root_bits); i++) {
		struct rest part = rest_in_child(&rest, root_bits, i);

		cover_child(tries, root, i, &part, leaf);
	}
	return tries->error;
}

/* Records */

static struct sl_trie_record *record_at(struct sl_tries *tries, u32 record)
{
	return (struct sl_trie_record *)&tries->units[record];
}

static u32 find_beside(const struct sl_tries *tries, const struct sl_set *set, const u8 *key,
		       int step)
{
	u8 beside[SL_TRIE_KEY_MAX];

	memcpy(beside, key, set->key_length);
	return sl_value_step(beside, set->key_length, step) ? sl_trie_find(tries, set, beside) : 0;
}

/*
 * The record that is of no use once [lo, hi] is another's, 0 if there is none. It is looked for at
 * `lo` only: more than one is there if they have expired, and then they wait for the next compile.
 */
static u32 find_obsolete(struct sl_tries *tries, const struct sl_set *set, const u8 *lo,
			 const u8 *hi)
{
	u32 record = sl_trie_find(tries, set, lo), last = sl_trie_find(tries, set, hi);
	u32 before = find_beside(tries, set, lo, -1), behind = find_beside(tries, set, hi, 1);

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
	u32 obsolete = sl_set_has_records(set) ? find_obsolete(tries, set, lo, hi) : 0;
	int error = cover_range(tries, set, lo, hi, sl_trie_word(SL_TRIE_LEAF, leaf));

	if (!error && obsolete)
		sl_trie_release(tries, obsolete, RECORD_UNITS);
	return error;
}

int sl_trie_add(struct sl_tries *tries, const struct sl_set *set, const struct sl_element *element,
		u32 verdict_index)
{
	u32 leaf = 1;

	assert(verdict_index <= SL_TRIE_VERDICT_MASK);
	tries->error = 0;
	if (sl_set_has_records(set)) {
		leaf = sl_trie_allocate(tries, RECORD_UNITS);
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
	u32 roots = set_count + 1; /* so that no block is number 0 */
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

/*
 * Two words an element, so that most have one to themselves. From 2^16 words on it is worth while
 * to have so many that for an address of IPv4 no more bits remain than borders can have. Longer
 * keys differ late, and at borders of bytes, which the nodes below should keep to.
 */
static int find_word_bits(const struct sl_set *set, u32 elements)
{
	int bits = 1;

	if (elements < 128 || set->key_length < 2)
		return 0;
	while (elements >> (bits - 1) && bits < SL_TRIE_ROOT_BITS_MAX)
		bits++;
	if (set->key_length > 4)
		return bits < 12 ? 0 : 16;
	if (bits >= 8 * (int)set->key_length)
		return 8 * (int)set->key_length;
	return bits == 16 ? 32 - SL_TRIE_BORDER_BITS : bits;
}

/*
 * A line for every eight elements or so, which are half of what it has room for: from where so many
 * lines are enough for the bits that remain. 0: words are better.
 */
static int find_line_bits(const struct sl_set *set, u32 elements)
{
	int bits = 8 * (int)set->key_length - SL_TRIE_BORDER_BITS;

	if (elements < LINES_FROM || set->key_length > 4 || bits < 1 || sl_set_has_records(set))
		return 0;
	while (elements >> bits > ELEMENTS_A_LINE && bits < LINE_BITS_MAX)
		bits++;
	return bits;
}

/* So that none lies in two of the processor's; the map's memory begins with a page. */
static int align_to_lines(struct sl_tries *tries)
{
	u32 behind = tries->count % SL_TRIE_LINE_UNITS;

	if (behind && !sl_trie_extend(tries, SL_TRIE_LINE_UNITS - behind))
		return tries->error;
	return 0;
}

int sl_trie_begin(struct sl_tries *tries, const struct sl_set *set, u32 elements)
{
	static const struct sl_borders none = {.count = 0};
	int line_bits = find_line_bits(set, elements);
	int bits = line_bits ? line_bits : find_word_bits(set, elements);
	u32 units = (1u << bits) / 2, first;

	tries->error = 0;
	if (!bits)
		return 0;
	if (line_bits)
		units = (1u << bits) * SL_TRIE_LINE_UNITS;
	if (line_bits && align_to_lines(tries))
		return tries->error;
	first = sl_trie_extend(tries, units);
	if (!first)
		return tries->error;
	tries->units[set->index] = (u64)bits << 32 | first;
	if (line_bits) {
		tries->units[set->index] |= SL_TRIE_ROOT_LINES;
		sl_borders_pack(&none, &tries->units[first], units);
	} else {
		memset(&tries->units[first], 0, units * sizeof *tries->units);
	}
	return 0;
}

u32 sl_trie_find(const struct sl_tries *tries, const struct sl_set *set, const u8 *key)
{
	u128 number = number_of(key, set->key_length);

	return sl_trie_walk((const __u64 *)tries->units, tries->count, set->index,
			    (u64)(number >> 64), (u64)number);
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
