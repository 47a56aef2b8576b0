/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does the way back to a packet's source lead through the device that it came by? That is what
 * nftables' `fib saddr . iif oif` and iptables' `rpfilter` ask.
 *
 * bpf_fib_lookup() cannot tell: it refuses where the device does not forward, chooses one of
 * several next hops, and says of a broadcast address what it says of one without a route. So the
 * routing tables are walked here as fib_table_lookup() and fib6_node_lookup() do it, under the RCU
 * lock that they take and XDP and TC have. Nothing is remembered: a route counts from the moment
 * that it counts for the kernel.
 *
 * Told is only the plain case: a unicast route with one next hop, a route of the host's own, or a
 * refusal, in the main table (and local). Rules of routing policy, several next hops or routes of
 * one prefix, next hop objects, routes by TOS or by source, broadcasts and addresses that the
 * kernel treats apart are not known.
 */
#ifndef SLUICE_BPF_WAY_BACK_H
#define SLUICE_BPF_WAY_BACK_H

#include <linux/rtnetlink.h>

#include "../abi/way_back.h"
#include "config.h"
#include "guard.h"
#include "kernel.h"

/* Of one table: the next one has to be asked. */
#define WAY_NOT_HERE 3

/*
 * Nodes and routes: with most tables a walk is a dozen. Each step is a function of its own, which
 * the verifier proves once, and not for each round: Linux 6.1 would take more than its million
 * instructions. The stack has room for two that need next to none of it.
 */
#define IP_STEPS_MAX  64
#define IP6_DEPTH_MAX 129

#define RTF_ANYCAST 0x00100000
#define RTF_LOCAL   0x80000000
#define RTF_REJECT  0x0200

#define RTN_TL_ROOT 0x0001
#define RTN_ROOT    0x0002
#define RTN_RTINFO  0x0004

#define OFFSET(type, field) bpf_core_field_offset(struct type, field)

static __always_inline struct net *net_of_device(void)
{
	struct net_device *dev = (void *)live.expected.device_address;

	return BPF_CORE_READ(dev, nd_net.net);
}

/* By a next hop, of whichever family. */
static __always_inline int way_by(const struct fib_nh_common *hop)
{
	__u32 oif = (__u32)BPF_CORE_READ(hop, nhc_oif);

	if (!oif || BPF_CORE_READ(hop, nhc_flags) & RTNH_F_DEAD)
		return SL_WAY_UNKNOWN;
	return oif == CONFIG(ifindex) ? SL_WAY_FOUND : SL_WAY_MISSING;
}

/* IPv4 */

static __always_inline int way_by_alias(const struct fib_alias *alias)
{
	const struct fib_info *info = BPF_CORE_READ(alias, fa_info);

	if (BPF_CORE_READ(alias, fa_dscp) || BPF_CORE_READ(info, fib_dead) ||
	    BPF_CORE_READ(info, fib_flags) & RTNH_F_DEAD)
		return SL_WAY_UNKNOWN;
	switch (BPF_CORE_READ(alias, fa_type)) {
	case RTN_UNICAST:
		break;
	case RTN_LOCAL:
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
		return SL_WAY_MISSING;
	default:
		return SL_WAY_UNKNOWN;
	}
	if (BPF_CORE_READ(info, nh) || BPF_CORE_READ(info, fib_nhs) != 1)
		return SL_WAY_UNKNOWN;
	return way_by((void *)info + OFFSET(fib_info, fib_nh) + OFFSET(fib_nh, nh_common));
}

/* The head of a node of the trie, in the order of its fields. */
#define NODE_KEY(head)  ((__u32)(head))
#define NODE_POS(head)  ((head) >> 32 & 0xff)
#define NODE_BITS(head) ((head) >> 40 & 0xff)
#define NODE_SLEN(head) ((head) >> 48 & 0xff)

static __always_inline bool knows_nodes(void)
{
	return OFFSET(key_vector, key) == 0 && OFFSET(key_vector, pos) == 4 &&
	       OFFSET(key_vector, bits) == 5 && OFFSET(key_vector, slen) == 6;
}

static __always_inline __u64 child(__u64 node, __u64 index)
{
	return read_word(node + OFFSET(key_vector, leaf) + index * sizeof(__u64));
}

static __always_inline __u64 index_in(__u32 key, __u64 head)
{
	return (__u64)(key ^ NODE_KEY(head)) >> (NODE_POS(head) & 63);
}

