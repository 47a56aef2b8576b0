/* SPDX-License-Identifier: GPL-2.0-only */
/* Bob Jenkins' lookup3, which the kernel calls jhash. */
#ifndef SLUICE_ABI_JENKINS_H
#define SLUICE_ABI_JENKINS_H

#include <linux/types.h>

static inline __attribute__((always_inline)) __u32 sl_rotate(__u32 word, __u32 bits)
{
	return word << bits | word >> (32 - bits);
}

#define SL_JENKINS_MIX(x, y, z, bits)                                                              \
	{                                                                                          \
		(x) -= (z);                                                                        \
		(x) ^= sl_rotate(z, bits);                                                         \
		(z) += (y);                                                                        \
	}

#define SL_JENKINS_FINISH(x, y, bits)                                                              \
	{                                                                                          \
		(x) ^= (y);                                                                        \
		(x) -= sl_rotate(y, bits);                                                         \
	}

/* Of so many bytes: one to four words; those behind are 0. */
static inline __attribute__((always_inline)) __u32 sl_jenkins_hash(const __u32 words[4],
								   __u32 length, __u32 seed)
{
	__u32 a = 0xdeadbeef + length + seed, b = a, c = a;

	a += words[0];
	b += words[1];
	c += words[2];
	if (length > 12) {
		SL_JENKINS_MIX(a, b, c, 4)
		SL_JENKINS_MIX(b, c, a, 6)
		SL_JENKINS_MIX(c, a, b, 8)
		SL_JENKINS_MIX(a, b, c, 16)
		SL_JENKINS_MIX(b, c, a, 19)
		SL_JENKINS_MIX(c, a, b, 4)
		a += words[3];
	}
	SL_JENKINS_FINISH(c, b, 14)
	SL_JENKINS_FINISH(a, c, 11)
	SL_JENKINS_FINISH(b, a, 25)
	SL_JENKINS_FINISH(c, b, 16)
	SL_JENKINS_FINISH(a, c, 4)
	SL_JENKINS_FINISH(b, a, 14)
	SL_JENKINS_FINISH(c, b, 24)
	return c;
}

#undef SL_JENKINS_MIX
#undef SL_JENKINS_FINISH

#endif
