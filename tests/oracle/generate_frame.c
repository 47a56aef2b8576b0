// SPDX-License-Identifier: GPL-2.0-only
/*
 * A random frame starts as an ordinary packet of the small world that programs share. Then some
 * constants of the program are written where the program looks for them, one up or one down now
 * and then, and at last it may be made odd in one of the ways that parsers get wrong.
 */
#include "generate.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "ir/form.h"
#include "ir/packet.h"
#include "values.h"

struct sketch {
	struct dice dice;
	const struct sl_program *program;
	u8 *frame;
	u32 length;
	u32 transport; /* where it starts */
	bool is_ip6;
};

static void put_be16(u8 *at, u32 number)
{
	at[0] = (u8)(number >> 8);
	at[1] = (u8)number;
}

/* An ordinary packet */

static void draw_link(struct sketch *sketch)
{
	static const u8 group[][6] = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {1, 0, 0x5e, 0, 0, 1}};

	memcpy(sketch->frame, sketch->program->device.mac, 6);
	if (roll_percent(&sketch->dice, 10))
		memcpy(sketch->frame, pick(&sketch->dice, group), 6);
	memcpy(sketch->frame + 6, "\2\0\0\0\0", 5);
	sketch->frame[11] = (u8)roll_below(&sketch->dice, 4);
	put_be16(sketch->frame + 12, sketch->is_ip6 ? ETH_P_IPV6 : ETH_P_IP);
}

/* A local address, or any; NULL when the host has none of the family. */
static const u8 *random_local(struct sketch *sketch)
{
	u32 count = sketch->program->local.count;

	for (u32 i = 0, start = count ? roll_below(&sketch->dice, count) : 0; i < count; i++) {
		const struct sl_local_address *local =
			&sketch->program->local.items[(start + i) % count];

		if (local->is_ip6 == sketch->is_ip6)
			return local->bytes;
	}
	return NULL;
}

static void draw_addresses(struct sketch *sketch, u8 *saddr, u8 *daddr)
{
	u32 length = sketch->is_ip6 ? 16 : 4;
	const u8 *local = roll_percent(&sketch->dice, 60) ? random_local(sketch) : NULL;

	(sketch->is_ip6 ? random_ip6 : random_ip)(&sketch->dice, saddr);
	(sketch->is_ip6 ? random_ip6 : random_ip)(&sketch->dice, daddr);
	if (local)
		memcpy(daddr, local, length);
}

static u8 random_ttl(struct dice *dice)
{
	static const u8 ttls[] = {64, 64, 64, 255, 2, 1, 0};

	return pick(dice, ttls);
}

static void draw_network(struct sketch *sketch)
{
	u8 *ip = sketch->frame + ETH_HLEN;

	if (sketch->is_ip6) {
		ip[0] = 0x60;
		ip[6] = random_protocol(&sketch->dice);
		ip[7] = random_ttl(&sketch->dice);
		draw_addresses(sketch, ip + 8, ip + 24);
	} else {
		ip[0] = 0x45;
		ip[6] = roll_percent(&sketch->dice, 50) ? 0x40 : 0;
		ip[8] = random_ttl(&sketch->dice);
		ip[9] = random_protocol(&sketch->dice);
		draw_addresses(sketch, ip + 12, ip + 16);
	}
	sketch->transport = ETH_HLEN + (sketch->is_ip6 ? 40 : 20);
}

static u8 protocol(const struct sketch *sketch)
{
	return sketch->frame[ETH_HLEN + (sketch->is_ip6 ? 6 : 9)];
}

