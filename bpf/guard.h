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

/* Its address in a register, and not again for each field. */
static __always_inline const volatile struct sl_snapshot *expectation(void)
{
	const volatile struct sl_snapshot *expected = &live.expected;

	asm("" : "+r"(expected));
	return expected;
}

#define COMPARE_FIELD(name, value)                                                                 \
	{                                                                                          \
		if (expected->name != (value))                                                     \
			return false;                                                              \
	}

/*
 * Two ways to read: where the verifier knows what the pointers point to, by plain loads; on older
 * kernels by bpf_probe_read_kernel, from an address that user space found for this very device.
 * It can dangle only when the device is gone, and then no packet comes this way.
 */
#define LOAD(base, field)            ((base)->field)
#define LOAD2(base, pointer, field)  ((base)->pointer->field)
#define LOAD_BITS(base, field)       BPF_CORE_READ_BITFIELD(base, field)
#define PROBE(base, field)           BPF_CORE_READ(base, field)
#define PROBE2(base, pointer, field) BPF_CORE_READ(base, pointer, field)
#define PROBE_BITS(base, field)      BPF_CORE_READ_BITFIELD_PROBED(base, field)

#define COMPARE_FIELDS(READ, READ2)                                                                \
	{                                                                                          \
		SL_EACH_COMMON_FIELD(COMPARE_FIELD, READ, READ2)                                   \
		if (!is_tc) {                                                                      \
			SL_EACH_VLAN_FIELD(COMPARE_FIELD, READ, READ2)                             \
		}                                                                                  \
		if (SL_HAS_TC(READ) || expected->tc_filters || expected->tc_programs) {            \
			SL_EACH_TC_FIELD(COMPARE_FIELD, READ)                                      \
		}                                                                                  \
		if (CONFIG(asks_device)) {                                                         \
			SL_EACH_DEVICE_FIELD(COMPARE_FIELD, READ)                                  \
		}                                                                                  \
		if (is_ip6) {                                                                      \
			SL_EACH_IP6_FIELD(COMPARE_FIELD, READ, READ2)                              \
			if (CONFIG(asks_addresses_ip6)) {                                          \
				SL_EACH_IP6_ROUTE_FIELD(COMPARE_FIELD, READ, READ2)                \
			}                                                                          \
		} else {                                                                           \
			SL_EACH_IP_FIELD(COMPARE_FIELD, READ, READ2)                               \
			if (CONFIG(asks_addresses_ip)) {                                           \
				SL_EACH_IP_ROUTE_FIELD(COMPARE_FIELD, READ, READ2)                 \
			}                                                                          \
		}                                                                                  \
	}

#define GENERATION(net)    (net)->nft.base_seq
#define NAME_WORD(dev, at) (*(__u64 *)&(dev)->name[at])
static __always_inline bool loaded_state_is_as_expected(struct net_device *dev, bool is_ip6,
							bool is_tc)
{
	const volatile struct sl_snapshot *expected = expectation();
	struct net *net = dev->nd_net.net;

	COMPARE_FIELDS(LOAD, LOAD2)
	return true;
}
#undef NAME_WORD
#undef GENERATION

static __always_inline __u32 probe_generation(void)
{
	__u32 generation = 0;

	bpf_probe_read_kernel(&generation, sizeof generation,
			      (void *)live.expected.generation_address);
	return generation;
}

#define GENERATION(net)    probe_generation()
#define NAME_WORD(dev, at) PROBE_NAME_WORD(dev, at)
/*
 * A function of its own: the caller's part of the stack is all but full, and this is for older
 * kernels, which pay for the call.
 */
static __noinline bool probed_state_is_as_expected(bool is_ip6, bool is_tc)
{
	const volatile struct sl_snapshot *expected = expectation();
	struct net_device *dev = (void *)expected->device_address;
	struct net *net = BPF_CORE_READ(dev, nd_net.net);

	COMPARE_FIELDS(PROBE, PROBE2)
	return true;
}
#undef NAME_WORD
#undef GENERATION

#endif
