// SPDX-License-Identifier: GPL-2.0-only
/* Trap: legacy tables and ipsets change without a notice, and stand on the same path. */
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "frame.h"
#include "load/observe.h"

static void need_legacy(void)
{
	build_lab();
	load_nft(drop_closed);
	if (attempt(ON_HOST, "iptables-legacy -t nat -L -n"))
		skip_case("no legacy tables: %s", output);
}

static void redirect(void)
{
	run(ON_HOST, "iptables-legacy -t nat -A PREROUTING -p udp --dport 9 -j REDIRECT "
		     "--to-ports 5000");
}

static void expect_redirected(int server)
{
	for (int i = 0; i < 3; i++) {
		send_frame(&(struct frame){.dport = CLOSED_PORT, .sport = (u16)(6000 + i)});
		expect(arrives(server), "dropped ahead of a legacy redirect");
	}
}

static void redirect_loaded_before(void)
{
	int server;

	need_legacy();
	redirect();
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	expect_redirected(server);
}

static void redirect_loaded_after(void)
{
	int server;

	start_lab();
	server = listen_udp(ON_HOST, OPEN_PORT);
	if (attempt(ON_HOST, "iptables-legacy -t nat -L -n"))
		skip_case("no legacy tables: %s", output);
	redirect();
	expect_redirected(server);
	pause_ms(800);
	expect_redirected(server);
}

static void redirect_loaded_while_stopped(void)
{
	int server;

	start_lab();
	kill(keeper(), SIGSTOP);
	server = listen_udp(ON_HOST, OPEN_PORT);
	if (attempt(ON_HOST, "iptables-legacy -t nat -L -n"))
		skip_case("no legacy tables: %s", output);
	redirect();
	expect_redirected(server);
}

/* No notice tells of legacy tables, nor of anybody's hook. */
static void hooks_that_came_are_taken_in(void)
{
	build_lab();
	load_nft("table inet t {\n"
		 "	chain first {\n"
		 "		type filter hook prerouting priority -400;\n"
		 "		udp dport 9 drop\n"
		 "	}\n"
		 "}\n");
	attach();
	prove_early_drops();
	if (attempt(ON_HOST, "iptables-legacy -t filter -A INPUT -j ACCEPT"))
		skip_case("no legacy tables: %s", output);
	expect(eventually(is_fresh(), 3), "stale for good");
	prove_early_drops(); /* ahead of the first legacy table */
}

/* The kernel counts it before nft drops it. */
static void counters_ahead_are_not_missed(void)
{
	need_legacy();
	run(ON_HOST, "iptables-legacy -t raw -A PREROUTING -p udp --dport 9");
	attach();
	for (int i = 0; i < 5; i++)
		send_udp(CLOSED_PORT);
	expect(eventually(!attempt(ON_HOST,
				   "%s list --format iptables | "
				   "grep -q '^\\[5:[0-9]*\\] -A PREROUTING .*--dport 9'",
				   sluice),
			  1),
	       "legacy rules miss packets: %s", output);
}

static void ipset_matches_never_drop_early(void)
{
	int server;

	build_lab();
	if (attempt(ON_HOST, "ipset create bad hash:ip && ipset add bad 10.77.0.2"))
		skip_case("no ipset: %s", output);
	run(ON_HOST, "iptables -A INPUT -p udp --dport %d -j DROP", CLOSED_PORT);
	run(ON_HOST, "iptables -A INPUT -m set --match-set bad src -p udp --dport 5000 -j DROP");
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
	run(ON_HOST, "ipset del bad 10.77.0.2");
	send_udp(OPEN_PORT);
	expect(arrives(server), "dropped by an ipset that has changed");
}

/* iptables-nft shares the path with native rules. */
static void iptables_rules_drop_early(void)
{
	int server;

	build_lab();
	load_iptables("iptables-restore",
		      "*filter\n"
		      ":INPUT DROP [0:0]\n"
		      "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
		      "-A INPUT -p udp -m multiport --dports 53,5000 -j ACCEPT\n"
		      "COMMIT\n");
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
	send_udp(OPEN_PORT);
	expect(arrives(server), "lost");
}

/* iptables-legacy alone, or beside what was loaded before. */
static void load_legacy(const char *text)
{
	load_iptables("iptables-legacy-restore", text);
}

static void need_legacy_rules(const char *text)
{
	build_lab();
	if (attempt(ON_HOST, "iptables-legacy -t filter -L -n"))
		skip_case("no legacy tables: %s", output);
	load_legacy(text);
}

