// SPDX-License-Identifier: GPL-2.0-only
/* Trap: a tagged packet belongs to another device, and the tag may lie beside the frame. */
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

static void add_vlan(void)
{
	if (attempt(ON_HOST, "ip link add link dut0 name vlan5 type vlan id 5"))
		skip_case("this kernel has no VLAN devices");
	run(ON_HOST, "ip link set vlan5 up && ip addr add 10.55.0.1/24 dev vlan5");
}

static void send_to_vlan(void)
{
	send_frame_with_hidden_tag(
		&(struct frame){.from = "10.55.0.2", .to = "10.55.0.1", .dport = CLOSED_PORT}, 5);
}

static void hidden_tag_of_a_vlan_device(void)
{
	int server;

	build_lab();
	add_vlan();
	load_nft(drop_9);
	server = listen_udp(ON_HOST, CLOSED_PORT);
	send_to_vlan();
	expect(arrives(server), "not even without sluice");
	attach();
	send_to_vlan();
	expect(arrives(server), "dropped by the rules of the device below");
}

static void vlan_device_added_while_attached(void)
{
	int server;

	build_lab();
	load_nft(drop_9);
	server = listen_udp(ON_HOST, CLOSED_PORT);
	attach();
	prove_early_drops();
	add_vlan();
	send_to_vlan();
	expect(arrives(server), "dropped by the rules of the device below");
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
		{"hidden tag of a vlan device", hidden_tag_of_a_vlan_device},
		{"vlan device added while attached", vlan_device_added_while_attached},
		{"hidden tag passes tc", hidden_tag_passes_tc},
		{"hidden tag without a device", hidden_tag_without_a_device},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
