// SPDX-License-Identifier: GPL-2.0-only
#include "ir/packet.h"

#include <linux/if_packet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ir/shorthand.h"

#define CLIENT "10.0.0.9"
#define HOST   "10.0.0.1"

static const struct sl_device device = {.mac = {2, 0, 0, 0, 0, 1}};

/* Frames are copied to where a read past their end is caught. */
static const char *parse(struct frame frame, struct sl_packet *ret_packet)
{
	u8 *exact = malloc(frame.length + 1);
	const char *odd;

	memcpy(exact + 1, frame.bytes, frame.length);
	odd = sl_packet_parse(&device, exact + 1, frame.length, ret_packet);
	free(exact);
	return odd;
}

static void expect_odd(struct frame frame, const char *reason)
{
	struct sl_packet packet = {.protocol = 77};
	const char *odd = parse(frame, &packet);

	assert_non_null(odd);
	assert_string_equal(odd, reason);
	assert_int_equal(packet.protocol, 77);
}

static void expect_ordinary(struct frame frame)
{
	struct sl_packet packet;

	assert_null(parse(frame, &packet));
}

/* The frame with one byte changed. */
static struct frame with(struct frame frame, u32 at, u8 byte)
{
	frame.bytes[at] = byte;
	return frame;
}

static struct frame cut(struct frame frame, u32 length)
{
	frame.length = length;
	return frame;
}

static void offsets_of_an_ip_packet(void **unused)
{
	struct frame frame = tcp(CLIENT, 1000, HOST, 22);
	struct sl_packet packet;

	(void)unused;
	frame.length += 6; /* padding */
	assert_null(parse(frame, &packet));
	assert_int_equal(packet.family, SL_IP);
	assert_int_equal(packet.protocol, 6);
	assert_int_equal(packet.network, 14);
	assert_int_equal(packet.transport, 34);
	assert_int_equal(packet.ip_end, 54);
	assert_int_equal(packet.frame_length, 60);
	assert_int_equal(packet.packet_type, PACKET_HOST);
}

static void offsets_of_an_ip6_packet(void **unused)
{
	struct frame frame = udp("fd00::9", 1000, "fd00::1", 53);
	struct sl_packet packet;

	(void)unused;
	frame.length += 3;
	assert_null(parse(frame, &packet));
	assert_int_equal(packet.family, SL_IP6);
	assert_int_equal(packet.protocol, 17);
	assert_int_equal(packet.transport, 54);
	assert_int_equal(packet.ip_end, 62);
}

static void only_the_devices_own_and_group_macs(void **unused)
{
	struct frame frame = udp(CLIENT, 1000, HOST, 53);
	struct sl_packet packet;

	(void)unused;
	expect_odd(with(frame, 5, 2), "for another MAC address");
	memset(frame.bytes, 0xff, 6);
	assert_null(parse(frame, &packet));
	assert_int_equal(packet.packet_type, PACKET_BROADCAST);
	frame.bytes[5] = 0xfe;
	assert_null(parse(frame, &packet));
	assert_int_equal(packet.packet_type, PACKET_MULTICAST);
}

static void other_protocols_and_vlans_are_odd(void **unused)
{
	struct frame frame = udp(CLIENT, 1000, HOST, 53);

	(void)unused;
	expect_odd(with(frame, 13, 6), "neither IPv4 nor IPv6");
	expect_odd(with(frame, 12, 0x81), "VLAN tag");
	expect_odd(with(with(frame, 12, 0x88), 13, 0xa8), "VLAN tag");
	expect_odd(cut(frame, 13), "shorter than an Ethernet header");
	expect_odd(cut(frame, 0), "shorter than an Ethernet header");
}

