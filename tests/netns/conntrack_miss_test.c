// SPDX-License-Identifier: GPL-2.0-only
/* Trap: a packet that conntrack does not know may belong to a connection that it expects. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"

#define DATA_PORT 50000

#define HELPER                                                                                     \
	"	ct helper ftp { type \"ftp\" protocol tcp; }\n"                                          \
	"	chain pre {\n"                                                                           \
	"		type filter hook prerouting priority -150;\n"                                           \
	"		tcp dport 21 ct helper set \"ftp\"\n"                                                   \
	"	}\n"
/* With a helper about, any packet may be RELATED, and only rules ahead of conntrack drop early. */
#define RAW                                                                                        \
	"	chain raw {\n"                                                                           \
	"		type filter hook prerouting priority -300;\n"                                           \
	"		udp dport 9 drop\n"                                                                     \
	"	}\n"
#define INPUT                                                                                      \
	"	chain input {\n"                                                                         \
	"		type filter hook input priority 0; policy drop;\n"                                      \
	"		ct state established,related accept\n"                                                  \
	"		tcp dport 21 accept\n"                                                                  \
	"	}\n"

static int control, data_listener, server;

static void say(const char *line)
{
	expect(write(server, line, strlen(line)) == (ssize_t)strlen(line), "cannot reply");
	expect(arrives(control), "the reply was lost");
}

static void open_control(void)
{
	int listener = listen_tcp(ON_HOST, 21);

	if (data_listener <= 0)
		data_listener = listen_tcp(ON_HOST, DATA_PORT);
	control = connect_tcp(ON_WIRE, "10.77.0.1", 21);
	expect(control >= 0, "no control connection");
	server = accept(listener, NULL, NULL);
	close(listener);
	say("220 ready\r\n"); /* the helper only looks at what follows a line */
}

/* Port 50000 is 195 × 256 + 80. */
static void announce_data(void)
{
	say("227 Entering Passive Mode (10,77,0,1,195,80)\r\n");
}

static bool data_connects(void)
{
	int data = connect_tcp(ON_WIRE, "10.77.0.1", DATA_PORT);

	if (data < 0)
		return false;
	close(data);
	return true;
}

static void load_helper(const char *rules)
{
	if (try_nft("add table inet probe; add ct helper inet probe ftp { type \"ftp\" protocol "
		    "tcp; }; delete table inet probe"))
		skip_case("this kernel has no FTP helper");
	load_nft(rules);
}

static void expected_connection_is_let_in(void)
{
	build_lab();
	load_helper("table inet t {\n" RAW HELPER INPUT "}\n");
	open_control();
	announce_data();
	expect(data_connects(), "not even without sluice");
	attach();
	prove_early_drops();
	announce_data();
	expect(data_connects(), "lost");
	expect(!data_connects(), "a second one, which nobody expects, came through");
}

static void expectation_older_than_the_attach(void)
{
	build_lab();
	load_helper("table inet t {\n" RAW HELPER INPUT "}\n");
	open_control();
	announce_data();
	attach();
	prove_early_drops();
	expect(data_connects(), "lost");
}

static void helper_added_half_way(void)
{
	build_lab();
	load_helper("table inet t {\n" INPUT "}\n");
	attach();
	prove_early_drops();
	load_nft("table inet t {\n" HELPER "}\n");
	open_control();
	announce_data();
	expect(data_connects(), "lost at once");
	settle();
	announce_data();
	expect(data_connects(), "lost later");
}

static void helper_added_while_stopped(void)
{
	build_lab();
	load_helper("table inet t {\n" INPUT "}\n");
	attach();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	load_nft("table inet t {\n" HELPER "}\n");
	open_control();
	announce_data();
	expect(data_connects(), "lost");
}

/* The connection keeps its helper when the rule that gave it is gone. */
static void helper_outlives_its_rule(void)
{
	build_lab();
	load_helper("table inet t {\n" RAW HELPER INPUT "}\n");
	open_control();
	attach();
	prove_early_drops();
	run(ON_HOST, "nft flush chain inet t pre && nft delete ct helper inet t ftp");
	settle();
	for (int i = 0; i < 5; i++) {
		announce_data();
		expect(data_connects(), "lost");
	}
}

static void helper_outlives_its_rule_while_stopped(void)
{
	build_lab();
	load_helper("table inet t {\n" RAW HELPER INPUT "}\n");
	open_control();
	attach();
	run(ON_HOST, "nft flush chain inet t pre && nft delete ct helper inet t ftp");
	settle();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	announce_data();
	expect(data_connects(), "lost");
}

static void helper_older_than_the_attach_without_a_rule(void)
{
	build_lab();
	load_helper("table inet t {\n" RAW HELPER INPUT "}\n");
	open_control();
	run(ON_HOST, "nft flush chain inet t pre && nft delete ct helper inet t ftp");
	attach();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	announce_data();
	expect(data_connects(), "lost");
}

/* No compile has seen the rule; what it left behind is seen all the same. */
static void helper_came_and_went_while_stopped(void)
{
	build_lab();
	load_helper("table inet t {\n" INPUT "}\n");
	attach();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	load_nft("table inet t {\n" RAW HELPER "}\n");
	open_control();
	run(ON_HOST, "nft flush chain inet t pre && nft delete ct helper inet t ftp");
	kill(keeper(), SIGCONT);
	settle();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	announce_data();
	expect(data_connects(), "lost");
}