static __always_inline __u64 parent(__u64 node)
{
	return read_word(node - OFFSET(tnode, kv) + OFFSET(tnode, parent));
}

static __always_inline bool is_elsewhere(__u32 key, __u32 prefix)
{
	return (key ^ prefix) & (prefix | -prefix);
}

/* Not there yet. */
#define WAY_GOES_ON 4

/* Whether the route is the one; else the next of the leaf, or back. */
static __always_inline int meet_route(struct sl_walk *walk)
{
	const struct fib_alias *alias = (void *)(walk->route - OFFSET(fib_alias, fa_list));

	if (!((__u64)walk->differs >> (BPF_CORE_READ(alias, fa_slen) & 63)))
		return way_by_alias(alias);
	walk->route = (__u64)BPF_CORE_READ(alias, fa_list.next);
	return WAY_GOES_ON;
}

/* Up to the last branch that has a smaller index: fewer of the bits set. */
static __always_inline int go_back(struct sl_walk *walk)
{
	__u64 head;

	if (walk->index) {
		walk->index &= walk->index - 1;
		walk->node = child(walk->branch, walk->index);
		walk->is_past = 1;
		return WAY_GOES_ON;
	}
	head = read_word(walk->branch);
	if (NODE_POS(head) >= 32)
		return SL_WAY_MISSING;
	walk->branch = parent(walk->branch);
	walk->index = index_in(NODE_KEY(head), read_word(walk->branch));
	return WAY_GOES_ON;
}

/* By the bits that nodes look at; once one has been passed over, by zeros. */
static __always_inline int meet_node(struct sl_walk *walk)
{
	__u32 key = bpf_ntohl(walk->address);
	__u64 at = walk->node, head = read_word(at), index = index_in(key, head);

	if (index >> (NODE_BITS(head) & 63))
		walk->is_past = 1;
	walk->node = 0;
	if (walk->is_past &&
	    (is_elsewhere(key, NODE_KEY(head)) || NODE_SLEN(head) == NODE_POS(head)))
		return WAY_GOES_ON;
	if (!NODE_BITS(head)) {
		walk->differs = key ^ NODE_KEY(head);
		walk->route = child(at, 0);
		return WAY_GOES_ON;
	}
	if (walk->is_past)
		index = 0;
	else if (NODE_SLEN(head) > NODE_POS(head)) {
		walk->branch = at;
		walk->index = index;
	}
	walk->node = child(at, index);
	return WAY_GOES_ON;
}

__noinline int take_step(struct sl_walk *walk)
{
	if (!walk)
		return SL_WAY_UNKNOWN;
	if (walk->route)
		return meet_route(walk);
	return walk->node ? meet_node(walk) : go_back(walk);
}

/* The root of the one table that matters while there are no rules of routing policy; or 0. */
static __always_inline __u64 find_trie(void)
{
	struct net *net = net_of_device();
	struct fib_table *table;

	if (!bpf_core_field_exists(net->ipv4.fib_has_custom_rules) || !knows_nodes() ||
	    !bpf_core_field_exists(((struct fib_alias *)0)->fa_dscp))
		return 0;
	table = BPF_CORE_READ(net, ipv4.fib_main);
	if (BPF_CORE_READ(net, ipv4.fib_has_custom_rules) || !table ||
	    BPF_CORE_READ(net, ipv4.fib_default))
		return 0;
	return (__u64)BPF_CORE_READ(table, tb_data);
}

__noinline int way_back_ip(struct sl_walk *walk)
{
	int way = WAY_GOES_ON;

	if (!walk || !(walk->address & bpf_htonl(0xff000000)))
		return SL_WAY_UNKNOWN;
	walk->branch = find_trie();
	if (!walk->branch)
		return SL_WAY_UNKNOWN;
	walk->node = child(walk->branch, 0);
	for (__u32 i = 0; i < IP_STEPS_MAX && way == WAY_GOES_ON; i++)
		way = take_step(walk);
	return way == WAY_GOES_ON ? SL_WAY_UNKNOWN : way;
}

/* IPv6. Addresses are two numbers. */

static __always_inline bool begins_with(__u64 high, __u64 low, __u64 prefix, __u32 length)
{
	__u64 high_prefix = bpf_be64_to_cpu(read_word(prefix));
	__u64 low_prefix = bpf_be64_to_cpu(read_word(prefix + sizeof(__u64)));

	if (length <= 64)
		return !length || !((high ^ high_prefix) >> (64 - length & 63));
	return high == high_prefix && !((low ^ low_prefix) >> (128 - length & 63));
}

