/* SPDX-License-Identifier: GPL-2.0-only */
#include "responder.h"

#include <net/ethernet.h>
#include <string.h>

#define SERVICE_PORTS_END 10000
#define FIRST_SEQ         0x50000000

static struct sl_address read_address(const u8 *bytes, bool is_ip6)
{
	struct sl_address address = {.is_ip6 = is_ip6};

	memcpy(address.bytes, bytes, is_ip6 ? 16 : 4);
	return address;
}

static bool answer_udp(const u8 *udp, u32 length, struct sl_frame_plan *answer, u8 *payload)
{
	if (length < 8 || sl_get16(udp + 2) >= SERVICE_PORTS_END)
		return false;
	if (length >= 11 && !memcmp(udp + 8, "re:", 3))
		return false;
	answer->source_port = sl_get16(udp + 2);
	answer->destination_port = sl_get16(udp);
	memcpy(payload, "re:", 3);
	memcpy(payload + 3, udp + 8, length - 8);
	answer->payload_length = length - 8 + 3;
	return true;
}

static bool answer_tcp(const u8 *tcp, u32 length, struct sl_frame_plan *answer)
{
	u32 header = length < 20 ? 0 : (tcp[12] >> 4) * 4u;
	u8 flags = length < 20 ? 0 : tcp[13];

	if (header < 20 || header > length || sl_get16(tcp + 2) >= SERVICE_PORTS_END ||
	    sl_get16(tcp) < SERVICE_PORTS_END || flags & SL_TCP_RST)
		return false;
	u32 data = length - header, seq = sl_get32(tcp + 4);
	answer->source_port = sl_get16(tcp + 2);
	answer->destination_port = sl_get16(tcp);
	answer->ack = seq + data + !!(flags & SL_TCP_SYN) + !!(flags & SL_TCP_FIN);
	answer->seq = sl_get32(tcp + 8);
	answer->tcp_flags = SL_TCP_ACK;
	if ((flags & (SL_TCP_SYN | SL_TCP_ACK)) == SL_TCP_SYN) {
		answer->seq = FIRST_SEQ;
		answer->tcp_flags |= SL_TCP_SYN;
	} else if (flags & SL_TCP_FIN) {
		answer->tcp_flags |= SL_TCP_FIN;
	} else if (data) {
		answer->tcp_flags |= SL_TCP_PSH;
		answer->payload = (const u8 *)"re:";
		answer->payload_length = 3;
	} else {
		return false;
	}
	return true;
}

static bool answer_icmp(const u8 *icmp, u32 length, struct sl_frame_plan *answer, u8 *payload)
{
	bool is_ip6 = answer->source.is_ip6;

	if (length < 8 || icmp[0] != (is_ip6 ? 128 : 8) || icmp[1])
		return false;
	answer->icmp_type = is_ip6 ? 129 : 0;
	answer->icmp_rest = sl_get32(icmp + 4);
	memcpy(payload, icmp + 8, length - 8);
	answer->payload_length = length - 8;
	return true;
}

static struct sl_frame_plan plan_answer(const u8 *bytes, const struct sl_layout *layout)
{
	u32 each = layout->is_ip6 ? 16 : 4, at = layout->network + (layout->is_ip6 ? 8 : 12);

	return (struct sl_frame_plan){
		.source_mac = bytes,
		.destination_mac = bytes + 6,
		.source = read_address(bytes + at + each, layout->is_ip6),
		.destination = read_address(bytes + at, layout->is_ip6),
		.hops = 64,
		.protocol = layout->protocol,
	};
}

bool sl_responder_answer(const u8 *bytes, u32 length, const u8 *mac, struct sl_frame *ret_answer)
{
	u8 payload[SL_FRAME_MAX + 8];
	struct sl_layout layout;

	if (length < ETH_HLEN || length > SL_FRAME_MAX || memcmp(bytes, mac, 6) ||
	    !sl_layout_read(bytes, length, ETH_HLEN, &layout) || layout.is_fragment)
		return false;
	struct sl_frame_plan answer = plan_answer(bytes, &layout);
	const u8 *transport = bytes + layout.transport;
	u32 rest = layout.end - layout.transport;
	answer.payload = payload;
	bool speaks = false;
	if (layout.protocol == IPPROTO_UDP)
		speaks = answer_udp(transport, rest, &answer, payload);
	else if (layout.protocol == IPPROTO_TCP)
		speaks = answer_tcp(transport, rest, &answer);
	else if (layout.protocol == (layout.is_ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		speaks = answer_icmp(transport, rest, &answer, payload);
	if (speaks)
		sl_frame_build(&answer, ret_answer);
	return speaks;
}
