// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trap: the way back to a packet's source is what the routing tables say when the packet comes, and
 * they say more than one lookup tells: of several next hops each counts, and of what is not plain
 * the kernel has to judge.
 */
#include <stdio.h>
#include <string.h>

#include "frame.h"

#define RULES(match)                                                                               \
	"table inet t {\n"                                                                         \
	"	chain c {\n"                                                                             \
	"		type filter hook prerouting priority -300;\n"                                           \
	"		" match " counter drop\n"                                                  \
	"	}\n"                                                                                     \
	"}\n"

enum fate { ARRIVES, DROPPED_EARLY, DROPPED_BY_THE_KERNEL };

static int service;

static void begin(const char *rules)
{
	build_lab();
	build_back();
	load_nft(rules);
	service = listen_udp(ON_HOST, OPEN_PORT);
	attach();
}

static void expect_fate(const char *source, enum fate fate)
{
	const bool is_ip6 = strchr(source, ':');
	u64 before = early_drops();
	bool arrived, early;

	send_frame(&(struct frame){
		.from = source, .to = is_ip6 ? "fd77::1" : "10.77.0.1", .dport = OPEN_PORT});
	if (fate == ARRIVES) {
		arrived = arrives(service);
		early = early_drops() != before;
	} else {
		early = eventually(early_drops() != before, fate == DROPPED_EARLY ? 1 : 0.1);
		arrived = !stays_silent(service);
	}
	expect(arrived == (fate == ARRIVES), "from %s: %s", source,
	       arrived ? "it arrived" : "it was lost");
	expect(early == (fate == DROPPED_EARLY), "from %s: %s", source,
	       early ? "dropped early" : "not dropped early");
}

static void by_route(void)
{
	begin(RULES("fib saddr . iif oif missing"));
	expect_fate("10.77.0.2", ARRIVES);
	expect_fate("10.88.0.2", DROPPED_EARLY);
	expect_fate("203.0.113.5", DROPPED_EARLY);
	expect_fate("10.77.0.1", DROPPED_EARLY);
	expect_fate("fd77::2", ARRIVES);
	expect_fate("fd88::2", DROPPED_EARLY);
	expect_fate("2001:db8::5", DROPPED_EARLY);
	run(ON_HOST, "%s list", sluice);
	expect(strstr(output, "counter packets 5 bytes"), "not counted: %s", output);
}

/* At once, without another compile. */
static void routes_come_and_go(void)
{
	static const struct {
		const char *command;
		enum fate fate;
	} changes[] = {
		{"add 203.0.113.0/24 dev dut0", ARRIVES},
		{"add 203.0.113.4/30 dev back0", DROPPED_EARLY},
		{"add 203.0.113.5 via 10.77.0.2", ARRIVES},
		{"replace blackhole 203.0.113.5", DROPPED_EARLY},
		{"replace unreachable 203.0.113.5", DROPPED_EARLY},
		{"replace prohibit 203.0.113.5", DROPPED_EARLY},
		{"del 203.0.113.5", DROPPED_EARLY},
		{"del 203.0.113.4/30", ARRIVES},
		{"del 203.0.113.0/24", DROPPED_EARLY},
		{"add default via 10.77.0.2", ARRIVES},
		{"replace default via 10.88.0.2", DROPPED_EARLY},
	};
	u64 first;

	begin(RULES("fib saddr . iif oif missing"));
	first = compiles();
	for (size_t i = 0; i < SL_ARRAY_SIZE(changes); i++) {
		run(ON_HOST, "ip route %s", changes[i].command);
		expect_fate("203.0.113.5", changes[i].fate);
	}
	expect(compiles() == first, "compiled anew for a route");
}

