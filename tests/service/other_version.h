/* SPDX-License-Identifier: GPL-2.0-only */
/* Included ahead of sources that shall believe that this is another version's build. */
#include "state.h"

#undef SL_ABI_VERSION
#define SL_ABI_VERSION 999999
