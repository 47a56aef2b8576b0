// SPDX-License-Identifier: GPL-2.0-only
/* A packet from its description: a table of fields, each of which says what it implies. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netdb.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/frames.h"
#include "ir/form.h"

#define PAYLOAD_MAX 1400
#define TTL         64
#define SOURCE_PORT 49152
#define WINDOW      64240

/* What was said so far. */
struct description {
	u8 family;    /* SL_IP, SL_IP6; 0: not said */
	int protocol; /* −1: not said */
	u8 from_mac[ETH_ALEN], to_mac[ETH_ALEN];
	u8 from[16], to[16];
	bool has_from, has_to, has_flags, has_type;
	u8 ttl, flags, type, code;
	u16 from_port, to_port;
	u32 payload;
};

struct field;

/* The words that are left, and where things go. */
struct speech {
	struct description packet;
	struct sl_diag *diag;
};

typedef int set_fn(struct speech *speech, const struct field *field, const char *value);

/* "ip saddr": what it implies, and who understands its value. */
struct field {
	const char *header, *name;
	u8 family;    /* 0: either */
	int protocol; /* −1: any */
	set_fn *set;
	size_t at; /* in struct description */
};

static int refuse(struct speech *speech, const struct field *field, const char *value,
		  const char *wanted)
{
	return sl_fail(speech->diag, EINVAL, "the packet: %s %s is %s, not \"%s\"", field->header,
		       field->name, wanted, value);
}

static void *place(struct speech *speech, const struct field *field)
{
	return (u8 *)&speech->packet + field->at;
}

static int set_mac(struct speech *speech, const struct field *field, const char *value)
{
	u8 *mac = place(speech, field), bytes[ETH_ALEN];
	int length = 0;

	if (sscanf(value, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &bytes[0], &bytes[1], &bytes[2],
		   &bytes[3], &bytes[4], &bytes[5], &length) != ETH_ALEN ||
	    value[length])
		return refuse(speech, field, value, "a MAC address");
	memcpy(mac, bytes, sizeof bytes);
	return 0;
}

static int set_address(struct speech *speech, const struct field *field, const char *value)
{
	bool is_source = field->at == offsetof(struct description, from);

	if (inet_pton(field->family == SL_IP ? AF_INET : AF_INET6, value, place(speech, field)) !=
	    1)
		return refuse(speech, field, value,
			      field->family == SL_IP ? "an IPv4 address" : "an IPv6 address");
	*(is_source ? &speech->packet.has_from : &speech->packet.has_to) = true;
	return 0;
}

static bool parse_number(const char *value, unsigned long max, unsigned long *ret_number)
{
	char *end;
	unsigned long number = strtoul(value, &end, 0);

	if (!isdigit((unsigned char)*value) || *end || number > max)
		return false;
	*ret_number = number;
	return true;
}

static int set_byte(struct speech *speech, const struct field *field, const char *value)
{
	unsigned long number;

	if (!parse_number(value, 255, &number))
		return refuse(speech, field, value, "a number up to 255");
	*(u8 *)place(speech, field) = (u8)number;
	return 0;
}

static int set_payload(struct speech *speech, const struct field *field, const char *value)
{
	unsigned long number;

	if (!parse_number(value, PAYLOAD_MAX, &number))
		return refuse(speech, field, value, "a number of bytes up to 1400");
	speech->packet.payload = (u32)number;
	return 0;
}

static int set_port(struct speech *speech, const struct field *field, const char *value)
{
	const char *protocol = field->protocol == IPPROTO_TCP ? "tcp" : "udp";
	const struct servent *service = getservbyname(value, protocol);
	unsigned long number;

	if (service)
		number = ntohs((u16)service->s_port);
	else if (!parse_number(value, 65535, &number))
		return refuse(speech, field, value, "a port");
	*(u16 *)place(speech, field) = (u16)number;
	return 0;
}

struct name {
	const char *name;
	u8 value;
};

static bool find_name(const struct name *names, const char *value, size_t length, u8 *ret_value)
{
	for (; names->name; names++) {
		if (strlen(names->name) != length || strncmp(names->name, value, length) != 0)
			continue;
		*ret_value = names->value;
		return true;
	}
	return false;
}

