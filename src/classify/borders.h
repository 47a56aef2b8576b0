/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a few bits of a key say, as borders: from each on, up to before the next, all values are in
 * or all out, in turns; before the first they are out. In the forms that abi/trie.h has for them:
 * packed into units, or as bitmaps.
 */
#ifndef SLUICE_CLASSIFY_BORDERS_H
#define SLUICE_CLASSIFY_BORDERS_H

#include "ir/ir.h"
#include "trie.h"

#define SL_BORDERS_A_UNIT 4
#define SL_BORDERS_A_LINE (SL_BORDERS_A_UNIT * SL_TRIE_LINE_UNITS)

/* Past every value; no border, but where the last range ends. */
#define SL_BORDERS_END (1u << SL_TRIE_BORDER_BITS)

struct sl_borders {
	u16 items[SL_BORDERS_A_LINE + 2]; /* ascending; a change adds up to two */
	u32 count;
};

/* Adds one that is not before the last; two at the same place are none. Whether there was room. */
bool sl_borders_push(struct sl_borders *borders, u32 border);
/* Where the range that begins at the border number `i` ends. */
u32 sl_borders_end(const struct sl_borders *borders, u32 i);
/* From `lo` on, and up to before `end`, all are in or all out. */
void sl_borders_cover(struct sl_borders *borders, u32 lo, u32 end, bool in);

void sl_borders_pack(const struct sl_borders *borders, u64 *units, u32 count);
void sl_borders_unpack(struct sl_borders *borders, const u64 *units, u32 count);

/* The same of a bitmap; `lo` and `end` are multiples of what a bit of it stands for. */
void sl_bitmap_cover(u64 *bitmap, u32 lo, u32 end, bool in);
/* False if it has more borders than there is room for. */
bool sl_bitmap_unpack(struct sl_borders *borders, const u64 *bitmap);

#endif
