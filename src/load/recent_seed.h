/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The seed of xt_recent's hash. It is a variable of the module's, which no kernel names to us where
 * that is built in; but it lies among the module's other variables, and it alone puts known
 * addresses into the buckets that they are in.
 */
#ifndef SLUICE_LOAD_RECENT_SEED_H
#define SLUICE_LOAD_RECENT_SEED_H

#include "base/types.h"
#include "recent.h"

/*
 * The number of the word that explains all witnesses. False where none does, where different ones
 * do, or where the witnesses are too few for that to be no accident.
 */
bool sl_recent_seed_find(const u32 *words, u32 word_count,
			 const struct sl_recent_witness *witnesses, u32 witness_count, u32 buckets,
			 u32 *ret_index);

#endif
