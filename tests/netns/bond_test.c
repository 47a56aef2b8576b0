// SPDX-License-Identifier: GPL-2.0-only
/* Trap: a bond chooses which of its members' packets it takes, and rules see the bond. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "frame.h"

/* dut0 becomes a member of bond0, which takes its addresses. */
static void build_bond(void)
{
	if (attempt(ON_HOST, "ip link add bond0 type bond mode active-backup miimon 100"))
		skip_case("this kernel has no bonds");
	run(ON_HOST, "ip addr flush dev dut0 && ip link set dut0 down && "
		     "ip link set dut0 master bond0 && ip link set bond0 up && "
		     "ip addr add 10.77.0.1/24 dev bond0");
}

static void load_rules(const char *name)
{
	char rules[512];

	snprintf(rules, sizeof rules,
		 "table inet t {\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0;\n"
		 "		iifname \"%s\" udp dport 9 drop\n"
		 "	}\n"
		 "}\n",
		 name);
	load_nft(rules);
}

/* It has chosen a member. */
static void await_bond(int server)
{
	expect(eventually((send_udp(OPEN_PORT), !stays_silent(server)), 5), "the bond never works");
	drain(server);
}

static void attach_bond(void)
{
	build_lab();
	build_bond();
	load_rules("bond0");
	snprintf(device, sizeof device, "bond0");
	await_bond(listen_udp(ON_HOST, OPEN_PORT));
	attach();
	expect_mode("tc");
	prove_early_drops();
}

static void bond_is_attached_at_tc(void)
{
	int server;

	attach_bond();
	server = listen_udp(ON_HOST, 5001);
	send_udp(5001);
	expect(arrives(server), "what no rule drops was lost");
	run(ON_HOST, "nft add rule inet t input udp dport 5001 drop");
	settle();
	send_udp(5001);
	expect(stays_silent(server), "a rule was not followed");
}

static void xdp_on_a_bond_is_refused(void)
{
	static const char *const modes[] = {"native", "generic"};

	build_lab();
	build_bond();
	load_rules("bond0");
	for (int i = 0; i < 2; i++)
		expect(attempt(ON_HOST, "%s attach dev bond0 mode %s", sluice, modes[i]) &&
			       strstr(output, "runs on its members"),
		       "%s: %s", modes[i], output);
}

/* A rule for the member drops nothing once the bond has its packets. */
static void joined_bond(bool stopped)
{
	int server;

	build_lab();
	load_rules("dut0");
	server = listen_udp(ON_HOST, CLOSED_PORT);
	attach_mode("native");
	prove_early_drops();
	if (stopped)
		kill(keeper(), SIGSTOP);
	build_bond();
	expect(eventually((send_udp(CLOSED_PORT), !stays_silent(server)), 5),
	       "dropped by rules for the member, whose packets are the bond's");
}

static void member_that_joins_while_attached(void)
{
	joined_bond(false);
	settle();
	expect_no_early_drops("the bond has the packets");
}

static void member_that_joins_while_stopped(void)
{
	joined_bond(true);
}

/* Members may have addresses of their own: this one takes the packet for somebody else's. */
static void packet_for_the_bond_by_another_member_passes(void)
{
	attach_bond();
	load_nft("table netdev n {\n"
		 "	chain ingress {\n"
		 "		type filter hook ingress device bond0 priority 0;\n"
		 "		meta pkttype host udp dport 9 drop\n"
		 "	}\n"
		 "}\n");
	settle();
	prove_early_drops();
	run(ON_HOST, "ip link set dut0 address 02:00:00:00:00:77");
	settle();
	expect_no_early_drops("the member takes them for somebody else's");
}

static void vlan_device_on_a_bond(void)
{
	int server;

	build_lab();
	build_bond();
	if (attempt(ON_HOST, "ip link add link bond0 name vlan5 type vlan id 5"))
		skip_case("this kernel has no VLAN devices");
	run(ON_HOST, "ip link set vlan5 up && ip addr add 10.55.5.1/24 dev vlan5");
	await_bond(listen_udp(ON_HOST, OPEN_PORT));
	load_rules("vlan5");
	server = listen_udp(ON_HOST, CLOSED_PORT);
	snprintf(device, sizeof device, "vlan5");
	attach();
	expect_mode("tc");

	u64 before = early_drops();

	send_frame(&(struct frame){.from = "10.55.5.2",
				   .to = "10.55.5.1",
				   .dport = CLOSED_PORT,
				   .has_vlan = true,
				   .vlan = 5});
	expect(eventually(early_drops() > before, 1), "nothing is dropped early");
	send_udp(CLOSED_PORT);
	expect(arrives(server), "dropped by the rules of the device above");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"bond is attached at tc", bond_is_attached_at_tc},
		{"xdp on a bond is refused", xdp_on_a_bond_is_refused},
		{"member that joins while attached", member_that_joins_while_attached},
		{"member that joins while stopped", member_that_joins_while_stopped},
		{"packet for the bond by another member passes",
		 packet_for_the_bond_by_another_member_passes},
		{"vlan device on a bond", vlan_device_on_a_bond},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
