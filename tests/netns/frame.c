// SPDX-License-Identifier: GPL-2.0-only
#include "frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tcx.h"

#define TCP_SYN 0x02

struct writer {
	u8 *bytes;
	u32 length;
};

static void put(struct writer *writer, const void *data, u32 length)
{
	if (data)
		memcpy(writer->bytes + writer->length, data, length);
	else
		memset(writer->bytes + writer->length, 0, length);
	writer->length += length;
}

static void put8(struct writer *writer, u8 value)
{
	put(writer, &value, 1);
}

static void put16(struct writer *writer, u16 value)
{
	value = htons(value);
	put(writer, &value, 2);
}

static u32 sum(const u8 *bytes, u32 length, u32 start)
{
	for (u32 i = 0; i < length; i++)
		start += i % 2 ? bytes[i] : (u32)bytes[i] << 8;
	return start;
}

static u16 fold(u32 value)
{
	while (value >> 16)
		value = (value & 0xffff) + (value >> 16);
	return (u16)~value;
}

static void store16(u8 *at, u16 value)
{
	at[0] = (u8)(value >> 8);
	at[1] = (u8)value;
}

static bool is_ip6(const struct frame *frame)
{
	return (frame->to && strchr(frame->to, ':')) || (frame->from && strchr(frame->from, ':'));
}

static u8 protocol_of(const struct frame *frame)
{
	return frame->protocol ? frame->protocol : IPPROTO_UDP;
}

static u32 payload_of(const struct frame *frame)
{
	return frame->payload ? frame->payload : 16;
}

static void put_address(struct writer *writer, bool ip6, const char *text, const char *usual)
{
	u8 bytes[16];

	if (inet_pton(ip6 ? AF_INET6 : AF_INET, text ? text : usual, bytes) != 1)
		fail_case("not an address: %s", text);
	put(writer, bytes, ip6 ? 16 : 4);
}

/* Writes the transport header (none behind the first fragment); returns its checksum's place. */
static u32 put_transport(struct writer *writer, const struct frame *frame)
{
	u32 start = writer->length, checksum_at = 0;

	if (frame->fragment_offset)
		return 0;
	switch (protocol_of(frame)) {
	case IPPROTO_UDP:
		put16(writer, frame->sport ? frame->sport : 4000);
		put16(writer, frame->dport);
		put16(writer, (u16)(8 + payload_of(frame)));
		checksum_at = start + 6;
		put16(writer, 0);
		break;
	case IPPROTO_TCP:
		put16(writer, frame->sport ? frame->sport : 4000);
		put16(writer, frame->dport);
		put16(writer, (u16)(frame->sequence >> 16));
		put16(writer, (u16)frame->sequence);
		put(writer, NULL, 4);
		put8(writer, 5 << 4);
		put8(writer, frame->tcp_flags ? frame->tcp_flags : TCP_SYN);
		put16(writer, 1024);
		checksum_at = start + 16;
		put(writer, NULL, 4);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		put8(writer, frame->type);
		put8(writer, frame->code);
		checksum_at = start + 2;
		put(writer, NULL, 6);
		break;
	default:
		break;
	}
	return checksum_at;
}

static void put_body(struct writer *writer, const struct frame *frame, bool ip6, u32 addresses)
{
	u32 start = writer->length, checksum_at = put_transport(writer, frame);
	u32 pseudo = protocol_of(frame), length;

	put(writer, frame->data, payload_of(frame));
	length = writer->length - start;
	if (!checksum_at)
		return;
	/* The pseudo header covers the whole datagram; a fragment's sum is only right by luck. */
	pseudo = sum(writer->bytes + addresses, ip6 ? 32 : 8, pseudo + length);
	if (protocol_of(frame) == IPPROTO_ICMP)
		pseudo = 0;
	u16 value = fold(sum(writer->bytes + start, length, pseudo));

	if (!value && protocol_of(frame) == IPPROTO_UDP)
		value = 0xffff;
	store16(writer->bytes + checksum_at, frame->bad_checksum ? value ^ 0x5555 : value);
}

