/* SPDX-License-Identifier: GPL-2.0-only */
/* The one clock: CLOCK_MONOTONIC, which the data plane and the elements of sets go by as well. */
#ifndef SLUICE_BASE_CLOCK_H
#define SLUICE_BASE_CLOCK_H

#include "base/types.h"

#define SL_NS_PER_MS 1000000ULL

u64 sl_monotonic_ns(void);

#endif
