/* SPDX-License-Identifier: GPL-2.0-only */
#include "frames.h"

#include <arpa/inet.h>
#include <assert.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>

#include "pools.h"

#define NETWORK ETH_HLEN

struct sl_address sl_address_from(const char *text)
{
	struct sl_address address = {.is_ip6 = strchr(text, ':')};
	int ok = inet_pton(address.is_ip6 ? AF_INET6 : AF_INET, text, address.bytes);

	assert(ok == 1);
	(void)ok;
	return address;
}

u16 sl_checksum(const u8 *bytes, u32 length, u32 sum)
{
	for (u32 i = 0; i + 1 < length; i += 2)
		sum += sl_get16(bytes + i);
	if (length & 1)
		sum += (u32)bytes[length - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)~sum;
}

u16 sl_checksum_transport(const u8 *bytes, const struct sl_layout *layout)
{
	u32 length = layout->end - layout->transport, sum = 0;
	const u8 *header = bytes + layout->network;

	if (layout->protocol != IPPROTO_ICMP) {
		u32 addresses = layout->is_ip6 ? 8 : 12, bytes_each = layout->is_ip6 ? 32 : 8;

		for (u32 i = 0; i < bytes_each; i += 2)
			sum += sl_get16(header + addresses + i);
		sum += layout->protocol + length;
	}
	return sl_checksum(bytes + layout->transport, length, sum);
}

/* Walks IPv6 extension headers; false where one is cut off. */
static bool walk_extensions(const u8 *bytes, struct sl_layout *layout)
{
	u8 next = bytes[layout->network + 6];
	u32 at = layout->network + 40;

	while (next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_FRAGMENT) {
		if (at + 8 > layout->end)
			return false;
		u32 length = 8;
		if (next == IPPROTO_FRAGMENT) {
			layout->is_fragment = true;
			layout->is_later_fragment |= sl_get16(bytes + at + 2) & 0xfff8;
		} else {
			length = (bytes[at + 1] + 1u) * 8;
		}
		next = bytes[at];
		at += length;
		if (layout->is_later_fragment)
			break;
	}
	layout->protocol = next;
	layout->transport = at;
	return at <= layout->end;
}

bool sl_layout_read(const u8 *bytes, u32 length, u32 network, struct sl_layout *ret_layout)
{
	struct sl_layout layout = {.network = network};

	if (length < network + 20)
		return false;
	if (bytes[network] >> 4 == 4) {
		u16 fragment = sl_get16(bytes + network + 6);

		layout.transport = network + (bytes[network] & 15) * 4u;
		layout.protocol = bytes[network + 9];
		layout.is_fragment = fragment & 0x3fff;
		layout.is_later_fragment = fragment & 0x1fff;
		layout.end = network + sl_get16(bytes + network + 2);
	} else if (bytes[network] >> 4 == 6 && length >= network + 40) {
		layout.is_ip6 = true;
		layout.end = network + 40 + sl_get16(bytes + network + 4);
	} else {
		return false;
	}
	if (layout.end > length)
		layout.end = length;
	if (layout.is_ip6 && !walk_extensions(bytes, &layout))
		return false;
	if (layout.transport < network + 20 || layout.transport > layout.end)
		return false;
	*ret_layout = layout;
	return true;
}

static u32 put_transport_header(const struct sl_frame_plan *plan, u8 *at)
{
	switch (plan->protocol) {
	case IPPROTO_TCP:
		sl_put16(at, plan->source_port);
		sl_put16(at + 2, plan->destination_port);
		sl_put32(at + 4, plan->seq);
		sl_put32(at + 8, plan->ack);
		at[12] = (u8)((5 + plan->tcp_options_length / 4) << 4);
		at[13] = plan->tcp_flags;
		sl_put16(at + 14, 8192);
		if (plan->tcp_options_length)
			memcpy(at + 20, plan->tcp_options, plan->tcp_options_length);
		return 20 + plan->tcp_options_length;
	case IPPROTO_UDP:
		sl_put16(at, plan->source_port);
		sl_put16(at + 2, plan->destination_port);
		return 8;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		at[0] = plan->icmp_type;
		at[1] = plan->icmp_code;
		sl_put32(at + 4, plan->icmp_rest);
		return 8;
	}
	return 0;
}

/* Offset of the transport checksum in its header; 0 where there is none. */
static u32 transport_checksum_offset(u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
		return 6;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 2;
	}
	return 0;
}

static void fix_ip4_checksum(u8 *header)
{
	sl_put16(header + 10, 0);
	sl_put16(header + 10, sl_checksum(header, (header[0] & 15) * 4u, 0));
}

