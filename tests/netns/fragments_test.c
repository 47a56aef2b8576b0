// SPDX-License-Identifier: GPL-2.0-only
/* Trap: with conntrack the hooks see reassembled packets, without it the fragments as they are. */
#include <netinet/in.h>

#include "frame.h"

static const char tracked[] = "table inet t {\n"
			      "	chain input {\n"
			      "		type filter hook input priority 0; policy accept;\n"
			      "		ct state established accept\n"
			      "		udp dport 9 drop\n"
			      "		udp sport 7777 drop\n"
			      "	}\n"
			      "}\n";

static const char untracked[] = "table inet t {\n"
				"	chain input {\n"
				"		type filter hook input priority 0; policy accept;\n"
				"		udp dport 9 drop\n"
				"	}\n"
				"}\n";

static void send_in_two(u16 id, u16 dport)
{
	send_frame(
		&(struct frame){.id = id, .dport = dport, .more_fragments = true, .payload = 16});
	send_frame(&(struct frame){.id = id, .fragment_offset = 24, .payload = 16});
}

/* The UDP length in the first fragment is its own: short by the second, which UDP ignores. */
static void fragments_of_an_open_port_arrive(const char *rules)
{
	int server;

	build_lab();
	load_nft(rules);
	server = listen_udp(ON_HOST, OPEN_PORT);
	send_in_two(1, OPEN_PORT);
	expect(arrives(server), "not even without sluice");
	attach();
	prove_early_drops();
	send_in_two(2, OPEN_PORT);
	expect(arrives(server), "the datagram is lost");
}

static void reassembled_behind_conntrack(void)
{
	fragments_of_an_open_port_arrive(tracked);
}

static void reassembled_at_the_socket(void)
{
	fragments_of_an_open_port_arrive(untracked);
}

/* The host answers a datagram that stays incomplete, so not even its parts may vanish. */
static void lone_first_fragment_is_answered(void)
{
	const struct frame lone = {.id = 3, .dport = CLOSED_PORT, .more_fragments = true};
	int icmp;

	build_lab();
	set_sysctl(ON_HOST, "ipv4/ipfrag_time", "1");
	load_nft(tracked);
	icmp = open_icmp(ON_WIRE, AF_INET);
	send_frame(&lone);
	expect(hears(icmp, 11, 1), "not even without sluice");
	attach();
	prove_early_drops();
	send_frame(&lone);
	expect(hears(icmp, 11, 1), "the first fragment was lost");
}

/* Later fragments have no ports: their payload must not be taken for some. */
static void payload_is_not_taken_for_ports(void)
{
	static const u8 looks_like_port_9[16] = {0, 1, 0, 9, 0, 1, 0, 9};
	int server;

	build_lab();
	load_nft(untracked);
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
	send_frame(&(struct frame){.id = 4, .dport = OPEN_PORT, .more_fragments = true});
	send_frame(&(struct frame){.id = 4, .fragment_offset = 24, .data = looks_like_port_9});
	expect(arrives(server), "the second fragment was lost");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"reassembled behind conntrack", reassembled_behind_conntrack},
		{"reassembled at the socket", reassembled_at_the_socket},
		{"lone first fragment is answered", lone_first_fragment_is_answered},
		{"payload is not taken for ports", payload_is_not_taken_for_ports},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
