/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Raw Ethernet frames, odd ones included. What is left 0 takes its default: a UDP packet from the
 * wire to the host, with right checksums.
 */
#ifndef SLUICE_TESTS_NETNS_FRAME_H
#define SLUICE_TESTS_NETNS_FRAME_H

#include "lab.h"

#define FRAME_MAX 9200

struct frame {
	const char *from, *to; /* addresses; IPv6 where `to` (or `from`) has a colon */
	u8 protocol;
	u16 sport, dport;
	u8 tcp_flags;     /* SYN where 0 */
	u32 sequence;     /* TCP's */
	u8 type, code;    /* ICMP */
	u32 payload;      /* bytes, 16 where 0 */
	const void *data; /* of that many bytes; else zeros */

	u8 ttl;
	bool df, more_fragments;
	u16 fragment_offset; /* bytes; only the payload is there then */
	u16 id;
	const u8 *options; /* IPv4, `options_length` a multiple of 4 */
	u32 options_length;
	bool has_hop_by_hop; /* IPv6, with one option of 4 bytes */
	u8 hop_by_hop_option;
	bool bad_ip_checksum, bad_checksum;

	const u8 *to_mac, *from_mac;
	bool has_vlan; /* a tag in band */
	u16 vlan;
	u32 padding; /* bytes behind the packet */
};

u32 frame_build(u8 bytes[FRAME_MAX], const struct frame *frame);

/* From wire0 to the host. */
void send_frame(const struct frame *frame);
/* The same with the VLAN tag beside the frame, as a NIC that strips tags would deliver it. */
void send_frame_with_hidden_tag(const struct frame *frame, u16 vlan);
void send_many(const struct frame *frame, u32 count);
void send_bytes(const u8 *bytes, u32 length);

#define send_udp(port) send_frame(&(struct frame){.dport = (port)})

#endif
