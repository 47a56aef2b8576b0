/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The data plane: what happens to one packet, from the device to its verdict. XDP and TC share
 * everything but their context; at a netfilter hook there is less to find out.
 */
#include "await.h"
#include "batch.h"
#include "config.h"
#include "conntrack.h"
#include "count.h"
#include "filled.h"
#include "form.h"
#include "guard.h"
#include "hook.h"
#include "kernel.h"
#include "legacy.h"
#include "limit.h"
#include "packet.h"
#include "recent.h"
#include "route.h"
#include "rules.h"
#include "sampling.h"
#include "table.h"
#include "tcp_option.h"
#include "trie.h"
#include "way_back.h"

struct packet {
	void *context, *data, *end;
	__u32 length; /* of the frame, which may go on behind `end` in a TC buffer */
	bool is_tc;
};

static __always_inline bool kernel_is_as_expected(const struct packet *packet, bool is_ip6)
{
	/* All are known when the program is loaded, and cost nothing. */
	if (CONFIG(tag))
		return !packet->is_tc &&
		       tag_is_as_expected(bpf_ntohl(CONFIG(tag)) & 0xfff,
					  ((struct xdp_md *)packet->context)->ingress_ifindex) &&
		       probed_state_is_as_expected(is_ip6, false);
	if (!HAS_GENERATION_IN_NET() || !bpf_cast_to_kern_ctx)
		return probed_state_is_as_expected(is_ip6, packet->is_tc);

	void *context = bpf_cast_to_kern_ctx(packet->context);
	struct net_device *dev = packet->is_tc ? ((struct sk_buff *)context)->dev
					       : ((struct xdp_buff *)context)->rxq->dev;

	return loaded_state_is_as_expected(dev, is_ip6, packet->is_tc);
}

/* At TC the kernel has said what it takes the packet for, by the address of whatever it came by. */
static __always_inline bool has_type(const struct packet *packet, int type)
{
	return packet->is_tc && (int)((struct __sk_buff *)packet->context)->pkt_type == type;
}

/* Through the rules, as far as they are known: which worlds live on, and which must pass. */
static __always_inline __u64 judge_ip(const struct packet *packet, struct sl_cursor *cursor)
{
	__u64 worlds = rules_ip_prerouting(cursor, WORLDS_ALL);

	if (!live_worlds(worlds))
		return worlds;
	switch (route_ip(packet->context, cursor, worlds)) {
	case FATE_INPUT:
		return rules_ip_input(cursor, worlds);
	case FATE_FORWARD:
		return rules_ip_forward(cursor, worlds);
	default:
		return worlds;
	}
}

static __always_inline __u64 judge_ip6(const struct packet *packet, struct sl_cursor *cursor)
{
	__u64 worlds = rules_ip6_prerouting(cursor, WORLDS_ALL);

	if (!live_worlds(worlds))
		return worlds;
	switch (route_ip6(packet->context, cursor, worlds)) {
	case FATE_INPUT:
		return rules_ip6_input(cursor, worlds);
	case FATE_FORWARD:
		return rules_ip6_forward(cursor, worlds);
	default:
		return worlds;
	}
}

/* Never called: but for it libbpf would leave out what only generated code calls. */
static __always_inline __u32 mention_functions(struct sl_cursor *cursor)
{
	return table_step(&cursor->question) + trie_has(0, 0, 0) + trie_value(0, 0, 0) +
	       limit_is_spent(0) + tcp_option((void *)cursor->scratch, 0, 0) +
	       way_back_ip((void *)cursor->scratch) + way_back_ip6(0, 0) + filled_has(0, 0, 0) +
	       recent_has(0, 0, 0);
}

/* A function of its own, for the stack's sake. */
static __noinline bool is_under_way(const struct sl_cursor *cursor, bool is_ip6)
{
	return may_be_added(fold(source_of(cursor, is_ip6), is_ip6));
}

/* Where packets may come with one, no rule asks for it; routing is told what rules have set. */
static __always_inline void clear_mark(struct sl_cursor *cursor)
{
	cursor->mark = SL_CURSOR_VEIL;
	cursor->marked = WORLDS_ALL | SL_CURSOR_MARK;
}

