/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parsing: once per packet, into one cursor. Only *ordinary* packets are ever judged; the list of
 * what that means is in src/ir/packet.h, and ir/packet.c implements it a second time for the
 * interpreter. Each line below that returns false is a trap where the kernel acts on its own.
 */
#ifndef SLUICE_BPF_PACKET_H
#define SLUICE_BPF_PACKET_H

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "config.h"
#include "cursor.h"
#include "kernel.h"

#define TRANSPORT_MIN  8
#define TCP_HEADER_MIN 20

/* PACKET_HOST, _MULTICAST or _BROADCAST as eth_type_trans() says; −1: somebody else's. */
static __always_inline int packet_type(const void *frame)
{
	/* Not by way of struct ethhdr: clang takes its bytes one by one, since it is packed. */
	__u32 low = *(__u32 *)frame;
	__u16 high = *(__u16 *)(frame + 4);

	if (low == CONFIG(mac_low) && high == CONFIG(mac_high))
		return PACKET_HOST;
	if (!(low & 1))
		return -1;
	return low == 0xffffffff && high == 0xffff ? PACKET_BROADCAST : PACKET_MULTICAST;
}

/* Ours on the device below, whatever its priority. */
static __always_inline bool has_tag(const void *frame)
{
	return (*(__u32 *)(frame + 2 * ETH_ALEN) & bpf_htonl(0xffff0fff)) == CONFIG(tag);
}

static __always_inline __be16 ethertype(const void *frame)
{
	return *(__be16 *)(frame + CONFIG(link_length) - sizeof(__be16));
}

/* DHCP is read from packet sockets, which do not see what XDP drops; 4500 is ESP in UDP. */
static __always_inline bool is_reserved_port(__u16 port, bool is_ip6)
{
	switch (port) {
	case bpf_htons(4500):
		return true;
	case bpf_htons(67):
	case bpf_htons(68):
		return !is_ip6;
	case bpf_htons(546):
	case bpf_htons(547):
		return is_ip6;
	default:
		return false;
	}
}

static __always_inline bool transport_is_ordinary(const struct sl_cursor *cursor,
						  const void *transport, bool is_ip6)
{
	switch (cursor->protocol) {
	case IPPROTO_TCP:
		return cursor->room >= TCP_HEADER_MIN;
	case IPPROTO_UDP:
		return !is_reserved_port(((const struct udphdr *)transport)->dest, is_ip6);
	case IPPROTO_ESP:
	case IPPROTO_AH:
		return false;
	default:
		return true;
	}
}

static __always_inline bool parse_ip(struct sl_cursor *cursor, void *data, void *end,
				     __u32 frame_length)
{
	struct iphdr *ip = data + CONFIG(link_length);
	void *transport = ip + 1;

	if (transport + TRANSPORT_MIN > end)
		return false;
	/* Options can be answered with ICMP before INPUT; fragments are reassembled. */
	if (*(__u8 *)ip != 0x45 || ip->frag_off & bpf_htons(0x3fff))
		return false;

	__u32 length = bpf_ntohs(ip->tot_len), room = frame_length - CONFIG(link_length);

	if (length > room || length < sizeof *ip + TRANSPORT_MIN)
		return false;
	cursor->network = (__u64)ip;
	cursor->transport = (__u64)transport;
	cursor->end = (__u64)end;
	cursor->room = length - sizeof *ip;
	cursor->frame_room = room - sizeof *ip;
	cursor->protocol = ip->protocol;
	return transport_is_ordinary(cursor, transport, false);
}

/* Every next header that is not a transport: extension headers, ESP, AH, none. */
static __always_inline bool is_extension_header(__u8 next)
{
	switch (next) {
	case 0:
	case 43:
	case 44:
	case 50:
	case 51:
	case 59:
	case 60:
	case 135:
	case 139:
	case 140:
	case 253:
	case 254:
		return true;
	default:
		return false;
	}
}

static __always_inline bool parse_ip6(struct sl_cursor *cursor, void *data, void *end,
				      __u32 frame_length)
{
	struct ipv6hdr *ip6 = data + CONFIG(link_length);
	void *transport = ip6 + 1;

	if (transport + TRANSPORT_MIN > end)
		return false;
	if ((*(__u8 *)ip6 & 0xf0) != 0x60 || is_extension_header(ip6->nexthdr))
		return false;

	__u32 length = bpf_ntohs(ip6->payload_len);
	__u32 room = frame_length - CONFIG(link_length) - sizeof *ip6;

	if (length > room || length < TRANSPORT_MIN)
		return false;
	cursor->network = (__u64)ip6;
	cursor->transport = (__u64)transport;
	cursor->end = (__u64)end;
	cursor->room = length;
	cursor->frame_room = room;
	cursor->protocol = ip6->nexthdr;
	return transport_is_ordinary(cursor, transport, true);
}

#endif
