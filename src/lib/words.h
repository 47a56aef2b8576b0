/* SPDX-License-Identifier: GPL-2.0-only */
/* Words for what programs and people are told alike. */
#ifndef SLUICE_LIB_WORDS_H
#define SLUICE_LIB_WORDS_H

#include "base/types.h"
#include "ir/ir.h"
#include "state.h"

const char *sl_hook_name(enum sl_hook hook); /* "input" */

const char *sl_place_name(u32 place); /* by bit of SL_PLACE_*: "ip input" */

const char *sl_fate_reason(enum sl_fate_count fate); /* "not ordinary" */

#endif
