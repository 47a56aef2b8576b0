/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The witness of an audit: sees every packet that the kernel frees as dropped, whoever dropped it.
 * What an audited data plane awaits is ticked off; of what else the rules dropped, samples are
 * taken.
 */
#include "audit.h"

/* Full: what would come next is counted, and not looked at. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SL_AUDIT_RING_BYTES);
} audit_samples SEC(".maps");

enum skb_drop_reason {
	SKB_DROP_REASON_NETFILTER_DROP = 12,
};

struct skb_shared_info {
	unsigned short gso_size, gso_segs;
} __attribute__((preserve_access_index));

/* A packet as the kernel frees it. */
struct freed {
	struct sk_buff *skb;
	__u32 reason;
	bool by_rules;
	__u64 period;
	struct sl_audit_key key;
	__u16 segments, segment_bytes;
	__u32 transport_bytes; /* of all segments together, by their headers */
	__u32 matched;
};

/*
 * By skb_iif, which forwarding leaves alone. A backlog that is full frees packets before they have
 * one; so do outgoing packets have none, but those the data plane never awaits, and the rules'
 * drops among them are not its matter.
 */
static __always_inline bool came_by_device(const struct sl_audit_control *control,
					   const struct freed *freed)
{
	struct sk_buff *skb = freed->skb;
	struct net_device *dev = BPF_CORE_READ(skb, dev);
	__u32 ifindex = BPF_CORE_READ(skb, skb_iif);

	if (!ifindex && dev && !freed->by_rules)
		ifindex = BPF_CORE_READ(dev, ifindex);
	if (!control->ifindex || ifindex != control->ifindex)
		return false;
	/* Sockets take the device away; then the key has to do. */
	return !dev || BPF_CORE_READ(dev, nd_net.net, net_cookie) == control->net_cookie;
}

static __always_inline bool read_key(struct freed *freed)
{
	struct sk_buff *skb = freed->skb;
	void *network = BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, network_header);
	__be16 type = BPF_CORE_READ(skb, protocol);
	__u8 bytes[sizeof(struct ipv6hdr) + 8];

	if (bpf_probe_read_kernel(bytes, sizeof bytes, network))
		return false;
	if (type == bpf_htons(ETH_P_IP) && bytes[0] == 0x45) {
		struct iphdr *ip = (void *)bytes;

		freed->transport_bytes = bpf_ntohs(ip->tot_len) - sizeof *ip;
		audit_key_ip(&freed->key, ip);
		return true;
	}
	if (type == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = (void *)bytes;

		freed->transport_bytes = bpf_ntohs(ip6->payload_len);
		audit_key_ip6(&freed->key, ip6);
		return true;
	}
	return false;
}

static __always_inline void read_segments(struct freed *freed)
{
	struct sk_buff *skb = freed->skb;
	struct skb_shared_info *shared = (void *)BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, end);
	__u16 segments = BPF_CORE_READ(shared, gso_segs);

	if (segments < 2)
		return;
	freed->segments = segments < SL_AUDIT_SEGMENTS_MAX ? segments : SL_AUDIT_SEGMENTS_MAX;
	freed->segment_bytes = BPF_CORE_READ(shared, gso_size);
}

/*
 * True if the packet was awaited there. Never more end than were decided; but a sniffer's copy that
 * is freed does not take the place of the packet itself.
 */
static __always_inline bool tick_off(struct sl_audit_entry *entry, const struct freed *freed)
{
	if (!entry || entry->dropped >= entry->decided)
		return false;
	if (freed->by_rules) {
		__sync_fetch_and_add(&entry->dropped, 1);
		return true;
	}
	if (entry->dropped + entry->freed >= entry->decided)
		return false;
	if (!entry->freed)
		entry->reason = freed->reason;
	__sync_fetch_and_add(&entry->freed, 1);
	return true;
}

/* In the table before, and then in the one of now. */
static __always_inline void match(struct freed *freed, const struct sl_audit_key *key)
{
	struct sl_audit_entry *even = bpf_map_lookup_elem(&audit_even, key);
	struct sl_audit_entry *odd = bpf_map_lookup_elem(&audit_odd, key);
	bool found = freed->period & 1 ? tick_off(even, freed) || tick_off(odd, freed)
				       : tick_off(odd, freed) || tick_off(even, freed);

	freed->matched += found;
}

/*
 * One of the packets that GRO made one of: TCP's follow each other by their bytes, UDP's have equal
 * lengths, but for the last.
 */
static long match_segment(__u32 index, struct freed *freed)
{
	struct sl_audit_key key = freed->key;
	__u32 before = index * freed->segment_bytes;
	__u32 udp_bytes = index + 1 < freed->segments ? freed->segment_bytes + 8
						      : freed->transport_bytes - before;

	if (key.protocol == IPPROTO_TCP)
		key.tail = bpf_htonl(bpf_ntohl(key.tail) + before);
	else if (key.protocol == IPPROTO_UDP)
		key.tail = bpf_htonl(udp_bytes << 16);
	match(freed, &key);
	return 0;
}

/* Of what the rules dropped, and sluice would not have: why not, user space finds out. */
static __always_inline void sample(struct sk_buff *skb)
{
	struct sl_audit_sample *sample = bpf_ringbuf_reserve(&audit_samples, sizeof *sample, 0);
	void *head = BPF_CORE_READ(skb, head);
	__u32 length, captured;

	if (!sample) {
		audit_count(SL_AUDIT_UNSAMPLED, 1);
		return;
	}
	length = BPF_CORE_READ(skb, len) + BPF_CORE_READ(skb, network_header) -
		 BPF_CORE_READ(skb, mac_header);
	captured = length < SL_AUDIT_BYTES ? length : SL_AUDIT_BYTES;
	sample->length = length;
	sample->captured = captured;
	if (bpf_probe_read_kernel(sample->bytes, sizeof sample->bytes,
				  head + BPF_CORE_READ(skb, mac_header)))
		sample->captured = 0;
	bpf_ringbuf_submit(sample, BPF_RB_NO_WAKEUP);
}

SEC("raw_tp/kfree_skb")
int audit_witness(struct bpf_raw_tracepoint_args *arguments)
{
	const struct sl_audit_control *control = audit_control_now();
	struct freed freed = {.skb = (void *)arguments->args[0], .segments = 1};

	freed.reason = arguments->args[2];
	freed.by_rules = freed.reason ==
			 bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NETFILTER_DROP);
	if (!control || !came_by_device(control, &freed))
		return 0;
	freed.period = control->period;
	if (control->splits)
		read_segments(&freed);
	if (freed.by_rules)
		audit_count(SL_AUDIT_DROPPED, freed.segments);
	if (!read_key(&freed))
		return 0;
	if (freed.segments == 1)
		match(&freed, &freed.key);
	else
		bpf_loop(freed.segments, match_segment, &freed, 0);
	if (freed.by_rules && !freed.matched)
		sample(freed.skb);
	return 0;
}

char _license[] SEC("license") = "GPL";