/* Options of the kinds that programs ask for, or nearly so; some are longer than the header. */
static u32 draw_tcp_options(struct sketch *sketch, u8 *tcp)
{
	static const u8 kinds[] = {0, 1, 1, 2, 2, 2, 3, 4, 5, 8, 8};
	static const u8 lengths[] = {0, 1, 2, 3, 4, 4, 4, 10, 40, 255};
	static const u8 usual[] = {[2] = 4, [3] = 3, [4] = 2, [5] = 10, [8] = 10};
	u32 room = 4 * roll_below(&sketch->dice, 11);

	for (u32 at = 20; at + 1 < 20 + room;) {
		u8 kind = pick(&sketch->dice, kinds);

		tcp[at] = kind;
		if (kind < 2) {
			at++;
			continue;
		}
		tcp[at + 1] = roll_percent(&sketch->dice, 85) ? usual[kind]
							      : pick(&sketch->dice, lengths);
		for (u32 i = at + 2; i < at + 10 && i < 20 + room; i++)
			tcp[i] = (u8)roll_below(&sketch->dice, 3);
		at += tcp[at + 1] ? tcp[at + 1] : 1;
	}
	tcp[12] = (u8)((20 + room) / 4 << 4);
	if (roll_percent(&sketch->dice, 10))
		tcp[12] = (u8)roll(&sketch->dice); /* too short, or longer than the packet */
	return room;
}

/* As much as the frame of an Ethernet can hold, or less. */
static u32 draw_payload(struct sketch *sketch, u8 *payload)
{
	u32 length = roll_below(&sketch->dice, 1300), seed = (u32)roll(&sketch->dice);

	for (u32 i = 0; i < length; i++)
		payload[i] = (u8)((seed = seed * 1103515245 + 12345) >> 16);
	return length;
}

static void draw_transport(struct sketch *sketch)
{
	static const u8 flags[] = {0x02, 0x12, 0x10, 0x04, 0x11, 0x29, 0};
	u32 payload = roll_below(&sketch->dice, 4) ? roll_below(&sketch->dice, 48) : 0;
	u8 *transport = sketch->frame + sketch->transport;

	put_be16(transport, random_port(&sketch->dice));
	put_be16(transport + 2, random_port(&sketch->dice));
	if (protocol(sketch) == IPPROTO_TCP) {
		transport[12] = 5 << 4;
		transport[13] = pick(&sketch->dice, flags);
		if (roll_percent(&sketch->dice, 40))
			payload += draw_tcp_options(sketch, transport);
	}
	payload += protocol(sketch) == IPPROTO_TCP ? 20 : 8;
	if (roll_percent(&sketch->dice, 10))
		payload += draw_payload(sketch, transport + payload);
	sketch->length = sketch->transport + payload;
}

/* A length of UDP's own: mostly right, perhaps shorter or longer than what IP carries. */
static void settle_udp(struct sketch *sketch)
{
	u32 length = sketch->length - sketch->transport;

	if (roll_percent(&sketch->dice, 20))
		length += roll_below(&sketch->dice, 21) - 10;
	put_be16(sketch->frame + sketch->transport + 4, length);
}

/*
 * A right checksum for most, which is wrong again if an oddity follows, or by one bit; or none, and
 * one that nobody has filled in.
 */
static void seal(struct sketch *sketch)
{
	struct sl_packet packet;

	if (protocol(sketch) == IPPROTO_UDP)
		settle_udp(sketch);
	if (roll_percent(&sketch->dice, 30) ||
	    sl_packet_parse(&sketch->program->device, sketch->frame, sketch->length, &packet))
		return;
	sl_form_seal(&packet, sketch->frame);
	if (roll_percent(&sketch->dice, 15)) {
		u32 covered = packet.ip_end - packet.transport;

		sketch->frame[packet.transport + roll_below(&sketch->dice, covered)] ^=
			(u8)(1 << roll_below(&sketch->dice, 8));
	}
}

/* Writes the lengths that the frame has; what a constant has overwritten becomes right again. */
static void settle(struct sketch *sketch)
{
	u8 *ip = sketch->frame + ETH_HLEN;

	put_be16(sketch->frame + 12, sketch->is_ip6 ? ETH_P_IPV6 : ETH_P_IP);
	if (sketch->is_ip6) {
		ip[0] = 0x60 | (ip[0] & 0xf);
		put_be16(ip + 4, sketch->length - sketch->transport);
	} else {
		ip[0] = 0x45;
		put_be16(ip + 2, sketch->length - ETH_HLEN);
		ip[6] &= 0x40;
		ip[7] = 0;
	}
}

