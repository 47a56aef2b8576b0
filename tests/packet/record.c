/* SPDX-License-Identifier: GPL-2.0-only */
#include "record.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"

#define ICMP_UNREACHABLE_TYPE      3
#define ICMP_HOST_UNREACHABLE_CODE 1 /* and 0, of the network */
#define ICMP_REDIRECT_TYPE         5
#define ND_REDIRECT_TYPE           137
#define MLD2_REPORT_TYPE           143
#define CHECKSUM_RIGHT             0x0000
#define CHECKSUM_WRONG             0xbad0
#define CHECKSUM_NONE              0x0bad
#define RANDOM_PORT                1
#define STREAM_SPAN                65536 /* bytes that a conversation stays within */
#define CANONICAL_SEQ(side)        (0xc0000000u + (u32)(side)*STREAM_SPAN)

int sl_record_new(struct sl_record **ret_record, struct sl_diag *diag)
{
	struct sl_arena *arena = sl_arena_new();
	struct sl_record *record = arena ? sl_arena_alloc(arena, sizeof *record) : NULL;

	if (!record) {
		sl_arena_free(arena);
		return sl_fail_memory(diag);
	}
	record->arena = arena;
	*ret_record = record;
	return 0;
}

void sl_record_free(struct sl_record *record)
{
	if (!record)
		return;
	free(record->conntrack);
	sl_arena_free(record->arena);
}

void sl_recorder_begin(struct sl_recorder *recorder)
{
	struct sl_record *record = recorder->record;

	recorder->moment = sl_list_push(record->arena, &record->moments);
	if (!recorder->moment)
		recorder->out_of_memory = true;
}

static void push(struct sl_recorder *recorder, struct sl_moment *moment,
		 struct sl_observation observation)
{
	struct sl_arena *arena = recorder->record->arena;

	observation.bytes = sl_arena_copy(arena, observation.bytes, observation.length);
	struct sl_observation *slot =
		moment && observation.bytes ? sl_list_push(arena, &moment->seen) : NULL;
	if (slot)
		*slot = observation;
	else
		recorder->out_of_memory = true;
}

void sl_recorder_note(struct sl_recorder *recorder, const char *where, enum sl_form form,
		      u8 protocol, const void *bytes, u32 length)
{
	push(recorder, recorder->moment,
	     (struct sl_observation){where, form, protocol, bytes, length});
}

static struct sl_stream *find_stream(struct sl_recorder *recorder, u32 side, u16 port)
{
	if (port < SL_FLOW_PORT_FIRST || port > SL_FLOW_PORT_LAST)
		return NULL;
	return &recorder->streams[side][port - SL_FLOW_PORT_FIRST];
}

const struct sl_stream *sl_recorder_find_stream(const struct sl_recorder *recorder,
						enum sl_place place, u16 port)
{
	if (port < SL_FLOW_PORT_FIRST || port > SL_FLOW_PORT_LAST)
		return NULL;
	return &recorder->streams[place == SL_BACK][port - SL_FLOW_PORT_FIRST];
}

/* What the script's hosts would remember of a stream: where it began and how far it came. */
static void follow_stream(struct sl_recorder *recorder, u32 side, const u8 *tcp, u32 length)
{
	u32 header = (tcp[12] >> 4) * 4u, seq = sl_get32(tcp + 4);
	struct sl_stream *stream = find_stream(recorder, side, sl_get16(tcp + 2));

	if (!stream)
		stream = find_stream(recorder, side, sl_get16(tcp));
	if (!stream || header > length || tcp[13] & SL_TCP_RST)
		return;
	u32 next = seq + (length - header) + !!(tcp[13] & SL_TCP_SYN) + !!(tcp[13] & SL_TCP_FIN);
	if (tcp[13] & SL_TCP_SYN) {
		stream->base = seq;
		stream->has_base = true;
	}
	if (tcp[13] & SL_TCP_SYN || !stream->has_next || (s32)(next - stream->next) > 0)
		stream->next = next;
	stream->has_next = true;
}

/* Membership reports leave the dut at random times of its own choice. */
static bool is_membership_report(const u8 *bytes, const struct sl_layout *layout)
{
	const u8 *destination = bytes + layout->network + (layout->is_ip6 ? 24 : 16);

	if (layout->is_ip6)
		return layout->protocol == IPPROTO_ICMPV6 && destination[0] == 0xff &&
		       layout->transport < layout->end &&
		       bytes[layout->transport] == MLD2_REPORT_TYPE;
	return layout->protocol == IPPROTO_IGMP && destination[0] == 224;
}

static bool is_redirect(const u8 *bytes, const struct sl_layout *layout)
{
	if (layout->transport + 8 > layout->end || layout->is_later_fragment)
		return false;
	u8 type = bytes[layout->transport];
	return (layout->protocol == IPPROTO_ICMP && type == ICMP_REDIRECT_TYPE) ||
	       (layout->protocol == IPPROTO_ICMPV6 && type == ND_REDIRECT_TYPE);
}

