/* SPDX-License-Identifier: GPL-2.0-only */
/* What a driver says of a device, by ethtool and the kernel's netdev family. */
#ifndef SLUICE_LIB_OFFLOAD_H
#define SLUICE_LIB_OFFLOAD_H

#include "base/types.h"

enum sl_offload { SL_OFFLOAD_TSO, SL_OFFLOAD_LRO };
enum sl_answer { SL_NO, SL_YES, SL_NOT_KNOWN };

/* Of a device of the calling thread's network namespace. */
enum sl_answer sl_offload_is_on(const char *device, enum sl_offload offload);
/* Whether the driver has native XDP; only kernels since 6.3 tell. */
enum sl_answer sl_offload_has_xdp(u32 ifindex);

#endif
