/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets of one batch. Between XDP and conntrack packets wait: in GRO and its lists, in a backlog
 * of RPS. A connection that one of them begins is not there yet when XDP looks up the next; that
 * one must not be taken for a stranger.
 *
 * What the kernel makes of packet P if P', before it in the batch, begins its connection
 * (resolve_normal_ct() and the protocols' trackers, as read in 6.6 and seen on 6.18):
 *
 *	P goes the way of P'		NEW until P' was answered: one of a miss's worlds
 *	    the tracker refuses P	INVALID: one of a miss's worlds, or, where P's form says
 *					NEW (form.h), P is dropped as if it were, and P' was too
 *	    P' had been expected	RELATED: while that can be, nothing is dropped behind
 *					conntrack (live.related_possible)
 *	    P' is answered on the spot	ESTABLISHED: a SYN by the host itself; tunnels over UDP
 *	P goes the other way		ESTABLISHED, across NAT as well. P is no answer to P', which
 *					nobody has got yet; but both ends may begin at once, and
 *					senders may be forged
 *	P' left a mark, a label, …	what rules ask of them is UNKNOWN, and passes
 *	P is neither TCP nor UDP	never looked up, and passes
 *
 * So it is only ESTABLISHED that a miss may hide, and a drop may be wrong only where P' was let in
 * as new, but P would not be:
 *
 *	the same way	a rule asks for what is not the same in all packets of a connection
 *	the other way	P' was forwarded; or both are between two addresses of our own, which IPv6
 *			takes from outside, and IPv4 with accept_local
 *
 * src/ir/flow.h looks for this in the rules. Where it finds it, each CPU notes the addresses of
 * what it passes, and what may be of a connection on its way passes too. What comes from our own
 * addresses passes in any case, where it can be let in at all. P and P' share the batch, and so the
 * CPU; packets of different batches race without sluice as well.
 *
 * A note counts for the next SL_BATCH_PASSES notes. That is more than waits between driver and
 * conntrack: a round of net_rx_action takes 300 packets, a backlog of RPS 1000. If fewer come, it
 * ends after SL_BATCH_NS, when whatever waited has had its turn.
 *
 * A program that takes another's place goes on with its notes, if both take any: while CPUs run
 * the one or the other, they note into one map. Else nothing is known of what is under way, and for
 * SL_BATCH_NS all passes that only conntrack could tell from a known one.
 *
 * What is left: RPS, where P' came by another device or queue than P, and waits for the CPU that
 * P would wait for; or with a net.core.netdev_max_backlog beyond SL_BATCH_PASSES, and that full; P
 * from behind two NATs at once, none of whose addresses P' bears, to a port that it cannot know
 * yet; P' within a tunnel that ends here; without forwarding, P from an IPv6 address that is ours
 * by a local route only; and rules that change while P' waits. If the old ones drop it as new, and
 * it passed as akin to a note, it is not noted itself, though the new ones let it in; but then P
 * must be akin to no note, and P' wait for as long as the keeper takes to follow.
 *
 * One case the kernel shares: packets of one list of GRO's (net.core.gro_normal_batch, 8) and of
 * one family meet all of prerouting before the first is confirmed (NF_HOOK_LIST), and it takes all
 * of them for new. TC stands behind GRO and RPS and sees no more than such a list ahead of
 * conntrack, so it needs no notes.
 */
#ifndef SLUICE_BPF_BATCH_H
#define SLUICE_BPF_BATCH_H

#include "config.h"
#include "guard.h"
#include "packet.h"
#include "route.h"

/*
 * By a hash of the address and its role: time (2^20 ns) << 32 | number of the note. A slot that
 * two addresses share is fresh for both, so a collision passes packets, and never drops one. Behind
 * the slots: the number of notes so far; and whether the packet at hand has missed a set that
 * packets fill (filled.h). 128 KiB a CPU; one entry where nothing is noted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} batch_notes SEC(".maps");

enum { BATCH_COUNT = SL_BATCH_SLOTS, BATCH_MISSED };

enum role { ROLE_SOURCE, ROLE_DESTINATION };

#define BATCH_TIME_SHIFT 20

static __always_inline __u32 batch_time(__u64 now)
{
	return now >> BATCH_TIME_SHIFT;
}

static __always_inline __u32 fold(const __be32 *words, bool is_ip6)
{
	return is_ip6 ? words[0] ^ words[1] ^ words[2] ^ words[3] : words[0];
}

static __always_inline __u32 slot_of(__u32 address, enum role role)
{
	__u32 hash = (address ^ (role == ROLE_SOURCE ? 0 : 0x5bd1e995)) * 0x9e3779b1;

	return hash >> (32 - SL_BATCH_SLOT_BITS);
}

static __always_inline void note(__u32 source, __u32 destination, bool may_add)
{
	__u32 last = BATCH_COUNT, from = slot_of(source, ROLE_SOURCE),
	      to = slot_of(destination, ROLE_DESTINATION);
	__u64 *count = bpf_map_lookup_elem(&batch_notes, &last);
	__u64 *first = bpf_map_lookup_elem(&batch_notes, &from);
	__u64 *second = bpf_map_lookup_elem(&batch_notes, &to);

	if (!count || !first || !second)
		return;
	*second = (__u64)batch_time(bpf_ktime_get_coarse_ns()) << 32 | (__u32)++ * count;
	if (may_add)
		*first = *second;
}

static __always_inline bool is_fresh_for(__u32 passes, __u32 slot, __u32 now, __u32 count)
{
	const __u64 *note = bpf_map_lookup_elem(&batch_notes, &slot);

	return !note || (now - (__u32)(*note >> 32) <= batch_time(SL_BATCH_NS) + 1 &&
			 count - (__u32)*note <= passes);
}

static __always_inline bool is_fresh(__u32 slot, __u32 now, __u32 count)
{
	return is_fresh_for(CONFIG(asks_filled) ? SL_FILLED_PASSES : SL_BATCH_PASSES, slot, now,
			    count);
}

/*
 * Something on its way may have begun a connection with these ends. A function of its own, for the
 * stack's sake.
 */
static __noinline bool is_akin(__u32 source, __u32 destination)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	__u32 last = BATCH_COUNT, time = batch_time(now);
	const __u64 *count = bpf_map_lookup_elem(&batch_notes, &last);

	/* What passed before is noted nowhere. */
	if (!count || (__s64)(now - live.began_ns) <= SL_BATCH_NS)
		return true;
	/* The other way: one of the addresses is the same, whichever NAT rewrites. */
	if (is_fresh(slot_of(source, ROLE_DESTINATION), time, *count) ||
	    is_fresh(slot_of(destination, ROLE_SOURCE), time, *count))
		return true;
	return is_fresh(slot_of(source, ROLE_SOURCE), time, *count) &&
	       is_fresh(slot_of(destination, ROLE_DESTINATION), time, *count);
}

