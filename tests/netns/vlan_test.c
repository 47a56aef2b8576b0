// SPDX-License-Identifier: GPL-2.0-only
/* Trap: a tagged packet belongs to another device, and the tag may lie beside the frame. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "frame.h"

static const char drop_9[] = "table inet t {\n"
			     "	chain input {\n"
			     "		type filter hook input priority 0;\n"
			     "		iifname \"dut0\" udp dport 9 drop\n"
			     "	}\n"
			     "}\n";

static void tag_in_band_is_seen_by_sniffers(void)
{
	int tap;

	build_lab();
	load_nft(drop_9);
	attach();
	prove_early_drops();
	tap = open_tap(ON_HOST, "dut0");
	drain(tap);
	send_frame(&(struct frame){.dport = CLOSED_PORT, .has_vlan = true, .vlan = 5});
	expect(sees_port(tap, CLOSED_PORT), "dropped as if it were this device's");
}

static void priority_tag_is_no_vlan(void)
{
	int server;

	build_lab();
	load_nft(drop_9);
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
	send_frame(&(struct frame){.dport = OPEN_PORT, .has_vlan = true});
	expect(arrives(server), "the packet in band was lost");
}

/* vlan5 and vlan6, each with an end on the wire, whose tags lie beside the frames. */
static void add_vlan_in(enum place place, u16 id)
{
	enter(place);
	if (attempt(ON_HOST,
		    "ip link add link dut0 name vlan%u netns /proc/%d/fd/%d type vlan id %u", id,
		    (int)getpid(), place_fd(place), id))
		skip_case("this kernel has no VLAN devices");
	run(place, "ip link set vlan%u up && ip addr add 10.55.%u.1/24 dev vlan%u", id, id, id);
	run(ON_WIRE,
	    "ip link add link wire0 name wire%u type vlan id %u && ip link set wire%u up && "
	    "ip addr add 10.55.%u.2/24 dev wire%u && "
	    "ip neigh replace 10.55.%u.1 lladdr 02:00:00:00:00:01 dev wire%u nud permanent",
	    id, id, id, id, id, id, id);
}

static void add_vlan(void)
{
	add_vlan_in(ON_HOST, 5);
}

static void send_beside(u16 id, u16 port)
{
	char address[32];

	snprintf(address, sizeof address, "10.55.%u.1", id);
	SL_CLEANUP(sl_close) int fd = open_udp(ON_WIRE, address, port);

	expect(send(fd, "x", 1, 0) == 1, "cannot send to %s", address);
}

static void send_in_band(u16 id, u16 port)
{
	char from[32], to[32];

	snprintf(from, sizeof from, "10.55.%u.2", id);
	snprintf(to, sizeof to, "10.55.%u.1", id);
	send_frame(&(struct frame){
		.from = from, .to = to, .dport = port, .has_vlan = true, .vlan = id});
}

static void send_to_vlan(void)
{
	send_beside(5, CLOSED_PORT);
}

static void expect_both_arrive(int server, u16 id)
{
	send_beside(id, CLOSED_PORT);
	expect(arrives(server), "the one with its tag beside it was lost");
	send_in_band(id, CLOSED_PORT);
	expect(arrives(server), "the one with its tag in band was lost");
}

/* On a veth no tag is visible at XDP; TC tells whose a packet is. */
static void beside_vlan_devices_the_device_is_attached_at_tc(void)
{
	int server;

	build_lab();
	add_vlan();
	load_nft(drop_9);
	server = listen_udp(ON_HOST, CLOSED_PORT);
	expect_both_arrive(server, 5);
	attach();
	expect_mode("tc");
	prove_early_drops();
	expect_both_arrive(server, 5);
	detach();
	expect(attempt(ON_HOST, "%s attach dev dut0 mode native", sluice) &&
		       strstr(output, "would not see the tags"),
	       "native is not refused: %s", output);
}

/* A veth carries tags beside its frames, whatever it says of itself. */
static void hidden_tag_where_the_offload_is_off(void)
{
	int server;

	build_lab();
	add_vlan();
	run(ON_HOST, "ethtool -K dut0 rxvlan off");
	load_nft(drop_9);
	server = listen_udp(ON_HOST, CLOSED_PORT);
	attach();
	prove_early_drops();
	expect_both_arrive(server, 5);
}

static void vlan_device_added_while_attached(void)
{
	int server;

	build_lab();
	load_nft(drop_9);
	server = listen_udp(ON_HOST, CLOSED_PORT);
	attach_mode("native");
	prove_early_drops();
	add_vlan();
	send_to_vlan();
	expect(arrives(server), "dropped by the rules of the device below");
	settle();
	send_to_vlan();
	expect(arrives(server), "dropped once it was known");
}

static void mode_is_chosen_anew_for_a_vlan_device(void)
{
	build_lab();
	load_nft(drop_9);
	attach();
	expect_mode("native");
	prove_early_drops();

	u64 before = early_drops();

	add_vlan();
	expect(eventually(is_attached() && is_fresh() && drops_early(), 5), "never again");
	expect_mode("tc");
	expect(early_drops() > before, "what was counted is lost");
	run(ON_HOST, "ip link del vlan5");
	settle();
	prove_early_drops();
	detach();
	expect(!keeper(), "the keeper is left");
}

