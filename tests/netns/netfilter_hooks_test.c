// SPDX-License-Identifier: GPL-2.0-only
/* What is decided at netfilter's hooks, since XDP cannot know it: and what must not be. */
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/netfilter.h> /* behind what it has twice */

#include "base/cleanup.h"
#include "frame.h"
#include "load/dataplane.h"
#include "load/hook_links.h"
#include "load/observe.h"
#include "load/pins.h"

#define INPUT(rules)                                                                               \
	"table inet t {\n"                                                                         \
	"	chain input {\n"                                                                         \
	"		type filter hook input priority 0; policy drop;\n"                                      \
	"		ct state established,related accept\n" rules                               \
	"		meta l4proto ipv6-icmp icmpv6 type != echo-request accept\n"                            \
	"	}\n"                                                                                     \
	"}\n"

static void ping(void)
{
	send_frame(&(struct frame){.protocol = IPPROTO_ICMP, .type = 8});
}

static void ping6(void)
{
	send_frame(&(struct frame){.to = "fd77::1", .protocol = IPPROTO_ICMPV6, .type = 128});
}

static u64 hook_drops(void)
{
	return fate_packets(SL_HOOK_DROPPED);
}

static u64 hook_passes(void)
{
	return fate_packets(SL_HOOK_PASSED);
}

static void need_links(void)
{
	if (!sl_hook_links_exist())
		skip_case("this kernel has no netfilter links");
}

static void attach_hooks(void)
{
	need_links();
	attach();
}

/* Within a moment, since what keeps the rules may just be about to be made anew. */
static bool drops_at_hook(void (*act)(void))
{
	u64 before = hook_drops();

	act();
	return eventually(hook_drops() > before, 0.3);
}

static void expect_hook_drops(void (*act)(void))
{
	expect(eventually(drops_at_hook(act), 3), "nothing is dropped at the hook");
}

static void expect_listed(const char *text)
{
	run(ON_HOST, "%s list", sluice);
	expect(strstr(output, text), "not %s: %s", text, output);
}

/* How many of sluice's links the namespace has. */
static u32 count_links(void)
{
	struct sl_observer *observer;
	struct sl_snapshot snapshot;
	struct sl_diag diag;
	u32 count = 0;

	enter(ON_HOST);
	expect(!sl_observer_open(&observer, &diag), "%s", diag.text);
	expect(!sl_observer_look(observer, 1, &snapshot, &diag), "%s", diag.text);
	for (u32 l = 0; l < SL_HOOK_LISTS; l++) {
		const struct sl_hook_list *list = &sl_observer_hooks(observer)[l];

		for (u32 i = 0; i < list->count && i < SL_HOOKS_MAX; i++)
			count += !strcmp(list->hooks[i].program, SL_HOOK_PROGRAM);
	}
	sl_observer_free(observer);
	return count;
}

static void icmp_of_a_policy_drop(void)
{
	int icmp, icmp6;

	build_lab();
	load_nft(INPUT("		icmp type echo-request counter drop\n"));
	attach_hooks();
	icmp = open_icmp(ON_WIRE, AF_INET);
	icmp6 = open_icmp(ON_WIRE, AF_INET6);
	for (int i = 0; i < 5; i++)
		ping();
	expect(eventually(hook_drops() == 5, 1), "%llu of 5 dropped at the hook",
	       (unsigned long long)hook_drops());
	ping6();
	expect(eventually(hook_drops() == 6, 1), "an ICMPv6 packet was not dropped at the hook");
	expect(stays_silent(icmp), "the host answered");
	expect(!hears(icmp6, 129, 0), "the host answered");
	expect_listed("counter packets 5 bytes 220 drop");
}

/* As many as without: conntrack has seen them all. */
static void established_connections_live(void)
{
	int listener, client, server;

	build_lab();
	load_nft(INPUT("		tcp dport 5000 accept\n"));
	listener = listen_tcp(ON_HOST, OPEN_PORT);
	attach_hooks();
	expect_hook_drops(ping);
	client = connect_tcp(ON_WIRE, "10.77.0.1", OPEN_PORT);
	expect(client >= 0, "no connection");
	server = accept(listener, NULL, NULL);
	for (int i = 0; i < 3; i++) {
		expect(write(client, "a", 1) == 1 && arrives(server), "cut");
		expect(write(server, "b", 1) == 1 && arrives(client), "no way back");
	}
	expect(hook_passes(), "its packets did not come by the hook");
	run(ON_HOST, "ping -c 1 -W 1 10.77.0.2"); /* the answer is established */
}

static void send_invalid(void)
{
	send_frame(&(struct frame){.protocol = IPPROTO_TCP, .dport = 80, .bad_checksum = true});
}

