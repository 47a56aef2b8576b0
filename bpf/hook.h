/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * At a netfilter hook, just ahead of the rules: the packet is what the rules will see (reassembled,
 * translated, routed), and the state of its connection is known. So there is one world, and nothing
 * that the kernel could still do or answer of its own accord.
 *
 * The device, and who else is at the hook, are compared like all else that the compile
 * assumed.
 */
#ifndef SLUICE_BPF_HOOK_H
#define SLUICE_BPF_HOOK_H

#include "config.h"
#include "conntrack.h"
#include "guard.h"
#include "packet.h"
#include "worlds.h"

#define IP_CT_IS_REPLY 3

#define NF_DROP   0
#define NF_ACCEPT 1

#define NFPROTO_IPV4 2
#define NFPROTO_IPV6 10

/*
 * Programs of this kind see no packet bytes directly; these are the first of them. One a CPU: a
 * packet that comes while another has it (one can preempt the other where softirqs are threads)
 * passes.
 */
struct packet_copy {
	__u32 is_taken, padding;
	struct sl_facts facts;
	__u8 bytes[sizeof(struct ipv6hdr) + SL_HOOK_REACH];
};

_Static_assert(offsetof(struct packet_copy, bytes) - offsetof(struct packet_copy, facts) ==
		       sizeof(struct sl_facts),
	       "generated code counts back from the bytes");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet_copy);
} packet_copies SEC(".maps");

static __always_inline struct packet_copy *take_copy(void)
{
	__u32 zero = 0;
	struct packet_copy *copy = bpf_map_lookup_elem(&packet_copies, &zero);

	return copy && !__sync_lock_test_and_set(&copy->is_taken, 1) ? copy : NULL;
}

static __always_inline void return_copy(struct packet_copy *copy)
{
	*(volatile __u32 *)&copy->is_taken = 0;
}

/* The packet's first bytes, of which at least `length` are there; their number, or 0. */
static __always_inline __u32 copy_packet(struct sk_buff *skb, struct packet_copy *copy)
{
	struct bpf_dynptr packet;
	__u32 length = skb->len;

	/* The rules count from the network header, the copy from the data. */
	if (skb->head + skb->network_header != skb->data)
		return 0;
	if (length > sizeof copy->bytes)
		length = sizeof copy->bytes;
	if (bpf_dynptr_from_skb((struct __sk_buff *)skb, 0, &packet) ||
	    bpf_dynptr_read(copy->bytes, length, &packet, 0, 0))
		return 0;
	return length;
}

static __always_inline bool place_transport(struct sl_cursor *cursor, struct packet_copy *copy,
					    __u32 copied, __u32 length, __u32 header)
{
	if (length < header + TRANSPORT_MIN)
		return false;
	cursor->network = (__u64)copy->bytes;
	cursor->transport = (__u64)(copy->bytes + header);
	cursor->end = (__u64)(copy->bytes + copied);
	cursor->room = cursor->frame_room = length - header;
	return cursor->protocol != IPPROTO_TCP || cursor->room >= TCP_HEADER_MIN;
}

/* Lengths are the buffer's, as for the rules: of what GRO merged, the header may tell another. */
static __always_inline bool copy_ip(struct sl_cursor *cursor, struct sk_buff *skb,
				    struct packet_copy *copy)
{
	const struct iphdr *ip = (void *)copy->bytes;
	__u32 copied = copy_packet(skb, copy);

	if (copied < sizeof *ip || copy->bytes[0] != 0x45 || ip->frag_off & bpf_htons(0x3fff))
		return false;
	cursor->protocol = ip->protocol;
	return place_transport(cursor, copy, copied, skb->len, sizeof *ip);
}

static __always_inline bool copy_ip6(struct sl_cursor *cursor, struct sk_buff *skb,
				     struct packet_copy *copy)
{
	const struct ipv6hdr *ip6 = (void *)copy->bytes;
	__u32 copied = copy_packet(skb, copy);

	if (copied < sizeof *ip6 || (copy->bytes[0] & 0xf0) != 0x60 ||
	    is_extension_header(ip6->nexthdr))
		return false;
	cursor->protocol = ip6->nexthdr;
	return place_transport(cursor, copy, copied, skb->len, sizeof *ip6);
}

/* As nft_ct.c and xt_conntrack.c tell the state; 0 where they could not be asked. */
static __always_inline __u32 world_of(const struct sk_buff *skb)
{
	unsigned long connection = skb->_nfct, info = connection & 7; /* IP_CT_* */

	if (!(connection & ~7ul))
		return info == 7 ? WORLD_UNTRACKED : WORLD_INVALID;
	switch (info) {
	case 0:
	case 3:
		return WORLD_ESTABLISHED;
	case 1:
	case 4:
		return WORLD_RELATED;
	case 2:
		return WORLD_NEW;
	default:
		return 0;
	}
}

static __always_inline void note_connection(struct sl_facts *facts, unsigned long connection)
{
	struct nf_conn *known = (void *)(connection & ~7ul);

	facts->direction = (connection & 7) >= IP_CT_IS_REPLY;
	facts->status = (__u32)BPF_CORE_READ(known, status);
	facts->ct_mark = bpf_core_field_exists(known->mark) ? BPF_CORE_READ(known, mark) : 0;
}

/* As nft_meta.c and nft_ct.c read them a moment later. Behind a name may be what is left of
 * another. */
static __always_inline void note_facts(struct sl_facts *facts, const struct bpf_nf_ctx *context)
{
	const struct net_device *out = context->state->out;

	__builtin_memset(facts, 0, sizeof *facts);
	note_connection(facts, context->skb->_nfct);
	facts->mark = context->skb->mark;
	if (!out)
		return;
	facts->oif = (__u32)out->ifindex;
	bpf_probe_read_kernel_str(facts->oifname, sizeof facts->oifname, out->name);
}

/* The one that was compiled for, and no other at its place. */
static __always_inline bool hook_device_is_as_expected(const struct net_device *dev)
{
	const volatile struct sl_snapshot *expected = expectation();

	if (expected->device_address != (__u64)dev || (__u32)dev->ifindex != CONFIG(ifindex))
		return false;
	return !CONFIG(asks_device) || (expected->name[0] == *(__u64 *)&dev->name[0] &&
					expected->name[1] == *(__u64 *)&dev->name[8] &&
					expected->group == (__u32)dev->group);
}

static __always_inline bool hook_state_is_as_expected(const struct nf_hook_state *state,
						      bool is_ip6)
{
	const volatile struct sl_snapshot *expected = expectation();
	bool is_input = state->hook == NF_INET_LOCAL_IN;
	struct net *net = state->net;

	if (expected->net_cookie != net->net_cookie ||
	    expected->generation !=
		    (HAS_GENERATION_IN_NET() ? net->nft.base_seq : probe_generation()) ||
	    !hook_device_is_as_expected(state->in))
		return false;
	if (is_ip6)
		return (is_input ? expected->hooks_ip6[1] == (__u64)net->nf.hooks_ipv6[1]
				 : expected->hooks_ip6[2] == (__u64)net->nf.hooks_ipv6[2]) &&
		       expected->address_genid6 == (__u32)net->ipv6.dev_addr_genid.counter;
	return (is_input ? expected->hooks_ip[1] == (__u64)net->nf.hooks_ipv4[1]
			 : expected->hooks_ip[2] == (__u64)net->nf.hooks_ipv4[2]) &&
	       expected->address_genid == (__u32)net->ipv4.dev_addr_genid.counter;
}

#endif
