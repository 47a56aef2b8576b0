/* SPDX-License-Identifier: GPL-2.0-only */
#include "script.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>

#include "pools.h"

#define CLIENT_SEQ 0x10000000
#define OPEN_MAX   6 /* conversations that are going on at the same time */

/* One conversation's acts; they stay in order when conversations are interleaved. */
struct conversation {
	SL_LIST(struct sl_act) acts;
	u32 done;
};

struct author {
	struct sl_arena *arena;
	struct sl_random random;
	u16 next_port;
	struct conversation *current;
	bool out_of_memory;
};

static struct sl_address draw_address(struct author *author, bool is_ip6, enum sl_pool pool)
{
	const struct sl_pool_texts *texts = &sl_pool_addresses[is_ip6][pool];

	return sl_address_from(texts->texts[sl_random_below(&author->random, texts->count)]);
}

/* Mostly the dut itself, often somebody behind it, sometimes an address that means trouble. */
static struct sl_address draw_target(struct author *author, bool is_ip6)
{
	u32 dice = sl_random_below(&author->random, 100);

	return draw_address(author, is_ip6,
			    dice < 55   ? SL_POOL_DUT
			    : dice < 88 ? SL_POOL_BACK
			    : dice < 94 ? SL_POOL_PEER
					: SL_POOL_ODD);
}

static u16 draw_port(struct author *author)
{
	return sl_pool_ports[sl_random_below(&author->random, sl_pool_port_count)];
}

static u16 new_flow_port(struct author *author)
{
	u16 port = author->next_port++;

	if (author->next_port > SL_FLOW_PORT_LAST)
		author->next_port = SL_FLOW_PORT_FIRST;
	return port;
}

static struct sl_act *add_act(struct author *author, enum sl_act_kind kind, const char *what)
{
	struct sl_act *act = sl_list_push(author->arena, &author->current->acts);
	static struct sl_act nowhere;

	if (!act) {
		author->out_of_memory = true;
		act = &nowhere;
	}
	*act = (struct sl_act){.kind = kind, .what = what};
	return act;
}

static struct sl_act *add_frame(struct author *author, enum sl_act_kind kind, const char *what,
				const struct sl_frame *frame)
{
	struct sl_act *act = add_act(author, kind, what);

	act->bytes = sl_arena_copy(author->arena, frame->bytes, frame->length);
	act->length = frame->length;
	if (!act->bytes)
		author->out_of_memory = true;
	return act;
}

/* One in twenty frames of a conversation goes wrong on the way. */
static struct sl_act *add_plan(struct author *author, enum sl_act_kind kind, const char *what,
			       const struct sl_frame_plan *plan)
{
	struct sl_frame frame;

	sl_frame_build(plan, &frame);
	if (sl_random_chance(&author->random, 5))
		what = sl_arena_printf(author->arena, "%s, %s", what,
				       sl_frame_spoil(&frame, &author->random));
	return add_frame(author, kind, what, &frame);
}

static struct sl_frame_plan plan_from(struct author *author, enum sl_act_kind side, bool is_ip6)
{
	bool from_peer = side == SL_ACT_PEER_SENDS;
	struct sl_frame_plan plan = {
		.source_mac = from_peer ? sl_mac_peer : sl_mac_back,
		.destination_mac = from_peer ? sl_mac_in : sl_mac_out,
		.source = draw_address(author, is_ip6, from_peer ? SL_POOL_PEER : SL_POOL_BACK),
		.hops = sl_random_chance(&author->random, 92)
				? 64
				: (u8)(1 + sl_random_below(&author->random, 2)),
		.id = (u16)sl_random_below(&author->random, 65536),
		.dont_fragment = sl_random_chance(&author->random, 60),
	};

	plan.destination = from_peer ? draw_target(author, is_ip6)
				     : draw_address(author, is_ip6, SL_POOL_PEER);
	if (!from_peer && sl_random_chance(&author->random, 20))
		plan.destination = draw_address(author, is_ip6, SL_POOL_DUT);
	return plan;
}

