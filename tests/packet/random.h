/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reproducible chance: the same seed gives the same numbers on every machine (splitmix64).
 */
#ifndef SLUICE_PACKET_RANDOM_H
#define SLUICE_PACKET_RANDOM_H

#include "base/types.h"

struct sl_random {
	u64 state;
};

static inline u64 sl_random_next(struct sl_random *random)
{
	u64 z = random->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* 0 … bound − 1; the bias is of no interest to a test. */
static inline u32 sl_random_below(struct sl_random *random, u32 bound)
{
	return (u32)(sl_random_next(random) % bound);
}

static inline bool sl_random_chance(struct sl_random *random, u32 percent)
{
	return sl_random_below(random, 100) < percent;
}

#define sl_random_pick(random, array) ((array)[sl_random_below(random, SL_ARRAY_SIZE(array))])

#endif
