// SPDX-License-Identifier: GPL-2.0-only
/* Trap: a tagged packet belongs to another device, and the tag may lie beside the frame. */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
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

/*
 * Native, on the device below: a tap, since a veth hides its tags. What is written to its
 * file it receives.
 */

static int tap_fd = -1;

static void build_tap(void)
{
	struct ifreq request = {.ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI};

	build_lab();
	tap_fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (tap_fd < 0 || ioctl(tap_fd, TUNSETIFF, &request))
		skip_case("this kernel has no taps");
	run(ON_HOST, "ip link set tap0 address 02:00:00:00:00:01 up && "
		     "ip addr add 10.99.0.1/24 dev tap0");
}

static void add_vlan_of_tap(const char *name, u16 id)
{
	if (attempt(ON_HOST, "ip link add link tap0 name %s type vlan id %u", name, id))
		skip_case("this kernel has no VLAN devices");
	run(ON_HOST, "ip link set %s up && ip addr add 10.55.%u.1/24 dev %s", name, id, name);
}

/*
 * With up to two tags, the outer first; 0: none. From an address for these tags, so that what
 * passes has nothing in common with what is dropped.
 */
static void send_by_tap(u16 outer, u16 inner, u16 port)
{
	char from[32];
	struct frame frame = {
		.from = from, .to = "10.55.5.1", .dport = port, .has_vlan = outer, .vlan = outer};
	u8 bytes[FRAME_MAX + 4];
	u32 length;

	snprintf(from, sizeof from, "10.55.5.%u", 10 + outer + 10 * inner);
	length = frame_build(bytes, &frame);
	if (inner) { /* behind the outer one */
		memmove(bytes + 20, bytes + 16, length - 16);
		memcpy(bytes + 16, (u8[]){0x81, 0, (u8)(inner >> 8), (u8)inner}, 4);
		length += 4;
	}
	expect(write(tap_fd, bytes, length) == (ssize_t)length, "cannot write to the tap");
}

static bool tap_drops_early(void)
{
	u64 before = early_drops();

	send_by_tap(5, 0, CLOSED_PORT);
	return eventually(early_drops() > before, 0.3);
}

/* A rule that looks at the addresses, too: the tag lies behind them. */
static void attach_below(void)
{
	build_tap();
	add_vlan_of_tap("vlan5", 5);
	add_vlan_of_tap("vlan6", 6);
	load_nft("table inet t {\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0;\n"
		 "		ct state established accept\n"
		 "		iifname \"vlan5\" ether saddr 02:00:00:00:00:02 udp dport 9 drop\n"
		 "	}\n"
		 "}\n");
	snprintf(device, sizeof device, "vlan5");
	attach_mode("native");
	expect_mode("native");
	expect(eventually(tap_drops_early(), 3), "nothing is dropped early");
}

static void vlan_device_is_judged_below_it(void)
{
	int server;

	attach_below();
	run(ON_HOST, "%s status", sluice);
	expect(strstr(output, "native on tap0"), "status: %s", output);
	server = listen_udp(ON_HOST, CLOSED_PORT);
	send_by_tap(6, 0, CLOSED_PORT);
	expect(arrives(server), "another VLAN lost its packet");
	send_by_tap(0, 0, CLOSED_PORT);
	expect(arrives(server), "the device below lost its packet");
	expect(tap_drops_early() && stays_silent(server), "its own arrive");
	run(ON_HOST, "nft flush chain inet t input");
	settle();
	send_by_tap(5, 0, CLOSED_PORT);
	expect(arrives(server), "a rule that is gone still drops");
	detach();
	expect(!keeper(), "the keeper is left");
	run(ON_HOST, "ip link show tap0");
	expect(!strstr(output, "xdp"), "the program is left: %s", output);
}

/* Its index, name and address in memory may all come back. */
static void tag_that_goes_to_another_device(void)
{
	int server;

	attach_below();
	kill(keeper(), SIGSTOP);
	run(ON_HOST, "ip link del vlan5");
	add_vlan_of_tap("other5", 5);
	server = listen_udp(ON_HOST, CLOSED_PORT);
	send_by_tap(5, 0, CLOSED_PORT);
	expect(arrives(server), "dropped by rules for the device that is gone");
	run(ON_HOST, "ip link del other5");
	add_vlan_of_tap("vlan5", 5);
	kill(keeper(), SIGCONT);
	expect(eventually(is_attached() && is_fresh() && tap_drops_early(), 5), "never again");
}

static void device_below_that_filters_itself(void)
{
	int server;

	attach_below();
	run(ON_HOST,
	    "nft 'table netdev n { chain i { type filter hook ingress device tap0 priority "
	    "0; }; }'");
	settle();
	expect(!tap_drops_early(), "dropped before the hook of the device below");
	detach();
	expect(attempt(ON_HOST, "%s attach dev vlan5 mode native", sluice) &&
		       strstr(output, "see its packets before"),
	       "native is not refused: %s", output);
	attach();
	expect_mode("tc");
	expect(eventually(tap_drops_early(), 3), "nothing is dropped early at TC");
	server = listen_udp(ON_HOST, OPEN_PORT);
	send_by_tap(5, 0, OPEN_PORT);
	expect(arrives(server), "what no rule drops was lost");
}

static void second_tag_passes_below(void)
{
	int server;

	attach_below();
	run(ON_HOST, "ip link add link vlan5 name inner type vlan id 7 && ip link set inner up && "
		     "ip addr add 10.55.7.1/24 dev inner");
	settle();
	server = listen_udp(ON_HOST, CLOSED_PORT);
	send_by_tap(5, 7, CLOSED_PORT);
	expect(arrives(server), "dropped by the rules of the device below");
	expect(eventually(tap_drops_early(), 3), "its own are not dropped any more");
}

/* Of packets whose tags are off when the rules drop them. */
static void audit_agrees_below(void)
{
	pid_t sender;
	int status;

	build_tap();
	add_vlan_of_tap("vlan5", 5);
	load_nft(drop_closed);
	sender = fork();
	while (!sender) {
		send_by_tap(5, 0, CLOSED_PORT);
		pause_ms(50);
	}
	status = attempt(ON_HOST, "%s audit dev vlan5 mode native --for 3s --json", sluice);
	kill(sender, SIGKILL);
	waitpid(sender, NULL, 0);
	expect(!status && !strstr(output, "\"would_drop\": 0"), "exit status %d: %s", status,
	       output);
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
		{"vlan device is judged below it", vlan_device_is_judged_below_it},
		{"tag that goes to another device", tag_that_goes_to_another_device},
		{"device below that filters itself", device_below_that_filters_itself},
		{"second tag passes below", second_tag_passes_below},
		{"audit agrees below", audit_agrees_below},
		{"hidden tag passes tc", hidden_tag_passes_tc},
		{"hidden tag without a device", hidden_tag_without_a_device},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