/* Payloads of all sizes up to what makes the frame full. */
static void draw_payload(struct author *author, struct sl_frame_plan *plan, u8 *buffer, u32 size)
{
	u32 length = sl_random_chance(&author->random, 85) ? sl_random_below(&author->random, 64)
							   : sl_random_below(&author->random, size);

	for (u32 i = 0; i < length; i++)
		buffer[i] = (u8)('a' + i % 26);
	plan->payload = buffer;
	plan->payload_length = length;
}

static u8 icmp_of(bool is_ip6)
{
	return is_ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
}

/* Type and code of the errors, IPv4 and IPv6; the rest is an MTU, a pointer or a gateway. */
static const struct {
	u8 type, code;
	u32 rest;
} errors4[] = {{3, 1, 0},  {3, 3, 0},  {3, 4, 1300},       {3, 13, 0},
	       {11, 0, 0}, {12, 0, 0}, {5, 1, 0x0a4d0103}, {4, 0, 0}},
  errors6[] = {{1, 0, 0}, {1, 4, 0}, {2, 0, 1280}, {3, 0, 0}, {4, 1, 6}};

/*
 * An ICMP error, from where `plan` comes from, about a packet that went the other way: the quote
 * names a real connection if there is one.
 */
static void add_error_about(struct author *author, enum sl_act_kind side,
			    const struct sl_frame_plan *plan, const char *what)
{
	struct sl_frame_plan quoted = sl_frame_plan_reverse(plan), error = *plan;
	bool is_ip6 = plan->source.is_ip6;
	struct sl_frame inner;

	sl_frame_build(&quoted, &inner);
	u32 length = inner.length - ETH_HLEN, least = (is_ip6 ? 40 : 20) + 8;
	if (sl_random_chance(&author->random, 50) && length > least)
		length = least;
	error.protocol = icmp_of(is_ip6);
	error.extra_length = 0;
	error.payload = inner.bytes + ETH_HLEN;
	error.payload_length = length;
	if (is_ip6) {
		u32 i = sl_random_below(&author->random, SL_ARRAY_SIZE(errors6));
		error.icmp_type = errors6[i].type;
		error.icmp_code = errors6[i].code;
		error.icmp_rest = errors6[i].rest;
	} else {
		u32 i = sl_random_below(&author->random, SL_ARRAY_SIZE(errors4));
		error.icmp_type = errors4[i].type;
		error.icmp_code = errors4[i].code;
		error.icmp_rest = errors4[i].rest;
	}
	if (sl_random_chance(&author->random, 40)) /* a router on the way says it */
		error.source = draw_address(author, is_ip6, SL_POOL_PEER);
	add_plan(author, side, what, &error);
}

/* Has the frame's ack field filled in when it is sent, if it still has one. */
static void want_ack(struct sl_act *act, u16 port)
{
	struct sl_layout layout;
	u16 type = act->bytes && act->length >= ETH_HLEN ? sl_get16(act->bytes + 12) : 0;

	if ((type != ETHERTYPE_IP && type != ETHERTYPE_IPV6) ||
	    !sl_layout_read(act->bytes, act->length, ETH_HLEN, &layout))
		return;
	if (layout.protocol != IPPROTO_TCP || layout.is_fragment ||
	    layout.transport + 20 > layout.end ||
	    sl_get16(act->bytes + layout.transport) != port) /* spoilt: not where it seems */
		return;
	act->patch = (struct sl_patch){true, port, layout.transport + 8, layout.transport + 16};
}

static void say_tcp(struct author *author, enum sl_act_kind side, struct sl_frame_plan *plan,
		    const char *what, u8 flags, const char *payload)
{
	plan->tcp_flags = flags;
	plan->payload = (const u8 *)payload;
	plan->payload_length = (u32)strlen(payload);
	struct sl_act *act = add_plan(author, side, what, plan);
	if (flags & SL_TCP_ACK)
		want_ack(act, plan->source_port);
	plan->seq += plan->payload_length + !!(flags & SL_TCP_SYN) + !!(flags & SL_TCP_FIN);
}