static __always_inline void note_miss(bool is_missed)
{
	__u32 at = BATCH_MISSED;
	__u64 *missed = bpf_map_lookup_elem(&batch_notes, &at);

	if (missed)
		*missed = is_missed;
}

static __always_inline const __be32 *source_of(const struct sl_cursor *cursor, bool is_ip6)
{
	const struct iphdr *ip = (void *)cursor->network;
	const struct ipv6hdr *ip6 = (void *)cursor->network;

	return is_ip6 ? ip6->saddr.in6_u.u6_addr32 : &ip->saddr;
}

/*
 * The packet missed a set to which one of the same source, on its way, may add (filled.h). The next
 * one has missed nothing yet.
 */
static __always_inline bool may_be_added(__u32 source)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	__u32 at = BATCH_MISSED, last = BATCH_COUNT;
	__u64 *missed = bpf_map_lookup_elem(&batch_notes, &at), has_missed;
	const __u64 *count = bpf_map_lookup_elem(&batch_notes, &last);

	if (!missed || !count)
		return true;
	has_missed = *missed;
	*missed = 0;
	return has_missed && ((__s64)(now - live.began_ns) <= SL_BATCH_NS ||
			      is_fresh_for(SL_FILLED_PASSES, slot_of(source, ROLE_SOURCE),
					   batch_time(now), *count));
}

/* The packet may belong to a connection that conntrack will only hear of. */
static __always_inline bool may_follow(struct sl_cursor *cursor, bool is_ip6)
{
	const struct iphdr *ip = (void *)cursor->network;
	const struct ipv6hdr *ip6 = (void *)cursor->network;
	const __be32 *source = source_of(cursor, is_ip6);
	const __be32 *destination = is_ip6 ? ip6->daddr.in6_u.u6_addr32 : &ip->daddr;

	if ((is_ip6 || live.expected.accept_local) && address_is_local(cursor, source, is_ip6))
		return true;
	return CONFIG(notes_batch) && is_akin(fold(source, is_ip6), fold(destination, is_ip6));
}

/*
 * What conntrack kept from an early drop is dropped by the rules if it is new; but it may add to a
 * set.
 */
static __always_inline bool is_noted(enum sl_fate_count fate)
{
	if (fate == SL_DROPPED)
		return false;
	return CONFIG(asks_filled) || (CONFIG(notes_batch) && fate != SL_PASSED_CONNTRACK);
}

/* True if IP begins at `offset`, behind its ethertype. */
static __always_inline bool note_at(const void *data, const void *end, __u32 offset, bool may_add)
{
	const __be16 *type = data + offset - 2;
	const __be32 *ip = data + offset + 12, *ip6 = data + offset + 8;

	if (data + offset > end)
		return false;
	if (*type == bpf_htons(ETH_P_IP)) {
		if (data + offset + sizeof(struct iphdr) <= end)
			note(ip[0], ip[1], may_add);
		return true;
	}
	if (*type == bpf_htons(ETH_P_IPV6)) {
		if (data + offset + sizeof(struct ipv6hdr) <= end)
			note(fold(ip6, true), fold(ip6 + 4, true), may_add);
		return true;
	}
	return false;
}

/*
 * Notes a packet that passes, an odd one too: fragments and options are of connections as well, and
 * so are packets of VLANs, which may come back without a tag. One that passes only because others
 * of its source are under way is noted by its destination alone: it may begin a connection, but its
 * source has a note already, and would never lose it if this counted (filled.h).
 */
static __always_inline void note_passed(const void *data, const void *end, enum sl_fate_count fate)
{
	bool may_add = fate != SL_PASSED_UNDER_WAY;

	/* Those that do not pass leave this to may_be_added(). */
	if (CONFIG(asks_filled))
		note_miss(false);
	if (!note_at(data, end, 14, may_add) && !note_at(data, end, 18, may_add))
		note_at(data, end, 22, may_add);
}

/* The same of a TC buffer, not all of which can be read directly. */
static __always_inline void note_skb(struct __sk_buff *context, enum sl_fate_count fate)
{
	const __u32 wanted = 22 + sizeof(struct ipv6hdr);
	__u32 length = context->len < wanted ? context->len : wanted;

	if ((void *)(long)context->data + length > (void *)(long)context->data_end)
		bpf_skb_pull_data(context, length);
	note_passed((void *)(long)context->data, (void *)(long)context->data_end, fate);
}

#endif