static void odd_ip_headers(void **unused)
{
	struct frame frame = packet(132, CLIENT, 1, HOST, 2);

	(void)unused;
	expect_odd(with(frame, 14, 0x65), "IPv4 header of another version");
	expect_odd(with(frame, 14, 0x46), "IPv4 options");
	expect_odd(with(frame, 14, 0x44), "IPv4 options");
	expect_odd(with(frame, 17, 27), "IPv4 packet is too short");
	expect_ordinary(with(frame, 17, 28));
	expect_odd(with(frame, 17, 29), "IPv4 packet is cut off");
	expect_odd(with(frame, 20, 0x20), "IPv4 fragment");
	expect_odd(with(frame, 20, 0x10), "IPv4 fragment");
	expect_odd(with(frame, 21, 1), "IPv4 fragment");
	expect_ordinary(with(frame, 20, 0x40)); /* don't fragment */
	expect_ordinary(with(frame, 20, 0x80)); /* the reserved bit */
	for (u32 length = 14; length < 34; length++)
		expect_odd(cut(frame, length), "IPv4 header is cut off");
	for (u32 length = 34; length < 42; length++)
		expect_odd(cut(frame, length), "IPv4 packet is cut off");
}

static void odd_ip6_headers(void **unused)
{
	static const u8 extensions[] = {0, 43, 44, 50, 51, 59, 60, 135, 139, 140, 253, 254};
	struct frame frame = packet(132, "fd00::9", 1, "fd00::1", 2);

	(void)unused;
	expect_ordinary(frame);
	expect_odd(with(frame, 14, 0x40), "IPv6 header of another version");
	expect_odd(with(frame, 19, 7), "IPv6 packet is too short");
	expect_odd(with(frame, 19, 9), "IPv6 packet is cut off");
	expect_odd(with(frame, 18, 0xff), "IPv6 packet is cut off");
	for (u32 i = 0; i < SL_ARRAY_SIZE(extensions); i++)
		expect_odd(with(frame, 20, extensions[i]), "IPv6 extension header");
	for (u32 length = 14; length < 54; length++)
		expect_odd(cut(frame, length), "IPv6 header is cut off");
	for (u32 length = 54; length < 62; length++)
		expect_odd(cut(frame, length), "IPv6 packet is cut off");
}

static void ipsec_and_short_tcp_are_odd(void **unused)
{
	(void)unused;
	expect_odd(packet(50, CLIENT, 1, HOST, 2), "IPsec");
	expect_odd(packet(51, CLIENT, 1, HOST, 2), "IPsec");
	expect_odd(with(tcp(CLIENT, 1, HOST, 2), 17, 39), "TCP header is cut off");
	expect_odd(with(tcp("fd00::9", 1, "fd00::1", 2), 19, 19), "TCP header is cut off");
}

static void udp_ports_that_others_listen_to_are_odd(void **unused)
{
	(void)unused;
	expect_odd(udp(CLIENT, 1, HOST, 67), "DHCP");
	expect_odd(udp(CLIENT, 1, HOST, 68), "DHCP");
	expect_odd(udp(CLIENT, 1, HOST, 4500), "ESP in UDP");
	expect_odd(udp("fd00::9", 1, "fd00::1", 546), "DHCPv6");
	expect_odd(udp("fd00::9", 1, "fd00::1", 547), "DHCPv6");
	expect_odd(udp("fd00::9", 1, "fd00::1", 4500), "ESP in UDP");
	expect_ordinary(udp(CLIENT, 67, HOST, 66));
	expect_ordinary(udp(CLIENT, 1, HOST, 546));
	expect_ordinary(udp("fd00::9", 1, "fd00::1", 67));
	expect_ordinary(tcp(CLIENT, 1, HOST, 67));
	expect_ordinary(tcp(CLIENT, 1, HOST, 4500));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_of_an_ip_packet),
		cmocka_unit_test(offsets_of_an_ip6_packet),
		cmocka_unit_test(only_the_devices_own_and_group_macs),
		cmocka_unit_test(other_protocols_and_vlans_are_odd),
		cmocka_unit_test(odd_ip_headers),
		cmocka_unit_test(odd_ip6_headers),
		cmocka_unit_test(ipsec_and_short_tcp_are_odd),
		cmocka_unit_test(udp_ports_that_others_listen_to_are_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