/* Right ones, and some that are not. */
static void draw_tcp_options(struct author *author, struct sl_frame_plan *plan)
{
	static const u8 options[][12] = {
		{2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7, 0, 0}, {2, 4, 1, 0x2c, 1, 1, 1, 1, 1, 1, 4, 2},
		{1, 1, 1, 2, 4, 1, 0xf4, 3, 3, 9, 0, 0}, {2, 3, 0, 2, 4, 1, 0, 0, 0, 0, 0, 0},
		{4, 0, 2, 4, 5, 0xb4, 1, 1, 1, 1, 1, 2}, {3, 3, 7, 2, 13, 1, 0, 0, 0, 0, 0, 0},
		{8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 4, 2},   {0, 0, 2, 4, 0, 100, 4, 3, 3, 3, 1, 4},
	};

	if (!sl_random_chance(&author->random, 50))
		return;
	plan->tcp_options = options[sl_random_below(&author->random, SL_ARRAY_SIZE(options))];
	plan->tcp_options_length = 12;
}

/* A connection by hand: now and then a step is left out, repeated, or broken off. */
static void converse_tcp(struct author *author, enum sl_act_kind side, bool is_ip6)
{
	struct sl_frame_plan plan = plan_from(author, side, is_ip6);
	struct sl_random *random = &author->random;

	plan.protocol = IPPROTO_TCP;
	plan.hops = 64;
	plan.source_port = new_flow_port(author);
	plan.destination_port = draw_port(author);
	plan.seq = CLIENT_SEQ + sl_random_below(random, 1 << 20);
	draw_tcp_options(author, &plan);
	say_tcp(author, side, &plan, "SYN", SL_TCP_SYN, "");
	if (sl_random_chance(random, 8)) {
		plan.seq--;
		say_tcp(author, side, &plan, "SYN again", SL_TCP_SYN, "");
	}
	plan.tcp_options_length = 0;
	if (sl_random_chance(random, 92))
		say_tcp(author, side, &plan, "handshake's ACK", SL_TCP_ACK, "");
	if (sl_random_chance(random, 85))
		say_tcp(author, side, &plan, "data", SL_TCP_ACK | SL_TCP_PSH, "question");
	if (sl_random_chance(random, 20))
		add_error_about(author, side, &plan, "ICMP error about the connection");
	if (sl_random_chance(random, 40))
		say_tcp(author, side, &plan, "more data", SL_TCP_ACK, "another question");
	if (sl_random_chance(random, 10)) {
		plan.seq += 100000;
		say_tcp(author, side, &plan, "data far out of the window", SL_TCP_ACK, "lost");
		plan.seq -= 100004;
	}
	if (sl_random_chance(random, 20)) {
		say_tcp(author, side, &plan, "RST", SL_TCP_RST, "");
	} else {
		say_tcp(author, side, &plan, "FIN", SL_TCP_FIN | SL_TCP_ACK, "");
		say_tcp(author, side, &plan, "last ACK", SL_TCP_ACK, "");
	}
	if (sl_random_chance(random, 10))
		say_tcp(author, side, &plan, "ACK after the end", SL_TCP_ACK, "late");
}

static void converse_udp(struct author *author, enum sl_act_kind side, bool is_ip6)
{
	struct sl_frame_plan plan = plan_from(author, side, is_ip6);
	u32 count = 1 + sl_random_below(&author->random, 3);
	u8 payload[1472];

	plan.protocol = IPPROTO_UDP;
	plan.source_port =
		sl_random_chance(&author->random, 85) ? new_flow_port(author) : draw_port(author);
	plan.destination_port = draw_port(author);
	for (u32 i = 0; i < count; i++) {
		draw_payload(author, &plan, payload, sizeof payload);
		add_plan(author, side, "UDP", &plan);
	}
	if (sl_random_chance(&author->random, 25))
		add_error_about(author, side, &plan, "ICMP error about the datagram's answer");
}

static void converse_ping(struct author *author, enum sl_act_kind side, bool is_ip6)
{
	struct sl_frame_plan plan = plan_from(author, side, is_ip6);
	u8 payload[1472];

	plan.protocol = icmp_of(is_ip6);
	plan.icmp_type = is_ip6 ? 128 : 8;
	plan.icmp_rest = (u32)new_flow_port(author) << 16 | 1;
	draw_payload(author, &plan, payload, sizeof payload);
	add_plan(author, side, "echo request", &plan);
	if (sl_random_chance(&author->random, 50)) {
		plan.icmp_rest++;
		add_plan(author, side, "second echo request", &plan);
	}
	if (sl_random_chance(&author->random, 20)) {
		plan.icmp_type = is_ip6 ? 129 : 0;
		add_plan(author, side, "echo reply that nobody asked for", &plan);
	}
}

