/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last question before a DROP: is everything that the compile assumed still so? It is asked
 * of the kernel itself, not of the watcher, so it holds while the watcher is dead, slow, or
 * stopped in a debugger.
 */
#ifndef SLUICE_BPF_GUARD_H
#define SLUICE_BPF_GUARD_H

#include "config.h"
#include "kernel.h"
#include "snapshot.h"
#include "state.h"

volatile struct sl_live live SEC(".data.live");

#define LOAD(base, field)           ((base)->field)
#define LOAD2(base, pointer, field) ((base)->pointer->field)
#define COMPARE_FIELD(name, value)                                                                 \
	{                                                                                          \
		if (live.expected.name != (value))                                                 \
			return false;                                                              \
	}

static __always_inline bool kernel_is_as_expected(struct net_device *dev, bool is_ip6)
{
	struct net *net = dev->nd_net.net;

	SL_EACH_COMMON_FIELD(COMPARE_FIELD, LOAD, LOAD2)
	if (is_ip6) {
		SL_EACH_IP6_FIELD(COMPARE_FIELD, LOAD, LOAD2)
		if (config.asks_addresses_ip6) {
			SL_EACH_IP6_ROUTE_FIELD(COMPARE_FIELD, LOAD, LOAD2)
		}
	} else {
		SL_EACH_IP_FIELD(COMPARE_FIELD, LOAD, LOAD2)
		if (config.asks_addresses_ip) {
			SL_EACH_IP_ROUTE_FIELD(COMPARE_FIELD, LOAD, LOAD2)
		}
	}
	return true;
}

static __always_inline bool lease_holds(void)
{
	return !config.uses_lease || bpf_ktime_get_ns() < live.lease_until_ns;
}

#endif