/* "syn", "syn,ack", "syn|ack", or a number */
static int set_flags(struct speech *speech, const struct field *field, const char *value)
{
	static const struct name names[] = {{"fin", 1},   {"syn", 2},  {"rst", 4},  {"psh", 8},
					    {"ack", 16},  {"urg", 32}, {"ecn", 64}, {"ece", 64},
					    {"cwr", 128}, {"none", 0}, {NULL, 0}};
	unsigned long number;
	u8 flags = 0, flag;

	if (parse_number(value, 255, &number)) {
		flags = (u8)number;
	} else {
		for (const char *at = value;; at++) {
			size_t length = strcspn(at, ",|");

			if (!find_name(names, at, length, &flag))
				return refuse(speech, field, value, "flags such as syn,ack");
			flags |= flag;
			at += length;
			if (!*at)
				break;
		}
	}
	speech->packet.flags = flags;
	speech->packet.has_flags = true;
	return 0;
}

static int set_type(struct speech *speech, const struct field *field, const char *value)
{
	static const struct name ip[] = {{"echo-reply", ICMP_ECHOREPLY},
					 {"destination-unreachable", ICMP_DEST_UNREACH},
					 {"redirect", ICMP_REDIRECT},
					 {"echo-request", ICMP_ECHO},
					 {"time-exceeded", ICMP_TIME_EXCEEDED},
					 {"parameter-problem", ICMP_PARAMETERPROB},
					 {"timestamp-request", ICMP_TIMESTAMP},
					 {NULL, 0}};
	static const struct name ip6[] = {{"destination-unreachable", ICMP6_DST_UNREACH},
					  {"packet-too-big", ICMP6_PACKET_TOO_BIG},
					  {"time-exceeded", ICMP6_TIME_EXCEEDED},
					  {"parameter-problem", ICMP6_PARAM_PROB},
					  {"echo-request", ICMP6_ECHO_REQUEST},
					  {"echo-reply", ICMP6_ECHO_REPLY},
					  {"nd-router-solicit", 133},
					  {"nd-router-advert", 134},
					  {"nd-neighbor-solicit", 135},
					  {"nd-neighbor-advert", 136},
					  {"nd-redirect", 137},
					  {NULL, 0}};
	unsigned long number;

	speech->packet.has_type = true;
	if (find_name(field->family == SL_IP ? ip : ip6, value, strlen(value),
		      &speech->packet.type))
		return 0;
	if (!parse_number(value, 255, &number))
		return refuse(speech, field, value, "a type such as echo-request");
	speech->packet.type = (u8)number;
	return 0;
}

static int set_protocol(struct speech *speech, const struct field *field, const char *value)
{
	const struct protoent *known =
		getprotobyname(strcmp(value, "icmpv6") ? value : "ipv6-icmp");
	unsigned long number;

	if (known)
		number = (unsigned long)known->p_proto;
	else if (!parse_number(value, 255, &number))
		return refuse(speech, field, value, "a protocol");
	if (speech->packet.protocol >= 0 && speech->packet.protocol != (int)number)
		return sl_fail(speech->diag, EINVAL,
			       "the packet: it cannot be of two protocols (\"%s\")", value);
	speech->packet.protocol = (int)number;
	return 0;
}

#define AT(member) offsetof(struct description, member)

static const struct field fields[] = {
	{"ether", "saddr", 0, -1, set_mac, AT(from_mac)},
	{"ether", "daddr", 0, -1, set_mac, AT(to_mac)},
	{"ip", "saddr", SL_IP, -1, set_address, AT(from)},
	{"ip", "daddr", SL_IP, -1, set_address, AT(to)},
	{"ip", "ttl", SL_IP, -1, set_byte, AT(ttl)},
	{"ip", "protocol", SL_IP, -1, set_protocol, 0},
	{"ip6", "saddr", SL_IP6, -1, set_address, AT(from)},
	{"ip6", "daddr", SL_IP6, -1, set_address, AT(to)},
	{"ip6", "hoplimit", SL_IP6, -1, set_byte, AT(ttl)},
	{"ip6", "nexthdr", SL_IP6, -1, set_protocol, 0},
	{"meta", "l4proto", 0, -1, set_protocol, 0},
	{"tcp", "sport", 0, IPPROTO_TCP, set_port, AT(from_port)},
	{"tcp", "dport", 0, IPPROTO_TCP, set_port, AT(to_port)},
	{"tcp", "flags", 0, IPPROTO_TCP, set_flags, 0},
	{"udp", "sport", 0, IPPROTO_UDP, set_port, AT(from_port)},
	{"udp", "dport", 0, IPPROTO_UDP, set_port, AT(to_port)},
	{"icmp", "type", SL_IP, IPPROTO_ICMP, set_type, 0},
	{"icmp", "code", SL_IP, IPPROTO_ICMP, set_byte, AT(code)},
	{"icmpv6", "type", SL_IP6, IPPROTO_ICMPV6, set_type, 0},
	{"icmpv6", "code", SL_IP6, IPPROTO_ICMPV6, set_byte, AT(code)},
	{"payload", "length", 0, -1, set_payload, 0},
};

