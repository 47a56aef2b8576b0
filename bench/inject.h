/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SLUICE_BENCH_INJECT_H
#define SLUICE_BENCH_INJECT_H

#include <linux/types.h>

#define INJECT_ADDRESSES (1 << 18)
#define INJECT_MEMORY    (1 << 23)
#define INJECT_FRAME     62 /* bytes: Ethernet, IP and UDP */

union inject_addresses {
	__u8 ip[INJECT_ADDRESSES][4], ip6[INJECT_ADDRESSES][16];
};

#endif
