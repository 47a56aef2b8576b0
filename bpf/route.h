/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * INPUT or FORWARD? Routing comes after prerouting and before both, and it answers packets of its
 * own accord: TTL exceeded, too big, no route, redirects. Those must reach it, so a packet counts
 * as forwarded only where none of that can happen.
 */
#ifndef SLUICE_BPF_ROUTE_H
#define SLUICE_BPF_ROUTE_H

#include "config.h"
#include "packet.h"
#include "rules.h"

enum fate { FATE_UNKNOWN, FATE_INPUT, FATE_FORWARD };

#define AF_INET  2
#define AF_INET6 10

/* Every address of the namespace; kept by the watcher. IPv4 in the first word, rest zero. */
struct local_key {
	__u32 words[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SL_LOCAL_ADDRESSES_MAX);
	__type(key, struct local_key);
	__type(value, __u8);
} local_addresses SEC(".maps");

/* What routing, and who asks for an address of ours, keeps in cursor.scratch. */
struct route_scratch {
	struct bpf_fib_lookup fib;
	struct local_key key;
};

_Static_assert(sizeof(struct route_scratch) <= sizeof(((struct sl_cursor *)0)->scratch), "it fits");

static __always_inline bool address_is_local(struct sl_cursor *cursor, const __be32 *address,
					     bool is_ip6)
{
	struct local_key *key = &((struct route_scratch *)cursor->scratch)->key;

	if (is_ip6)
		__builtin_memcpy(key, address, sizeof *key);
	else
		*key = (struct local_key){{*address}};
	return bpf_map_lookup_elem(&local_addresses, key);
}

static __always_inline bool ip_is_local(struct sl_cursor *cursor, const struct iphdr *ip)
{
	return address_is_local(cursor, &ip->daddr, false);
}

static __always_inline bool ip_is_multicast(const struct iphdr *ip)
{
	return (ip->daddr & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000);
}

static __always_inline bool ip6_is_multicast(const struct ipv6hdr *ip6)
{
	return ip6->daddr.in6_u.u6_addr8[0] == 0xff;
}

static __always_inline bool ip6_is_local(struct sl_cursor *cursor, const struct ipv6hdr *ip6)
{
	return address_is_local(cursor, ip6->daddr.in6_u.u6_addr32, true);
}

/* A unicast packet that leaves by another device than it came in by, unchanged in size. */
static __always_inline bool fib_forwards(void *context, struct bpf_fib_lookup *fib)
{
	fib->ifindex = CONFIG(ifindex);

	long answer = bpf_fib_lookup(context, fib, sizeof *fib, 0);

	return (answer == BPF_FIB_LKUP_RET_SUCCESS || answer == BPF_FIB_LKUP_RET_NO_NEIGH) &&
	       fib->ifindex != CONFIG(ifindex);
}

/* Rules of routing may ask for the mark, and the lookup knows of none. */
static __always_inline bool mark_may_matter(const struct sl_cursor *cursor, __u64 worlds)
{
	return CONFIG(mark_moves) &&
	       (cursor->mark != SL_CURSOR_VEIL || live_worlds(worlds) & ~(__u64)cursor->marked);
}

static __always_inline bool is_for_this_host(const struct sl_cursor *cursor)
{
	return cursor->packet_type == (PACKET_HOST | SL_CURSOR_MARK);
}

static __always_inline enum fate lookup_ip(void *context, struct sl_cursor *cursor, __u64 worlds)
{
	const struct iphdr *ip = (void *)cursor->network;
	const __be16 *ports = (void *)cursor->transport;
	struct bpf_fib_lookup *fib = &((struct route_scratch *)cursor->scratch)->fib;

	*fib = (struct bpf_fib_lookup){
		.family = AF_INET,
		.l4_protocol = ip->protocol,
		.sport = ports[0],
		.dport = ports[1],
		.tot_len = bpf_ntohs(ip->tot_len),
		.tos = ip->tos,
		.ipv4_src = ip->saddr,
		.ipv4_dst = ip->daddr,
	};

	if (!is_for_this_host(cursor) || ip_is_multicast(ip) || ip->daddr == ~0u)
		return FATE_UNKNOWN;
	if (ip_is_local(cursor, ip))
		return FATE_INPUT;
	if (ip->ttl <= 1 || mark_may_matter(cursor, worlds))
		return FATE_UNKNOWN;
	return fib_forwards(context, fib) ? FATE_FORWARD : FATE_UNKNOWN;
}