/* By route_input's ip_error(), not by a rule's reject; where it comes from cannot be seen. */
static bool is_rationed(const u8 *bytes, const struct sl_layout *layout)
{
	if (is_redirect(bytes, layout))
		return true;
	return layout->protocol == IPPROTO_ICMP && layout->transport + 8 <= layout->end &&
	       bytes[layout->transport] == ICMP_UNREACHABLE_TYPE &&
	       bytes[layout->transport + 1] <= ICMP_HOST_UNREACHABLE_CODE;
}

static bool carries_ip(const u8 *bytes, u32 length)
{
	return length >= ETH_HLEN &&
	       (sl_get16(bytes + 12) == ETHERTYPE_IP || sl_get16(bytes + 12) == ETHERTYPE_IPV6);
}

/*
 * Which packets of many are answered by a redirect depends on the clock; that somebody is told off
 * at all does not. So only addresses, type and code count.
 */
static void note_redirect(struct sl_recorder *recorder, const char *where, const u8 *bytes,
			  const struct sl_layout *layout)
{
	u32 each = layout->is_ip6 ? 16 : 4, addresses = layout->is_ip6 ? 8 : 12;
	struct sl_moment *redirects = &recorder->record->redirects;
	u8 summary[34] = {0};

	memcpy(summary, bytes + layout->network + addresses, (size_t)each * 2);
	memcpy(summary + 32, bytes + layout->transport, 2);
	struct sl_observation observation = {where, SL_FORM_DATA, 0, summary, sizeof summary};
	for (u32 i = 0; i < redirects->seen.count; i++)
		if (!sl_observation_compare(&redirects->seen.items[i], &observation))
			return;
	push(recorder, redirects, observation);
}

void sl_recorder_note_frame(struct sl_recorder *recorder, enum sl_place place, const u8 *bytes,
			    u32 length)
{
	static const char *const names[SL_PLACE_COUNT] = {"peer", "dut", "back", "guest"};
	struct sl_observation observation = {names[place], SL_FORM_FRAME, 0, bytes, length};
	struct sl_layout layout;

	if (carries_ip(bytes, length) && sl_layout_read(bytes, length, ETH_HLEN, &layout)) {
		if (is_membership_report(bytes, &layout))
			return;
		if (recorder->skips_rationed && is_rationed(bytes, &layout))
			return;
		if (is_redirect(bytes, &layout)) {
			note_redirect(recorder, names[place], bytes, &layout);
			return;
		}
		if (layout.protocol == IPPROTO_TCP && !layout.is_fragment &&
		    layout.transport + 20 <= layout.end)
			follow_stream(recorder, place == SL_BACK, bytes + layout.transport,
				      layout.end - layout.transport);
	}
	push(recorder, recorder->moment, observation);
}

static bool make_relative(const struct sl_stream *stream, u32 side, u8 *field)
{
	u32 distance = stream && stream->has_base ? sl_get32(field) - stream->base : STREAM_SPAN;

	if (distance >= STREAM_SPAN)
		return false;
	sl_put32(field, CANONICAL_SEQ(side) + distance);
	return true;
}

/* What a SYN has for an acknowledgement is 0, which may lie near a random number by chance. */
static bool acknowledges_nothing(const u8 *tcp, u32 length)
{
	return length >= 14 && !(tcp[13] & SL_TCP_ACK) && !sl_get32(tcp + 8);
}

/* `length` bytes of a TCP header may be as few as the eight of an ICMP error's quote. */
static void canonicalise_tcp(struct sl_recorder *recorder, u8 *tcp, u32 length)
{
	u32 last = acknowledges_nothing(tcp, length) ? 4 : 8;

	for (u32 at = 4; at <= last && at + 4 <= length; at += 4) {
		for (u32 side = 0; side < 2; side++) {
			if (make_relative(find_stream(recorder, side, sl_get16(tcp)), side,
					  tcp + at) ||
			    make_relative(find_stream(recorder, side, sl_get16(tcp + 2)), side,
					  tcp + at))
				break;
		}
	}
}

static void judge_checksum(u8 *field, u16 result)
{
	sl_put16(field, result ? CHECKSUM_WRONG : CHECKSUM_RIGHT);
}

/* Whoever fills in a timestamp option reads the clock. */
static void mask_timestamps(u8 *options, u32 length)
{
	for (u32 at = 0; at + 4 <= length && options[at] != IPOPT_END;) {
		u32 size = options[at] == IPOPT_NOOP ? 1 : options[at + 1];

		if (!size || size > length - at)
			return;
		if (options[at] == IPOPT_TIMESTAMP && size > 4)
			memset(options + at + 4, 0, size - 4);
		at += size;
	}
}

