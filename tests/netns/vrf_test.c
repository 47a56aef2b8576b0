// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trap: behind prerouting the packets of a VRF's port are the VRF's, and no rx_handler shows it.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "frame.h"

static const char drop_9[] = "table inet t {\n"
			     "	chain input {\n"
			     "		type filter hook input priority 0;\n"
			     "		iifname \"dut0\" udp dport 9 drop\n"
			     "	}\n"
			     "}\n";

/* Sockets of the namespace hear what comes by the VRF. */
static void build_vrf(void)
{
	build_lab();
	if (attempt(ON_HOST, "ip link add vrf0 type vrf table 10"))
		skip_case("this kernel has no VRF");
	run(ON_HOST, "ip link set vrf0 up");
	set_sysctl(ON_HOST, "ipv4/udp_l3mdev_accept", "1");
	load_nft(drop_9);
}

static void join(void)
{
	run(ON_HOST, "ip link set dut0 master vrf0");
}

static void expect_arrival(int server)
{
	expect(eventually((send_udp(CLOSED_PORT), !stays_silent(server)), 3),
	       "dropped by rules for the port, whose packets are the VRF's");
}

static void port_drops_nothing(void)
{
	int server;

	build_vrf();
	join();
	server = listen_udp(ON_HOST, CLOSED_PORT);
	expect_arrival(server);
	attach();
	expect_no_early_drops("it is a port");
	expect_arrival(server);
	run(ON_HOST, "%s plan dev dut0", sluice);
	expect(strstr(output, "port of vrf0"), "the plan does not say why: %s", output);
}

static void port_that_joins(bool stopped)
{
	int server;

	build_vrf();
	server = listen_udp(ON_HOST, CLOSED_PORT);
	attach();
	prove_early_drops();
	if (stopped)
		kill(keeper(), SIGSTOP);
	join();
	expect_arrival(server);
}

static void port_that_joins_while_attached(void)
{
	port_that_joins(false);
	settle();
	expect_no_early_drops("it is a port");
	run(ON_HOST, "ip link set dut0 nomaster");
	expect(eventually(drops_early(), 3), "never again, although it has left");
}

static void port_that_joins_while_stopped(void)
{
	port_that_joins(true);
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"port drops nothing", port_drops_nothing},
		{"port that joins while attached", port_that_joins_while_attached},
		{"port that joins while stopped", port_that_joins_while_stopped},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
