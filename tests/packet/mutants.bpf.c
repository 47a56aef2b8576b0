// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stand-ins for sluice: the pass-all program that the other lab carries, one exact early drop,
 * and mutants that each drop one thing too much. The lab has to notice every mutant.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* The last bytes of in0's MAC, as the lab gives it. */
static const unsigned char device_mac[ETH_ALEN] = {2, 0, 0, 0x77, 1, 1};

/* What a mutant looks at; a pointer is NULL where the frame is too short for its header. */
struct headers {
	struct ethhdr *eth;
	struct iphdr *ip;
	void *l4; /* behind a 20-byte IPv4 header */
	void *end;
};

static __always_inline struct headers parse(struct xdp_md *xdp)
{
	struct headers found = {.end = (void *)(long)xdp->data_end};
	struct ethhdr *eth = (void *)(long)xdp->data;

	if ((void *)(eth + 1) > found.end)
		return found;
	found.eth = eth;
	struct iphdr *ip = (void *)(eth + 1);
	if (eth->h_proto != bpf_htons(ETH_P_IP) || (void *)(ip + 1) > found.end)
		return found;
	found.ip = ip;
	if (ip->ihl == 5 && !(ip->frag_off & bpf_htons(0x1fff)))
		found.l4 = ip + 1;
	return found;
}

static __always_inline struct udphdr *udp_of(const struct headers *headers)
{
	struct udphdr *udp = headers->l4;

	if (!udp || headers->ip->protocol != IPPROTO_UDP || (void *)(udp + 1) > headers->end)
		return NULL;
	return udp;
}

static __always_inline int drop_if(bool wanted)
{
	return wanted ? XDP_DROP : XDP_PASS;
}

SEC("xdp") int pass_all(struct xdp_md *xdp)
{
	return XDP_PASS;
}

/* Right for a ruleset whose only rule drops UDP to port 9000 at INPUT, forwarding off. */
SEC("xdp") int exact_udp_9000(struct xdp_md *xdp)
{
	struct headers headers = parse(xdp);
	struct udphdr *udp = udp_of(&headers);

	if (!udp || headers.ip->frag_off & bpf_htons(0x3fff))
		return XDP_PASS;
	for (int i = 0; i < ETH_ALEN; i++)
		if (headers.eth->h_dest[i] != device_mac[i])
			return XDP_PASS;
	return drop_if(udp->dest == bpf_htons(9000));
}

SEC("xdp") int mutant_ttl_one(struct xdp_md *xdp)
{
	struct headers headers = parse(xdp);

	return drop_if(headers.ip && headers.ip->ttl == 1);
}

SEC("xdp") int mutant_fragments(struct xdp_md *xdp)
{
	struct headers headers = parse(xdp);

	return drop_if(headers.ip && headers.ip->frag_off & bpf_htons(0x3fff));
}

SEC("xdp") int mutant_udp_68(struct xdp_md *xdp)
{
	struct headers headers = parse(xdp);
	struct udphdr *udp = udp_of(&headers);

	return drop_if(udp && udp->dest == bpf_htons(68));
}

SEC("xdp") int mutant_icmp_errors(struct xdp_md *xdp)
{
	struct headers headers = parse(xdp);
	__u8 *type = headers.l4;

	if (!type || headers.ip->protocol != IPPROTO_ICMP || (void *)(type + 1) > headers.end)
		return XDP_PASS;
	return drop_if(*type == 3 || *type == 11); /* unreachable, time exceeded */
}

SEC("xdp") int mutant_other_macs(struct xdp_md *xdp)
{
	struct headers headers = parse(xdp);
	bool is_ours = true;

	if (!headers.eth || headers.eth->h_dest[0] & 1)
		return XDP_PASS;
	for (int i = 0; i < ETH_ALEN; i++)
		is_ours &= headers.eth->h_dest[i] == device_mac[i];
	return drop_if(!is_ours);
}

SEC("xdp") int mutant_ip_options(struct xdp_md *xdp)
{
	struct headers headers = parse(xdp);

	return drop_if(headers.ip && headers.ip->version == 4 && headers.ip->ihl > 5);
}

/* Streams whose first data was dropped already. 4096 are more than a script has. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32); /* both ports */
	__type(value, __u8);
} streams SEC(".maps");

SEC("xdp") int mutant_first_data(struct xdp_md *xdp)
{
	struct headers headers = parse(xdp);
	struct tcphdr *tcp = headers.l4;
	__u8 seen = 1;

	if (!tcp || headers.ip->protocol != IPPROTO_TCP || (void *)(tcp + 1) > headers.end)
		return XDP_PASS;
	__u32 ports = (__u32)tcp->source << 16 | tcp->dest;
	if (bpf_ntohs(headers.ip->tot_len) <= 20 + tcp->doff * 4 || !tcp->psh)
		return XDP_PASS;
	return drop_if(!bpf_map_update_elem(&streams, &ports, &seen, BPF_NOEXIST));
}

SEC("xdp") int mutant_vlan_tags(struct xdp_md *xdp)
{
	struct headers headers = parse(xdp);

	return drop_if(headers.eth && headers.eth->h_proto == bpf_htons(ETH_P_8021Q));
}

SEC("xdp") int mutant_ip6_options(struct xdp_md *xdp)
{
	struct headers headers = parse(xdp);
	struct ipv6hdr *ip6 = headers.eth ? (void *)(headers.eth + 1) : NULL;

	if (!ip6 || headers.eth->h_proto != bpf_htons(ETH_P_IPV6) ||
	    (void *)(ip6 + 1) > headers.end)
		return XDP_PASS;
	return drop_if(ip6->nexthdr == IPPROTO_HOPOPTS);
}