/* Rewrites lengths and checksums for what is in the frame now. */
static void finish(struct sl_frame *frame)
{
	u8 *header = frame->bytes + NETWORK;
	struct sl_layout layout;

	if (header[0] >> 4 == 4) {
		sl_put16(header + 2, (u16)(frame->length - NETWORK));
		fix_ip4_checksum(header);
	} else {
		sl_put16(header + 4, (u16)(frame->length - NETWORK - 40));
	}
	if (!sl_layout_read(frame->bytes, frame->length, NETWORK, &layout) || layout.is_fragment)
		return;
	u8 *transport = frame->bytes + layout.transport;
	u32 checksum_at = transport_checksum_offset(layout.protocol);
	if (!checksum_at || layout.transport + checksum_at + 2 > layout.end)
		return;
	if (layout.protocol == IPPROTO_UDP)
		sl_put16(transport + 4, (u16)(layout.end - layout.transport));
	sl_put16(transport + checksum_at, 0);
	sl_put16(transport + checksum_at, sl_checksum_transport(frame->bytes, &layout));
}

static u32 put_ip4(const struct sl_frame_plan *plan, u8 *header)
{
	u32 options = plan->extra_length;

	assert(options % 4 == 0 && options <= 40);
	header[0] = (u8)(4 << 4 | (5 + options / 4));
	header[1] = plan->tos;
	sl_put16(header + 4, plan->id);
	sl_put16(header + 6, plan->dont_fragment ? 0x4000 : 0);
	header[8] = plan->hops;
	header[9] = plan->protocol;
	memcpy(header + 12, plan->source.bytes, 4);
	memcpy(header + 16, plan->destination.bytes, 4);
	if (options)
		memcpy(header + 20, plan->extra, options);
	return 20 + options;
}

static u32 put_ip6(const struct sl_frame_plan *plan, u8 *header)
{
	assert(plan->extra_length % 8 == 0);
	sl_put32(header, 6u << 28 | (u32)plan->tos << 20);
	header[6] = plan->extra_length ? plan->extra_kind : plan->protocol;
	header[7] = plan->hops;
	memcpy(header + 8, plan->source.bytes, 16);
	memcpy(header + 24, plan->destination.bytes, 16);
	if (plan->extra_length)
		memcpy(header + 40, plan->extra, plan->extra_length);
	return 40 + plan->extra_length;
}

