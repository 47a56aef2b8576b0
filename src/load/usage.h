/* SPDX-License-Identifier: GPL-2.0-only */
/* What an attachment takes of the kernel's memory now, as the kernel itself reckons. */
#ifndef SLUICE_LOAD_USAGE_H
#define SLUICE_LOAD_USAGE_H

#include "base/types.h"

struct sl_usage {
	u64 program_bytes; /* of the device's program, and the one behind netfilter's hooks */
	u64 map_bytes;     /* of all maps of both, each once */
	u32 addresses;     /* in the map of local addresses, of SL_LOCAL_ADDRESSES_MAX */
};

/*
 * `program`: the id of the device's. What cannot be found out is 0: programs are only opened by
 * their ids with CAP_SYS_ADMIN.
 */
struct sl_usage sl_usage_read(u64 net_cookie, const char *device, u32 program);

#endif