/* The program's constants */

static const struct sl_op *random_op(struct sketch *sketch)
{
	const struct sl_program *program = sketch->program;
	const struct sl_chain *chain;
	const struct sl_rule *rule;

	if (!program->chains.count)
		return NULL;
	chain = program->chains.items[roll_below(&sketch->dice, program->chains.count)];
	if (!chain->rules.count)
		return NULL;
	rule = &chain->rules.items[roll_below(&sketch->dice, chain->rules.count)];
	if (!rule->ops.count)
		return NULL;

	const struct sl_op *op = &rule->ops.items[roll_below(&sketch->dice, rule->ops.count)];

	if (op->kind == SL_OP_ANY)
		op = &op->alternatives[roll_below(&sketch->dice, op->alternative_count)];
	return op;
}

/* A constant that the op compares its key with; NULL where it has none. */
static const u8 *random_side(struct sketch *sketch, const struct sl_op *op)
{
	bool is_end = roll_percent(&sketch->dice, 50);
	const struct sl_element *element;

	switch (op->kind) {
	case SL_OP_COMPARE:
		return op->data;
	case SL_OP_RANGE:
		return is_end ? op->data_end : op->data;
	case SL_OP_SET:
	case SL_OP_VMAP:
		if (!op->set->elements.count)
			return NULL;
		element = &op->set->elements
				   .items[roll_below(&sketch->dice, op->set->elements.count)];
		return is_end ? element->key_end : element->key;
	default:
		return NULL;
	}
}

/* Where a field lies in the frame; 0 where it is not there, or the same for all frames. */
static u32 find_place(const struct sketch *sketch, const struct sl_field *field)
{
	switch (field->base) {
	case SL_LINK:
		return field->offset >= 6 ? field->offset : 0; /* the device's MAC stays */
	case SL_NETWORK:
		return ETH_HLEN + field->offset;
	case SL_TRANSPORT:
		return sketch->transport + field->offset;
	case SL_TCP_OPTION: /* as if it were the first */
		return sketch->transport + 20 + (field->offset & 0xff);
	case SL_HAS_TCP_OPTION:
		return 0;
	default:
		if (field->offset == SL_META_L4PROTO)
			return ETH_HLEN + (sketch->is_ip6 ? 6 : 9);
		return 0;
	}
}

static void write_part(struct sketch *sketch, const struct sl_part *part, const u8 *value)
{
	u32 place = find_place(sketch, &part->field);

	if (!place || place + part->field.length > SL_RANDOM_FRAME_MAX)
		return;
	memcpy(sketch->frame + place, value + part->at, part->field.length);
	if (roll_percent(&sketch->dice, 25)) {
		u8 *last = sketch->frame + place + part->field.length - 1;

		*last = (u8)(*last + (roll_percent(&sketch->dice, 50) ? 1 : -1));
	}
}

static void write_constant(struct sketch *sketch)
{
	const struct sl_op *op = random_op(sketch);
	const u8 *value = op ? random_side(sketch, op) : NULL;

	for (u32 i = 0; value && i < op->key.part_count; i++)
		write_part(sketch, &op->key.parts[i], value);
}

/* Oddities: one function each */

typedef void oddity_fn(struct sketch *sketch);

static void truncate(struct sketch *sketch)
{
	sketch->length = roll_below(&sketch->dice, sketch->length + 1);
}

static void claim_another_length(struct sketch *sketch)
{
	u8 *low = sketch->frame + ETH_HLEN + (sketch->is_ip6 ? 5 : 3);

	*low = (u8)(*low + roll_below(&sketch->dice, 41) - 20);
}