/* Nothing in the namespace of the rules shows it. */
static void vlan_device_of_another_namespace(void)
{
	int server;

	build_lab();
	build_elsewhere();
	load_nft(drop_9);
	attach_mode("native");
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	add_vlan_in(ELSEWHERE, 5);
	server = listen_udp(ELSEWHERE, CLOSED_PORT);
	send_to_vlan();
	expect(arrives(server), "dropped by the rules of the device below");
	kill(keeper(), SIGCONT);
	settle();
	send_to_vlan();
	expect(arrives(server), "dropped once it was known");
}

/* The device itself */

static bool drops_of_vlan(u16 id)
{
	u64 before = early_drops();

	send_beside(id, CLOSED_PORT);
	send_in_band(id, CLOSED_PORT);
	return eventually(early_drops() >= before + 2, 0.3);
}

static void attach_vlan5(void)
{
	build_lab();
	add_vlan();
	load_nft("table inet t {\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0;\n"
		 "		iifname \"vlan5\" udp dport 9 drop\n"
		 "	}\n"
		 "}\n");
	snprintf(device, sizeof device, "vlan5");
	attach();
	expect_mode("tc");
	expect(eventually(drops_of_vlan(5), 3), "nothing is dropped early");
}

static void vlan_device_is_attached_at_tc(void)
{
	int server;

	attach_vlan5();
	add_vlan_in(ON_HOST, 6);
	server = listen_udp(ON_HOST, CLOSED_PORT);
	settle();
	expect_both_arrive(server, 6);
	send_udp(CLOSED_PORT);
	expect(arrives(server), "the device below lost its packet");
	expect(drops_of_vlan(5), "its own are not dropped any more");
	expect(stays_silent(server), "its own arrive");
}

static void rules_of_a_vlan_device_are_followed(void)
{
	int server;

	attach_vlan5();
	server = listen_udp(ON_HOST, CLOSED_PORT);
	run(ON_HOST, "nft flush chain inet t input");
	expect_both_arrive(server, 5);
	settle();
	expect_both_arrive(server, 5);
	run(ON_HOST, "nft add rule inet t input udp dport 9 drop");
	settle();
	expect(drops_of_vlan(5), "nothing is dropped early by the new rule");
}

/* Two tags: the outer one is the device's, the inner one another's. */
static void vlan_within_the_vlan_passes(void)
{
	int server;

	attach_vlan5();
	server = listen_udp(ON_HOST, CLOSED_PORT);
	run(ON_HOST, "ip link add link vlan5 name inner type vlan id 7 && ip link set inner up && "
		     "ip addr add 10.55.7.1/24 dev inner");
	run(ON_WIRE,
	    "ip link add link wire5 name winner type vlan id 7 && ip link set winner up && "
	    "ip addr add 10.55.7.2/24 dev winner && ip neigh replace 10.55.7.1 lladdr "
	    "02:00:00:00:00:01 dev winner nud permanent");
	settle();
	send_beside(7, CLOSED_PORT);
	expect(arrives(server), "dropped by the rules of the device below");
	expect(drops_of_vlan(5), "its own are not dropped any more");
}

/* Behind TC the tag is visible, whatever the device. */
static void hidden_tag_passes_tc(void)
{
	int tap;

	build_lab();
	load_nft(drop_9);
	attach_mode("tc");
	prove_early_drops();
	tap = open_tap(ON_HOST, "dut0");
	u64 before = early_drops();

	send_frame_with_hidden_tag(&(struct frame){.dport = CLOSED_PORT}, 5);
	expect(sees_port(tap, CLOSED_PORT), "it never came");
	expect(early_drops() == before, "dropped as if it were this device's");
}

/* Not this host's: IP drops it before the rules. One with VLAN 0 is. */
static void hidden_tag_without_a_device(void)
{
	int server;

	build_lab();
	load_nft(drop_9);
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
	send_frame_with_hidden_tag(&(struct frame){.dport = OPEN_PORT}, 5);
	expect(stays_silent(server), "it arrived");
	send_frame_with_hidden_tag(&(struct frame){.dport = OPEN_PORT}, 0);
	expect(arrives(server), "the one of VLAN 0 was lost");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"tag in band is seen by sniffers", tag_in_band_is_seen_by_sniffers},
		{"priority tag is no vlan", priority_tag_is_no_vlan},
		{"beside vlan devices the device is attached at tc",
		 beside_vlan_devices_the_device_is_attached_at_tc},
		{"hidden tag where the offload is off", hidden_tag_where_the_offload_is_off},
		{"vlan device added while attached", vlan_device_added_while_attached},
		{"mode is chosen anew for a vlan device", mode_is_chosen_anew_for_a_vlan_device},
		{"vlan device of another namespace", vlan_device_of_another_namespace},
		{"vlan device is attached at tc", vlan_device_is_attached_at_tc},
		{"rules of a vlan device are followed", rules_of_a_vlan_device_are_followed},
		{"vlan within the vlan passes", vlan_within_the_vlan_passes},
		{"hidden tag passes tc", hidden_tag_passes_tc},
		{"hidden tag without a device", hidden_tag_without_a_device},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