/* The dut calls somebody at its side; the responder there answers, and the script meddles. */
static void converse_from_dut(struct author *author, enum sl_act_kind side, bool is_ip6)
{
	static const enum sl_client_kind kinds[] = {SL_CLIENT_TCP, SL_CLIENT_UDP, SL_CLIENT_PING};
	struct sl_frame_plan plan = plan_from(author, side, is_ip6);
	struct sl_act *act = add_act(author, SL_ACT_DUT_CALLS, "the dut calls");
	u16 service = draw_port(author);

	/* Bound to the first address of its side, which always exists. */
	plan.destination = sl_address_from(side == SL_ACT_PEER_SENDS
						   ? (is_ip6 ? "fd00:77:1::1" : "10.77.1.1")
						   : (is_ip6 ? "fd00:77:2::1" : "10.77.2.1"));
	plan.destination_port = new_flow_port(author);
	plan.source_port = service;
	act->client = sl_random_pick(&author->random, kinds);
	act->from = (struct sl_endpoint){plan.destination, plan.destination_port};
	act->to = (struct sl_endpoint){plan.source, plan.source_port};
	plan.protocol = act->client == SL_CLIENT_TCP ? IPPROTO_TCP : IPPROTO_UDP;
	if (act->client == SL_CLIENT_PING) {
		plan.protocol = icmp_of(is_ip6);
		plan.icmp_type = is_ip6 ? 129 : 0;
		plan.icmp_rest = (u32)plan.destination_port << 16 | 1;
	}
	if (act->client == SL_CLIENT_UDP && sl_random_chance(&author->random, 50))
		add_plan(author, side, "another datagram to the dut's client", &plan);
	if (sl_random_chance(&author->random, 30))
		add_error_about(author, side, &plan, "ICMP error about the dut's own packet");
	if (act->client == SL_CLIENT_TCP && sl_random_chance(&author->random, 20)) {
		plan.seq = 0x50000004;
		say_tcp(author, side, &plan, "RST to the dut's client", SL_TCP_RST, "");
	}
}

/* A datagram in pieces, in any order, sometimes overlapping, sometimes never complete. */
static void converse_fragments(struct author *author, enum sl_act_kind side, bool is_ip6)
{
	struct sl_frame_plan plan = plan_from(author, side, is_ip6);
	struct sl_random *random = &author->random;
	struct sl_frame whole, pieces[8];
	u8 payload[300];
	u32 count = 0, id = 1 + sl_random_below(random, 60000);

	for (u32 i = 0; i < sizeof payload; i++)
		payload[i] = (u8)('A' + i % 26);
	plan.protocol = sl_random_chance(random, 60) ? IPPROTO_UDP : icmp_of(is_ip6);
	if (sl_random_chance(random, 15))
		plan.protocol = IPPROTO_TCP;
	plan.icmp_type = is_ip6 ? 128 : 8;
	plan.tcp_flags = SL_TCP_SYN;
	plan.source_port = new_flow_port(author);
	plan.icmp_rest = (u32)plan.source_port << 16;
	plan.destination_port = draw_port(author);
	plan.payload = payload;
	plan.payload_length = 60 + sl_random_below(random, sizeof payload - 60);
	sl_frame_build(&plan, &whole);
	u32 total = whole.length - ETH_HLEN - (is_ip6 ? 40 : 20);
	for (u32 from = 0; from < total && count < SL_ARRAY_SIZE(pieces); count++) {
		u32 to = from + 8 * (1 + sl_random_below(random, 12));

		sl_frame_fragment(&whole, from, to, id, &pieces[count]);
		from = sl_random_chance(random, 6) && to >= 16 ? to - 8 : to;
	}
	for (u32 i = count; i > 1 && sl_random_chance(random, 60); i--) {
		u32 j = sl_random_below(random, i);
		struct sl_frame swapped = pieces[j];

		pieces[j] = pieces[i - 1];
		pieces[i - 1] = swapped;
	}
	for (u32 i = 0; i < count; i++)
		if (!sl_random_chance(random, 5))
			add_frame(author, side, "fragment", &pieces[i]);
}