static void insert_vlan(struct sketch *sketch)
{
	static const u16 types[] = {ETH_P_8021Q, ETH_P_8021AD};

	memmove(sketch->frame + 16, sketch->frame + 12, sketch->length - 12);
	put_be16(sketch->frame + 12, pick(&sketch->dice, types));
	put_be16(sketch->frame + 14, roll_below(&sketch->dice, 8));
	sketch->length += 4;
}

static void fragment(struct sketch *sketch)
{
	static const u16 offsets[] = {0x2000, 0x2001, 1, 185, 0x8000};

	if (!sketch->is_ip6)
		put_be16(sketch->frame + ETH_HLEN + 6, pick(&sketch->dice, offsets));
}

/* IPv4 options, or an IPv6 extension header: 8 bytes more between the headers. */
static void insert_header(struct sketch *sketch)
{
	static const u8 extensions[] = {0, 43, 44, 59, 60, 135};
	u8 *ip = sketch->frame + ETH_HLEN, *inserted = sketch->frame + sketch->transport;

	memmove(inserted + 8, inserted, sketch->length - sketch->transport);
	memset(inserted, 0, 8);
	sketch->length += 8;
	settle(sketch);
	if (sketch->is_ip6) {
		inserted[0] = ip[6];
		ip[6] = pick(&sketch->dice, extensions);
	} else {
		memset(inserted, 1, 8); /* no operation */
		ip[0] = 0x47;
	}
}

static void change_version(struct sketch *sketch)
{
	sketch->frame[ETH_HLEN] = (u8)roll(&sketch->dice);
}

static void change_mac(struct sketch *sketch)
{
	sketch->frame[5] = (u8)(sketch->frame[5] + 1);
}

static void change_ethertype(struct sketch *sketch)
{
	static const u16 types[] = {ETH_P_ARP, ETH_P_IP, ETH_P_IPV6, ETH_P_PPP_SES, 0};

	put_be16(sketch->frame + 12, pick(&sketch->dice, types));
}

static void change_protocol(struct sketch *sketch)
{
	sketch->frame[ETH_HLEN + (sketch->is_ip6 ? 6 : 9)] = (u8)roll(&sketch->dice);
}

static void send_to_special_port(struct sketch *sketch)
{
	static const u16 ports[] = {67, 68, 546, 547, 4500, 66, 69};

	sketch->frame[ETH_HLEN + (sketch->is_ip6 ? 6 : 9)] = IPPROTO_UDP;
	put_be16(sketch->frame + sketch->transport + 2, pick(&sketch->dice, ports));
}

static void flip_a_bit(struct sketch *sketch)
{
	u32 bit = roll_below(&sketch->dice, sketch->length * 8);

	sketch->frame[bit / 8] ^= (u8)(1 << bit % 8);
}

static oddity_fn *const oddities[] = {
	truncate,        claim_another_length, insert_vlan, fragment,
	insert_header,   change_version,       change_mac,  change_ethertype,
	change_protocol, send_to_special_port, flip_a_bit,
};

/* Not zero, so that a stage which reads it where it must not is found out. */
static void pad(struct sketch *sketch)
{
	for (u32 i = roll_below(&sketch->dice, 40); i > 0; i--)
		sketch->frame[sketch->length++] = (u8)roll_below(&sketch->dice, 3);
}

u32 sl_random_frame(u64 seed, const struct sl_program *program, u8 *frame)
{
	struct sketch sketch = {.dice = {seed}, .program = program, .frame = frame};

	memset(frame, 0, SL_RANDOM_FRAME_MAX);
	sketch.is_ip6 = roll_percent(&sketch.dice, 40);
	draw_link(&sketch);
	draw_network(&sketch);
	draw_transport(&sketch);
	for (u32 i = roll_below(&sketch.dice, 5); i > 0; i--)
		write_constant(&sketch);
	settle(&sketch);
	seal(&sketch);
	if (roll_percent(&sketch.dice, 30))
		pad(&sketch);
	if (roll_percent(&sketch.dice, 15))
		pick(&sketch.dice, oddities)(&sketch);
	return sketch.length;
}
