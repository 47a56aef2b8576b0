/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ethernet frames as bytes: built from a plan, spoilt on purpose, taken apart again.
 *
 * Enters: plans. Leaves: frames. Promised: what sl_frame_build makes is well formed, with right
 * lengths and checksums; only the sl_frame_spoil functions make anything else.
 */
#ifndef SLUICE_PACKET_FRAMES_H
#define SLUICE_PACKET_FRAMES_H

#include <netinet/in.h>

#include "random.h"
#include "source/host.h"

#define SL_FRAME_MAX   1514
#define SL_MARKER_TYPE 0x88b5 /* IEEE's local experimental ethertype: the lab's own frames */

struct sl_frame {
	u32 length;
	u8 bytes[SL_FRAME_MAX + 8]; /* room for two VLAN tags */
};

struct sl_frame_plan {
	const u8 *source_mac, *destination_mac;
	struct sl_address source, destination;
	u8 hops, tos;
	u16 id;             /* IPv4 */
	bool dont_fragment; /* IPv4 */
	u8 protocol;        /* of the transport header; unknown ones are just the payload */
	const u8 *extra; /* IPv4 options, or IPv6 extension headers whose last names `protocol` */
	u32 extra_length;
	u8 extra_kind; /* IPv6: what the first header in `extra` is */
	u16 source_port, destination_port;
	u32 seq, ack;
	u8 tcp_flags;
	const u8 *tcp_options;
	u32 tcp_options_length; /* a multiple of 4, at most 40 */
	u8 icmp_type, icmp_code;
	u32 icmp_rest;
	const u8 *payload;
	u32 payload_length;
};

enum { SL_TCP_FIN = 1, SL_TCP_SYN = 2, SL_TCP_RST = 4, SL_TCP_PSH = 8, SL_TCP_ACK = 16 };

struct sl_address sl_address_from(const char *text); /* asserts that it is one */

/* A plan too long for a frame loses the end of its payload. */
void sl_frame_build(const struct sl_frame_plan *plan, struct sl_frame *ret_frame);

/* The plan of the answer: both ends exchanged. */
struct sl_frame_plan sl_frame_plan_reverse(const struct sl_frame_plan *plan);

/*
 * The piece [from, to) of an IP frame's payload as a fragment of its own; `from` is a multiple of
 * eight, a `to` past the end means the end.
 */
void sl_frame_fragment(const struct sl_frame *whole, u32 from, u32 to, u32 id,
		       struct sl_frame *ret_frame);

/* Writes a new 32-bit value at `at` and corrects the 16-bit checksum at `checksum_at` for it. */
void sl_frame_patch(struct sl_frame *frame, u32 at, u32 checksum_at, u32 value);

void sl_frame_tag(struct sl_frame *frame, u16 tpid, u16 tci); /* puts a VLAN tag in front */
/* One random fault or oddity; returns what it did, a static string. */
const char *sl_frame_spoil(struct sl_frame *frame, struct sl_random *random);

/* Where the headers of an IP frame or packet are. */
struct sl_layout {
	bool is_ip6;
	u32 network, transport; /* offsets */
	u8 protocol;
	bool is_later_fragment; /* no transport header in this one */
	bool is_fragment;
	u32 end; /* behind the IP packet, cut to what is there */
};
bool sl_layout_read(const u8 *bytes, u32 length, u32 network, struct sl_layout *ret_layout);

/* The Internet checksum over a pseudo header and `length` bytes; 0 for right ones. */
u16 sl_checksum_transport(const u8 *bytes, const struct sl_layout *layout);
u16 sl_checksum(const u8 *bytes, u32 length, u32 sum);

/* One line for people: addresses, protocol, ports, flags. */
void sl_frame_describe(const u8 *bytes, u32 length, char *ret_text, size_t size);

static inline u16 sl_get16(const u8 *bytes)
{
	return (u16)(bytes[0] << 8 | bytes[1]);
}

static inline u32 sl_get32(const u8 *bytes)
{
	return (u32)sl_get16(bytes) << 16 | sl_get16(bytes + 2);
}

static inline void sl_put16(u8 *bytes, u16 value)
{
	bytes[0] = (u8)(value >> 8);
	bytes[1] = (u8)value;
}

static inline void sl_put32(u8 *bytes, u32 value)
{
	sl_put16(bytes, (u16)(value >> 16));
	sl_put16(bytes + 2, (u16)value);
}

#endif