void sl_frame_build(const struct sl_frame_plan *plan, struct sl_frame *ret_frame)
{
	struct sl_frame frame = {.length = NETWORK};
	bool is_ip6 = plan->destination.is_ip6;

	memcpy(frame.bytes, plan->destination_mac, 6);
	memcpy(frame.bytes + 6, plan->source_mac, 6);
	sl_put16(frame.bytes + 12, is_ip6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	frame.length += is_ip6 ? put_ip6(plan, frame.bytes + NETWORK)
			       : put_ip4(plan, frame.bytes + NETWORK);
	frame.length += put_transport_header(plan, frame.bytes + frame.length);
	u32 room = SL_FRAME_MAX - frame.length;
	u32 payload = plan->payload_length < room ? plan->payload_length : room;
	if (payload)
		memcpy(frame.bytes + frame.length, plan->payload, payload);
	frame.length += payload;
	finish(&frame);
	*ret_frame = frame;
}

struct sl_frame_plan sl_frame_plan_reverse(const struct sl_frame_plan *plan)
{
	struct sl_frame_plan answer = *plan;

	answer.source = plan->destination;
	answer.destination = plan->source;
	answer.source_mac = plan->destination_mac;
	answer.destination_mac = plan->source_mac;
	answer.source_port = plan->destination_port;
	answer.destination_port = plan->source_port;
	return answer;
}

void sl_frame_fragment(const struct sl_frame *whole, u32 from, u32 to, u32 id,
		       struct sl_frame *ret_frame)
{
	struct sl_frame piece = *whole;
	bool is_ip6 = whole->bytes[NETWORK] >> 4 == 6;
	u8 *header = piece.bytes + NETWORK;
	u32 data = NETWORK + (is_ip6 ? 40 : (header[0] & 15) * 4u);

	to = to < whole->length - data ? to : whole->length - data;
	from = from < to ? from : to & ~7u;
	bool more = to < whole->length - data;
	u32 at = data;
	if (is_ip6) {
		u8 *fragment = piece.bytes + data;

		fragment[0] = header[6];
		fragment[1] = 0;
		sl_put16(fragment + 2, (u16)(from | more));
		sl_put32(fragment + 4, id);
		header[6] = IPPROTO_FRAGMENT;
		at += 8;
	} else {
		sl_put16(header + 4, (u16)id);
		sl_put16(header + 6, (u16)(from / 8 | (more ? 0x2000 : 0)));
	}
	memcpy(piece.bytes + at, whole->bytes + data + from, to - from);
	piece.length = at + to - from;
	finish(&piece);
	*ret_frame = piece;
}

void sl_frame_patch(struct sl_frame *frame, u32 at, u32 checksum_at, u32 value)
{
	u8 *field = frame->bytes + at, *checksum = frame->bytes + checksum_at;

	if (at + 4 > frame->length)
		return;
	/* RFC 1624: HC' = ~(~HC + ~m + m'). Keeps a wrong checksum wrong. */
	if (checksum_at + 2 <= frame->length) {
		u32 sum = (u16)~sl_get16(checksum);

		sum += (u16)~sl_get16(field) + (u16)~sl_get16(field + 2);
		sum += (value >> 16) + (value & 0xffff);
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		sl_put16(checksum, (u16)~sum);
	}
	sl_put32(field, value);
}

void sl_frame_tag(struct sl_frame *frame, u16 tpid, u16 tci)
{
	if (frame->length + 4 > sizeof frame->bytes)
		return;
	memmove(frame->bytes + 16, frame->bytes + 12, frame->length - 12);
	sl_put16(frame->bytes + 12, tpid);
	sl_put16(frame->bytes + 14, tci);
	frame->length += 4;
}

/* The ways to spoil a frame. Each changes it in one way; none grows it past its buffer. */
static void spoil_truncate(struct sl_frame *frame, struct sl_random *random)
{
	u32 cut = NETWORK + sl_random_below(random, frame->length - NETWORK);

	frame->length = cut;
}

static void spoil_truncate_at_header(struct sl_frame *frame, struct sl_random *random)
{
	static const u32 cuts[] = {0, 1, 8, 19, 20, 21, 23, 24, 27, 28, 39, 40, 41, 47, 48, 59, 60};
	u32 cut = NETWORK + sl_random_pick(random, cuts);

	if (cut < frame->length)
		frame->length = cut;
}

/* The IP header also says that it ends there. */
static void spoil_shorten(struct sl_frame *frame, struct sl_random *random)
{
	u32 header = frame->bytes[NETWORK] >> 4 == 6 ? 40 : 20;

	if (frame->length <= NETWORK + header)
		return;
	frame->length =
		NETWORK + header + sl_random_below(random, frame->length - NETWORK - header);
	u8 *ip = frame->bytes + NETWORK;
	if (header == 40) {
		sl_put16(ip + 4, (u16)(frame->length - NETWORK - 40));
	} else {
		sl_put16(ip + 2, (u16)(frame->length - NETWORK));
		fix_ip4_checksum(ip);
	}
}

static void spoil_pad(struct sl_frame *frame, struct sl_random *random)
{
	u32 padding = 1 + sl_random_below(random, 40);

	if (frame->length + padding > SL_FRAME_MAX)
		return;
	memset(frame->bytes + frame->length, 0x5a, padding);
	frame->length += padding;
}

static void spoil_ip_length(struct sl_frame *frame, struct sl_random *random)
{
	u8 *ip = frame->bytes + NETWORK;
	u32 at = ip[0] >> 4 == 6 ? 4 : 2;

	sl_put16(ip + at, (u16)(sl_get16(ip + at) + (int)sl_random_below(random, 64) - 32));
	if (at == 2)
		fix_ip4_checksum(ip);
}

static void spoil_ip_checksum(struct sl_frame *frame, struct sl_random *random)
{
	(void)random;
	if (frame->bytes[NETWORK] >> 4 == 4)
		frame->bytes[NETWORK + 10] ^= 0x40;
}

static void spoil_transport_checksum(struct sl_frame *frame, struct sl_random *random)
{
	struct sl_layout layout;

	(void)random;
	if (!sl_layout_read(frame->bytes, frame->length, NETWORK, &layout))
		return;
	u32 at = transport_checksum_offset(layout.protocol);
	if (at && layout.transport + at < frame->length)
		frame->bytes[layout.transport + at] ^= 0x21;
}

static void spoil_version(struct sl_frame *frame, struct sl_random *random)
{
	frame->bytes[NETWORK] =
		(u8)(sl_random_below(random, 16) << 4 | (frame->bytes[NETWORK] & 15));
}

static void spoil_header_length(struct sl_frame *frame, struct sl_random *random)
{
	u8 *ip = frame->bytes + NETWORK;

	if (ip[0] >> 4 != 4)
		return;
	ip[0] = (u8)(4 << 4 | sl_random_below(random, 16));
	if (NETWORK + (ip[0] & 15) * 4u <= frame->length)
		fix_ip4_checksum(ip);
}

static void set_hops(struct sl_frame *frame, u8 hops)
{
	u8 *ip = frame->bytes + NETWORK;

	if (ip[0] >> 4 == 6) {
		ip[7] = hops;
	} else {
		ip[8] = hops;
		fix_ip4_checksum(ip);
	}
}

static void spoil_hops_one(struct sl_frame *frame, struct sl_random *random)
{
	set_hops(frame, sl_random_chance(random, 80) ? 1 : 0);
}

static void spoil_stranger(struct sl_frame *frame, struct sl_random *random)
{
	memcpy(frame->bytes, sl_random_chance(random, 60) ? sl_mac_guest : sl_mac_stranger, 6);
}

static void spoil_group(struct sl_frame *frame, struct sl_random *random)
{
	static const u8 multicast[] = {1, 0, 0x5e, 0, 0, 0xfb};

	memcpy(frame->bytes, sl_random_chance(random, 50) ? sl_mac_broadcast : multicast, 6);
}

static void spoil_source_mac(struct sl_frame *frame, struct sl_random *random)
{
	memcpy(frame->bytes + 6, sl_random_chance(random, 50) ? sl_mac_in : sl_mac_stranger, 6);
}

static void spoil_tag(struct sl_frame *frame, struct sl_random *random)
{
	u16 tpid = sl_random_chance(random, 80) ? ETHERTYPE_VLAN : 0x88a8;

	sl_frame_tag(frame, tpid, (u16)sl_random_below(random, 4));
}

/* A priority tag, VLAN 0, is the one that the stack takes as its own. */
static void spoil_priority_tag(struct sl_frame *frame, struct sl_random *random)
{
	sl_frame_tag(frame, ETHERTYPE_VLAN, (u16)(sl_random_below(random, 8) << 13));
}

static void spoil_double_tag(struct sl_frame *frame, struct sl_random *random)
{
	sl_frame_tag(frame, ETHERTYPE_VLAN, (u16)sl_random_below(random, 3));
	sl_frame_tag(frame, sl_random_chance(random, 50) ? 0x88a8 : ETHERTYPE_VLAN,
		     (u16)sl_random_below(random, 2));
}

static void spoil_ethertype(struct sl_frame *frame, struct sl_random *random)
{
	static const u16 types[] = {ETHERTYPE_IP, ETHERTYPE_IPV6, ETHERTYPE_ARP, 0x0600,
				    46,           0x8863};

	sl_put16(frame->bytes + 12, sl_random_pick(random, types));
}

static void spoil_bit(struct sl_frame *frame, struct sl_random *random)
{
	u32 at = NETWORK + sl_random_below(random, frame->length - NETWORK);

	frame->bytes[at] ^= (u8)(1 << sl_random_below(random, 8));
	if (frame->bytes[NETWORK] >> 4 == 4 && sl_random_chance(random, 70) &&
	    NETWORK + (frame->bytes[NETWORK] & 15) * 4u <= frame->length)
		fix_ip4_checksum(frame->bytes + NETWORK);
}

static void spoil_reserved_flag(struct sl_frame *frame, struct sl_random *random)
{
	u8 *ip = frame->bytes + NETWORK;

	(void)random;
	if (ip[0] >> 4 != 4)
		return;
	ip[6] |= 0x80;
	fix_ip4_checksum(ip);
}

static void spoil_udp_length(struct sl_frame *frame, struct sl_random *random)
{
	struct sl_layout layout;

	if (!sl_layout_read(frame->bytes, frame->length, NETWORK, &layout) ||
	    layout.protocol != IPPROTO_UDP || layout.transport + 8 > layout.end)
		return;
	u8 *udp = frame->bytes + layout.transport;
	sl_put16(udp + 4, (u16)(sl_get16(udp + 4) + (int)sl_random_below(random, 16) - 8));
	sl_put16(udp + 6, 0);
}

static void spoil_tcp_offset(struct sl_frame *frame, struct sl_random *random)
{
	struct sl_layout layout;

	if (sl_layout_read(frame->bytes, frame->length, NETWORK, &layout) &&
	    layout.protocol == IPPROTO_TCP && layout.transport + 20 <= layout.end) {
		frame->bytes[layout.transport + 12] = (u8)(sl_random_below(random, 16) << 4);
		frame->bytes[layout.transport + 13] ^= (u8)sl_random_below(random, 64);
	}
}

static const struct {
	const char *what;
	void (*spoil)(struct sl_frame *frame, struct sl_random *random);
} spoilers[] = {
	{"cut anywhere", spoil_truncate},
	{"cut at a header", spoil_truncate_at_header},
	{"shortened, IP length agrees", spoil_shorten},
	{"padded", spoil_pad},
	{"wrong IP length", spoil_ip_length},
	{"bad IP checksum", spoil_ip_checksum},
	{"bad transport checksum", spoil_transport_checksum},
	{"wrong version", spoil_version},
	{"wrong header length", spoil_header_length},
	{"hop limit 1 or 0", spoil_hops_one},
	{"hop limit 1 or 0", spoil_hops_one},
	{"somebody else's MAC", spoil_stranger},
	{"group MAC", spoil_group},
	{"odd source MAC", spoil_source_mac},
	{"VLAN tag", spoil_tag},
	{"priority tag", spoil_priority_tag},
	{"two VLAN tags", spoil_double_tag},
	{"wrong ethertype", spoil_ethertype},
	{"flipped bit", spoil_bit},
	{"reserved flag", spoil_reserved_flag},
	{"wrong UDP length", spoil_udp_length},
	{"wrong TCP offset or flags", spoil_tcp_offset},
};

const char *sl_frame_spoil(struct sl_frame *frame, struct sl_random *random)
{
	u32 choice = sl_random_below(random, SL_ARRAY_SIZE(spoilers));

	if (frame->length < NETWORK + 40)
		return "too short to spoil";
	spoilers[choice].spoil(frame, random);
	return spoilers[choice].what;
}

static const char *protocol_name(u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	case IPPROTO_ICMP:
		return "ICMP";
	case IPPROTO_ICMPV6:
		return "ICMPv6";
	}
	return NULL;
}