/* Options and extension headers, whole and padded. */
static const struct {
	const char *what;
	u8 bytes[16];
	u32 length;
} options4[] = {
	{"router alert", {0x94, 4, 0, 0}, 4},
	{"timestamp", {0x44, 8, 5, 0, 0, 0, 0, 0}, 8},
	{"timestamp that is full", {0x44, 8, 9, 0, 0, 0, 0, 0}, 8},
	{"record route", {7, 7, 4, 0, 0, 0, 0, 0}, 8},
	{"loose source route", {0x83, 7, 4, 10, 77, 2, 2, 0}, 8},
	{"strict source route", {0x89, 7, 4, 10, 77, 2, 2, 0}, 8},
	{"source route that has ended", {0x83, 7, 8, 10, 77, 2, 2, 0}, 8},
	{"no-ops", {1, 1, 1, 0}, 4},
	{"option with a wrong length", {0x44, 40, 5, 0}, 4},
	{"unknown option", {0x9e, 4, 1, 2}, 4},
	{"CIPSO", {0x86, 4, 0, 0}, 4},
};
static const struct {
	const char *what;
	u8 kind; /* of the header */
	u8 bytes[16];
	u32 length;
} extensions6[] = {
	{"hop-by-hop padding", IPPROTO_HOPOPTS, {0, 0, 1, 4, 0, 0, 0, 0}, 8},
	{"hop-by-hop router alert", IPPROTO_HOPOPTS, {0, 0, 5, 2, 0, 0, 1, 0}, 8},
	{"hop-by-hop unknown, skip", IPPROTO_HOPOPTS, {0, 0, 0x1e, 4, 0, 0, 0, 0}, 8},
	{"hop-by-hop unknown, discard", IPPROTO_HOPOPTS, {0, 0, 0x5e, 4, 0, 0, 0, 0}, 8},
	{"hop-by-hop unknown, send an error", IPPROTO_HOPOPTS, {0, 0, 0x9e, 4, 0, 0, 0, 0}, 8},
	{"hop-by-hop unknown, error if unicast", IPPROTO_HOPOPTS, {0, 0, 0xde, 4, 0, 0, 0, 0}, 8},
	{"destination options", IPPROTO_DSTOPTS, {0, 0, 1, 4, 0, 0, 0, 0}, 8},
	{"destination unknown, send an error", IPPROTO_DSTOPTS, {0, 0, 0x9e, 4, 0, 0, 0, 0}, 8},
	{"routing header type 0", IPPROTO_ROUTING, {0, 0, 0, 0, 0, 0, 0, 0}, 8},
	{"routing header type 0, one left", IPPROTO_ROUTING, {0, 0, 0, 1, 0, 0, 0, 0}, 8},
	{"routing header type 9, one left", IPPROTO_ROUTING, {0, 0, 9, 1, 0, 0, 0, 0}, 8},
	{"atomic fragment", IPPROTO_FRAGMENT, {0, 0, 0, 0, 0, 0, 0, 7}, 8},
	{"two headers",
	 IPPROTO_HOPOPTS,
	 {IPPROTO_DSTOPTS, 0, 1, 4, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0},
	 16},
};