/* What becomes of the packet; `ret_bytes` is its size as the rules' counters see it. */
static __always_inline enum sl_fate_count judge(const struct packet *packet, __u32 *ret_bytes)
{
	struct sl_cursor cursor;
	__u64 epoch = live.epoch;
	__u64 worlds;
	bool is_ip6;

	*ret_bytes = packet->length;
	if (CONFIG(drops_nothing))
		return SL_PASSED_ODD;
	if (packet->data + CONFIG(link_length) > packet->end ||
	    (CONFIG(tag) && !has_tag(packet->data)))
		return SL_PASSED_ODD;

	int type = packet_type(packet->data);

	if (type < 0 || (CONFIG(asks_packet_type) && !has_type(packet, type)))
		return SL_PASSED_ODD;
	cursor.packet_type = type | SL_CURSOR_MARK;
	cursor.certain = WORLDS_ALL;
	clear_mark(&cursor);
	clear_hits(&cursor);
	if (CONFIG(judges_ip) && ethertype(packet->data) == bpf_htons(ETH_P_IP)) {
		if (!parse_ip(&cursor, packet->data, packet->end, packet->length))
			return SL_PASSED_ODD;
		worlds = judge_ip(packet, &cursor);
		*ret_bytes = cursor.room + sizeof(struct iphdr);
		is_ip6 = false;
	} else if (CONFIG(judges_ip6) && ethertype(packet->data) == bpf_htons(ETH_P_IPV6)) {
		if (!parse_ip6(&cursor, packet->data, packet->end, packet->length))
			return SL_PASSED_ODD;
		worlds = judge_ip6(packet, &cursor);
		*ret_bytes = cursor.room + sizeof(struct ipv6hdr);
		is_ip6 = true;
	} else {
		return SL_PASSED_ODD;
	}

	if (CONFIG(table_words) == ~0u)
		return mention_functions(&cursor);

	__u64 pass = passing_worlds(worlds);

	cursor.worlds = WORLDS_ALL;
	if (pass) {
		if (!CONFIG(uses_conntrack))
			return SL_PASSED_RULES;
		/* Whatever conntrack answers leaves at least the worlds of a miss. */
		cursor.worlds = miss_worlds(packet->context, is_ip6, packet->is_tc, pass);
		if (pass & cursor.worlds)
			return SL_PASSED_RULES;
		if (!is_miss(packet->context, &cursor, is_ip6, packet->is_tc))
			return SL_PASSED_CONNTRACK;
	}
	if (!epoch || !kernel_is_as_expected(packet, is_ip6) ||
	    (CONFIG(watches_legacy) && !legacy_is_as_expected(is_ip6)) || live.epoch != epoch)
		return SL_PASSED_STALE;
	if (CONFIG(asks_filled) && is_under_way(&cursor, is_ip6))
		return SL_PASSED_UNDER_WAY;
	count_rules(&cursor, *(volatile __u32 *)&cursor.worlds, *ret_bytes);
	if (is_watched())
		packet->is_tc ? sample_tc(packet->context, &cursor)
			      : sample_xdp(packet->context, &cursor);
	return SL_DROPPED;
}

static __always_inline enum sl_fate_count judge_xdp(struct xdp_md *context)
{
	struct packet packet = {
		.context = context,
		.data = (void *)(long)context->data,
		.end = (void *)(long)context->data_end,
		.length = context->data_end - context->data,
	};
	__u32 bytes;
	enum sl_fate_count fate = judge(&packet, &bytes);

	add_packet(&fates, fate, bytes);
	if (is_noted(fate)) /* the pointers are read again, to keep less on the stack */
		note_passed((void *)(long)context->data, (void *)(long)context->data_end, fate);
	return fate;
}

static __always_inline enum sl_fate_count judge_tc(struct __sk_buff *context)
{
	struct packet packet = {
		.context = context,
		.data = (void *)(long)context->data,
		.end = (void *)(long)context->data_end,
		.length = context->len,
		.is_tc = true,
	};
	enum sl_fate_count fate = SL_PASSED_ODD;
	__u32 bytes = packet.length;

	/* A VLAN tag lies beside the packet here. */
	if (!context->vlan_present)
		fate = judge(&packet, &bytes);
	add_packet(&fates, fate, bytes);
	if (CONFIG(asks_filled) && is_noted(fate)) /* else there are none at TC (batch.h) */
		note_skb(context, fate);
	return fate;
}

#define TC_ACT_UNSPEC (-1) /* go on */
#define TC_ACT_SHOT   2

