// SPDX-License-Identifier: GPL-2.0-only
#include "cli/packet_text.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "ir/packet.h"

static u16 read_be16(const u8 *at)
{
	return (u16)(at[0] << 8 | at[1]);
}

static void print_mac(const char *name, const u8 *mac, FILE *out)
{
	fprintf(out, " ether %s %02x:%02x:%02x:%02x:%02x:%02x", name, mac[0], mac[1], mac[2],
		mac[3], mac[4], mac[5]);
}

static const char *protocol_name(u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	default:
		return NULL;
	}
}

static void print_protocol(u8 protocol, FILE *out)
{
	const char *name = protocol_name(protocol);

	if (name)
		fprintf(out, " %s", name);
	else
		fprintf(out, " %u", protocol);
}

static void print_network(const struct sl_packet *packet, FILE *out)
{
	const u8 *header = packet->frame + packet->network;
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

	if (packet->family == SL_IP) {
		inet_ntop(AF_INET, header + 12, from, sizeof from);
		inet_ntop(AF_INET, header + 16, to, sizeof to);
		fprintf(out, " ip saddr %s ip daddr %s ip ttl %u ip protocol", from, to, header[8]);
		print_protocol(packet->protocol, out);
		fprintf(out, " ip length %u", read_be16(header + 2));
		return;
	}
	inet_ntop(AF_INET6, header + 8, from, sizeof from);
	inet_ntop(AF_INET6, header + 24, to, sizeof to);
	fprintf(out, " ip6 saddr %s ip6 daddr %s ip6 hoplimit %u ip6 nexthdr", from, to, header[7]);
	print_protocol(packet->protocol, out);
	fprintf(out, " ip6 length %u", read_be16(header + 4));
}

static void print_flags(u8 flags, FILE *out)
{
	static const char *const names[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"};
	const char *separator = "";

	fprintf(out, " tcp flags == ");
	if (!flags)
		fprintf(out, "0x0");
	for (u32 i = 0; i < SL_ARRAY_SIZE(names); i++) {
		if (!(flags & 1 << i))
			continue;
		fprintf(out, "%s%s", separator, names[i]);
		separator = "|";
	}
}

static void print_transport(const struct sl_packet *packet, FILE *out)
{
	const u8 *header = packet->frame + packet->transport;
	const char *name = protocol_name(packet->protocol);

	switch (packet->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		fprintf(out, " %s sport %u %s dport %u", name, read_be16(header), name,
			read_be16(header + 2));
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		fprintf(out, " %s type %u %s code %u", name, header[0], name, header[1]);
		break;
	default:
		break;
	}
	if (packet->protocol == IPPROTO_TCP)
		print_flags(header[13], out);
}

void sl_packet_print(const struct sl_device *device, const char *name, const u8 *frame, u32 length,
		     FILE *out)
{
	struct sl_packet packet;
	const char *odd = sl_packet_parse(device, frame, length, &packet);

	fprintf(out, "iif \"%s\"", name);
	if (length >= 14) {
		print_mac("saddr", frame + 6, out);
		print_mac("daddr", frame, out);
	}
	if (odd) {
		fprintf(out, " length %u (%s)", length, odd);
		return;
	}
	print_network(&packet, out);
	print_transport(&packet, out);
}
