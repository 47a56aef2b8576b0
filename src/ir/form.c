// SPDX-License-Identifier: GPL-2.0-only
#include "ir/form.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "config.h"

#define EITHER (SL_WORLD_NEW | SL_WORLD_INVALID)

#define TH_ECE 0x40
#define TH_CWR 0x80

static u32 be16_at(const u8 *bytes)
{
	return (u32)bytes[0] << 8 | bytes[1];
}

static u32 sum_bytes(const u8 *bytes, u32 length)
{
	u32 sum = 0;

	for (u32 i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : (u32)bytes[i] << 8;
	return sum;
}

/*
 * Folded; 0xffff if the checksum in it is right. Over all that IP carries, which may be more than
 * UDP's own length: so does nf_checksum().
 */
static u16 sum_packet(const struct sl_packet *packet)
{
	bool is_ip6 = packet->family == SL_IP6;
	const u8 *addresses = packet->frame + packet->network + (is_ip6 ? 8 : 12);
	u32 length = packet->ip_end - packet->transport, sum = packet->protocol + length;

	sum += sum_bytes(addresses, is_ip6 ? 32 : 8);
	sum += sum_bytes(packet->frame + packet->transport, length);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)sum;
}

static bool has_right_checksum(const struct sl_packet *packet)
{
	return packet->ip_end - packet->transport <= SL_FORM_BYTES_MAX &&
	       sum_packet(packet) == 0xffff;
}

/* The kernel's table tcp_valid_flags. */
static bool may_go_together(u8 flags)
{
	switch (flags & ~(TH_PUSH | TH_ECE | TH_CWR)) {
	case TH_SYN:
	case TH_SYN | TH_URG:
	case TH_SYN | TH_ACK:
	case TH_RST:
	case TH_RST | TH_ACK:
	case TH_FIN | TH_ACK:
	case TH_FIN | TH_ACK | TH_URG:
	case TH_ACK:
	case TH_ACK | TH_URG:
		return true;
	default:
		return false;
	}
}

static u8 tcp_worlds(const struct sl_packet *packet)
{
	const u8 *tcp = packet->frame + packet->transport;
	u32 header = (u32)(tcp[12] >> 4) * 4;
	u8 flags = tcp[13];

	if (header < SL_TCP_MIN || header > packet->ip_end - packet->transport ||
	    !may_go_together(flags))
		return SL_WORLD_INVALID;
	if (!(flags & TH_SYN) || flags & TH_ACK || !has_right_checksum(packet))
		return EITHER;
	return SL_WORLD_NEW;
}

static u8 udp_worlds(const struct sl_packet *packet)
{
	const u8 *udp = packet->frame + packet->transport;
	u32 length = be16_at(udp + 4);

	if (length < SL_TRANSPORT_MIN || length > packet->ip_end - packet->transport)
		return SL_WORLD_INVALID;
	return !be16_at(udp + 6) || has_right_checksum(packet) ? SL_WORLD_NEW : EITHER;
}

u8 sl_form_worlds(const struct sl_packet *packet)
{
	switch (packet->protocol) {
	case IPPROTO_TCP:
		return tcp_worlds(packet);
	case IPPROTO_UDP:
		return udp_worlds(packet);
	default:
		return EITHER;
	}
}

void sl_form_seal(const struct sl_packet *packet, u8 *frame)
{
	u8 *checksum = frame + packet->transport + (packet->protocol == IPPROTO_TCP ? 16 : 6);
	u16 value;

	if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP)
		return;
	checksum[0] = checksum[1] = 0;
	value = (u16)~sum_packet(packet);
	if (!value) /* which says that there is none */
		value = 0xffff;
	checksum[0] = (u8)(value >> 8);
	checksum[1] = (u8)value;
}
