// SPDX-License-Identifier: GPL-2.0-only
#include "classify/borders.h"

#include <string.h>

bool sl_borders_push(struct sl_borders *borders, u32 border)
{
	if (border >= SL_BORDERS_END)
		return true;
	if (borders->count && borders->items[borders->count - 1] == border)
		borders->count--;
	else if (borders->count == SL_ARRAY_SIZE(borders->items))
		return false;
	else
		borders->items[borders->count++] = (u16)border;
	return true;
}

u32 sl_borders_end(const struct sl_borders *borders, u32 i)
{
	return i + 1 < borders->count ? borders->items[i + 1] : SL_BORDERS_END;
}

/* How many there are before `value`. */
static u32 count_below(const struct sl_borders *borders, u32 value)
{
	u32 count = 0;

	while (count < borders->count && borders->items[count] < value)
		count++;
	return count;
}

void sl_borders_cover(struct sl_borders *borders, u32 lo, u32 end, bool in)
{
	u32 before = count_below(borders, lo), until = count_below(borders, end + 1);
	bool begins = before % 2 != in, ends = until % 2 != in && end < SL_BORDERS_END;
	u16 *behind = &borders->items[until];

	memmove(&borders->items[before + begins + ends], behind,
		(borders->count - until) * sizeof *behind);
	if (begins)
		borders->items[before] = (u16)lo;
	if (ends)
		borders->items[before + begins] = (u16)end;
	borders->count = borders->count - until + before + begins + ends;
}

void sl_borders_pack(const struct sl_borders *borders, u64 *units, u32 count)
{
	u16 *packed = (u16 *)units;

	memcpy(packed, borders->items, borders->count * sizeof *packed);
	for (u32 i = borders->count; i < SL_BORDERS_A_UNIT * count; i++)
		packed[i] = SL_BORDERS_END;
}

void sl_borders_unpack(struct sl_borders *borders, const u64 *units, u32 count)
{
	memcpy(borders->items, units, count * sizeof *units);
	borders->count = SL_BORDERS_A_UNIT * count;
	while (borders->count && borders->items[borders->count - 1] == SL_BORDERS_END)
		borders->count--;
}

/* A bit of a bitmap stands for so many values. */
#define BIT_SHIFT (SL_TRIE_BORDER_BITS - SL_TRIE_BITMAP_BITS)

void sl_bitmap_cover(u64 *bitmap, u32 lo, u32 end, bool in)
{
	for (u32 bit = lo >> BIT_SHIFT, bits; bit < end >> BIT_SHIFT; bit += bits) {
		u32 left = (end >> BIT_SHIFT) - bit, room = 64 - bit % 64;
		u64 mask;

		bits = left < room ? left : room;
		mask = ~(u64)0 >> (64 - bits) << bit % 64;
		if (in)
			bitmap[bit / 64] |= mask;
		else
			bitmap[bit / 64] &= ~mask;
	}
}

bool sl_bitmap_unpack(struct sl_borders *borders, const u64 *bitmap)
{
	u64 before = 0;

	borders->count = 0;
	for (u32 i = 0; i < SL_TRIE_BITMAP_UNITS; i++) {
		u64 changes = bitmap[i] ^ (bitmap[i] << 1 | before);

		before = bitmap[i] >> 63;
		for (; changes; changes &= changes - 1) {
			u32 bit = 64 * i + (u32)__builtin_ctzll(changes);

			if (!sl_borders_push(borders, bit << BIT_SHIFT))
				return false;
		}
	}
	return true;
}
