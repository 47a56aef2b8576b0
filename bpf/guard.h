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

#define VLANS_IN_PART 512

/* The device that a tag leads to from the one that it came by; NULL: none. */
static __always_inline struct net_device *find_vlan_device(struct net_device *dev, __u32 number)
{
	void *part = BPF_CORE_READ(dev, vlan_info);
	struct net_device *found = NULL;

	part += bpf_core_field_offset(struct vlan_info, grp) +
		bpf_core_field_offset(struct vlan_group, vlan_devices_arrays) +
		number / VLANS_IN_PART * sizeof(void *);
	bpf_probe_read_kernel(&part, sizeof part, part);
	bpf_probe_read_kernel(&found, sizeof found, part + number % VLANS_IN_PART * sizeof(void *));
	return found;
}

/*
 * On the device below a VLAN device: frames with its tag still go to that very device, which
 * device_address may else not be of any more, in this namespace; and nobody takes them before.
 * They came by the device below itself, and not by another that it has put the program on, too,
 * as netvsc does with its virtual function: so below_address does not dangle either.
 */
static __noinline bool tag_is_as_expected(__u32 number, __u32 came_by)
{
	const volatile struct sl_snapshot *expected = expectation();
	struct net_device *dev = (void *)expected->below_address, *found;

	if (!bpf_core_field_exists(dev->vlan_info))
		return false;
	if (came_by != expected->below_ifindex || (__u32)BPF_CORE_READ(dev, ifindex) != came_by)
		return false;
	found = find_vlan_device(dev, number);
	if (!found || (__u64)found != expected->device_address || BPF_CORE_READ(found, xdp_prog) ||
	    (__u32)BPF_CORE_READ(found, ifindex) != CONFIG(ifindex) ||
	    BPF_CORE_READ(dev, nd_net.net, net_cookie) != expected->net_cookie)
		return false;
	SL_EACH_BELOW_FIELD(COMPARE_FIELD, PROBE)
	return true;
}

#endif