static void routes_come_and_go6(void)
{
	begin(RULES("fib saddr . mark . iif oif missing"));
	run(ON_HOST, "ip -6 route add 2001:db8::/32 dev dut0");
	expect_fate("2001:db8::5", ARRIVES);
	run(ON_HOST, "ip -6 route add 2001:db8::/64 via fd88::2");
	expect_fate("2001:db8::5", DROPPED_EARLY);
	run(ON_HOST, "ip -6 route add 2001:db8::5 via fd77::2");
	expect_fate("2001:db8::5", ARRIVES);
	run(ON_HOST, "ip -6 route replace unreachable 2001:db8::5 metric 1");
	run(ON_HOST, "ip -6 route del 2001:db8::5 via fd77::2");
	expect_fate("2001:db8::5", DROPPED_EARLY);
	run(ON_HOST, "ip -6 route flush root 2001:db8::/32 && ip -6 route add default via fd77::2");
	expect_fate("2001:db8::5", ARRIVES);
}

/* The rule matches where one of the next hops is the device; a lookup names only one of them. */
static void several_next_hops(void)
{
	begin(RULES("fib saddr . iif oif missing"));
	run(ON_HOST, "ip route add 203.0.113.0/24 nexthop via 10.77.0.2 nexthop via 10.88.0.2");
	for (int i = 1; i < 9; i++) {
		char source[32];

		snprintf(source, sizeof source, "203.0.113.%d", i);
		expect_fate(source, ARRIVES);
	}
	run(ON_HOST, "ip -6 route add 2001:db8::/64 nexthop via fd77::2 nexthop via fd88::2");
	for (int i = 1; i < 9; i++) {
		char source[32];
		u64 before = early_drops();

		snprintf(source, sizeof source, "2001:db8::%d", i);
		send_frame(&(struct frame){.from = source, .to = "fd77::1", .dport = OPEN_PORT});
		arrives(service); /* by the kernel's choice */
		expect(early_drops() == before, "%s was dropped early", source);
	}
}

/* The kernel lets a broadcast address by, finds routes by TOS, and asks other tables by rules. */
static void what_is_not_plain_is_the_kernels(void)
{
	u64 before;

	begin(RULES("fib saddr . iif oif missing"));
	before = early_drops();
	send_frame(&(struct frame){.from = "10.77.0.255", .dport = OPEN_PORT});
	arrives(service);
	expect(early_drops() == before, "a broadcast address was dropped early");
	run(ON_HOST, "ip route add 203.0.113.0/24 tos 0x10 dev dut0");
	expect_fate("203.0.113.5", DROPPED_BY_THE_KERNEL);
	run(ON_HOST, "ip route add 203.0.113.0/24 dev back0 table 77 && "
		     "ip rule add from 10.77.0.1 lookup 77");
	expect_fate("10.88.0.9", DROPPED_BY_THE_KERNEL);
	run(ON_HOST, "ip -6 rule add from fd77::1 lookup 77");
	expect_fate("fd88::2", DROPPED_BY_THE_KERNEL);
}

static void an_existing_way_can_be_what_drops(void)
{
	begin(RULES("fib saddr . iif oif exists"));
	expect_fate("10.77.0.2", DROPPED_EARLY);
	expect_fate("10.88.0.2", ARRIVES);
	expect_fate("fd77::2", DROPPED_EARLY);
	load_nft("flush ruleset");
	load_nft(RULES("fib saddr . iif oif != 0"));
	settle();
	expect_fate("10.77.0.2", DROPPED_EARLY);
	expect_fate("10.88.0.2", ARRIVES);
}

static void iptables_rpfilter(void)
{
	build_lab();
	build_back();
	load_iptables(
		"iptables-nft-restore",
		"*raw\n:PREROUTING ACCEPT\n-A PREROUTING -m rpfilter --invert -j DROP\nCOMMIT\n");
	service = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	expect_fate("10.77.0.2", ARRIVES);
	expect_fate("10.88.0.2", DROPPED_EARLY);
	expect_fate("10.77.0.1", DROPPED_EARLY);
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"by route", by_route},
		{"routes come and go", routes_come_and_go},
		{"routes come and go, of IPv6", routes_come_and_go6},
		{"several next hops", several_next_hops},
		{"what is not plain is the kernel's", what_is_not_plain_is_the_kernels},
		{"an existing way can be what drops", an_existing_way_can_be_what_drops},
		{"iptables' rpfilter", iptables_rpfilter},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