/* The text */

static const struct field *find_field(const char *header, const char *name)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].header, header) && !strcmp(fields[i].name, name))
			return &fields[i];
	return NULL;
}

static int imply(struct speech *speech, const struct field *field)
{
	struct description *packet = &speech->packet;

	if (field->family && packet->family && field->family != packet->family)
		return sl_fail(speech->diag, EINVAL,
			       "the packet: it cannot be IPv4 and IPv6 at once (\"%s %s\")",
			       field->header, field->name);
	if (field->family)
		packet->family = field->family;
	if (field->protocol >= 0 && packet->protocol >= 0 && field->protocol != packet->protocol)
		return sl_fail(speech->diag, EINVAL,
			       "the packet: it cannot be of two protocols (\"%s %s\")",
			       field->header, field->name);
	if (field->protocol >= 0)
		packet->protocol = field->protocol;
	return 0;
}

static char *next_word(char **rest)
{
	char *word;

	do
		word = strsep(rest, " \t\n");
	while (word && !*word);
	return word;
}

static int read_field(struct speech *speech, const char *header, char **rest)
{
	const char *name = next_word(rest), *value = next_word(rest);
	const struct field *field = name ? find_field(header, name) : NULL;
	int error;

	if (!field)
		return sl_fail(speech->diag, EINVAL,
			       "\"%s%s%s\" is neither a file nor a field of a packet; fields are "
			       "those of `sluice trace --help`",
			       header, name ? " " : "", name ? name : "");
	if (value && !strcmp(value, "=="))
		value = next_word(rest);
	if (!value)
		return sl_fail(speech->diag, EINVAL, "the packet: %s %s wants a value", header,
			       name);
	error = imply(speech, field);
	return error ? error : field->set(speech, field, value);
}

/* What was not said */

static bool is_loopback(const struct sl_local_address *local)
{
	static const u8 loopback[16] = {[15] = 1};

	return local->is_ip6 ? !memcmp(local->bytes, loopback, sizeof loopback)
			     : local->bytes[0] == 127;
}

static bool is_link_local(const struct sl_local_address *local)
{
	return local->is_ip6 && local->bytes[0] == 0xfe;
}

/* An address of the host's that others can reach; at worst one on the link. */
static bool find_local(const struct sl_program *program, bool is_ip6, u8 *ret_address)
{
	const struct sl_local_address *found = NULL;

	for (u32 i = 0; i < program->local.count; i++) {
		const struct sl_local_address *local = &program->local.items[i];

		if (local->is_ip6 != is_ip6 || is_loopback(local))
			continue;
		if (!found || (is_link_local(found) && !is_link_local(local)))
			found = local;
	}
	if (found)
		memcpy(ret_address, found->bytes, is_ip6 ? 16 : 4);
	return found;
}

static void fill_addresses(struct description *packet, const struct sl_program *program)
{
	bool is_ip6 = packet->family == SL_IP6;
	int family = is_ip6 ? AF_INET6 : AF_INET;

	if (!packet->has_from)
		inet_pton(family, is_ip6 ? "2001:db8::1" : "192.0.2.1", packet->from);
	if (!packet->has_to && !find_local(program, is_ip6, packet->to))
		inet_pton(family, is_ip6 ? "2001:db8::2" : "192.0.2.2", packet->to);
}

static void fill(struct description *packet, const struct sl_program *program)
{
	if (!packet->family)
		packet->family = SL_IP;
	if (packet->protocol < 0)
		packet->protocol = IPPROTO_TCP;
	if (!packet->has_flags)
		packet->flags = TH_SYN;
	if (!packet->has_type)
		packet->type = packet->family == SL_IP6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	fill_addresses(packet, program);
}

/* The bytes */

static u16 fold_checksum(const u8 *bytes, u32 length)
{
	u32 sum = 0;

	for (u32 i = 0; i < length; i += 2)
		sum += (u32)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((u16)~sum);
}