static __always_inline int way_by_route(const struct fib6_info *route)
{
	__u32 type = BPF_CORE_READ(route, fib6_type);

	if (BPF_CORE_READ(route, fib6_next) || BPF_CORE_READ(route, fib6_nsiblings) ||
	    BPF_CORE_READ(route, nh) || type == RTN_THROW)
		return SL_WAY_UNKNOWN;
	if (BPF_CORE_READ(route, fib6_flags) & (RTF_REJECT | RTF_ANYCAST | RTF_LOCAL))
		return SL_WAY_MISSING;
	if (type != RTN_UNICAST)
		return SL_WAY_UNKNOWN;
	return way_by((void *)route + OFFSET(fib6_info, fib6_nh) + OFFSET(fib6_nh, nh_common));
}

/* The routes of a node, if its prefix is the address's. */
__noinline int way_at_node6(__u64 node, __u64 high, __u64 low)
{
	const struct fib6_node *fn = (void *)node;
	const struct fib6_info *route = BPF_CORE_READ(fn, leaf);
	struct net *net = net_of_device();

	if (bpf_core_field_exists(fn->subtree) && BPF_CORE_READ(fn, subtree))
		return SL_WAY_UNKNOWN;
	if (!(BPF_CORE_READ(fn, fn_flags) & RTN_RTINFO) || !route ||
	    route == BPF_CORE_READ(net, ipv6.fib6_null_entry) ||
	    !begins_with(high, low, (__u64)route + OFFSET(fib6_info, fib6_dst.addr),
			 (__u32)BPF_CORE_READ(route, fib6_dst.plen)))
		return WAY_NOT_HERE;
	return way_by_route(route);
}

static __always_inline bool has_bit(__u64 high, __u64 low, __u32 bit)
{
	return (bit < 64 ? high >> (63 - bit & 63) : low >> (127 - bit & 63)) & 1;
}

/* The child that the address's bits lead to, or 0. */
__noinline __u64 child6(__u64 node, __u64 high, __u64 low)
{
	const struct fib6_node *fn = (void *)node;
	__u32 bit = BPF_CORE_READ(fn, fn_bit);

	if (bit > 127)
		return 0;
	return read_word(node + (has_bit(high, low, bit) ? OFFSET(fib6_node, right)
							 : OFFSET(fib6_node, left)));
}

static __always_inline int way_in_table6(const struct fib6_table *table, __u64 high, __u64 low)
{
	__u64 node = (__u64)table + OFFSET(fib6_table, tb6_root), next;

	for (__u32 i = 0; i < IP6_DEPTH_MAX; i++) {
		next = child6(node, high, low);
		if (!next)
			break;
		node = next;
	}
	for (__u32 i = 0; i < IP6_DEPTH_MAX; i++) {
		const struct fib6_node *fn = (void *)node;
		int way = way_at_node6(node, high, low);

		if (way != WAY_NOT_HERE)
			return way;
		if (BPF_CORE_READ(fn, fn_flags) & (RTN_ROOT | RTN_TL_ROOT))
			return WAY_NOT_HERE;
		node = (__u64)BPF_CORE_READ(fn, parent);
	}
	return SL_WAY_UNKNOWN;
}

/* Of its link, a multicast, none: the kernel does not just look these up. */
static __always_inline bool is_apart6(__u64 high, __u64 low)
{
	return high >> 54 == 0xfe80 >> 6 || high >> 56 == 0xff || (!high && low <= 1);
}

/* The halves of the source in host order. */
__noinline int way_back_ip6(__u64 high, __u64 low)
{
	struct net *net = net_of_device();
	struct fib6_table *table;
	int way = WAY_NOT_HERE;

	if (!bpf_core_field_exists(net->ipv6.fib6_has_custom_rules) ||
	    BPF_CORE_READ(net, ipv6.fib6_has_custom_rules) || is_apart6(high, low))
		return SL_WAY_UNKNOWN;
	for (__u32 i = 0; i < 2 && way == WAY_NOT_HERE; i++) {
		net = net_of_device();
		table = i ? BPF_CORE_READ(net, ipv6.fib6_main_tbl)
			  : BPF_CORE_READ(net, ipv6.fib6_local_tbl);
		way = table ? way_in_table6(table, high, low) : SL_WAY_UNKNOWN;
	}
	return way == WAY_NOT_HERE ? SL_WAY_MISSING : way;
}

#endif
