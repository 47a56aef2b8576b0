// SPDX-License-Identifier: GPL-2.0-only
#include "values.h"

#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <string.h>

void random_ip(struct dice *dice, u8 *ret_bytes)
{
	static const u8 nets[][4] = {
		{10, 0, 0, 0},  {10, 0, 0, 0},        {10, 0, 1, 0},  {192, 168, 0, 0},
		{224, 0, 0, 0}, {255, 255, 255, 248}, {127, 0, 0, 0},
	};

	memcpy(ret_bytes, pick(dice, nets), 4);
	ret_bytes[3] |= (u8)roll_below(dice, 8);
}

void random_ip6(struct dice *dice, u8 *ret_bytes)
{
	static const u8 starts[][2] = {{0xfd, 0}, {0xfd, 0}, {0xfe, 0x80}, {0x20, 1}, {0xff, 2}};

	memset(ret_bytes, 0, 16);
	memcpy(ret_bytes, pick(dice, starts), 2);
	ret_bytes[15] = (u8)roll_below(dice, 8);
}

u16 random_port(struct dice *dice)
{
	static const u16 ports[] = {0, 22, 53, 80, 443, 1000, 1001, 1002, 1003, 4499, 65535};

	return pick(dice, ports);
}

u8 random_protocol(struct dice *dice)
{
	static const u8 protocols[] = {6, 6, 6, 17, 17, 17, 1, 58, 132, 47};

	return pick(dice, protocols);
}

static u32 random_meta_number(struct dice *dice, const struct sl_program *program, u16 meta)
{
	static const u8 nfprotos[] = {NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_NETDEV};
	static const u8 packet_types[] = {PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST};
	static const u8 address_types[] = {RTN_UNICAST, RTN_LOCAL, RTN_BROADCAST, RTN_MULTICAST};
	static const u8 lengths[] = {28, 40, 48, 60, 80};

	switch (meta) {
	case SL_META_NFPROTO:
		return pick(dice, nfprotos);
	case SL_META_L4PROTO:
		return random_protocol(dice);
	case SL_META_IIF:
		return program->device.ifindex + roll_below(dice, 2);
	case SL_META_IIFTYPE:
		return program->device.type + roll_below(dice, 2);
	case SL_META_IIFGROUP:
		return program->device.group + roll_below(dice, 2);
	case SL_META_WAY_BACK_IF:
		return roll_below(dice, 4) ? program->device.ifindex * roll_below(dice, 2) : 7;
	case SL_META_LENGTH:
		return pick(dice, lengths);
	case SL_META_PKTTYPE:
		return pick(dice, packet_types);
	case SL_META_DADDR_TYPE:
		return pick(dice, address_types);
	default:
		return roll_below(dice, 2);
	}
}

static void random_meta(struct dice *dice, const struct sl_program *program,
			const struct sl_field *field, u8 *ret_bytes)
{
	u32 number;

	if (field->offset == SL_META_IIFNAME) {
		memcpy(ret_bytes, program->device.name, field->length);
		ret_bytes[2] ^= roll_percent(dice, 30);
		return;
	}
	if (field->offset == SL_META_PROTOCOL) {
		memcpy(ret_bytes, roll_percent(dice, 50) ? "\x08\x00" : "\x86\xdd", field->length);
		return;
	}
	number = random_meta_number(dice, program, field->offset);
	if (field->length == 1)
		ret_bytes[0] = (u8)number;
	else if (field->length == 2)
		memcpy(ret_bytes, &(u16){(u16)number}, 2);
	else
		memcpy(ret_bytes, &number, 4);
}

static void random_bytes(struct dice *dice, u32 length, u8 *ret_bytes)
{
	static const u8 usual[] = {0, 0, 0, 1, 2, 10, 22, 0x40, 0x45, 0x60, 0xff};

	for (u32 i = 0; i < length; i++)
		ret_bytes[i] = pick(dice, usual);
}

void random_value(struct dice *dice, const struct sl_program *program, const struct sl_field *field,
		  u8 *ret_bytes)
{
	bool is_network = field->base == SL_NETWORK;

	if (field->base == SL_META) {
		random_meta(dice, program, field, ret_bytes);
	} else if (field->base == SL_LINK && field->length == 6) {
		memcpy(ret_bytes, program->device.mac, 6);
		ret_bytes[5] ^= (u8)roll_below(dice, 3);
	} else if (is_network && field->length == 4 &&
		   (field->offset == 12 || field->offset == 16)) {
		random_ip(dice, ret_bytes);
	} else if (is_network && field->length == 16) {
		random_ip6(dice, ret_bytes);
	} else if (field->base == SL_TRANSPORT && field->length == 2 && field->offset < 4) {
		u16 port = random_port(dice);

		ret_bytes[0] = (u8)(port >> 8);
		ret_bytes[1] = (u8)port;
	} else {
		random_bytes(dice, field->length, ret_bytes);
	}
}
