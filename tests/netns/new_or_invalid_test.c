// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trap: a packet that conntrack does not know is NEW or INVALID, and rules may let one of them in.
 * What src/ir/form.h foretells is held against the kernel's own conntrack.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/types.h"
#include "frame.h"
#include "ir/form.h"

#define NEW     SL_WORLD_NEW
#define INVALID SL_WORLD_INVALID
#define EITHER  (NEW | INVALID)

#define FIRST_PORT 4000 /* of the first probe; each has its own */

enum checksum { RIGHT, WRONG, NONE };

static const struct probe {
	const char *name;
	u8 protocol;
	u8 flags;
	u8 words;    /* what TCP says of its header; 0: 5 */
	int longer;  /* what UDP says of its length, beyond the truth */
	u32 payload; /* 0: 16 */
	enum checksum checksum;
	u8 foretold;
} probes[] = {
	{"SYN", IPPROTO_TCP, TH_SYN, .foretold = NEW},
	{"SYN and URG", IPPROTO_TCP, TH_SYN | TH_URG, .foretold = NEW},
	{"SYN, PSH, ECE and CWR", IPPROTO_TCP, TH_SYN | TH_PUSH | 0xc0, .foretold = NEW},
	{"SYN with much data", IPPROTO_TCP, TH_SYN, .payload = 1431, .foretold = NEW},
	{"SYN with a wrong checksum", IPPROTO_TCP, TH_SYN, .checksum = WRONG, .foretold = EITHER},
	{"SYN without a checksum", IPPROTO_TCP, TH_SYN, .checksum = NONE, .foretold = EITHER},
	{"SYN with a longer header", IPPROTO_TCP, TH_SYN, .words = 9, .foretold = NEW},
	{"SYN with a header beyond its end", IPPROTO_TCP, TH_SYN, .words = 10, .foretold = INVALID},
	{"SYN with a short header", IPPROTO_TCP, TH_SYN, .words = 4, .foretold = INVALID},
	{"SYN and FIN", IPPROTO_TCP, TH_SYN | TH_FIN, .foretold = INVALID},
	{"SYN and RST", IPPROTO_TCP, TH_SYN | TH_RST, .foretold = INVALID},
	{"no flags", IPPROTO_TCP, 0, .foretold = INVALID},
	{"FIN", IPPROTO_TCP, TH_FIN, .foretold = INVALID},
	{"FIN, PSH and URG", IPPROTO_TCP, TH_FIN | TH_PUSH | TH_URG, .foretold = INVALID},
	{"SYN, ACK and URG", IPPROTO_TCP, TH_SYN | TH_ACK | TH_URG, .foretold = INVALID},
	{"all flags", IPPROTO_TCP, 0xff, .foretold = INVALID},
	{"SYN and ACK", IPPROTO_TCP, TH_SYN | TH_ACK, .foretold = EITHER},
	{"ACK", IPPROTO_TCP, TH_ACK, .foretold = EITHER},
	{"RST", IPPROTO_TCP, TH_RST, .foretold = EITHER},
	{"FIN and ACK", IPPROTO_TCP, TH_FIN | TH_ACK, .foretold = EITHER},
	{"UDP", IPPROTO_UDP, .foretold = NEW},
	{"UDP, odd", IPPROTO_UDP, .payload = 1399, .foretold = NEW},
	{"UDP without a checksum", IPPROTO_UDP, .checksum = NONE, .foretold = NEW},
	{"UDP with a wrong checksum", IPPROTO_UDP, .checksum = WRONG, .foretold = EITHER},
	{"UDP shorter than IP's", IPPROTO_UDP, .longer = -3, .foretold = NEW},
	{"UDP longer than IP's", IPPROTO_UDP, .longer = 1, .foretold = INVALID},
	{"UDP shorter than itself", IPPROTO_UDP, .longer = -17, .foretold = INVALID},
};

/* The frame of a probe, and its packet. */
struct sent {
	u8 bytes[FRAME_MAX];
	u32 length;
	struct sl_packet packet;
};

static void write_checksum(struct sent *sent, enum checksum checksum)
{
	u8 *at = sent->bytes + sent->packet.transport +
		 (sent->packet.protocol == IPPROTO_TCP ? 16 : 6);

	sl_form_seal(&sent->packet, sent->bytes);
	if (checksum == NONE)
		at[0] = at[1] = 0;
	else if (checksum == WRONG)
		at[0] ^= 0x55;
}

