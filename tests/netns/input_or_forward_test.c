// SPDX-License-Identifier: GPL-2.0-only
/* Trap: whether a packet meets input or forward is routing's to say, and routing changes. */
#include <arpa/inet.h>
#include <linux/mroute.h>
#include <linux/mroute6.h>
#include <net/if.h>
#include <signal.h>
#include <sys/socket.h>

#include "frame.h"

static const char only_input_drops[] = "table inet t {\n"
				       "	chain input {\n"
				       "		type filter hook input priority 0;\n"
				       "		udp dport 9 drop\n"
				       "	}\n"
				       "}\n";

static const char only_forward_drops[] = "table inet t {\n"
					 "	chain forward {\n"
					 "		type filter hook forward priority 0;\n"
					 "		udp dport 9 drop\n"
					 "	}\n"
					 "}\n";

static const struct frame forwarded = {.to = "10.88.0.2", .dport = CLOSED_PORT};
static const struct frame forwarded6 = {.to = "fd88::2", .dport = CLOSED_PORT};

static bool drops_forwarded(const struct frame *frame)
{
	u64 before = early_drops();

	send_many(frame, 3);
	return eventually(early_drops() > before, 0.3);
}

static void local_drop_leaves_forwarded_alone(void)
{
	int server;

	build_lab();
	build_back();
	load_nft(only_input_drops);
	server = listen_udp(ON_BACK, CLOSED_PORT);
	attach();
	prove_early_drops();
	send_frame(&forwarded);
	expect(arrives(server), "IPv4 was lost");
	send_frame(&forwarded6);
	expect(arrives(server), "IPv6 was lost");
}

static void forward_drop_leaves_local_alone(void)
{
	int server;

	build_lab();
	build_back();
	load_nft(only_forward_drops);
	server = listen_udp(ON_HOST, CLOSED_PORT);
	attach();
	expect(eventually(drops_forwarded(&forwarded), 3), "IPv4: nothing is dropped early");
	expect(eventually(drops_forwarded(&forwarded6), 3), "IPv6: nothing is dropped early");
	send_udp(CLOSED_PORT);
	expect(arrives(server), "IPv4 was lost");
	send_frame(&(struct frame){.to = "fd77::1", .dport = CLOSED_PORT});
	expect(arrives(server), "IPv6 was lost");
}

static void turn_forwarding_on(bool stopped)
{
	int server;

	build_lab();
	build_back();
	set_sysctl(ON_HOST, "ipv4/ip_forward", "0");
	set_sysctl(ON_HOST, "ipv6/conf/all/forwarding", "0");
	load_nft(only_input_drops);
	server = listen_udp(ON_BACK, CLOSED_PORT);
	attach();
	prove_early_drops();
	if (stopped)
		kill(keeper(), SIGSTOP);
	for (int i = 0; i < (stopped ? 1 : 10); i++) {
		set_sysctl(ON_HOST, "ipv4/ip_forward", "1");
		send_frame(&forwarded);
		expect(arrives(server), "IPv4 was lost");
		set_sysctl(ON_HOST, "ipv6/conf/all/forwarding", "1");
		send_frame(&forwarded6);
		expect(arrives(server), "IPv6 was lost");
		if (stopped)
			break;
		set_sysctl(ON_HOST, "ipv4/ip_forward", "0");
		set_sysctl(ON_HOST, "ipv6/conf/all/forwarding", "0");
		settle();
	}
}

static void forwarding_turned_on_while_attached(void)
{
	turn_forwarding_on(false);
}

static void forwarding_turned_on_while_stopped(void)
{
	turn_forwarding_on(true);
}

/* What was forwarded is for this host now. */
static void add_address(bool stopped)
{
	int server;

	build_lab();
	build_back();
	run(ON_HOST, "ip route add 10.99.0.0/24 via 10.88.0.2");
	load_nft(only_forward_drops);
	server = listen_udp(ON_HOST, CLOSED_PORT);
	attach();
	expect(eventually(drops_forwarded(&(struct frame){.to = "10.99.0.1", .dport = CLOSED_PORT}),
			  3),
	       "nothing is dropped early");
	if (stopped)
		kill(keeper(), SIGSTOP);
	run(ON_HOST, "ip addr add 10.99.0.1/32 dev lo");
	send_frame(&(struct frame){.to = "10.99.0.1", .dport = CLOSED_PORT});
	expect(arrives(server), "lost");
}

static void new_local_address(void)
{
	add_address(false);
}

static void new_local_address_while_stopped(void)
{
	add_address(true);
}

/* The one address dropped at input goes to another device, and the packet with it. */
static void address_that_left_is_forwarded(void)
{
	int server;

	build_lab();
	build_back();
	run(ON_HOST, "ip addr add 10.99.0.1/32 dev lo");
	run(ON_BACK, "ip addr add 10.99.0.1/32 dev lo");
	run(ON_HOST, "ip route add 10.99.0.0/24 via 10.88.0.2");
	load_nft(only_input_drops);
	server = listen_udp(ON_BACK, CLOSED_PORT);
	attach();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	run(ON_HOST, "ip addr del 10.99.0.1/32 dev lo");
	send_frame(&(struct frame){.to = "10.99.0.1", .dport = CLOSED_PORT});
	expect(arrives(server), "lost");
}