static void put_ip(struct writer *writer, const struct frame *frame)
{
	u32 start = writer->length, header = 20 + frame->options_length;
	u16 fragment = (u16)(frame->fragment_offset / 8 | (frame->more_fragments ? 0x2000 : 0) |
			     (frame->df ? 0x4000 : 0));
	u16 checksum;

	put8(writer, (u8)(0x40 | header / 4));
	put8(writer, 0);
	put16(writer, 0);
	put16(writer, frame->id);
	put16(writer, fragment);
	put8(writer, frame->ttl ? frame->ttl : 64);
	put8(writer, protocol_of(frame));
	put16(writer, 0);
	put_address(writer, false, frame->from, "10.77.0.2");
	put_address(writer, false, frame->to, "10.77.0.1");
	put(writer, frame->options, frame->options_length);
	put_body(writer, frame, false, start + 12);
	store16(writer->bytes + start + 2, (u16)(writer->length - start));
	checksum = fold(sum(writer->bytes + start, header, 0));
	store16(writer->bytes + start + 10, frame->bad_ip_checksum ? checksum ^ 0x5555 : checksum);
}

static void put_ip6(struct writer *writer, const struct frame *frame)
{
	u32 start = writer->length;

	put16(writer, 0x6000);
	put16(writer, 0);
	put16(writer, 0);
	put8(writer, frame->has_hop_by_hop ? 0 : protocol_of(frame));
	put8(writer, frame->ttl ? frame->ttl : 64);
	put_address(writer, true, frame->from, "fd77::2");
	put_address(writer, true, frame->to, "fd77::1");
	if (frame->has_hop_by_hop) {
		u8 header[8] = {protocol_of(frame), 0, frame->hop_by_hop_option, 4};

		put(writer, header, sizeof header);
	}
	put_body(writer, frame, true, start + 8);
	store16(writer->bytes + start + 4, (u16)(writer->length - start - 40));
}

u32 frame_build(u8 bytes[FRAME_MAX], const struct frame *frame)
{
	static const u8 host[] = {2, 0, 0, 0, 0, 1}, wire[] = {2, 0, 0, 0, 0, 2};
	struct writer writer = {bytes, 0};

	put(&writer, frame->to_mac ? frame->to_mac : host, 6);
	put(&writer, frame->from_mac ? frame->from_mac : wire, 6);
	if (frame->has_vlan) {
		put16(&writer, ETHERTYPE_VLAN);
		put16(&writer, frame->vlan);
	}
	put16(&writer, is_ip6(frame) ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	if (is_ip6(frame))
		put_ip6(&writer, frame);
	else
		put_ip(&writer, frame);
	for (u32 i = 0; i < frame->padding; i++)
		put8(&writer, 0);
	return writer.length;
}

static int open_wire(void)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET};
	int fd;

	enter(ON_WIRE);
	address.sll_ifindex = (int)if_nametoindex("wire0");
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	expect(fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof address), "wire0: %s",
	       strerror(errno));
	return fd;
}

static void send_often(const u8 *bytes, u32 length, u32 count)
{
	SL_CLEANUP(sl_close) int fd = open_wire();

	for (u32 i = 0; i < count; i++)
		expect(send(fd, bytes, length, 0) == (ssize_t)length, "cannot send: %s",
		       strerror(errno));
}

void send_many(const struct frame *frame, u32 count)
{
	u8 bytes[FRAME_MAX];

	send_often(bytes, frame_build(bytes, frame), count);
}

void send_bytes(const u8 *bytes, u32 length)
{
	send_often(bytes, length, 1);
}

void send_frame(const struct frame *frame)
{
	send_many(frame, 1);
}

/* The sender's egress pushes the tag, which veth carries beside the frame. */
void send_frame_with_hidden_tag(const struct frame *frame, u16 vlan)
{
	SL_CLEANUP(sl_close) int pusher = attach_vlan_push(ON_WIRE, "wire0", vlan);

	send_frame(frame);
}
