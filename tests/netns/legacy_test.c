// SPDX-License-Identifier: GPL-2.0-only
/* Trap: legacy tables and ipsets change without a notice, and stand on the same path. */
#include <signal.h>

#include "frame.h"

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

/* The kernel logs and counts it before nft drops it. */
static void counters_ahead_are_not_missed(void)
{
	need_legacy();
	run(ON_HOST, "iptables-legacy -t raw -A PREROUTING -p udp --dport 9");
	attach();
	for (int i = 0; i < 5; i++)
		send_udp(CLOSED_PORT);
	expect(eventually(!attempt(ON_HOST, "iptables-legacy -t raw -nvxL PREROUTING | "
					    "grep -Eq '^ +5 .*dpt:9'"),
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
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
