// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts another address into the packet each time, and hands it over to the program that is to be
 * measured: BPF_PROG_TEST_RUN runs the same packet again and again, and would find all it asks for
 * in the cache.
 */
#include <stddef.h>

#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "inject.h"

const volatile __u32 length; /* of the address: 4 or 16 bytes */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, union inject_addresses);
} addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} measured SEC(".maps");

/* As much as a set of a million prefixes takes, a power of two. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8[INJECT_MEMORY]);
} memory SEC(".maps");

__u32 reach; /* of `memory`, how much is read: a power of two, less one */
static __u32 next, last;

SEC("xdp")
int inject(struct xdp_md *context)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	__u32 first = 0, number = next++ & (INJECT_ADDRESSES - 1);
	union inject_addresses *all = bpf_map_lookup_elem(&addresses, &first);

	if (!all || data + INJECT_FRAME > end)
		return XDP_ABORTED;
	if (length == 4)
		__builtin_memcpy(data + 26, all->ip[number], 4);
	else
		__builtin_memcpy(data + 22, all->ip6[number], 16);
	bpf_tail_call_static(context, &measured, 0);
	return XDP_ABORTED;
}

/*
 * One read at a place that the address tells, and by what was read before: as a verdict has to wait
 * for its set, so that no set beyond the caches can cost less.
 */
SEC("xdp")
int read_once(struct xdp_md *context)
{
	__u32 first = 0, number = next++ & (INJECT_ADDRESSES - 1), place;
	union inject_addresses *all = bpf_map_lookup_elem(&addresses, &first);
	__u8 *bytes = bpf_map_lookup_elem(&memory, &first);

	if (!all || !bytes)
		return XDP_ABORTED;
	place = (*(__u32 *)all->ip[number] + last) * 0x9e3779b1u >> 8;
	last = bytes[place & reach & (INJECT_MEMORY - 1)];
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
