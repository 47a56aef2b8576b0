/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The filter of known connections (bpf/known.h says what it is good for): what the data plane, the
 * netfilter hooks and the keeper share. A connection is in it by the two tuples that conntrack may
 * find it by; each sets SL_KNOWN_BITS bits of one 64-bit word.
 */
#ifndef SLUICE_ABI_KNOWN_H
#define SLUICE_ABI_KNOWN_H

#include <linux/types.h>

/*
 * Of the hooks that write. nf_confirm() is at INT_MAX, and for what comes in by IPv6 at INT_MAX −
 * 1; and the kernel gives a priority to one program only, so each attachment has its own, from here
 * downwards.
 */
#define SL_KNOWN_PROGRAM    "sluice_known"
#define SL_KNOWN_PRIORITY   0x7ffffffd
#define SL_KNOWN_PRIORITIES 32

/* With more there is no filter: to compare each one's counter would cost what a lookup does. */
#define SL_KNOWN_CPUS_MAX 64

#define SL_KNOWN_GENERATIONS 2
#define SL_KNOWN_BITS        3

/* Eight bytes of the kernel's, or four; and what they were. Address 0: the kernel has none. */
struct sl_known_word {
	__u64 address, value;
};

/* What the filter takes for granted; compared each time that the data plane goes by it. */
struct sl_known_sight {
	struct sl_known_word hooks[2][2]; /* IPv4, IPv6: the lists at LOCAL_IN and POST_ROUTING */
	struct sl_known_word modules;     /* the youngest of them */
	struct sl_known_word inserts[SL_KNOWN_CPUS_MAX]; /* by CPU: entries that no packet made */
	__u32 cpus, padding;
};

/* For people. */
enum sl_known_state {
	SL_KNOWN_NONE,   /* none, and lookups where the rules want to know */
	SL_KNOWN_MADE,   /* it is being made; lookups until then */
	SL_KNOWN_LIVE,   /* in use */
	SL_KNOWN_UNSAFE, /* not everything that may make connections is known; lookups */
};

struct sl_known_cell {
	/*
	 * 0: not in use. Else what was never used before, and in bit 0 which generation to read. As
	 * with struct sl_live: 0 first, then changes, then a new value; and who reads looks again.
	 */
	__u64 version;
	__u64 seeds[3]; /* never 0; so a sender cannot tell what shares a word with what */
	__u32 first[SL_KNOWN_GENERATIONS]; /* words of the map */
	__u8 shift[SL_KNOWN_GENERATIONS];  /* 64 − log2 of how many words each uses of its half */
	__u8 writing;                      /* generations that hooks write to, a bit each */
	__u8 writes_all;                   /* … connections that are in the table already, too */
	__u32 state;                       /* enum sl_known_state */
	struct sl_known_sight sight;
};

/* As conntrack has it. Addresses and ports as they lie in memory; IPv4's in the first half. */
struct sl_known_tuple {
	__u64 source[2], destination[2];
	__u16 source_port, destination_port;
	__u8 protocol, is_ip6, padding[2];
};

static inline __u64 sl_known_mix(__u64 hash, __u64 word, __u64 seed)
{
	hash = (hash ^ word) * (seed | 1);
	return hash ^ hash >> 32;
}

static inline __attribute__((always_inline)) __u64
sl_known_hash(const volatile struct sl_known_cell *cell, const struct sl_known_tuple *tuple)
{
	__u64 seed = cell->seeds[1], hash = cell->seeds[0];
	__u64 rest = (__u64)tuple->protocol << 32 | (__u32)tuple->destination_port << 16 |
		     tuple->source_port;

	if (tuple->is_ip6) {
		hash = sl_known_mix(hash, tuple->source[0], seed);
		hash = sl_known_mix(hash, tuple->source[1], seed);
		hash = sl_known_mix(hash, tuple->destination[0], seed);
		hash = sl_known_mix(hash, tuple->destination[1], seed);
	} else {
		hash = sl_known_mix(hash, tuple->source[0] | tuple->destination[0] << 32, seed);
	}
	return sl_known_mix(sl_known_mix(hash, rest, seed), 0, cell->seeds[2]);
}

static inline __u64 sl_known_bits(__u64 hash)
{
	return 1ULL << (hash & 63) | 1ULL << (hash >> 6 & 63) | 1ULL << (hash >> 12 & 63);
}

/* Where in the map of words. */
static inline __u32 sl_known_index(const volatile struct sl_known_cell *cell, __u64 hash,
				   __u32 generation)
{
	return cell->first[generation] + (__u32)(hash >> cell->shift[generation]);
}

_Static_assert(sizeof(struct sl_known_sight) == (5 + SL_KNOWN_CPUS_MAX) * 16 + 8,
	       "shared with maps");
_Static_assert(sizeof(struct sl_known_cell) == 4 * 8 + 4 * 4 + sizeof(struct sl_known_sight),
	       "shared with maps");
_Static_assert(sizeof(struct sl_known_tuple) == 40, "no holes");

#endif
