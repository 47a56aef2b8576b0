// SPDX-License-Identifier: GPL-2.0-only
/* Trap: packet sockets still see what nft drops; DHCP clients and servers live on that. */
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"

static const char policy_drop[] = "table inet t {\n"
				  "	chain input {\n"
				  "		type filter hook input priority 0; policy drop;\n"
				  "	}\n"
				  "}\n";

static const u8 broadcast[6] = {255, 255, 255, 255, 255, 255};

static void expect_seen(const struct frame *frame)
{
	int tap;

	build_lab();
	load_nft(policy_drop);
	attach();
	prove_early_drops();
	tap = open_tap(ON_HOST, "dut0");
	drain(tap);
	send_frame(frame);
	expect(sees_port(tap, frame->dport), "port %u is not seen any more", frame->dport);
	close(tap);
	detach();
}

static void dhcp_server(void)
{
	expect_seen(&(struct frame){.from = "0.0.0.0",
				    .to = "255.255.255.255",
				    .to_mac = broadcast,
				    .sport = 68,
				    .dport = 67});
}

static void dhcp_client(void)
{
	expect_seen(&(struct frame){.sport = 67, .dport = 68});
}

static void dhcpv6_client(void)
{
	expect_seen(&(struct frame){.to = "fd77::1", .sport = 547, .dport = 546});
}

static void dhcpv6_server(void)
{
	expect_seen(&(struct frame){.to = "fd77::1", .sport = 546, .dport = 547});
}

/* The other side of the contract: what the manual says of sniffers holds. */
static void early_drops_are_not_seen(void)
{
	int tap;

	build_lab();
	load_nft(policy_drop);
	attach();
	prove_early_drops();
	tap = open_tap(ON_HOST, "dut0");
	drain(tap);
	send_udp(CLOSED_PORT);
	expect(!sees_port(tap, CLOSED_PORT), "seen: it was not dropped early");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"dhcp server", dhcp_server},
		{"dhcp client", dhcp_client},
		{"dhcpv6 client", dhcpv6_client},
		{"dhcpv6 server", dhcpv6_server},
		{"early drops are not seen", early_drops_are_not_seen},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