/* ip6_forward() answers a link-local source, and refuses the rest of these. */
static __always_inline bool ip6_source_is_routable(const struct ipv6hdr *ip6)
{
	const __be32 *words = ip6->saddr.in6_u.u6_addr32;

	if ((words[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000))
		return false;
	if ((words[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000))
		return false;
	return words[0] | words[1] | words[2];
}

static __always_inline enum fate lookup_ip6(void *context, struct sl_cursor *cursor, __u64 worlds)
{
	const struct ipv6hdr *ip6 = (void *)cursor->network;
	const __be16 *ports = (void *)cursor->transport;
	struct bpf_fib_lookup *fib = &((struct route_scratch *)cursor->scratch)->fib;

	*fib = (struct bpf_fib_lookup){
		.family = AF_INET6,
		.l4_protocol = ip6->nexthdr,
		.sport = ports[0],
		.dport = ports[1],
		.tot_len = bpf_ntohs(ip6->payload_len) + sizeof *ip6,
		.flowinfo = *(__be32 *)ip6 & bpf_htonl(0x0fffffff),
	};

	if (!is_for_this_host(cursor) || ip6_is_multicast(ip6))
		return FATE_UNKNOWN;
	if (ip6_is_local(cursor, ip6))
		return FATE_INPUT;
	if (ip6->hop_limit <= 1 || !ip6_source_is_routable(ip6) || mark_may_matter(cursor, worlds))
		return FATE_UNKNOWN;
	__builtin_memcpy(fib->ipv6_src, &ip6->saddr, sizeof fib->ipv6_src);
	__builtin_memcpy(fib->ipv6_dst, &ip6->daddr, sizeof fib->ipv6_dst);
	return fib_forwards(context, fib) ? FATE_FORWARD : FATE_UNKNOWN;
}

/* Without forwarding, IPv6 still answers what it has no route for; multicast it only delivers. */
static __always_inline enum fate local_fate_ip(struct sl_cursor *cursor)
{
	const struct iphdr *ip = (void *)cursor->network;

	return ip_is_multicast(ip) || ip_is_local(cursor, ip) ? FATE_INPUT : FATE_UNKNOWN;
}

static __always_inline enum fate local_fate_ip6(struct sl_cursor *cursor)
{
	const struct ipv6hdr *ip6 = (void *)cursor->network;

	return ip6_is_multicast(ip6) || ip6_is_local(cursor, ip6) ? FATE_INPUT : FATE_UNKNOWN;
}

static __always_inline enum fate route_ip(void *context, struct sl_cursor *cursor, __u64 worlds)
{
	switch (CONFIG(route_ip)) {
	case SL_CONFIG_ROUTE_INPUT_ONLY:
		return FATE_INPUT;
	case SL_CONFIG_ROUTE_LOCAL_ONLY:
		return local_fate_ip(cursor);
	case SL_CONFIG_ROUTE_LOOKUP:
		return lookup_ip(context, cursor, worlds);
	default:
		return FATE_UNKNOWN;
	}
}

static __always_inline enum fate route_ip6(void *context, struct sl_cursor *cursor, __u64 worlds)
{
	switch (CONFIG(route_ip6)) {
	case SL_CONFIG_ROUTE_INPUT_ONLY:
		return FATE_INPUT;
	case SL_CONFIG_ROUTE_LOCAL_ONLY:
		return local_fate_ip6(cursor);
	case SL_CONFIG_ROUTE_LOOKUP:
		return lookup_ip6(context, cursor, worlds);
	default:
		return FATE_UNKNOWN;
	}
}

#endif