SEC("sluice/xdp")
int sluice_xdp(struct xdp_md *context)
{
	return judge_xdp(context) == SL_DROPPED ? XDP_DROP : XDP_PASS;
}

SEC("sluice/tc")
int sluice_tc(struct __sk_buff *context)
{
	return judge_tc(context) == SL_DROPPED ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

/* Audited: the same judge, and whatever it says, the packet passes. */

SEC("sluice/xdp")
int sluice_xdp_audit(struct xdp_md *context)
{
	if (judge_xdp(context) == SL_DROPPED)
		await_xdp(context);
	return XDP_PASS;
}

SEC("sluice/tc")
int sluice_tc_audit(struct __sk_buff *context)
{
	if (judge_tc(context) == SL_DROPPED)
		await_tc(context);
	return TC_ACT_UNSPEC;
}

static __always_inline __u64 judge_ip_at(const struct nf_hook_state *state,
					 struct sl_cursor *cursor, __u64 worlds)
{
	worlds = rules_ip_prerouting(cursor, worlds);
	if (!live_worlds(worlds))
		return worlds;
	return state->hook == NF_INET_LOCAL_IN ? rules_ip_input(cursor, worlds)
					       : rules_ip_forward(cursor, worlds);
}

static __always_inline __u64 judge_ip6_at(const struct nf_hook_state *state,
					  struct sl_cursor *cursor, __u64 worlds)
{
	worlds = rules_ip6_prerouting(cursor, worlds);
	if (!live_worlds(worlds))
		return worlds;
	return state->hook == NF_INET_LOCAL_IN ? rules_ip6_input(cursor, worlds)
					       : rules_ip6_forward(cursor, worlds);
}

/* Of the packet's one world. */
static __always_inline enum sl_fate_count judge_at_hook(const struct bpf_nf_ctx *context,
							struct packet_copy *copy, __u32 world)
{
	struct sl_cursor cursor;
	__u64 epoch = live.epoch, worlds;
	struct sk_buff *skb = context->skb;
	__u32 type = BPF_CORE_READ_BITFIELD(skb, pkt_type);
	bool is_ip6 = context->state->pf == NFPROTO_IPV6;

	if (type > PACKET_MULTICAST)
		return SL_HOOK_PASSED;
	cursor.packet_type = type | SL_CURSOR_MARK;
	cursor.certain = WORLDS_ALL;
	clear_mark(&cursor);
	clear_hits(&cursor);
	cursor.worlds = world;
	if (CONFIG(asks_facts))
		note_facts(&copy->facts, context);
	if (CONFIG(judges_ip) && !is_ip6) {
		if (!copy_ip(&cursor, skb, copy))
			return SL_HOOK_PASSED;
		worlds = judge_ip_at(context->state, &cursor, *(volatile __u32 *)&cursor.worlds);
	} else if (CONFIG(judges_ip6) && is_ip6) {
		if (!copy_ip6(&cursor, skb, copy))
			return SL_HOOK_PASSED;
		worlds = judge_ip6_at(context->state, &cursor, *(volatile __u32 *)&cursor.worlds);
	} else {
		return SL_HOOK_PASSED;
	}
	if (CONFIG(table_words) == ~0u)
		return mention_functions(&cursor);
	if (passing_worlds(worlds) & world)
		return SL_HOOK_PASSED;
	if (!epoch || !hook_state_is_as_expected(context->state, is_ip6) || live.epoch != epoch)
		return SL_HOOK_STALE;
	count_rules(&cursor, world, skb->len);
	if (is_watched())
		sample_hook(copy, skb->len, &cursor);
	return SL_HOOK_DROPPED;
}

/* Behind the one of hook.bpf.c, which looks whether it is this device's packet. */
SEC("sluice/netfilter")
int sluice_netfilter(struct bpf_nf_ctx *context)
{
	__u32 world = world_of(context->skb);
	struct packet_copy *copy = world & CONFIG(drop_worlds) ? take_copy() : NULL;
	enum sl_fate_count fate = SL_HOOK_PASSED;

	if (copy) {
		fate = judge_at_hook(context, copy, world);
		return_copy(copy);
	}
	add_packet(&fates, fate, context->skb->len);
	return fate == SL_HOOK_DROPPED ? NF_DROP : NF_ACCEPT;
}

char _license[] SEC("license") = "GPL";
