// SPDX-License-Identifier: GPL-2.0-only
/* Trap: input and forward see addresses and ports behind NAT, XDP those before. */
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"

#define NAT_PORT 8053

static const char dnat[] =
	"table inet t {\n"
	"	chain pre {\n"
	"		type nat hook prerouting priority -100;\n"
	"		ip daddr 10.77.0.1 udp dport 8053 dnat ip to 10.88.0.2:5000\n"
	"		ip daddr 10.77.0.1 tcp dport 8053 dnat ip to 10.88.0.2:5000\n"
	"	}\n"
	"	chain input {\n"
	"		type filter hook input priority 0; policy drop;\n"
	"	}\n"
	"	chain forward {\n"
	"		type filter hook forward priority 0; policy drop;\n"
	"		ct state established accept\n"
	"		ct status dnat udp dport 5000 accept\n"
	"		ct status dnat tcp dport 5000 accept\n"
	"	}\n"
	"}\n";

static void dnat_to_a_server_behind(void)
{
	int server;

	build_lab();
	build_back();
	load_nft(dnat);
	server = listen_udp(ON_BACK, OPEN_PORT);
	send_udp(NAT_PORT);
	expect(arrives(server), "not even without sluice");
	attach();
	prove_early_drops();
	send_frame(&(struct frame){.dport = NAT_PORT, .sport = 4001});
	expect(arrives(server), "a new flow was lost");
	send_udp(NAT_PORT);
	expect(arrives(server), "the established flow was cut");
}

static void redirect_to_another_port(void)
{
	int server;

	build_lab();
	load_nft("table inet t {\n"
		 "	chain pre {\n"
		 "		type nat hook prerouting priority -100;\n"
		 "		udp dport 8053 redirect to :5000\n"
		 "	}\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0; policy drop;\n"
		 "		udp dport 5000 accept\n"
		 "	}\n"
		 "}\n");
	server = listen_udp(ON_HOST, OPEN_PORT);
	send_udp(NAT_PORT);
	expect(arrives(server), "not even without sluice");
	attach();
	prove_early_drops();
	send_frame(&(struct frame){.dport = NAT_PORT, .sport = 4001});
	expect(arrives(server), "lost");
}

/* The flow stays translated when the rule that made it is gone. */
static void established_dnat_flow_outlives_its_rule(void)
{
	int listener, client, server;

	build_lab();
	build_back();
	load_nft(dnat);
	listener = listen_tcp(ON_BACK, OPEN_PORT);
	client = connect_tcp(ON_WIRE, "10.77.0.1", NAT_PORT);
	expect(client >= 0, "not even without sluice");
	server = accept(listener, NULL, NULL);
	attach();
	prove_early_drops();
	expect(write(client, "a", 1) == 1 && arrives(server), "cut at the attach");
	run(ON_HOST, "nft flush chain inet t pre");
	settle();
	prove_early_drops();
	expect(write(client, "b", 1) == 1 && arrives(server), "cut with its rule");
	expect(write(server, "c", 1) == 1 && arrives(client), "no way back");
}

static void replies_to_masqueraded_flows(void)
{
	int client, server, byte;
	struct sockaddr_storage from;
	socklen_t size = sizeof from;

	build_lab();
	build_back();
	load_nft("table inet t {\n"
		 "	chain post {\n"
		 "		type nat hook postrouting priority 100;\n"
		 "		oifname \"dut0\" masquerade\n"
		 "	}\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0; policy drop;\n"
		 "	}\n"
		 "	chain forward {\n"
		 "		type filter hook forward priority 0; policy drop;\n"
		 "		ct state established accept\n"
		 "		iifname \"back0\" accept\n"
		 "	}\n"
		 "}\n");
	server = listen_udp(ON_WIRE, OPEN_PORT);
	attach();
	prove_early_drops();
	client = open_udp(ON_BACK, "10.77.0.2", OPEN_PORT);
	expect(send(client, "q", 1, 0) == 1, "cannot send");
	expect(recvfrom(server, &byte, 1, 0, (void *)&from, &size) == 1, "no request");
	expect(sendto(server, "r", 1, 0, (void *)&from, size) == 1, "cannot answer");
	expect(arrives(client), "the reply was lost");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"dnat to a server behind", dnat_to_a_server_behind},
		{"redirect to another port", redirect_to_another_port},
		{"established dnat flow outlives its rule",
		 established_dnat_flow_outlives_its_rule},
		{"replies to masqueraded flows", replies_to_masqueraded_flows},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
