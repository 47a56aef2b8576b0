/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets of ranges, as tries: which range a key of at most 16 bytes is in, found with about one
 * memory access for each byte of it that tells ranges apart. src/classify/ builds the image and
 * changes it in place, bpf/trie.h walks it; the walk is here, once.
 *
 * The image is an array of 64-bit *units*; half of one is a *word*, the lower half first. It begins
 * with a unit for each set, by the set's index:
 *
 *	bits 0–31     the root: a word as below; or with bits, the first unit of 2^bits such words,
 *	              or of as many lines
 *	bits 32–39    how many bits of the key select one of them
 *	bit 40        they are lines
 *
 * A word is
 *
 *	bits 0–3      enum sl_trie_kind
 *	bits 4–29     LEAF: 0 if no range is here; else its record, or 1 where there are no records
 *	              others: the node's first unit
 *
 * A *line* is what the processor fetches at once, 64 bytes, so that one access tells whether a key
 * is in a large set. At most 15 bits of the key remain, and there are no records. It is
 *
 *	either        32 borders, as in BORDERS_n below
 *	or, where bits 62 and 63 of its first unit are set: 16 words, by the key's next four bits
 *
 * A *record* is two units, a struct sl_trie_record. *Nodes* are
 *
 *	FULL          256 words, by the key's next byte
 *	SPARSE        a unit with seven borders in ascending order, then up to eight words: a byte
 *	              goes to the one whose number is how many borders are ≤ the byte
 *	SKIP          a unit: the only word, and in bits 32–34 a number of bytes, n;
 *	              a unit: these bytes, the first highest. In all other ways no range is here
 *	BORDERS_n     n units with four borders each in ascending order: where up to 15 bits of the
 *	              key remain, and there are no records, they are in a range if and only if an
 *	              odd number of borders is ≤ these bits
 *	BITMAP        32 units: where up to 11 bits of the key remain, and there are no records, a
 *	              bit for each of their values, the lowest first; fewer bits stand highest
 *
 * While the image is changed a walk may meet anything; it stays within the image and ends, and
 * what it found is not used (struct sl_live in state.h).
 */
#ifndef SLUICE_ABI_TRIE_H
#define SLUICE_ABI_TRIE_H

#include <linux/types.h>

#define SL_TRIE_KEY_MAX         16
#define SL_TRIE_DEPTH_MAX       (SL_TRIE_KEY_MAX + 1) /* nodes on a way, and its leaf */
#define SL_TRIE_ROOT_BITS_MAX   19
#define SL_TRIE_SPARSE_MAX      7 /* borders of a SPARSE node */
#define SL_TRIE_BORDERS_MAX     16
#define SL_TRIE_BORDER_BITS     15
#define SL_TRIE_BITMAP_BITS     11
#define SL_TRIE_BITMAP_UNITS    (1 << (SL_TRIE_BITMAP_BITS - 6))
#define SL_TRIE_LINE_UNITS      8
#define SL_TRIE_SKIP_MAX        7 /* bytes */
#define SL_TRIE_LINE_WORDS_BITS 4
#define SL_TRIE_LINE_WORDS      (1 << SL_TRIE_LINE_WORDS_BITS)
/* The kernel's verifier knows no offset of 512 MiB or more. */
#define SL_TRIE_UNITS_MAX ((1u << 26) - 1)

enum sl_trie_kind {
	SL_TRIE_LEAF,
	SL_TRIE_FULL,
	SL_TRIE_SPARSE,
	SL_TRIE_SKIP,
	SL_TRIE_BORDERS_1,
	SL_TRIE_BORDERS_2,
	SL_TRIE_BORDERS_3,
	SL_TRIE_BORDERS_4,
	SL_TRIE_BITMAP,
};

#define SL_TRIE_KIND_BITS 4
#define SL_TRIE_WORD_MASK 0x3fffffffu

#define SL_TRIE_ROOT_LINES       ((__u64)1 << 40)
#define SL_TRIE_LINE_HOLDS_WORDS ((__u64)3 << 62)

struct sl_trie_record {
	__u64 expires_at_ns; /* as struct sl_set_value; so also below */
	__u32 verdict;       /* highest bit: a note of src/classify/tries.c */
	__u32 counter;
};

#define SL_TRIE_VERDICT_MASK 0x7fffffffu

/* What a walk finds where the image is not what it should be: pass. */
#define SL_TRIE_BROKEN 0xffffffffu

/*
 * Borders are numbers of 9 bits, seven a unit, or of 16 bits, four a unit; one that is not used is
 * past every value. How many of a unit are ≤ a value? The highest bit of each is free, so that all
 * are compared at once: value + 2^highest − border keeps that bit if and only if border ≤ value.
 */
#define SL_TRIE_EACH_9(number)  ((__u64)(number)*0x40201008040201ULL)
#define SL_TRIE_EACH_16(number) ((__u64)(number)*0x1000100010001ULL)

static inline __u64 sl_trie_count_9(__u64 borders, __u64 byte)
{
	__u64 below = (SL_TRIE_EACH_9(byte | 256) - borders) >> 8 & SL_TRIE_EACH_9(1);

	return below * SL_TRIE_EACH_9(1) >> 54 & 7;
}

/*
 * Of 16 bits it is told whether an odd number is ≤ a value of 15 bits. For each unit, this is added
 * to what was found in those before, 0 at first; border + 2^15 − 1 − value has the highest bit if
 * and only if border > value, and as a unit has four, an even number, it is odd for > if it is for
 * ≤.
 */
static inline __u64 sl_trie_add_16(__u64 before, __u64 borders, __u64 bits)
{
	return before ^ (borders + SL_TRIE_EACH_16(bits ^ 0x7fff));
}