static void canonicalise_network(u8 *bytes, const struct sl_layout *layout)
{
	u8 *header = bytes + layout->network;
	u32 length = layout->transport - layout->network;

	if (!layout->is_ip6) {
		judge_checksum(header + 10, sl_checksum(header, length, 0));
		sl_put16(header + 4, 0);
		mask_timestamps(header + 20, length - 20);
	} else if (header[6] == IPPROTO_FRAGMENT && layout->network + 48 <= layout->end) {
		sl_put32(header + 44, 0);
	}
}

static bool is_icmp_error(u8 protocol, u8 type)
{
	if (protocol == IPPROTO_ICMPV6)
		return type < 128;
	return protocol == IPPROTO_ICMP &&
	       (type == 3 || type == 4 || type == 5 || type == 11 || type == 12);
}

static bool has_ports(u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

static void mask_random_ports(u8 *ports)
{
	for (u32 at = 0; at < 4; at += 2)
		if (!sl_pool_knows_port(sl_get16(ports + at)))
			sl_put16(ports + at, RANDOM_PORT);
}

static void canonicalise_quote(struct sl_recorder *recorder, u8 *bytes, u32 length)
{
	struct sl_layout layout;

	if (!sl_layout_read(bytes, length, 0, &layout))
		return;
	canonicalise_network(bytes, &layout);
	u8 *transport = bytes + layout.transport;
	u32 rest = layout.end - layout.transport;
	if (!has_ports(layout.protocol) || layout.is_later_fragment || rest < 8)
		return;
	u32 checksum_at = layout.protocol == IPPROTO_TCP ? 16 : 6;
	if (layout.protocol == IPPROTO_TCP)
		canonicalise_tcp(recorder, transport, rest);
	mask_random_ports(transport);
	if (checksum_at + 2 <= rest)
		sl_put16(transport + checksum_at, 0);
}

/*
 * `length` bytes from the transport header on. `checksum` is what their checksum came to; where
 * the addresses are not known, 0.
 */
static void canonicalise_transport(struct sl_recorder *recorder, u8 protocol, u8 *bytes, u32 length,
				   u16 checksum)
{
	if (protocol == IPPROTO_TCP && length >= 20) {
		canonicalise_tcp(recorder, bytes, length);
		mask_random_ports(bytes);
		judge_checksum(bytes + 16, checksum);
	} else if (protocol == IPPROTO_UDP && length >= 8) {
		bool has_checksum = sl_get16(bytes + 6);

		mask_random_ports(bytes);
		judge_checksum(bytes + 6, checksum);
		if (!has_checksum)
			sl_put16(bytes + 6, CHECKSUM_NONE);
	} else if (protocol == IPPROTO_ICMP && length >= 20 && bytes[0] == ICMP_TIMESTAMPREPLY) {
		memset(bytes + 12, 0, 8);
		judge_checksum(bytes + 2, checksum);
	} else if (length > 8 && is_icmp_error(protocol, bytes[0])) {
		canonicalise_quote(recorder, bytes + 8, length - 8);
		judge_checksum(bytes + 2, checksum);
	}
}

static void canonicalise_ip(struct sl_recorder *recorder, u8 *bytes, u32 length, u32 network)
{
	struct sl_layout layout;

	if (!sl_layout_read(bytes, length, network, &layout))
		return;
	canonicalise_network(bytes, &layout);
	if (!layout.is_fragment)
		canonicalise_transport(recorder, layout.protocol, bytes + layout.transport,
				       layout.end - layout.transport,
				       sl_checksum_transport(bytes, &layout));
}

static void canonicalise(struct sl_recorder *recorder, struct sl_observation *observation)
{
	u8 *bytes = (u8 *)(uintptr_t)observation->bytes; /* our own copy */

	switch (observation->form) {
	case SL_FORM_FRAME:
		if (carries_ip(bytes, observation->length))
			canonicalise_ip(recorder, bytes, observation->length, ETH_HLEN);
		break;
	case SL_FORM_IP:
		canonicalise_ip(recorder, bytes, observation->length, 0);
		break;
	case SL_FORM_TRANSPORT:
		canonicalise_transport(recorder, observation->protocol, bytes, observation->length,
				       0);
		break;
	case SL_FORM_DATA:
		break;
	}
}

int sl_observation_compare(const void *a, const void *b)
{
	const struct sl_observation *left = a, *right = b;
	int order = strcmp(left->where, right->where);

	if (order)
		return order;
	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	return memcmp(left->bytes, right->bytes, left->length);
}

static void sort(struct sl_moment *moment)
{
	if (moment->seen.count)
		qsort(moment->seen.items, moment->seen.count, sizeof *moment->seen.items,
		      sl_observation_compare);
}

void sl_recorder_end(struct sl_recorder *recorder)
{
	struct sl_moment *moment = recorder->moment;

	if (!moment)
		return;
	for (u32 i = 0; i < moment->seen.count; i++)
		canonicalise(recorder, &moment->seen.items[i]);
	sort(moment);
	sort(&recorder->record->redirects);
	recorder->moment = NULL;
}
