/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which conntrack states a packet can have: asked only of packets that are about to be dropped
 * and only if the answer matters, since it is the dearest thing on the way.
 */
#ifndef SLUICE_BPF_CONNTRACK_H
#define SLUICE_BPF_CONNTRACK_H

#include "batch.h"
#include "config.h"
#include "form.h"
#include "guard.h"
#include "known.h"
#include "packet.h"
#include "worlds.h"

#define ENOENT 2

static __always_inline __u32 tuple_ip(struct bpf_sock_tuple *tuple, const struct sl_cursor *cursor)
{
	const struct iphdr *ip = (void *)cursor->network;
	const __be16 *ports = (void *)cursor->transport;

	tuple->ipv4.saddr = ip->saddr;
	tuple->ipv4.daddr = ip->daddr;
	tuple->ipv4.sport = ports[0];
	tuple->ipv4.dport = ports[1];
	return sizeof tuple->ipv4;
}

static __always_inline __u32 tuple_ip6(struct bpf_sock_tuple *tuple, const struct sl_cursor *cursor)
{
	const struct ipv6hdr *ip6 = (void *)cursor->network;
	const __be16 *ports = (void *)cursor->transport;

	__builtin_memcpy(tuple->ipv6.saddr, &ip6->saddr, sizeof tuple->ipv6.saddr);
	__builtin_memcpy(tuple->ipv6.daddr, &ip6->daddr, sizeof tuple->ipv6.daddr);
	tuple->ipv6.sport = ports[0];
	tuple->ipv6.dport = ports[1];
	return sizeof tuple->ipv6;
}

/* True in doubt. */
static __always_inline bool is_connected(void *context, struct sl_cursor *cursor, bool is_ip6,
					 bool is_tc)
{
	struct {
		struct bpf_sock_tuple tuple;
		struct bpf_ct_opts___12 opts;
	} *asked = (void *)cursor->scratch;
	struct nf_conn *connection;

	_Static_assert(sizeof *asked <= sizeof cursor->scratch, "it fits");
	__builtin_memset(asked, 0, sizeof *asked);
	asked->opts.netns_id = -1;
	asked->opts.l4proto = cursor->protocol;

	__u32 size = is_ip6 ? tuple_ip6(&asked->tuple, cursor) : tuple_ip(&asked->tuple, cursor);

	connection = is_tc ? bpf_skb_ct_lookup(context, &asked->tuple, size, &asked->opts,
					       sizeof asked->opts)
			   : bpf_xdp_ct_lookup(context, &asked->tuple, size, &asked->opts,
					       sizeof asked->opts);
	if (connection) {
		bpf_ct_release(connection);
		return true;
	}
	return asked->opts.error != -ENOENT;
}

/* A function of its own, for its part of the stack is needed no longer than it takes. */
static __noinline bool is_unknown(const struct sl_cursor *cursor, bool is_ip6)
{
	const __be16 *ports = (void *)cursor->transport;
	struct sl_known_tuple tuple = {
		.source_port = ports[0],
		.destination_port = ports[1],
		.protocol = cursor->protocol,
		.is_ip6 = is_ip6,
	};

	if (is_ip6) {
		const struct ipv6hdr *ip6 = (void *)cursor->network;

		__builtin_memcpy(tuple.source, &ip6->saddr, sizeof tuple.source);
		__builtin_memcpy(tuple.destination, &ip6->daddr, sizeof tuple.destination);
	} else {
		const struct iphdr *ip = (void *)cursor->network;

		tuple.source[0] = ip->saddr;
		tuple.destination[0] = ip->daddr;
	}
	return is_stranger(&tuple);
}

/*
 * What a miss can mean for a packet that passes in the worlds of `pass`. Its checksum is added up
 * only where that decides.
 */
static __always_inline __u32 miss_worlds(void *context, bool is_ip6, bool is_tc, __u64 pass)
{
	__u32 miss = CONFIG(miss_worlds);
	bool parts = pass & miss;

	if (!CONFIG(asks_form) || (pass & miss) == miss || (!parts && !CONFIG(hit_max)))
		return miss;
	return is_tc ? form_at_tc(context, is_ip6, parts) : form_at_xdp(context, is_ip6, parts);
}

/*
 * The lookup answers for TCP and UDP only. It refreshes nothing, checks no window and no checksum
 * and sees no expectation; so a hit means no more than that a connection exists, and after a miss
 * the packet is in one of miss_worlds(), unless a packet that is still on its way there begins the
 * connection (batch.h), or an expectation could be waiting: then it may be RELATED, or what an
 * expected one began. Where a filter says that it would miss (known.h), it is spared.
 */
static __always_inline bool is_miss(void *context, struct sl_cursor *cursor, bool is_ip6,
				    bool is_tc)
{
	if (cursor->protocol != IPPROTO_TCP && cursor->protocol != IPPROTO_UDP)
		return false;
	if (!(CONFIG(has_known) && is_unknown(cursor, is_ip6)) &&
	    is_connected(context, cursor, is_ip6, is_tc))
		return false;
	return !live.related_possible && (is_tc || !may_follow(cursor, is_ip6));
}

#endif