static void converse_options(struct author *author, enum sl_act_kind side, bool is_ip6)
{
	struct sl_frame_plan plan = plan_from(author, side, is_ip6);
	u32 i = sl_random_below(&author->random,
				is_ip6 ? SL_ARRAY_SIZE(extensions6) : SL_ARRAY_SIZE(options4));
	static const u8 protocols[] = {IPPROTO_UDP, IPPROTO_UDP, IPPROTO_TCP};
	u8 extra[16];

	plan.protocol = sl_random_chance(&author->random, 25)
				? icmp_of(is_ip6)
				: sl_random_pick(&author->random, protocols);
	plan.icmp_type = is_ip6 ? 128 : 8;
	plan.tcp_flags = SL_TCP_SYN;
	plan.source_port = new_flow_port(author);
	plan.icmp_rest = (u32)plan.source_port << 16;
	plan.destination_port = draw_port(author);
	memcpy(extra, is_ip6 ? extensions6[i].bytes : options4[i].bytes, sizeof extra);
	plan.extra = extra;
	plan.extra_length = is_ip6 ? extensions6[i].length : options4[i].length;
	if (is_ip6) {
		plan.extra_kind = extensions6[i].kind;
		extra[plan.extra_length - 8] = plan.protocol;
	}
	add_plan(author, side, is_ip6 ? extensions6[i].what : options4[i].what, &plan);
}

static void converse_protocols(struct author *author, enum sl_act_kind side, bool is_ip6)
{
	static const u8 protocols[] = {
		IPPROTO_GRE,  IPPROTO_SCTP,    253, 254, IPPROTO_ESP, IPPROTO_AH, IPPROTO_IPIP,
		IPPROTO_IPV6, IPPROTO_UDPLITE, 33,  0,   255,         59,         IPPROTO_IGMP};
	struct sl_frame_plan plan = plan_from(author, side, is_ip6);
	u8 payload[64] = {0x4e, 0x20, 0, 80, 0, 0, 0, 1};

	plan.protocol = sl_random_pick(&author->random, protocols);
	plan.payload = payload;
	plan.payload_length = sl_random_below(&author->random, sizeof payload);
	add_plan(author, side, "another protocol", &plan);
}

/* One packet of any kind, spoilt in one way or two. */
static void converse_spoilt(struct author *author, enum sl_act_kind side, bool is_ip6)
{
	static const u8 protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDP};
	struct sl_frame_plan plan = plan_from(author, side, is_ip6);
	struct sl_frame frame;
	u8 payload[1472];

	plan.protocol = sl_random_chance(&author->random, 20)
				? icmp_of(is_ip6)
				: sl_random_pick(&author->random, protocols);
	plan.icmp_type = is_ip6 ? 128 : 8;
	plan.tcp_flags = sl_random_chance(&author->random, 60)
				 ? SL_TCP_SYN
				 : (u8)sl_random_below(&author->random, 64);
	plan.source_port = new_flow_port(author);
	plan.icmp_rest = (u32)plan.source_port << 16;
	plan.destination_port = draw_port(author);
	draw_payload(author, &plan, payload, sizeof payload);
	sl_frame_build(&plan, &frame);
	const char *what = sl_frame_spoil(&frame, &author->random);
	if (sl_random_chance(&author->random, 25))
		what = sl_arena_printf(author->arena, "%s, %s", what,
				       sl_frame_spoil(&frame, &author->random));
	add_frame(author, side, what, &frame);
}

/* Errors that quote what never was, and every other ICMP type. */
static void converse_icmp(struct author *author, enum sl_act_kind side, bool is_ip6)
{
	static const u8 types4[] = {13, 17, 9, 10, 15, 18, 0, 42}, types6[] = {129, 1, 3, 127, 200};
	struct sl_frame_plan plan = plan_from(author, side, is_ip6);

	plan.protocol = IPPROTO_UDP;
	plan.source_port = draw_port(author);
	plan.destination_port = new_flow_port(author);
	if (sl_random_chance(&author->random, 50)) {
		add_error_about(author, side, &plan, "ICMP error about nothing");
		return;
	}
	plan.protocol = icmp_of(is_ip6);
	plan.icmp_type = is_ip6 ? sl_random_pick(&author->random, types6)
				: sl_random_pick(&author->random, types4);
	plan.payload = (const u8 *)"twelve bytes";
	plan.payload_length = 12;
	add_plan(author, side, "another ICMP type", &plan);
}