static void invalid_alone(void)
{
	build_lab();
	load_nft("table inet t {\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0;\n"
		 "		ct state invalid counter drop\n"
		 "	}\n"
		 "}\n");
	attach_hooks();
	send_invalid();
	expect(eventually(hook_drops() == 1, 1), "not dropped at the hook");
	expect_listed("invalid counter packets 1 bytes 56 drop");
}

static void addresses_behind_dnat(void)
{
	int server, other;

	build_lab();
	build_back();
	load_nft("table inet t {\n"
		 "	chain pre {\n"
		 "		type nat hook prerouting priority -100;\n"
		 "		udp dport 8053 dnat ip to 10.88.0.2:5000\n"
		 "		udp dport 8054 dnat ip to 10.88.0.2:5001\n"
		 "	}\n"
		 "	chain forward {\n"
		 "		type filter hook forward priority 0;\n"
		 "		ip daddr 10.88.0.2 udp dport 5001 counter drop\n"
		 "	}\n"
		 "}\n");
	server = listen_udp(ON_BACK, OPEN_PORT);
	other = listen_udp(ON_BACK, OPEN_PORT + 1);
	attach_hooks();
	send_udp(8053);
	expect(arrives(server), "lost");
	send_udp(8054);
	expect(eventually(hook_drops() == 1, 1), "not dropped at the hook");
	expect(stays_silent(other), "it came through");
	expect_listed("udp dport 5001 counter packets 1 bytes 44 drop");
	expect(!early_drops(), "dropped ahead of DNAT");
}

static void send_fragments(void)
{
	static u16 id;

	id++;
	send_frame(&(struct frame){
		.dport = CLOSED_PORT, .payload = 16, .more_fragments = true, .id = id});
	send_frame(&(struct frame){.payload = 16, .fragment_offset = 24, .id = id});
}

static void fragments_in_one_piece(void)
{
	build_lab();
	load_nft(INPUT("		udp dport 9 counter drop\n"));
	attach_hooks();
	expect_hook_drops(send_fragments);
}

static void elements_are_followed(void)
{
	int icmp;

	build_lab();
	load_nft("table inet t {\n"
		 "	set banned { type ipv4_addr; }\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0;\n"
		 "		ip saddr @banned ct state new,established drop\n"
		 "	}\n"
		 "}\n");
	attach_hooks();
	icmp = open_icmp(ON_WIRE, AF_INET);
	ping();
	expect(hears(icmp, 0, 0), "no answer");
	run(ON_HOST, "nft add element inet t banned { 10.77.0.2 }");
	settle();
	expect_hook_drops(ping);
	run(ON_HOST, "nft delete element inet t banned { 10.77.0.2 }");
	ping();
	expect(hears(icmp, 0, 0), "dropped for an element that is gone");
	expect(compiles() == 1, "%llu compiles for it", (unsigned long long)compiles());
}

static void expect_change_is_honoured(int signal_number)
{
	int icmp;

	build_lab();
	load_nft(INPUT(""));
	attach_hooks();
	expect_hook_drops(ping);
	expect(!kill(keeper(), signal_number), "no keeper");
	if (signal_number == SIGKILL)
		expect(eventually(!keeper(), 1), "it lives on");
	expect_hook_drops(ping);
	icmp = open_icmp(ON_WIRE, AF_INET);
	run(ON_HOST, "nft flush ruleset");
	for (int i = 0; i < 3; i++) {
		ping();
		expect(hears(icmp, 0, 0), "dropped by rules that are gone");
	}
}

static void rules_go_while_the_keeper_is_stopped(void)
{
	expect_change_is_honoured(SIGSTOP);
}

static void rules_go_after_the_keeper_died(void)
{
	expect_change_is_honoured(SIGKILL);
}

static void a_new_keeper_takes_over(void)
{
	build_lab();
	load_nft(INPUT(""));
	attach_hooks();
	expect_hook_drops(ping);
	kill(keeper(), SIGKILL);
	expect(eventually(!keeper(), 1), "it lives on");
	attach();
	expect_hook_drops(ping);
	expect(count_links() == 2, "%u links", count_links());
}

static void detaching_leaves_nothing(void)
{
	char path[SL_PIN_PATH_MAX];
	int icmp;

	build_lab();
	load_nft(INPUT("		icmp type echo-request drop\n"));
	attach_hooks();
	expect(count_links() == 2, "%u links", count_links());
	detach();
	expect(!count_links(), "%u links are left", count_links());
	sl_pins_path(path, net_cookie(), "", NULL);
	expect(access(path, F_OK) != 0, "pins are left in %s", path);
	icmp = open_icmp(ON_WIRE, AF_INET);
	run(ON_HOST, "nft flush ruleset");
	ping();
	expect(hears(icmp, 0, 0), "no answer");
}