static const char drop_closed_legacy[] = "*filter\n"
					 ":INPUT ACCEPT [0:0]\n"
					 "-A INPUT -p udp --dport 9 -j DROP\n"
					 "COMMIT\n";

/* What hosts have: chains, states, addresses, devices, ports; and the policy. */
static void legacy_rules_drop_early(void)
{
	int server;

	need_legacy_rules("*raw\n-A PREROUTING -s 203.0.113.0/24 -j DROP\nCOMMIT\n"
			  "*mangle\n-A PREROUTING -p udp --dport 11 -j DROP\nCOMMIT\n"
			  "*filter\n"
			  ":INPUT DROP [0:0]\n"
			  ":open - [0:0]\n"
			  ":never - [0:0]\n"
			  "-A INPUT -i lo -j ACCEPT\n"
			  "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
			  "-A INPUT ! -s 10.77.0.0/16 -j DROP\n"
			  "-A INPUT -p udp -i dut+ -m comment --comment \"to open\" -j open\n"
			  "-A open -d 10.99.0.0/16 -g never\n"
			  "-A open -p udp -m multiport ! --dports 53,5000 -j RETURN\n"
			  "-A open -j ACCEPT\n"
			  "-A never -j ACCEPT\n"
			  "COMMIT\n");
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
	for (int i = 0; i < 3; i++) {
		send_frame(&(struct frame){.dport = OPEN_PORT, .sport = (u16)(6000 + i)});
		expect(arrives(server), "what a legacy rule accepts is lost");
	}
}

static void legacy_rules_drop_ip6_early(void)
{
	build_lab();
	if (attempt(ON_HOST, "ip6tables-legacy -A INPUT -p udp --dport 9 -s fd77::/64 -j DROP"))
		skip_case("no legacy tables: %s", output);
	attach();
	expect(eventually(({
				  u64 before = early_drops();

				  send_frame(&(struct frame){.to = "fd77::1", .dport = 9});
				  pause_ms(20);
				  early_drops() > before;
			  }),
			  3),
	       "nothing of IPv6 is dropped early");
}

static void expect_all_arrive(int server, const char *when)
{
	for (int i = 0; i < 3; i++) {
		send_frame(&(struct frame){.dport = CLOSED_PORT, .sport = (u16)(6000 + i)});
		expect(arrives(server), "dropped by a legacy rule that is gone: %s", when);
	}
}

/* Nobody tells of the change, and nobody is there to ask. */
static void changes_while_stopped(void)
{
	int server;

	need_legacy_rules(drop_closed_legacy);
	server = listen_udp(ON_HOST, CLOSED_PORT);
	attach();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	run(ON_HOST, "iptables-legacy -D INPUT 1");
	expect_all_arrive(server, "one change");
}

/* Where the kernel keeps the rules of the first table; 0: no table. */
static u64 find_rules(struct sl_observer *observer)
{
	struct sl_snapshot snapshot;

	expect(!sl_observer_look(observer, if_nametoindex(device), &snapshot, NULL),
	       "the kernel's state cannot be seen");
	return sl_observer_legacy(observer)[0].tables[0].info.value;
}

/*
 * Each change frees what the one before it had taken, so that the second may find the first one's
 * place.
 */
static void changes_that_come_to_the_same_place(void)
{
	struct sl_observer *observer;
	int server, changes = 0;
	u64 place;

	need_legacy_rules(drop_closed_legacy);
	server = listen_udp(ON_HOST, CLOSED_PORT);
	attach();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	enter(ON_HOST);
	expect(!sl_observer_open(&observer, NULL), "no observer");
	place = find_rules(observer);
	do {
		run(ON_HOST, "iptables-legacy -R INPUT 1 -p udp --dport %d -j DROP",
		    10 + changes % 50);
	} while (find_rules(observer) != place && ++changes < 30);
	sl_observer_free(observer);
	if (changes == 30)
		note("no change came to where the first rules were");
	expect_all_arrive(server, "changes that came to the same place");
}

static void changes_are_followed(void)
{
	int server;

	need_legacy_rules(drop_closed_legacy);
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	run(ON_HOST, "iptables-legacy -I INPUT -p udp --dport 5000 -j DROP");
	send_udp(OPEN_PORT);
	expect(stays_silent(server), "a legacy rule does nothing");
	settle();
	prove_early_drops();
	run(ON_HOST, "iptables-legacy -D INPUT 1");
	send_udp(OPEN_PORT);
	expect(arrives(server), "dropped by a legacy rule that is gone");
}