static void describe_transport(FILE *out, const u8 *bytes, const struct sl_layout *layout)
{
	const u8 *at = bytes + layout->transport;
	const char *name = protocol_name(layout->protocol);

	if (name)
		fprintf(out, " %s", name);
	else
		fprintf(out, " protocol %u", layout->protocol);
	if (layout->is_fragment)
		fputs(layout->is_later_fragment ? " later fragment" : " first fragment", out);
	if (layout->is_later_fragment || layout->transport + 4 > layout->end)
		return;
	if (layout->protocol == IPPROTO_TCP || layout->protocol == IPPROTO_UDP)
		fprintf(out, " %u > %u", sl_get16(at), sl_get16(at + 2));
	if (layout->protocol == IPPROTO_ICMP || layout->protocol == IPPROTO_ICMPV6)
		fprintf(out, " %u/%u", at[0], at[1]);
	if (layout->protocol == IPPROTO_TCP && layout->transport + 20 <= layout->end)
		fprintf(out, " flags 0x%02x seq %08x ack %08x", at[13], sl_get32(at + 4),
			sl_get32(at + 8));
}

static void describe_ip(FILE *out, const u8 *bytes, u32 length, u32 network)
{
	char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];
	struct sl_layout layout;

	if (!sl_layout_read(bytes, length, network, &layout)) {
		fputs(" malformed IP", out);
		return;
	}
	int family = layout.is_ip6 ? AF_INET6 : AF_INET;
	u32 at = network + (layout.is_ip6 ? 8 : 12), each = layout.is_ip6 ? 16 : 4;
	inet_ntop(family, bytes + at, source, sizeof source);
	inet_ntop(family, bytes + at + each, destination, sizeof destination);
	fprintf(out, " %s > %s hops %u", source, destination,
		bytes[network + (layout.is_ip6 ? 7 : 8)]);
	describe_transport(out, bytes, &layout);
}

void sl_frame_describe(const u8 *bytes, u32 length, char *ret_text, size_t size)
{
	FILE *out = fmemopen(ret_text, size, "w");

	if (!out)
		return;
	u32 network = NETWORK;
	if (length >= NETWORK) {
		fprintf(out, "to %02x:%02x:%02x", bytes[3], bytes[4], bytes[5]);
		while (network + 4 <= length && (sl_get16(bytes + network - 2) == ETHERTYPE_VLAN ||
						 sl_get16(bytes + network - 2) == 0x88a8)) {
			fprintf(out, " vlan %u", sl_get16(bytes + network) & 0xfff);
			network += 4;
		}
		u16 type = sl_get16(bytes + network - 2);
		if (type == ETHERTYPE_IP || type == ETHERTYPE_IPV6)
			describe_ip(out, bytes, length, network);
		else
			fprintf(out, " ethertype %04x", type);
	}
	fprintf(out, ", %u bytes", length);
	fclose(out);
}
