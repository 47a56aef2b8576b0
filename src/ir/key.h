/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keys and matches on bytes that are already known: constant folding for the optimiser and the
 * code generator. (The interpreter, which judges both, has its own.)
 */
#ifndef SLUICE_IR_KEY_H
#define SLUICE_IR_KEY_H

#include "ir/ir.h"

/* The same bytes, loaded and transformed in the same way. */
bool sl_key_equals(const struct sl_key *a, const struct sl_key *b);

/* A copy with parts, transforms and masks in `arena`. 0 or -ENOMEM. */
int sl_key_copy(struct sl_arena *arena, const struct sl_key *key, struct sl_key *ret_copy);

/* value ± 1 as a big-endian number of `length` bytes; false when it wraps. */
bool sl_value_step(u8 *value, u32 length, int step);

/* value as a big-endian number, of at most 8 bytes; and the largest of `length` bytes, 1–8. */
u64 sl_value_number(const u8 *value, u32 length);
u64 sl_value_max(u32 length);

/* Something is asked for that not every packet has known: an address type, the way back. */
bool sl_key_may_be_unknown(const struct sl_key *key);

/* It is a COMPARE of the way back to the source, which the data plane has to look up. */
bool sl_op_asks_way_back(const struct sl_op *op);

/* The op is a match, or verdict map, on the packet's mark. */
bool sl_op_reads_mark(const struct sl_op *op);

/* Whether it may stay open if the op matches: an UNKNOWN, or one that can act as such, or
 * pass where the mark is not known. */
bool sl_op_is_unsure(const struct sl_op *op);

/* Its lookup may not be missed: an element that is just expiring makes the packet pass. */
bool sl_op_asks_timeouts(const struct sl_op *op);

/*
 * The register bytes of metadata that one device, one family (SL_IP, SL_IP6) and the family of the
 * base chain (NFPROTO_*) fix.
 */
bool sl_meta_fold(enum sl_meta meta, const struct sl_device *device, u8 family, u32 chain_family,
		  u8 ret_value[16]);

/* True, with the transformed key, if all its parts are such metadata. */
bool sl_key_fold(const struct sl_key *key, const struct sl_device *device, u8 family,
		 u32 chain_family, u8 *ret_value);

/* Whether a COMPARE, RANGE or SET op matches a key of this value; a timeout is never over. */
bool sl_op_test(const struct sl_op *op, const u8 *value);

/* What is known of an op of one family's packets before any has come. */
enum sl_folded { SL_FOLD_OPEN, SL_FOLD_HOLDS, SL_FOLD_FAILS };

enum sl_folded sl_op_fold(const struct sl_op *op, const struct sl_device *device, u8 family,
			  u32 chain_family);

/* The element that holds the value, by linear search; NULL if none does. */
const struct sl_element *sl_set_lookup(const struct sl_set *set, const u8 *value);

#endif
