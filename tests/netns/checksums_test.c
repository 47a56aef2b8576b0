// SPDX-License-Identifier: GPL-2.0-only
/* Trap: conntrack calls a packet with a bad checksum INVALID, and IP drops its own before any rule.
 */
#include <netinet/in.h>

#include "frame.h"

/* INVALID packets are let through, of all others those to port 9 are not. */
static const char invalid_accepted[] = "table inet t {\n"
				       "	chain input {\n"
				       "		type filter hook input priority 0;\n"
				       "		udp dport 9 drop\n"
				       "	}\n"
				       "	chain forward {\n"
				       "		type filter hook forward priority 0;\n"
				       "		ct state invalid accept\n"
				       "		udp dport 7 drop\n"
				       "		tcp dport 7 drop\n"
				       "	}\n"
				       "}\n";

static void expect_forwarded(const struct frame *frame)
{
	int tap;

	build_lab();
	build_back();
	load_nft(invalid_accepted);
	tap = open_tap(ON_BACK, "far0");
	drain(tap);
	send_frame(frame);
	expect(sees_port(tap, 7), "not even without sluice");
	attach();
	prove_early_drops();
	drain(tap);
	send_frame(frame);
	expect(sees_port(tap, 7), "lost, although conntrack calls it INVALID");
}

static void bad_udp_checksum(void)
{
	expect_forwarded(&(struct frame){.to = "10.88.0.2", .dport = 7, .bad_checksum = true});
}

static void bad_udp_checksum_in_ip6(void)
{
	expect_forwarded(&(struct frame){.to = "fd88::2", .dport = 7, .bad_checksum = true});
}

static void bad_tcp_checksum(void)
{
	expect_forwarded(&(struct frame){
		.to = "10.88.0.2", .protocol = IPPROTO_TCP, .dport = 7, .bad_checksum = true});
}

static void bad_ip_checksum_meets_no_rule(void)
{
	int server;

	build_lab();
	load_nft(invalid_accepted);
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
	send_frame(&(struct frame){.dport = OPEN_PORT, .bad_ip_checksum = true});
	expect(stays_silent(server), "it arrived");
	send_udp(OPEN_PORT);
	expect(arrives(server), "a good one was lost");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"bad udp checksum", bad_udp_checksum},
		{"bad udp checksum in ip6", bad_udp_checksum_in_ip6},
		{"bad tcp checksum", bad_tcp_checksum},
		{"bad ip checksum meets no rule", bad_ip_checksum_meets_no_rule},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