/* No expectation waits, but the connection that is about may bring one. */
static void trace_knows_of_helpers(void)
{
	const char *packet = "ip saddr 10.77.0.9 tcp dport 81";

	build_lab();
	load_helper("table inet t {\n" RAW INPUT "}\n");
	run(ON_HOST, "%s trace dev dut0 %s | grep -q 'dropped early'", sluice, packet);
	load_nft("table inet t {\n" HELPER "}\n");
	open_control();
	run(ON_HOST, "nft flush chain inet t pre && nft delete ct helper inet t ftp");
	expect(attempt(ON_HOST, "%s trace dev dut0 %s | grep 'dropped early'", sluice, packet),
	       "not attached: %s", output);
	attach();
	prove_early_drops();
	expect(attempt(ON_HOST, "%s trace dev dut0 %s | grep 'dropped early'", sluice, packet),
	       "attached: %s", output);
}

/* In another zone the connection is not where a plain lookup finds it. */
static void zones_hide_connections(void)
{
	int listener, client, accepted;

	build_lab();
	load_nft("table inet t {\n"
		 "	chain pre {\n"
		 "		type filter hook prerouting priority -300;\n"
		 "		iif \"dut0\" ct zone set 5\n"
		 "	}\n"
		 "	chain out {\n"
		 "		type filter hook output priority -300;\n"
		 "		oif \"dut0\" ct zone set 5\n"
		 "	}\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0; policy drop;\n"
		 "		ct state established accept\n"
		 "		ip protocol udp drop\n"
		 "		tcp dport 22 accept\n"
		 "	}\n"
		 "}\n");
	listener = listen_tcp(ON_HOST, 22);
	attach();
	client = connect_tcp(ON_WIRE, "10.77.0.1", 22);
	expect(client >= 0, "the first connection was lost");
	accepted = accept(listener, NULL, NULL);
	run(ON_HOST,
	    "nft -a list chain inet t input | sed -n 's/.*tcp dport 22 accept # handle //p' "
	    "| xargs nft delete rule inet t input handle");
	settle();
	expect(write(client, "a", 1) == 1 && arrives(accepted), "the connection was cut");
	expect(connect_tcp(ON_WIRE, "10.77.0.1", 22) < 0, "a new one came through");
}

/* The ruleset of all rulesets: replies come back, strangers do not. */
static void replies_to_what_the_host_began(void)
{
	int answerer, client;
	struct sockaddr_storage from;
	socklen_t size = sizeof from;
	char byte;

	build_lab();
	load_nft("table inet t {\n" INPUT "}\n");
	attach();
	prove_early_drops();
	answerer = listen_udp(ON_WIRE, 53);
	for (int i = 0; i < 20; i++) {
		client = open_udp(ON_HOST, "10.77.0.2", 53);
		expect(send(client, "q", 1, 0) == 1, "cannot ask");
		expect(recvfrom(answerer, &byte, 1, 0, (void *)&from, &size) == 1, "not asked");
		expect(sendto(answerer, "r", 1, 0, (void *)&from, size) == 1, "cannot answer");
		expect(arrives(client), "the answer was lost");
		close(client);
	}
}

/* An error that quotes a connection is related to it. */
static void icmp_errors_reach_their_connection(void)
{
	int client;
	char byte;

	build_lab();
	load_nft("table inet t {\n" INPUT "}\n");
	attach();
	prove_early_drops();
	client = open_udp(ON_HOST, "10.77.0.2", 54);
	expect(send(client, "q", 1, 0) == 1, "cannot ask");
	expect(eventually(recv(client, &byte, 1, MSG_DONTWAIT) < 0 && errno == ECONNREFUSED, 1.5),
	       "the port unreachable was lost");
}

static void untracked_packets_are_untracked(void)
{
	int server_fd;

	build_lab();
	load_nft("table inet t {\n"
		 "	chain pre {\n"
		 "		type filter hook prerouting priority -300;\n"
		 "		udp dport 5000 notrack\n"
		 "	}\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0; policy drop;\n"
		 "		ct state established accept\n"
		 "		ct state untracked accept\n"
		 "	}\n"
		 "}\n");
	server_fd = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
	send_udp(OPEN_PORT);
	expect(arrives(server_fd), "lost");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"expected connection is let in", expected_connection_is_let_in},
		{"expectation older than the attach", expectation_older_than_the_attach},
		{"helper added half way", helper_added_half_way},
		{"helper added while stopped", helper_added_while_stopped},
		{"helper outlives its rule", helper_outlives_its_rule},
		{"helper outlives its rule while stopped", helper_outlives_its_rule_while_stopped},
		{"helper older than the attach without a rule",
		 helper_older_than_the_attach_without_a_rule},
		{"helper came and went while stopped", helper_came_and_went_while_stopped},
		{"trace knows of helpers", trace_knows_of_helpers},
		{"zones hide connections", zones_hide_connections},
		{"replies to what the host began", replies_to_what_the_host_began},
		{"icmp errors reach their connection", icmp_errors_reach_their_connection},
		{"untracked packets are untracked", untracked_packets_are_untracked},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