/* Addresses that no honest sender has. */
static void converse_martians(struct author *author, enum sl_act_kind side, bool is_ip6)
{
	struct sl_frame_plan plan = plan_from(author, side, is_ip6);

	if (sl_random_chance(&author->random, 60))
		plan.source = draw_address(author, is_ip6, SL_POOL_ODD);
	else
		plan.source = draw_address(author, is_ip6, SL_POOL_BACK);
	if (sl_random_chance(&author->random, 30))
		plan.destination = draw_address(author, is_ip6, SL_POOL_ODD);
	plan.protocol = IPPROTO_UDP;
	plan.source_port = new_flow_port(author);
	plan.destination_port = draw_port(author);
	plan.payload = (const u8 *)"martian";
	plan.payload_length = 7;
	add_plan(author, side, "odd source", &plan);
}

/* Broadcast and multicast as they should look, group MAC and all. */
static void converse_groups(struct author *author, enum sl_act_kind side, bool is_ip6)
{
	static const char *const groups4[] = {"255.255.255.255", "10.77.1.255", "224.0.0.251",
					      "224.0.0.1", "239.1.1.1"};
	static const char *const groups6[] = {"ff02::fb", "ff02::1", "ff05::2"};
	static const u16 ports[] = {5353, 67, 68, 546, 547, 9000};
	struct sl_frame_plan plan = plan_from(author, side, is_ip6);
	u8 mac[6] = {0x33, 0x33, 0, 0, 0, 1};

	plan.destination = sl_address_from(is_ip6 ? sl_random_pick(&author->random, groups6)
						  : sl_random_pick(&author->random, groups4));
	if (is_ip6) {
		memcpy(mac + 2, plan.destination.bytes + 12, 4);
	} else if (plan.destination.bytes[0] >= 224 && plan.destination.bytes[0] < 240) {
		memcpy(mac, (u8[]){1, 0, 0x5e}, 3);
		memcpy(mac + 3, plan.destination.bytes + 1, 3);
		mac[3] &= 0x7f;
	} else {
		memcpy(mac, sl_mac_broadcast, 6);
	}
	plan.destination_mac = mac;
	plan.protocol = sl_random_chance(&author->random, 80) ? IPPROTO_UDP : icmp_of(is_ip6);
	plan.icmp_type = is_ip6 ? 128 : 8;
	plan.source_port = new_flow_port(author);
	plan.icmp_rest = (u32)plan.source_port << 16;
	plan.destination_port = sl_random_pick(&author->random, ports);
	if (plan.destination_port == 68 && sl_random_chance(&author->random, 50))
		plan.source = sl_address_from(is_ip6 ? "fe80::2" : "0.0.0.0");
	plan.payload = (const u8 *)"to all";
	plan.payload_length = 6;
	add_plan(author, side, "to a group", &plan);
}

/* Full frames that may not fit through out0, DF or not. */
static void converse_large(struct author *author, enum sl_act_kind side, bool is_ip6)
{
	struct sl_frame_plan plan = plan_from(author, SL_ACT_PEER_SENDS, is_ip6);
	u8 payload[1472];

	(void)side;
	memset(payload, 'L', sizeof payload);
	plan.destination = draw_address(author, is_ip6, SL_POOL_BACK);
	plan.protocol = IPPROTO_UDP;
	plan.source_port = new_flow_port(author);
	plan.destination_port = draw_port(author);
	plan.payload = payload;
	plan.payload_length = 1200 + sl_random_below(&author->random, 250);
	add_plan(author, SL_ACT_PEER_SENDS, "large", &plan);
}

static void converse_arp(struct author *author, enum sl_act_kind side, bool is_ip6)
{
	static const u8 arp[] = {0, 1, 8, 0, 6, 4, 0, 1};
	struct sl_address from = draw_address(author, false, SL_POOL_PEER);
	struct sl_address to = draw_address(author, false, SL_POOL_DUT);
	struct sl_frame frame = {.length = 42};

	(void)is_ip6;
	if (side == SL_ACT_BACK_SENDS)
		from = draw_address(author, false, SL_POOL_BACK);
	memcpy(frame.bytes, sl_mac_broadcast, 6);
	memcpy(frame.bytes + 6, side == SL_ACT_BACK_SENDS ? sl_mac_back : sl_mac_peer, 6);
	sl_put16(frame.bytes + 12, ETHERTYPE_ARP);
	memcpy(frame.bytes + 14, arp, sizeof arp);
	memcpy(frame.bytes + 22, frame.bytes + 6, 6);
	memcpy(frame.bytes + 28, from.bytes, 4);
	memcpy(frame.bytes + 38, to.bytes, 4);
	add_frame(author, side, "ARP request", &frame);
}

