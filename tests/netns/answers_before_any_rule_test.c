// SPDX-License-Identifier: GPL-2.0-only
/* Trap: some packets are answered before any rule sees them. */
#include <sys/socket.h>

#include "frame.h"

static const char drop_all_udp[] = "table inet t {\n"
				   "	chain pre {\n"
				   "		type filter hook prerouting priority -300;\n"
				   "		meta l4proto udp drop\n"
				   "	}\n"
				   "}\n";

static const char drop_at_input[] = "table inet t {\n"
				    "	chain input {\n"
				    "		type filter hook input priority 0;\n"
				    "		meta l4proto udp drop\n"
				    "	}\n"
				    "}\n";

static void expect_answer(const char *rules, const struct frame *frame, int family, u8 type,
			  u8 code)
{
	int icmp;

	build_lab();
	set_sysctl(ON_HOST, "ipv4/icmp_ratelimit", "0");
	set_sysctl(ON_HOST, "ipv6/icmp/ratelimit", "0");
	load_nft(rules);
	icmp = open_icmp(ON_WIRE, family);
	send_frame(frame);
	expect(hears(icmp, type, code), "not even without sluice");
	attach();
	prove_early_drops();
	send_frame(frame);
	expect(hears(icmp, type, code), "the answer is missing");
}

static void unknown_hop_by_hop_option(void)
{
	const struct frame frame = {.to = "fd77::1",
				    .dport = CLOSED_PORT,
				    .has_hop_by_hop = true,
				    .hop_by_hop_option = 0xbe};

	expect_answer(drop_all_udp, &frame, AF_INET6, 4, 2);
}

/* Record route whose pointer lies ahead of the first slot. */
static void broken_ip_option(void)
{
	static const u8 options[] = {7, 7, 1, 0, 0, 0, 0, 0};
	const struct frame frame = {
		.dport = CLOSED_PORT, .options = options, .options_length = sizeof options};

	expect_answer(drop_at_input, &frame, AF_INET, 12, 0);
}

static void packets_with_options_still_arrive(void)
{
	static const u8 no_operation[] = {1, 1, 1, 1};
	int server;

	build_lab();
	load_nft("table inet t {\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0;\n"
		 "		udp dport 9 drop\n"
		 "	}\n"
		 "}\n");
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
	send_frame(
		&(struct frame){.dport = OPEN_PORT, .options = no_operation, .options_length = 4});
	expect(arrives(server), "with IPv4 options: lost");
	send_frame(&(struct frame){.to = "fd77::1",
				   .dport = OPEN_PORT,
				   .has_hop_by_hop = true,
				   .hop_by_hop_option = 0x1e});
	expect(arrives(server), "with a hop-by-hop option: lost");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"unknown hop-by-hop option", unknown_hop_by_hop_option},
		{"broken ip option", broken_ip_option},
		{"packets with options still arrive", packets_with_options_still_arrive},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