static u32 put_network(const struct description *packet, u32 length, u8 *to)
{
	if (packet->family == SL_IP6) {
		struct ip6_hdr header = {.ip6_flow = htonl(6u << 28),
					 .ip6_plen = htons((u16)length),
					 .ip6_nxt = (u8)packet->protocol,
					 .ip6_hlim = packet->ttl};

		memcpy(&header.ip6_src, packet->from, 16);
		memcpy(&header.ip6_dst, packet->to, 16);
		memcpy(to, &header, sizeof header);
		return sizeof header;
	}

	struct iphdr header = {.version = 4,
			       .ihl = 5,
			       .tot_len = htons((u16)(length + sizeof header)),
			       .ttl = packet->ttl,
			       .protocol = (u8)packet->protocol};

	memcpy(&header.saddr, packet->from, 4);
	memcpy(&header.daddr, packet->to, 4);
	header.check = fold_checksum((const u8 *)&header, sizeof header);
	memcpy(to, &header, sizeof header);
	return sizeof header;
}

/* Without a checksum yet. */
static u32 put_transport(const struct description *packet, u8 *to)
{
	struct tcphdr tcp = {.th_sport = htons(packet->from_port),
			     .th_dport = htons(packet->to_port),
			     .th_off = 5,
			     .th_flags = packet->flags,
			     .th_win = htons(WINDOW)};
	struct udphdr udp = {.uh_sport = htons(packet->from_port),
			     .uh_dport = htons(packet->to_port),
			     .uh_ulen = htons((u16)(sizeof udp + packet->payload))};
	const u8 icmp[8] = {packet->type, packet->code};

	switch (packet->protocol) {
	case IPPROTO_TCP:
		memcpy(to, &tcp, sizeof tcp);
		return sizeof tcp;
	case IPPROTO_UDP:
		memcpy(to, &udp, sizeof udp);
		return sizeof udp;
	default: /* of others, eight bytes that say nothing */
		memcpy(to, icmp, sizeof icmp);
		return sizeof icmp;
	}
}

/* An odd one needs none: nobody judges it. */
static void put_checksum(const struct sl_device *device, u8 *bytes, u32 length)
{
	struct sl_packet packet;

	if (!sl_packet_parse(device, bytes, length, &packet))
		sl_form_seal(&packet, bytes);
}

static int put_frame(const struct sl_program *program, struct sl_arena *arena,
		     const struct description *packet, struct sl_frames *ret_frames)
{
	struct sl_frames frames = {0};
	struct sl_frame *frame = sl_list_push(arena, &frames.list);
	u8 transport[64], *bytes = sl_arena_alloc(arena, 128 + PAYLOAD_MAX);
	u16 type = htons(packet->family == SL_IP6 ? ETH_P_IPV6 : ETH_P_IP);
	u32 length = put_transport(packet, transport), at = ETH_HLEN;

	if (!frame || !bytes)
		return -ENOMEM;
	memcpy(bytes, packet->to_mac, ETH_ALEN);
	memcpy(bytes + ETH_ALEN, packet->from_mac, ETH_ALEN);
	memcpy(bytes + 2 * ETH_ALEN, &type, sizeof type);
	at += put_network(packet, length + packet->payload, bytes + at);
	memcpy(bytes + at, transport, length);
	at += length + packet->payload;
	put_checksum(&program->device, bytes, at);
	*frame = (struct sl_frame){bytes, at};
	*ret_frames = frames;
	return 0;
}

int sl_frames_describe(struct sl_arena *arena, const char *text, const struct sl_program *program,
		       struct sl_frames *ret_frames, struct sl_diag *diag)
{
	struct speech speech = {
		.packet = {.protocol = -1,
			   .from_mac = {0x02, 0, 0, 0, 0, 0x01},
			   .ttl = TTL,
			   .from_port = SOURCE_PORT,
			   .to_port = 80},
		.diag = diag,
	};
	char *rest = sl_arena_strdup(arena, text), *header;
	int error = rest ? 0 : sl_fail_memory(diag);

	memcpy(speech.packet.to_mac, program->device.mac, ETH_ALEN);
	while (!error && (header = next_word(&rest)))
		error = read_field(&speech, header, &rest);
	if (error)
		return error;
	fill(&speech.packet, program);
	return put_frame(program, arena, &speech.packet, ret_frames) ? sl_fail_memory(diag) : 0;
}