static const struct {
	u32 weight;
	void (*converse)(struct author *author, enum sl_act_kind side, bool is_ip6);
} conversations[] = {
	{14, converse_tcp},      {16, converse_udp},      {6, converse_ping},
	{8, converse_from_dut},  {5, converse_fragments}, {6, converse_options},
	{6, converse_protocols}, {24, converse_spoilt},   {5, converse_icmp},
	{5, converse_martians},  {5, converse_groups},    {3, converse_large},
	{1, converse_arp},
};

static void write_conversation(struct author *author)
{
	enum sl_act_kind side =
		sl_random_chance(&author->random, 85) ? SL_ACT_PEER_SENDS : SL_ACT_BACK_SENDS;
	bool is_ip6 = sl_random_chance(&author->random, 38);
	u32 total = 0, i = 0;

	for (u32 j = 0; j < SL_ARRAY_SIZE(conversations); j++)
		total += conversations[j].weight;
	for (u32 dice = sl_random_below(&author->random, total); dice >= conversations[i].weight;
	     i++)
		dice -= conversations[i].weight;
	conversations[i].converse(author, side, is_ip6);
}

/* Deals the conversations' acts out, a few conversations at a time. */
static bool interleave(struct author *author, struct conversation *all, u32 count,
		       struct sl_script *script)
{
	u32 first = 0;

	while (first < count) {
		u32 open = count - first < OPEN_MAX ? count - first : OPEN_MAX;
		struct conversation *one = &all[first + sl_random_below(&author->random, open)];

		if (one->done < one->acts.count) {
			struct sl_act *act = sl_list_push(author->arena, &script->acts);

			if (!act)
				return false;
			*act = one->acts.items[one->done++];
		}
		while (first < count && all[first].done == all[first].acts.count)
			first++;
	}
	return true;
}

struct sl_script *sl_script_draw(struct sl_arena *arena, u64 seed, u32 length)
{
	struct author author = {.arena = arena, .random = {seed}, .next_port = SL_FLOW_PORT_FIRST};
	struct sl_script *script = sl_arena_alloc(arena, sizeof *script);
	SL_LIST(struct conversation) all = {0};
	u32 acts = 0;

	while (script && acts < length) {
		author.current = sl_list_push(arena, &all);
		if (!author.current)
			return NULL;
		write_conversation(&author);
		acts += author.current->acts.count;
	}
	if (!script || author.out_of_memory || !interleave(&author, all.items, all.count, script))
		return NULL;
	if (script->acts.count > length)
		script->acts.count = length;
	return script;
}

bool sl_script_changes(const struct sl_script *script)
{
	for (u32 i = 0; i < script->acts.count; i++)
		if (script->acts.items[i].kind == SL_ACT_DUT_CHANGES)
			return true;
	return false;
}

static void describe_call(const struct sl_act *act, char *ret_text, size_t size)
{
	static const char *const names[] = {"TCP", "UDP", "ping"};
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	int family = act->from.address.is_ip6 ? AF_INET6 : AF_INET;

	inet_ntop(family, act->from.address.bytes, from, sizeof from);
	inet_ntop(family, act->to.address.bytes, to, sizeof to);
	snprintf(ret_text, size, "dut: %s from %s %u to %s %u", names[act->client], from,
		 act->from.port, to, act->to.port);
}

void sl_act_describe(const struct sl_act *act, char *ret_text, size_t size)
{
	char frame[256] = "";

	if (act->kind == SL_ACT_DUT_CHANGES) {
		snprintf(ret_text, size, "dut: %s%s", act->what,
			 act->settles ? ", and time to follow" : "");
		return;
	}
	if (act->kind == SL_ACT_DUT_CALLS) {
		describe_call(act, ret_text, size);
		return;
	}
	sl_frame_describe(act->bytes, act->length, frame, sizeof frame);
	snprintf(ret_text, size, "%s: %s: %s", act->kind == SL_ACT_PEER_SENDS ? "peer" : "back",
		 act->what, frame);
}