/* Any address may be local by a route alone. */
static void local_route_makes_addresses_local(void)
{
	int server;

	build_lab();
	build_back();
	run(ON_HOST, "ip route add 10.99.0.0/24 via 10.88.0.2");
	load_nft(only_forward_drops);
	server = listen_udp(ON_HOST, CLOSED_PORT);
	attach();
	kill(keeper(), SIGSTOP);
	run(ON_HOST, "ip route replace local 10.99.0.0/24 dev lo table local");
	send_frame(&(struct frame){.to = "10.99.0.5", .dport = CLOSED_PORT});
	expect(arrives(server), "lost");
}

/* A multicast router, from dut0 to back0; its socket, or −1 where the kernel has none. */
static int route_multicast(const char *group)
{
	struct vifctl in = {.vifc_vifi = 0, .vifc_flags = VIFF_USE_IFINDEX, .vifc_threshold = 1};
	struct vifctl out = {.vifc_vifi = 1, .vifc_flags = VIFF_USE_IFINDEX, .vifc_threshold = 1};
	struct mfcctl route = {.mfcc_parent = 0, .mfcc_ttls = {[1] = 1}};
	int fd;

	enter(ON_HOST);
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_IGMP);
	in.vifc_lcl_ifindex = (int)if_nametoindex("dut0");
	out.vifc_lcl_ifindex = (int)if_nametoindex("back0");
	inet_pton(AF_INET, "10.77.0.2", &route.mfcc_origin);
	inet_pton(AF_INET, group, &route.mfcc_mcastgrp);
	if (setsockopt(fd, IPPROTO_IP, MRT_INIT, &(int){1}, sizeof(int)))
		return -1;
	expect(!setsockopt(fd, IPPROTO_IP, MRT_ADD_VIF, &in, sizeof in) &&
		       !setsockopt(fd, IPPROTO_IP, MRT_ADD_VIF, &out, sizeof out) &&
		       !setsockopt(fd, IPPROTO_IP, MRT_ADD_MFC, &route, sizeof route),
	       "no multicast route");
	return fd;
}

static int route_multicast6(const char *group)
{
	struct mif6ctl in = {.mif6c_mifi = 0, .vifc_threshold = 1};
	struct mif6ctl out = {.mif6c_mifi = 1, .vifc_threshold = 1};
	struct mf6cctl route = {.mf6cc_parent = 0};
	int fd;

	enter(ON_HOST);
	fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	in.mif6c_pifi = (u16)if_nametoindex("dut0");
	out.mif6c_pifi = (u16)if_nametoindex("back0");
	inet_pton(AF_INET6, "fd77::2", &route.mf6cc_origin.sin6_addr);
	inet_pton(AF_INET6, group, &route.mf6cc_mcastgrp.sin6_addr);
	IF_SET(1, &route.mf6cc_ifset);
	if (setsockopt(fd, IPPROTO_IPV6, MRT6_INIT, &(int){1}, sizeof(int)))
		return -1;
	expect(!setsockopt(fd, IPPROTO_IPV6, MRT6_ADD_MIF, &in, sizeof in) &&
		       !setsockopt(fd, IPPROTO_IPV6, MRT6_ADD_MIF, &out, sizeof out) &&
		       !setsockopt(fd, IPPROTO_IPV6, MRT6_ADD_MFC, &route, sizeof route),
	       "no multicast route");
	return fd;
}

/* What only input dropped is forwarded now, though the device does not forward what is for one. */
static void start_multicast_router(int (*route)(const char *), const struct frame *frame)
{
	u64 before;
	int tap;

	build_lab();
	build_back();
	set_sysctl(ON_HOST, "ipv4/ip_forward", "0");
	set_sysctl(ON_HOST, "ipv6/conf/all/forwarding", "0");
	load_nft(only_input_drops);
	tap = open_tap(ON_BACK, "far0");
	attach();
	prove_early_drops();
	before = early_drops();
	send_frame(frame);
	expect(eventually(early_drops() > before, 0.3), "it was not dropped early at first");
	kill(keeper(), SIGSTOP);
	if (route(frame->to) < 0)
		skip_case("this kernel routes no multicast");
	drain(tap);
	send_frame(frame);
	expect(sees_port(tap, CLOSED_PORT), "it was lost");
}

static void multicast_router_started_while_stopped(void)
{
	static const u8 mac[6] = {0x01, 0x00, 0x5e, 1, 1, 1};

	start_multicast_router(
		route_multicast,
		&(struct frame){.to = "239.1.1.1", .dport = CLOSED_PORT, .ttl = 9, .to_mac = mac});
}

static void multicast_router6_started_while_stopped(void)
{
	static const u8 mac[6] = {0x33, 0x33, 0, 0, 0, 9};

	start_multicast_router(
		route_multicast6,
		&(struct frame){.to = "ff08::9", .dport = CLOSED_PORT, .ttl = 9, .to_mac = mac});
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"local drop leaves forwarded alone", local_drop_leaves_forwarded_alone},
		{"forward drop leaves local alone", forward_drop_leaves_local_alone},
		{"forwarding turned on while attached", forwarding_turned_on_while_attached},
		{"forwarding turned on while stopped", forwarding_turned_on_while_stopped},
		{"new local address", new_local_address},
		{"new local address while stopped", new_local_address_while_stopped},
		{"address that left is forwarded", address_that_left_is_forwarded},
		{"local route makes addresses local", local_route_makes_addresses_local},
		{"multicast router started while stopped", multicast_router_started_while_stopped},
		{"multicast router6 started while stopped",
		 multicast_router6_started_while_stopped},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
