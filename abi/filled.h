/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets that packets fill, and where the kernel keeps them: what bpf/snapshot.bpf.c is asked for,
 * and finds, and what bpf/filled.h looks a key up in.
 */
#ifndef SLUICE_ABI_FILLED_H
#define SLUICE_ABI_FILLED_H

#include <linux/types.h>

#define SL_FILLED_MAX     32 /* that are asked for; what is in those behind is not known */
#define SL_FILLED_KEY_MAX 16 /* bytes of a key, whole words */

enum sl_filled_answer {
	SL_FILLED_MISS,
	SL_FILLED_HIT,
	SL_FILLED_UNCLEAR,
	SL_FILLED_COUNTS, /* there, with expressions that only the kernel can evaluate */
};

/* A table of nft_set_hash.c's resizable kind. Addresses are the kernel's, 0 where not found. */
struct sl_filled_place {
	__u64 table; /* of the pointer to its buckets */
	__u8 key_length;
	__u8 ext; /* bytes from an element's node to its struct nft_set_ext; there … */
	__u8 expiry, effects; /* … stand where its time and its expressions are, or 0 */
	__u8 expires_at;      /* bytes from its time to when it ends, in jiffies */
	__u8 padding[3];
};

struct sl_filled_query {
	__u64 table, set; /* handles */
	__u32 key_length, padding;
	struct sl_filled_place place; /* the answer */
};

_Static_assert(sizeof(struct sl_filled_place) == 16, "holes");
_Static_assert(sizeof(struct sl_filled_query) == 40, "holes");

#endif
