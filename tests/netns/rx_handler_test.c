// SPDX-License-Identifier: GPL-2.0-only
/* Trap: a device above takes packets from ours, and nothing on the host shows it. */
#include <signal.h>
#include <unistd.h>

#include "frame.h"

static const u8 everybody[6] = {255, 255, 255, 255, 255, 255};
static const u8 child_mac[6] = {2, 0, 0, 0, 0, 9};

static const struct frame to_all = {
	.to = "255.255.255.255", .to_mac = everybody, .dport = CLOSED_PORT};

/* A child of dut0 in a namespace of its own, which has no rules. */
static int add_child(const char *mode)
{
	enter(ELSEWHERE);
	if (attempt(ON_HOST,
		    "ip link add link dut0 name child0 netns /proc/%d/fd/%d address "
		    "02:00:00:00:00:09 type macvlan mode %s",
		    (int)getpid(), place_fd(ELSEWHERE), mode))
		skip_case("this kernel has no macvlan: %s", output);
	run(ELSEWHERE, "ip link set child0 up && ip addr add 10.77.0.9/24 dev child0");
	return listen_udp(ELSEWHERE, CLOSED_PORT);
}

static void prepare(void)
{
	build_lab();
	build_elsewhere();
	load_nft(drop_closed_by_index);
}

static void macvlan_child_keeps_its_traffic(void)
{
	int child;

	prepare();
	attach();
	prove_early_drops();
	child = add_child("bridge");
	send_frame(&(struct frame){.to = "10.77.0.9", .to_mac = child_mac, .dport = CLOSED_PORT});
	expect(arrives(child), "a packet to its own address was lost");
	settle();
	send_frame(&to_all);
	expect(arrives(child), "a broadcast was lost");
	expect_no_early_drops("a macvlan child is there");
}

static void macvlan_child_added_while_stopped(void)
{
	int child;

	prepare();
	attach();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	child = add_child("bridge");
	send_frame(&to_all);
	expect(arrives(child), "a broadcast was lost");
}

/* It takes everything, under dut0's own address. */
static void passthru_child_takes_all(void)
{
	int child;

	prepare();
	attach();
	prove_early_drops();
	child = add_child("passthru");
	send_frame(&(struct frame){.to = "10.77.0.9", .to_mac = child_mac, .dport = CLOSED_PORT});
	expect(arrives(child), "lost");
}

static void child_that_left_frees_the_device(void)
{
	prepare();
	attach();
	prove_early_drops();
	add_child("bridge");
	expect_no_early_drops("a macvlan child is there");
	run(ELSEWHERE, "ip link del child0");
	expect(eventually(drops_early(), 3), "never again");
}

static void bridge_port(bool stopped)
{
	int server;

	prepare();
	attach();
	prove_early_drops();
	if (stopped)
		kill(keeper(), SIGSTOP);
	if (attempt(ON_HOST, "ip link add br0 address 02:00:00:00:00:01 type bridge"))
		skip_case("this kernel has no bridge");
	run(ON_HOST, "ip link set br0 up && ip addr flush dev dut0 && "
		     "ip addr add 10.77.0.1/24 dev br0 && ip link set dut0 master br0");
	server = listen_udp(ON_HOST, CLOSED_PORT);
	expect(eventually((send_udp(CLOSED_PORT), !stays_silent(server)), 3),
	       "dropped by rules for the port, whose packets are the bridge's");
}

static void bridge_port_while_attached(void)
{
	bridge_port(false);
}

static void bridge_port_while_stopped(void)
{
	bridge_port(true);
}

/* As on any Docker host. With the first bridge br_netfilter hooks itself into prerouting. */
static void bridge_beside_us(void)
{
	build_lab();
	load_nft(drop_closed);
	if (attempt(ON_HOST, "ip link add br0 type bridge"))
		skip_case("this kernel has no bridge");
	attach();
	prove_early_drops();
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"macvlan child keeps its traffic", macvlan_child_keeps_its_traffic},
		{"macvlan child added while stopped", macvlan_child_added_while_stopped},
		{"passthru child takes all", passthru_child_takes_all},
		{"child that left frees the device", child_that_left_frees_the_device},
		{"bridge port while attached", bridge_port_while_attached},
		{"bridge port while stopped", bridge_port_while_stopped},
		{"bridge beside us", bridge_beside_us},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
