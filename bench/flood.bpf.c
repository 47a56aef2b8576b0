// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packet source, run with BPF_PROG_TEST_RUN on live frames: `flood` gives each copy of one
 * UDP/IPv4 frame another sender and port, `flood_frames` takes ready frames in turn; and out of a
 * device.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "flood.h"
#include "frames.bpf.h"

const volatile __u32 ifindex;
const volatile struct swarm swarms[SWARMS_MAX];
const volatile __u32 swarm_count = 1;
const volatile __u32 header_sum;  /* of the IP header without source and checksum */
const volatile __u64 interval_ns; /* between two packets; 0: as fast as it goes */

/* What may be sent in one go after a pause: less than the ring of a veth holds. */
#define BURST 64

__u64 sent;
static __u64 due_ns;

/* Keeps to the pace: what is not due yet is thrown away here, before it costs anybody anything. */
static int is_due(void)
{
	__u64 now, earliest;

	if (!interval_ns)
		return 1;
	now = bpf_ktime_get_ns();
	if (now < due_ns)
		return 0;
	earliest = now - BURST * interval_ns;
	due_ns = (due_ns < earliest ? earliest : due_ns) + interval_ns;
	return 1;
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + sizeof(struct ethhdr);
	struct udphdr *udp = (void *)(ip + 1);
	__u32 number, which, source, sum;

	if ((void *)(udp + 1) > end || !is_due())
		return XDP_DROP;
	number = (__u32)sent++;
	which = number % swarm_count & (SWARMS_MAX - 1);
	number /= swarm_count;
	source = swarms[which].first_source + number * 2654435761u % swarms[which].sources;
	sum = header_sum + (source & 0xffff) + (source >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->saddr = bpf_htonl(source);
	ip->check = bpf_htons((__u16)~sum);
	udp->dest = bpf_htons(swarms[which].first_port + number * 40503u % swarms[which].ports);
	return bpf_redirect(ifindex, 0);
}

SEC("xdp")
int flood_frames(struct xdp_md *ctx)
{
	if (!is_due() || !put_next_frame(ctx))
		return XDP_DROP;
	sent++;
	return bpf_redirect(ifindex, 0);
}

char _license[] SEC("license") = "GPL";