static void the_pin_is_removed_by_hand(void)
{
	char path[SL_PIN_PATH_MAX];

	build_lab();
	load_nft(INPUT(""));
	attach_hooks();
	sl_pins_path(path, net_cookie(), device, "link");
	expect(!unlink(path), "%s", strerror(errno));
	expect(eventually(!count_links(), 3), "%u links are left", count_links());
}

/* Nor any of a device that has gone, and come back. */
static void devices_come_back(void)
{
	build_lab();
	load_nft(INPUT(""));
	attach_hooks();
	run(ON_HOST, "ip link del dut0");
	expect(eventually(!count_links(), 3), "%u links are left", count_links());
	remake_device();
	expect(eventually(is_attached(), 5), "not attached again");
	settle();
	expect_hook_drops(ping);
	expect(count_links() == 2, "%u links", count_links());
}

/* Rules that hold for another device are not this one's, and those without hold for it, too. */
static void packets_of_other_devices_pass(void)
{
	u64 passed, dropped;

	build_lab();
	build_back();
	load_nft("table inet t {\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0; policy drop;\n"
		 "		ct state established accept\n"
		 "		iifname back0 accept\n"
		 "	}\n"
		 "}\n");
	attach_hooks();
	expect_hook_drops(ping);
	passed = hook_passes(), dropped = hook_drops();
	run(ON_BACK, "ping -c 3 -i 0.2 -W 1 10.88.0.1");
	expect(passed == hook_passes() && dropped == hook_drops(), "judged for dut0");
}

static void two_devices_at_one_hook(void)
{
	build_lab();
	build_back();
	load_nft(INPUT(""));
	attach_hooks();
	run(ON_HOST, "%s attach dev back0", sluice);
	expect(count_links() == 4, "%u links", count_links());
	expect_hook_drops(ping);
	attempt(ON_BACK, "ping -c 2 -i 0.2 -W 1 10.88.0.1");
	run(ON_HOST, "%s status dev back0 | grep netfilter | grep -v ' 0 dropped'", sluice);
	run(ON_HOST, "%s detach dev back0", sluice);
	expect(count_links() == 2, "%u links", count_links());
	expect_hook_drops(ping);
}

/* A netfilter link of somebody else's that lets everything by. */
static int add_foreign_hook(s32 priority)
{
	const struct bpf_insn accept[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = NF_ACCEPT},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = SL_ATTACH_NETFILTER);
	SL_CLEANUP(sl_close)
	int program = bpf_prog_load(SL_PROGRAM_NETFILTER, "foreign", "GPL", accept, 2, &opts);
	struct {
		u32 program, target, type, flags, family, hook;
		s32 priority;
		u32 more_flags;
	} attr = {(u32)program, 0, SL_ATTACH_NETFILTER, 0, NFPROTO_IPV4, NF_INET_LOCAL_IN,
		  priority,     0};
	long link;

	expect(program >= 0, "cannot load: %s", strerror(errno));
	enter(ON_HOST);
	link = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof attr);
	expect(link >= 0, "cannot attach: %s", strerror(errno));
	return (int)link;
}

static void somebody_stands_between(void)
{
	int foreign;

	build_lab();
	load_nft(INPUT(""));
	need_links();
	foreign = add_foreign_hook(-1);
	attach();
	expect(count_links() == 1, "%u links, for IPv6 alone one is right", count_links());
	expect(!drops_at_hook(ping), "dropped ahead of somebody who should have seen it");
	expect_hook_drops(ping6);
	close(foreign);
	expect(eventually(drops_at_hook(ping), 5), "undecided although nobody is there");
}

static void somebody_comes_between(void)
{
	int foreign;

	build_lab();
	load_nft(INPUT(""));
	attach_hooks();
	expect_hook_drops(ping);
	kill(keeper(), SIGSTOP);
	foreign = add_foreign_hook(-20);
	expect(!drops_at_hook(ping), "dropped although the hooks have changed");
	kill(keeper(), SIGCONT);
	settle();
	expect_hook_drops(ping); /* it has had the packet by then */
	close(foreign);
}

/* What NAT does between is done behind the first chains of input, and ahead of the last. */
static void chains_behind_nat_at_input(void)
{
	u64 before;

	build_lab();
	load_nft("table inet t {\n"
		 "	chain first {\n"
		 "		type filter hook input priority 0;\n"
		 "		ct state new udp dport 9 drop\n"
		 "	}\n"
		 "	chain last {\n"
		 "		type filter hook input priority 150;\n"
		 "		icmp type echo-request drop\n"
		 "	}\n"
		 "}\n");
	attach_hooks();
	before = hook_drops();
	ping();
	expect(eventually(hook_passes(), 1), "not judged");
	expect(hook_drops() == before, "dropped ahead of NAT's place");
}

