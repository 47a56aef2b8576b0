// SPDX-License-Identifier: GPL-2.0-only
/* Trap: packets for others, for all, and from sources that cannot be. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "frame.h"

static const u8 somebody[6] = {2, 0, 0, 0, 0, 0x77};
static const u8 everybody[6] = {255, 255, 255, 255, 255, 255};
static const u8 mdns_mac[6] = {1, 0, 0x5e, 0, 0, 0xfb};

static const char drop_9[] =
	"table inet t {\n"
	"	chain input {\n"
	"		type filter hook input priority 0;\n"
	"		meta pkttype { broadcast, multicast } udp dport 5000 accept\n"
	"		udp dport 9 drop\n"
	"		udp dport 5000 ip saddr 10.77.0.3 drop\n"
	"		udp dport 5000 meta pkttype != host drop\n"
	"	}\n"
	"}\n";

static int server;

static void prepare(void)
{
	build_lab();
	load_nft(drop_9);
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
}

/* A sniffer in promiscuous mode sees them, rules do not. */
static void other_macs_pass(void)
{
	int tap;

	build_lab();
	run(ON_HOST, "ip link set dut0 promisc on");
	load_nft(drop_9);
	attach();
	prove_early_drops();
	tap = open_tap(ON_HOST, "dut0");
	drain(tap);
	send_frame(&(struct frame){.to_mac = somebody, .dport = CLOSED_PORT});
	expect(sees_port(tap, CLOSED_PORT), "somebody else's packet was dropped");
}

static void broadcast_has_its_own_rules(void)
{
	prepare();
	send_frame(&(struct frame){.to = "10.77.0.255", .to_mac = everybody, .dport = OPEN_PORT});
	expect(arrives(server), "lost");
}

static void multicast_has_its_own_rules(void)
{
	struct ip_mreqn group = {.imr_multiaddr.s_addr = htonl(0xe00000fb)};

	prepare();
	enter(ON_HOST);
	group.imr_address.s_addr = htonl(0x0a4d0001);
	expect(!setsockopt(server, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group),
	       "cannot join");
	send_frame(&(struct frame){.to = "224.0.0.251", .to_mac = mdns_mac, .dport = OPEN_PORT});
	expect(arrives(server), "lost");
}

/* Whatever becomes of them without sluice. */
static void odd_sources_meet_the_same_fate(void)
{
	static const char *const sources[] = {
		"127.0.0.1", "0.0.0.0",     "255.255.255.255",  "224.0.0.1",
		"10.77.0.1", "10.77.0.3",   "240.0.0.1",        "::1",
		"::",        "ff02::1",     "::ffff:10.77.0.2", "fe80::2",
		"fd77::1",   "2001:db8::1",
	};
	bool came[SL_ARRAY_SIZE(sources)];

	build_lab();
	load_nft(drop_9);
	server = listen_udp(ON_HOST, OPEN_PORT);
	for (size_t i = 0; i < SL_ARRAY_SIZE(sources); i++) {
		send_frame(&(struct frame){.from = sources[i], .dport = OPEN_PORT});
		came[i] = !stays_silent(server);
	}
	attach();
	prove_early_drops();
	for (size_t i = 0; i < SL_ARRAY_SIZE(sources); i++) {
		send_frame(&(struct frame){.from = sources[i], .dport = OPEN_PORT});
		expect(came[i] == !stays_silent(server), "%s: %s with sluice", sources[i],
		       came[i] ? "lost" : "let in");
	}
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"other macs pass", other_macs_pass},
		{"broadcast has its own rules", broadcast_has_its_own_rules},
		{"multicast has its own rules", multicast_has_its_own_rules},
		{"odd sources meet the same fate", odd_sources_meet_the_same_fate},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