static void build(const struct probe *probe, bool is_ip6, u16 dport, struct sent *ret_sent)
{
	static const struct sl_device host = {.mac = {2, 0, 0, 0, 0, 1}};
	const struct frame frame = {
		.to = is_ip6 ? "fd77::1" : "10.77.0.1",
		.protocol = probe->protocol,
		.sport = (u16)(FIRST_PORT + (probe - probes)),
		.dport = dport,
		.payload = probe->payload,
	};
	u8 *transport;

	ret_sent->length = frame_build(ret_sent->bytes, &frame);
	expect(!sl_packet_parse(&host, ret_sent->bytes, ret_sent->length, &ret_sent->packet),
	       "%s is odd", probe->name);
	transport = ret_sent->bytes + ret_sent->packet.transport;
	if (probe->protocol == IPPROTO_TCP) {
		transport[12] = (u8)((probe->words ? probe->words : 5) << 4);
		transport[13] = probe->flags;
	} else {
		transport[5] = (u8)(transport[5] + probe->longer);
	}
	write_checksum(ret_sent, probe->checksum);
}

static void send_probe(const struct probe *probe, bool is_ip6, u16 dport)
{
	struct sent sent;

	build(probe, is_ip6, dport, &sent);
	send_bytes(sent.bytes, sent.length);
}

static const struct probe *find_probe(const char *name)
{
	for (u32 i = 0; i < SL_ARRAY_SIZE(probes); i++)
		if (!strcmp(probes[i].name, name))
			return &probes[i];
	fail_case("no probe is called %s", name);
}

/* The kernel's word */

/* Each probe's port in the set of its state; none leaves an entry. */
static const char telling[] = "table inet t {\n"
			      "	set new { type inet_service; flags dynamic; }\n"
			      "	set invalid { type inet_service; flags dynamic; }\n"
			      "	chain input {\n"
			      "		type filter hook input priority 0;\n"
			      "		th dport != 7 return\n"
			      "		ct state new add @new { th sport } drop\n"
			      "		ct state invalid add @invalid { th sport } drop\n"
			      "	}\n"
			      "}\n";

static char told[2][sizeof output]; /* both sets, as nft prints them */

static bool is_in_set(bool invalid, const struct probe *probe)
{
	char port[16];

	snprintf(port, sizeof port, "%u", (unsigned int)(FIRST_PORT + (probe - probes)));
	return strstr(told[invalid], port);
}

static bool all_are_told(void)
{
	bool all = true;

	for (int invalid = 0; invalid < 2; invalid++) {
		run(ON_HOST, "nft list set inet t %s", invalid ? "invalid" : "new");
		memcpy(told[invalid], output, sizeof output);
	}
	for (u32 i = 0; i < SL_ARRAY_SIZE(probes); i++)
		all &= is_in_set(false, &probes[i]) || is_in_set(true, &probes[i]);
	return all;
}

static void expect_foretold(bool is_ip6)
{
	struct sent sent;

	run(ON_HOST, "nft flush set inet t new && nft flush set inet t invalid");
	for (u32 i = 0; i < SL_ARRAY_SIZE(probes); i++)
		send_probe(&probes[i], is_ip6, 7);
	expect(eventually(all_are_told(), 2), "not all arrived");
	for (u32 i = 0; i < SL_ARRAY_SIZE(probes); i++) {
		const struct probe *probe = &probes[i];
		u8 seen = (is_in_set(false, probe) ? NEW : 0) |
			  (is_in_set(true, probe) ? INVALID : 0);

		build(probe, is_ip6, 7, &sent);
		expect(sl_form_worlds(&sent.packet) == probe->foretold, "%s: foretold is %x",
		       probe->name, sl_form_worlds(&sent.packet));
		expect(seen == NEW || seen == INVALID, "%s: %x to the kernel", probe->name, seen);
		expect(seen & probe->foretold, "%s: %s to the kernel", probe->name,
		       seen == NEW ? "new" : "invalid");
	}
}

