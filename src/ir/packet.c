// SPDX-License-Identifier: GPL-2.0-only
#include "ir/packet.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>

#define IP_HEADER     20
#define IP6_HEADER    40
#define IP_FRAGMENTED 0x3fff /* more fragments, or an offset */

static u16 read_be16(const u8 *at)
{
	return (u16)(at[0] << 8 | at[1]);
}

/* The order is eth_type_trans()'s: the device's own address first. */
static const char *parse_destination(const struct sl_device *device, struct sl_packet *packet)
{
	static const u8 broadcast[ETH_ALEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	const u8 *mac = packet->frame;

	if (!memcmp(mac, device->mac, ETH_ALEN))
		packet->packet_type = PACKET_HOST;
	else if (!memcmp(mac, broadcast, ETH_ALEN))
		packet->packet_type = PACKET_BROADCAST;
	else if (mac[0] & 1)
		packet->packet_type = PACKET_MULTICAST;
	else
		return "for another MAC address";
	return NULL;
}

static const char *parse_ip(struct sl_packet *packet)
{
	const u8 *ip = packet->frame + packet->network;
	u32 room = packet->frame_length - packet->network, total;

	if (room < IP_HEADER)
		return "IPv4 header is cut off";
	if (ip[0] >> 4 != 4)
		return "IPv4 header of another version";
	if ((ip[0] & 0xf) * 4 != IP_HEADER)
		return "IPv4 options";
	total = read_be16(ip + 2);
	if (total < IP_HEADER + SL_TRANSPORT_MIN)
		return "IPv4 packet is too short";
	if (total > room)
		return "IPv4 packet is cut off";
	if (read_be16(ip + 6) & IP_FRAGMENTED)
		return "IPv4 fragment";
	packet->family = SL_IP;
	packet->protocol = ip[9];
	packet->transport = packet->network + IP_HEADER;
	packet->ip_end = packet->network + total;
	return NULL;
}

static bool is_extension_header(u8 next)
{
	static const u8 known[] = {0, 43, 44, 50, 51, 59, 60, 135, 139, 140, 253, 254};

	return memchr(known, next, sizeof known);
}

static const char *parse_ip6(struct sl_packet *packet)
{
	const u8 *ip6 = packet->frame + packet->network;
	u32 room = packet->frame_length - packet->network, payload;

	if (room < IP6_HEADER)
		return "IPv6 header is cut off";
	if (ip6[0] >> 4 != 6)
		return "IPv6 header of another version";
	payload = read_be16(ip6 + 4);
	if (payload < SL_TRANSPORT_MIN)
		return "IPv6 packet is too short";
	if (payload > room - IP6_HEADER)
		return "IPv6 packet is cut off";
	if (is_extension_header(ip6[6]))
		return "IPv6 extension header";
	packet->family = SL_IP6;
	packet->protocol = ip6[6];
	packet->transport = packet->network + IP6_HEADER;
	packet->ip_end = packet->transport + payload;
	return NULL;
}

static const char *parse_network(struct sl_packet *packet)
{
	switch (read_be16(packet->frame + 2 * ETH_ALEN)) {
	case ETH_P_IP:
		return parse_ip(packet);
	case ETH_P_IPV6:
		return parse_ip6(packet);
	case ETH_P_8021Q:
	case ETH_P_8021AD:
		return "VLAN tag";
	default:
		return "neither IPv4 nor IPv6";
	}
}

/* DHCP listens on packet sockets, which an early drop would starve; 4500 carries ESP. */
static const char *check_udp_port(const struct sl_packet *packet)
{
	u16 port = read_be16(packet->frame + packet->transport + 2);

	if (packet->family == SL_IP && (port == 67 || port == 68))
		return "DHCP";
	if (packet->family == SL_IP6 && (port == 546 || port == 547))
		return "DHCPv6";
	return port == 4500 ? "ESP in UDP" : NULL;
}

static const char *check_transport(const struct sl_packet *packet)
{
	switch (packet->protocol) {
	case IPPROTO_ESP:
	case IPPROTO_AH:
		return "IPsec";
	case IPPROTO_TCP:
		return packet->ip_end - packet->transport < SL_TCP_MIN ? "TCP header is cut off"
								       : NULL;
	case IPPROTO_UDP:
		return check_udp_port(packet);
	default:
		return NULL;
	}
}

const char *sl_packet_parse(const struct sl_device *device, const u8 *frame, u32 length,
			    struct sl_packet *ret_packet)
{
	struct sl_packet packet = {.frame = frame, .frame_length = length, .network = ETH_HLEN};
	const char *odd;

	if (length < ETH_HLEN)
		return "shorter than an Ethernet header";
	odd = parse_destination(device, &packet);
	if (!odd)
		odd = parse_network(&packet);
	if (!odd)
		odd = check_transport(&packet);
	if (!odd)
		*ret_packet = packet;
	return odd;
}
