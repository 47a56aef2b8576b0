/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reproducible randomness: splitmix64, the same on every machine. Or a fuzzer's: its bytes
 * say how the dice fall, and behind their end no chance comes true.
 */
#ifndef SLUICE_TESTS_ORACLE_RANDOM_H
#define SLUICE_TESTS_ORACLE_RANDOM_H

#include "base/types.h"

struct dice {
	u64 state;       /* the seed, at first */
	const u8 *bytes; /* a fuzzer's, two for a roll; or NULL */
	u32 left;        /* of them */
};

static inline u64 roll(struct dice *dice)
{
	u64 mixed = dice->state += 0x9e3779b97f4a7c15ULL;

	if (dice->bytes) {
		if (dice->left < 2)
			return 99;
		dice->left -= 2;
		dice->bytes += 2;
		return dice->bytes[-2] | (u32)dice->bytes[-1] << 8;
	}
	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ULL;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebULL;
	return mixed ^ mixed >> 31;
}

/* 0 … sides − 1; `sides` is small, so the bias does not matter. */
static inline u32 roll_below(struct dice *dice, u32 sides)
{
	return (u32)(roll(dice) % sides);
}

static inline bool roll_percent(struct dice *dice, u32 percent)
{
	return roll_below(dice, 100) < percent;
}

#define pick(dice, array) ((array)[roll_below(dice, SL_ARRAY_SIZE(array))])

#endif
