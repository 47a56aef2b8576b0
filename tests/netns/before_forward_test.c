// SPDX-License-Identifier: GPL-2.0-only
/* Trap: routing answers packets before the forward hook sees them. */
#include <sys/socket.h>

#include "frame.h"

static const char drop_all[] = "table inet t {\n"
			       "	chain forward {\n"
			       "		type filter hook forward priority 0; policy drop;\n"
			       "	}\n"
			       "	chain input {\n"
			       "		type filter hook input priority 0;\n"
			       "		udp dport 9 drop\n"
			       "	}\n"
			       "}\n";

static void expect_answer(const struct frame *frame, int family, u8 type, u8 code)
{
	int icmp;

	build_lab();
	build_back();
	set_sysctl(ON_HOST, "ipv4/icmp_ratelimit", "0");
	set_sysctl(ON_HOST, "ipv6/icmp/ratelimit", "0");
	set_sysctl(ON_HOST, "ipv4/conf/all/send_redirects", "1");
	set_sysctl(ON_HOST, "ipv4/conf/dut0/send_redirects", "1");
	run(ON_HOST, "ip link set back0 mtu 1300");
	run(ON_HOST, "ip neigh replace 10.77.0.77 lladdr 02:00:00:00:00:77 dev dut0 nud permanent");
	load_nft(drop_all);
	icmp = open_icmp(ON_WIRE, family);
	send_frame(frame);
	expect(hears(icmp, type, code), "not even without sluice");
	attach();
	prove_early_drops();
	send_frame(frame);
	expect(hears(icmp, type, code), "the answer is missing");
}

static void ttl_exceeded(void)
{
	expect_answer(&(struct frame){.to = "10.88.0.2", .dport = 7, .ttl = 1}, AF_INET, 11, 0);
}

static void hop_limit_exceeded(void)
{
	expect_answer(&(struct frame){.to = "fd88::2", .dport = 7, .ttl = 1}, AF_INET6, 3, 0);
}

static void too_big_with_df(void)
{
	expect_answer(&(struct frame){.to = "10.88.0.2", .dport = 7, .df = true, .payload = 1400},
		      AF_INET, 3, 4);
}

static void too_big_for_ip6(void)
{
	expect_answer(&(struct frame){.to = "fd88::2", .dport = 7, .payload = 1400}, AF_INET6, 2,
		      0);
}

static void no_route(void)
{
	expect_answer(&(struct frame){.to = "10.99.9.9", .dport = 7}, AF_INET, 3, 0);
}

static void no_route_for_ip6(void)
{
	expect_answer(&(struct frame){.to = "fd99::9", .dport = 7}, AF_INET6, 1, 0);
}

static void redirect_on_the_same_link(void)
{
	expect_answer(&(struct frame){.to = "10.77.0.77", .dport = 7}, AF_INET, 5, 1);
}

static void unreachable_route(void)
{
	build_lab();
	build_back();
	run(ON_HOST, "ip route add prohibit 10.98.0.0/24");
	set_sysctl(ON_HOST, "ipv4/icmp_ratelimit", "0");
	load_nft(drop_all);

	int icmp = open_icmp(ON_WIRE, AF_INET);

	attach();
	prove_early_drops();
	send_frame(&(struct frame){.to = "10.98.0.1", .dport = 7});
	expect(hears(icmp, 3, 13), "the answer is missing");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"ttl exceeded", ttl_exceeded},
		{"hop limit exceeded", hop_limit_exceeded},
		{"too big with df", too_big_with_df},
		{"too big for ip6", too_big_for_ip6},
		{"no route", no_route},
		{"no route for ip6", no_route_for_ip6},
		{"redirect on the same link", redirect_on_the_same_link},
		{"unreachable route", unreachable_route},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