static void conntrack_sees_what_is_foretold(void)
{
	build_lab();
	load_nft(telling);
	expect_foretold(false);
	expect(is_in_set(false, find_probe("ACK")), "ACK is invalid");
	expect(is_in_set(true, find_probe("UDP with a wrong checksum")), "not looked at");
	set_sysctl(ON_HOST, "netfilter/nf_conntrack_tcp_loose", "0");
	expect_foretold(true);
	expect(is_in_set(true, find_probe("ACK")), "ACK is new");
	set_sysctl(ON_HOST, "netfilter/nf_conntrack_checksum", "0");
	expect_foretold(false);
	expect(is_in_set(false, find_probe("UDP with a wrong checksum")), "looked at");
}

/* Early drops */

static void attach_to(const char *rules)
{
	char text[1024];

	build_lab();
	snprintf(text, sizeof text,
		 "table inet t {\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0; policy drop;\n"
		 "		meta l4proto icmpv6 accept\n"
		 "		ct state established,related accept\n"
		 "		udp dport 9 drop\n%s"
		 "	}\n"
		 "}\n",
		 rules);
	load_nft(text);
	attach();
	prove_early_drops();
}

/* All probes to port 7, which in one of the two states are dropped and in the other let in. */
static void expect_early(u8 dropped)
{
	for (u32 i = 0; i < 2 * SL_ARRAY_SIZE(probes); i++) {
		const struct probe *probe = &probes[i / 2];
		u64 before = early_drops();
		bool is_ip6 = i % 2;

		send_probe(probe, is_ip6, 7);
		if (probe->foretold == dropped)
			expect(eventually(early_drops() == before + 1, 1), "%s: not early",
			       probe->name);
		else
			expect(early_drops() == before, "%s: early, but it may be let in",
			       probe->name);
	}
}

/* As ufw has it: what is invalid has a rate of its own, which nobody spends. */
static void what_begins_is_dropped_where_invalid_is_not(void)
{
	attach_to("		ct state invalid limit rate 1000/second burst 1000 packets "
		  "accept\n");
	expect_early(NEW);
}

static void what_is_malformed_is_dropped_where_new_is_not(void)
{
	attach_to("		ct state invalid drop\n		accept\n");
	expect_early(INVALID);
}

static void what_is_malformed_counts_where_invalid_does(void)
{
	attach_to("		ct state invalid counter drop\n		counter drop\n");
	for (u32 i = 0; i < 3; i++)
		send_probe(find_probe("SYN and FIN"), false, 7);
	for (u32 i = 0; i < 2; i++)
		send_probe(find_probe("UDP"), false, 7);
	run(ON_HOST, "%s list", sluice);
	expect(strstr(output, "ct state invalid counter packets 3 "), "%s", output);
	expect(strstr(output, "counter packets 2 "), "%s", output);
}

/* To conntrack the reset is of the connection that the packet before it has begun. */
static void expect_reset_behind_syn(void)
{
	const struct frame syn = {.protocol = IPPROTO_TCP, .sport = 6000, .dport = 22};
	struct frame reset = syn;

	reset.tcp_flags = TH_RST;
	for (u32 i = 0; i < 10; i++) {
		u64 before = early_drops();

		send_frame(&syn);
		send_frame(&reset);
		expect(early_drops() == before, "lost");
	}
}

/* A sender's checksum is not there yet, since veth devices leave it to one another. */
static void what_begins_is_let_in_where_invalid_is_not(void)
{
	int listener, server, client;

	attach_to("		ct state invalid drop\n		tcp dport 22 accept\n"
		  "		udp dport 5000 accept\n");
	expect_reset_behind_syn();
	listener = listen_tcp(ON_HOST, 22);
	client = connect_tcp(ON_WIRE, "10.77.0.1", 22);
	expect(client >= 0, "no connection");
	server = accept(listener, NULL, NULL);
	expect(write(client, "a", 1) == 1 && arrives(server), "cut");
	server = listen_udp(ON_HOST, OPEN_PORT);
	client = open_udp(ON_WIRE, "10.77.0.1", OPEN_PORT);
	expect(send(client, "a", 1, 0) == 1 && arrives(server), "lost");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"conntrack sees what is foretold", conntrack_sees_what_is_foretold},
		{"what begins is dropped where invalid is not",
		 what_begins_is_dropped_where_invalid_is_not},
		{"what is malformed is dropped where new is not",
		 what_is_malformed_is_dropped_where_new_is_not},
		{"what is malformed counts where invalid does",
		 what_is_malformed_counts_where_invalid_does},
		{"what begins is let in where invalid is not",
		 what_begins_is_let_in_where_invalid_is_not},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