/* In a namespace that has a nat chain the hooks stay as they are when another comes. */
static void a_nat_table_that_comes_is_noticed(void)
{
	int server;

	build_lab();
	load_nft("table ip t {\n"
		 "	chain nat {\n"
		 "		type nat hook prerouting priority -90;\n"
		 "		udp dport 4 redirect to :5\n"
		 "	}\n"
		 "	chain input {\n"
		 "		type filter hook input priority 0;\n"
		 "		udp dport 9 drop\n"
		 "	}\n"
		 "}\n");
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	if (attempt(ON_HOST, "iptables-legacy -t nat -L -n"))
		skip_case("no legacy tables: %s", output);
	redirect();
	expect_redirected(server);
}

/* With what was dropped early. */
static u64 count_of_nft(const char *name)
{
	unsigned long long packets = 0;
	const char *at;

	attempt(ON_HOST, "%s list --format nft", sluice);
	at = strstr(output, name);
	at = at ? strstr(at, "counter packets ") : NULL;
	expect(at && sscanf(at, "counter packets %llu", &packets) == 1, "no count: %s", output);
	return packets;
}

static void load_counting_nft(void)
{
	load_nft("table inet t {\n"
		 "	chain seen {\n"
		 "		type filter hook input priority 0;\n"
		 "		udp dport 9 counter\n"
		 "	}\n"
		 "}\n");
}

static void send_ten(void)
{
	u64 before = early_drops();

	for (int i = 0; i < 10; i++)
		send_udp(CLOSED_PORT);
	expect(eventually(early_drops() >= before + 10, 2), "not dropped early");
}

/* At the same priority, who was loaded last comes first; nft counts what it would have met. */
static void ahead_of_nft(void)
{
	build_lab();
	load_counting_nft();
	if (attempt(ON_HOST, "iptables-legacy -t filter -L -n"))
		skip_case("no legacy tables: %s", output);
	load_legacy(drop_closed_legacy);
	attach();
	prove_early_drops();
	send_ten();
	expect(!count_of_nft("chain seen"), "nft's counter has packets that it never met");
}

static void behind_nft(void)
{
	u64 before;

	need_legacy_rules(drop_closed_legacy);
	load_counting_nft();
	attach();
	prove_early_drops();
	before = count_of_nft("chain seen");
	send_ten();
	expect(count_of_nft("chain seen") == before + 10, "nft's counter misses packets: %s",
	       output);
}

static void nat_beside_a_filter(void)
{
	int server;

	need_legacy_rules("*nat\n"
			  "-A PREROUTING -p udp --dport 10 -j REDIRECT --to-ports 5000\n"
			  "COMMIT\n"
			  "*filter\n"
			  "-A INPUT -p udp -m udp ! --dport 5000 -j DROP\n"
			  "COMMIT\n");
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
	for (int i = 0; i < 3; i++) {
		send_frame(&(struct frame){.dport = 10, .sport = (u16)(6000 + i)});
		expect(arrives(server), "dropped ahead of a legacy redirect");
	}
}

static void legacy_ipset_matches_never_drop_early(void)
{
	int server;

	need_legacy_rules(drop_closed_legacy);
	if (attempt(ON_HOST, "ipset create bad hash:ip && ipset add bad 10.77.0.2 && "
			     "iptables-legacy -A INPUT -m set --match-set bad src -p udp "
			     "--dport 5000 -j DROP"))
		skip_case("no ipset: %s", output);
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
	send_udp(OPEN_PORT);
	expect(stays_silent(server), "the set matches nothing");
	run(ON_HOST, "ipset del bad 10.77.0.2");
	send_udp(OPEN_PORT);
	expect(arrives(server), "dropped by an ipset that has changed");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"redirect loaded before", redirect_loaded_before},
		{"redirect loaded after", redirect_loaded_after},
		{"redirect loaded while stopped", redirect_loaded_while_stopped},
		{"hooks that came are taken in", hooks_that_came_are_taken_in},
		{"counters ahead are not missed", counters_ahead_are_not_missed},
		{"ipset matches never drop early", ipset_matches_never_drop_early},
		{"iptables rules drop early", iptables_rules_drop_early},
		{"legacy rules drop early", legacy_rules_drop_early},
		{"legacy rules drop IPv6 early", legacy_rules_drop_ip6_early},
		{"changes while stopped", changes_while_stopped},
		{"changes that come to the same place", changes_that_come_to_the_same_place},
		{"changes are followed", changes_are_followed},
		{"a nat table that comes is noticed", a_nat_table_that_comes_is_noticed},
		{"behind nft", behind_nft},
		{"ahead of nft", ahead_of_nft},
		{"nat beside a filter", nat_beside_a_filter},
		{"legacy ipset matches never drop early", legacy_ipset_matches_never_drop_early},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