static inline __u32 sl_trie_is_odd_16(__u64 sum)
{
	sum ^= sum >> 32;
	sum ^= sum >> 16;
	return sum >> 15 & 1;
}

/*
 * Keeps the compiler from proving a bound in a way that the verifier could not follow; and the
 * verifier from remembering that one index is another plus a constant: 6.12 forgets the bounds of
 * the one when the other is compared.
 */
#ifdef __bpf__
#define SL_TRIE_HIDE(value) asm volatile("%0 -= 0" : "+r"(value))
#else
#define SL_TRIE_HIDE(value) asm volatile("" : "+r"(value))
#endif

/* Reads items[index]; leaves the function, as broken, where there is none. */
#define SL_TRIE_READ(ret_item, items, count, index)                                                \
	{                                                                                          \
		__u64 index_ = (index);                                                            \
                                                                                                   \
		SL_TRIE_HIDE(index_);                                                              \
		if (index_ >= (count))                                                             \
			return SL_TRIE_BROKEN;                                                     \
		(ret_item) = (items)[index_];                                                      \
	}

/* What a node of borders says of the bits that remain. */
static inline __u32 sl_trie_is_within(const __u64 *units, __u64 count, __u32 word, __u64 bits)
{
	__u32 extent = (word & ((1 << SL_TRIE_KIND_BITS) - 1)) - SL_TRIE_BORDERS_1 + 1;
	__u64 at = word >> SL_TRIE_KIND_BITS, sum = 0, unit;

	for (__u32 i = 0; i < SL_TRIE_BORDERS_MAX / 4; i++) {
		if (i >= extent)
			break;
		SL_TRIE_READ(unit, units, count, at + i);
		sum = sl_trie_add_16(sum, unit, bits);
	}
	return sl_trie_is_odd_16(sum);
}

/* What a bitmap says of them. */
static inline __u32 sl_trie_is_set(const __u64 *units, __u64 count, __u32 word, __u64 bits)
{
	__u64 at = word >> SL_TRIE_KIND_BITS, unit;

	SL_TRIE_READ(unit, units, count, at + (bits >> 6));
	return unit >> (bits & 63) & 1;
}

/* What a line of borders says. */
static inline __u32 sl_trie_line_has(const __u64 *line, __u64 bits)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < SL_TRIE_LINE_UNITS; i++)
		sum = sl_trie_add_16(sum, line[i], bits);
	return sl_trie_is_odd_16(sum);
}

/* What the leaf says that the rest of a key leads to from a word on. */
static inline __attribute__((always_inline)) __u32
sl_trie_descend(const __u64 *units, __u64 count, __u32 word, __u64 high, __u64 low)
{
	const __u32 *words = (const __u32 *)units;
	__u64 unit, skip, bits;

	for (__u32 depth = 0; depth < SL_TRIE_DEPTH_MAX; depth++) {
		__u64 at = word >> SL_TRIE_KIND_BITS, child = 2 * at;

		switch (word & ((1 << SL_TRIE_KIND_BITS) - 1)) {
		case SL_TRIE_LEAF:
			return at;
		case SL_TRIE_FULL:
			child += high >> 56;
			break;
		case SL_TRIE_SPARSE:
			SL_TRIE_READ(unit, units, count, at);
			child += 2 + sl_trie_count_9(unit, high >> 56);
			break;
		case SL_TRIE_SKIP:
			SL_TRIE_READ(skip, units, count, at);
			SL_TRIE_READ(unit, units, count, at + 1);
			bits = 8 * (skip >> 32 & 7);
			if ((high ^ unit) >> (-bits & 63))
				return 0;
			high = high << bits | low >> (-bits & 63);
			low <<= bits;
			word = skip;
			continue;
		case SL_TRIE_BITMAP:
			return sl_trie_is_set(units, count, word, high >> 53);
		default:
			return sl_trie_is_within(units, count, word, high >> 49);
		}
		high = high << 8 | low >> 56;
		low <<= 8;
		SL_TRIE_READ(word, words, 2 * count, child);
	}
	return SL_TRIE_BROKEN;
}

/*
 * What a set's leaf for a key says: 0, 1 or the first unit of a record. `high` and `low` are the
 * key's bytes, the first highest, and zeros behind them. `count`: of units.
 */
static inline __attribute__((always_inline)) __u32 sl_trie_walk(const __u64 *units, __u64 count,
								__u32 set, __u64 high, __u64 low)
{
	const __u32 *words = (const __u32 *)units;
	__u64 unit, bits, at;
	const __u64 *line;
	__u32 word;

	SL_TRIE_READ(unit, units, count, set);
	word = unit;
	bits = unit >> 32 & 31;
	if (unit & SL_TRIE_ROOT_LINES) {
		at = word / SL_TRIE_LINE_UNITS + (high >> (-bits & 63));
		SL_TRIE_HIDE(at);
		if (at >= count / SL_TRIE_LINE_UNITS)
			return SL_TRIE_BROKEN;
		line = units + at * SL_TRIE_LINE_UNITS;
		high <<= bits;
		if (line[0] < SL_TRIE_LINE_HOLDS_WORDS)
			return sl_trie_line_has(line, high >> 49);
		word = ((const __u32 *)line)[high >> 60] & SL_TRIE_WORD_MASK;
		high <<= SL_TRIE_LINE_WORDS_BITS; /* such keys have nothing in `low` */
	} else if (bits) {
		SL_TRIE_READ(word, words, 2 * count, 2 * (__u64)word + (high >> (-bits & 63)));
		high = high << bits | low >> (-bits & 63);
		low <<= bits;
	}
	return sl_trie_descend(units, count, word, high, low);
}

_Static_assert(sizeof(struct sl_trie_record) == 2 * sizeof(__u64), "two units");

#endif