static void send_8053(void)
{
	send_udp(8053);
}

/* Of those that were sent elsewhere, one kind is let in, and the rest is dropped: as firewalld
 * does. */
static void what_dnat_has_done(void)
{
	int server;

	build_lab();
	build_back();
	load_nft("table inet t {\n"
		 "	chain pre {\n"
		 "		type nat hook prerouting priority -100;\n"
		 "		udp dport 8053 dnat ip to 10.88.0.2:5000\n"
		 "	}\n"
		 "	chain forward {\n"
		 "		type filter hook forward priority 0; policy drop;\n"
		 "		ct direction reply accept\n"
		 "		ct status dnat accept\n"
		 "		oifname \"back*\" ct mark 0 meta mark 0 counter drop\n"
		 "	}\n"
		 "}\n");
	server = listen_udp(ON_BACK, OPEN_PORT);
	attach_hooks();
	send_udp(8053);
	expect(arrives(server), "dropped although it was sent there");
	attempt(ON_WIRE, "ping -c 2 -i 0.2 -W 1 10.88.0.2");
	expect(eventually(hook_drops() == 2, 1), "%llu of 2 dropped at the hook",
	       (unsigned long long)hook_drops());
	expect_listed("counter packets 2 bytes 168 drop");
}

/* By their devices' names, behind which there may be what is left of a longer one. */
static void where_packets_leave(void)
{
	build_lab();
	build_back();
	run(ON_HOST, "ip link set back0 down && ip link set back0 name longername0 && "
		     "ip link set longername0 name back0 && ip link set back0 up");
	load_nft("table inet t {\n"
		 "	chain forward {\n"
		 "		type filter hook forward priority 0;\n"
		 "		meta l4proto icmp oifname != \"back0\" drop\n"
		 "		ct state established accept\n"
		 "		meta l4proto icmp oifname \"back0\" icmp id 7 drop\n"
		 "	}\n"
		 "}\n");
	attach_hooks();
	attempt(ON_WIRE, "ping -c 2 -i 0.2 -W 1 10.88.0.2");
	expect(eventually(hook_passes(), 1) && !hook_drops(), "dropped for another device");
}

/* A mark that XDP cannot follow, since a connection keeps it: of the packet, and its own. */
static void marks_that_rules_have_set(void)
{
	build_lab();
	load_nft("table inet t {\n"
		 "	chain pre {\n"
		 "		type filter hook prerouting priority -150;\n"
		 "		udp dport 8053 ct mark set 7\n"
		 "		meta mark set ct mark\n"
		 "	}\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0;\n"
		 "		ct state established accept\n"
		 "		meta mark 7 counter drop\n"
		 "	}\n"
		 "}\n");
	attach_hooks();
	expect_hook_drops(send_8053);
	load_nft("flush ruleset\n"
		 "table inet t {\n"
		 "	chain pre {\n"
		 "		type filter hook prerouting priority -150;\n"
		 "		udp dport 8053 ct mark set 8\n"
		 "	}\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0;\n"
		 "		ct mark 7 drop\n"
		 "		ct mark & 0x8 == 0x8 drop\n"
		 "	}\n"
		 "}\n");
	settle();
	expect_hook_drops(send_8053);
	expect(!drops_at_hook(ping), "dropped for the mark of another");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"icmp of a policy drop", icmp_of_a_policy_drop},
		{"established connections live", established_connections_live},
		{"invalid alone", invalid_alone},
		{"addresses behind dnat", addresses_behind_dnat},
		{"fragments in one piece", fragments_in_one_piece},
		{"elements are followed", elements_are_followed},
		{"rules go while the keeper is stopped", rules_go_while_the_keeper_is_stopped},
		{"rules go after the keeper died", rules_go_after_the_keeper_died},
		{"a new keeper takes over", a_new_keeper_takes_over},
		{"detaching leaves nothing", detaching_leaves_nothing},
		{"the pin is removed by hand", the_pin_is_removed_by_hand},
		{"devices come back", devices_come_back},
		{"packets of other devices pass", packets_of_other_devices_pass},
		{"two devices at one hook", two_devices_at_one_hook},
		{"somebody stands between", somebody_stands_between},
		{"somebody comes between", somebody_comes_between},
		{"chains behind nat at input", chains_behind_nat_at_input},
		{"what dnat has done", what_dnat_has_done},
		{"where packets leave", where_packets_leave},
		{"marks that rules have set", marks_that_rules_have_set},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
