// SPDX-License-Identifier: GPL-2.0-only
/* Trap: elements come by rules, by packets and by time, and only the first is told of. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"

static const char sets[] = "table inet t {\n"
			   "	set banned { type ipv4_addr; flags timeout; }\n"
			   "	set allowed { type ipv4_addr; flags timeout; }\n"
			   "	chain input {\n"
			   "		type filter hook input priority 0;\n"
			   "		udp dport 9 drop\n"
			   "		ip saddr @banned drop\n"
			   "		udp dport 5001 ip saddr @allowed accept\n"
			   "		udp dport 5001 drop\n"
			   "	}\n"
			   "}\n";

static int server, door;

static void prepare(const char *rules)
{
	build_lab();
	load_nft(rules);
	server = listen_udp(ON_HOST, OPEN_PORT);
	door = listen_udp(ON_HOST, 5001);
	attach();
	prove_early_drops();
}

static bool is_dropped_early(u16 port)
{
	u64 before = early_drops();

	send_udp(port);
	return eventually(early_drops() > before, 0.1);
}

static void ban_and_unban(void)
{
	prepare(sets);
	for (int i = 0; i < 20; i++) {
		run(ON_HOST, "nft add element inet t banned { 10.77.0.2 }");
		drain(server);
		send_udp(OPEN_PORT);
		expect(stays_silent(server), "a banned address came through");
		expect(eventually(is_dropped_early(OPEN_PORT), 3), "the ban is never early");
		run(ON_HOST, "nft delete element inet t banned { 10.77.0.2 }");
		drain(server);
		send_udp(OPEN_PORT);
		expect(arrives(server), "dropped after the ban was lifted");
	}
}

static void allow_and_disallow(void)
{
	prepare(sets);
	for (int i = 0; i < 20; i++) {
		run(ON_HOST, "nft add element inet t allowed { 10.77.0.2 }");
		send_udp(5001);
		expect(arrives(door), "dropped although it is allowed now");
		settle();
		send_udp(5001);
		expect(arrives(door), "dropped although it is allowed");
		run(ON_HOST, "nft delete element inet t allowed { 10.77.0.2 }");
		send_udp(5001);
		expect(stays_silent(door), "came through although it is not allowed");
		settle();
	}
}

/* As soon as the kernel lets it through, so does sluice. */
static void ban_that_runs_out(void)
{
	prepare(sets);
	for (int i = 0; i < 3; i++) {
		run(ON_HOST, "nft add element inet t banned { 10.77.0.2 timeout 700ms }");
		drain(server);
		send_udp(OPEN_PORT);
		expect(stays_silent(server), "a banned address came through");
		while (!attempt(ON_HOST, "nft get element inet t banned { 10.77.0.2 }"))
			pause_ms(1);
		drain(server);
		send_udp(OPEN_PORT);
		expect(arrives(server), "dropped after the ban ran out");
	}
}

/* While the kernel has it, it is let in. */
static void permission_that_runs_out(void)
{
	prepare(sets);
	for (int i = 0; i < 3; i++) {
		run(ON_HOST, "nft add element inet t allowed { 10.77.0.2 timeout 500ms }");
		for (;;) {
			bool came;

			send_udp(5001);
			came = !stays_silent(door);
			if (came)
				continue;
			expect(attempt(ON_HOST, "nft get element inet t allowed { 10.77.0.2 }"),
			       "dropped although it still is allowed");
			break;
		}
	}
}

/* False where the machine was so slow that the element ran out before it could be renewed. */
static bool renew_within(u32 ms)
{
	run(ON_HOST, "nft add element inet t allowed { 10.77.0.2 timeout %ums }", ms);
	settle();
	pause_ms(ms * 2 / 3);
	if (attempt(ON_HOST, "nft 'delete element inet t allowed { 10.77.0.2 }; "
			     "add element inet t allowed { 10.77.0.2 timeout 1h }'"))
		return false;
	for (int i = 0; i < 10; i++) {
		send_udp(5001);
		expect(arrives(door), "dropped although it was renewed");
		pause_ms(ms / 12);
	}
	return true;
}

/* A reload of the same element starts its time anew. */
static void permission_renewed(void)
{
	u32 ms = 600;

	prepare(sets);
	while (!renew_within(ms))
		expect((ms *= 2) < 20000, "never renewed in time: %s", output);
}

static void packets_fill_an_accept_set(void)
{
	prepare("table inet t {\n"
		"	set knocked { type ipv4_addr; flags dynamic,timeout; timeout 10s; }\n"
		"	chain input {\n"
		"		type filter hook input priority 0;\n"
		"		udp dport 9 drop\n"
		"		udp dport 7777 add @knocked { ip saddr } drop\n"
		"		udp dport 5000 ip saddr @knocked accept\n"
		"		udp dport 5000 drop\n"
		"	}\n"
		"}\n");
	send_udp(OPEN_PORT);
	expect(stays_silent(server), "came in without knocking");
	for (int i = 0; i < 5; i++) {
		send_udp(7777);
		send_udp(OPEN_PORT);
		expect(arrives(server), "knocked in vain");
		run(ON_HOST, "nft flush set inet t knocked");
		settle();
	}
}

/* fail2ban in the kernel: what packets put in, commands take out. */
static void packets_fill_a_drop_set(void)
{
	prepare("table inet t {\n"
		"	set bad { type ipv4_addr; flags dynamic,timeout; timeout 10s; }\n"
		"	chain input {\n"
		"		type filter hook input priority 0;\n"
		"		udp dport 9 drop\n"
		"		udp dport 5000 ip saddr @bad drop\n"
		"		udp dport 7777 add @bad { ip saddr } drop\n"
		"	}\n"
		"}\n");
	for (int i = 0; i < 5; i++) {
		send_udp(7777);
		drain(server);
		send_udp(OPEN_PORT);
		expect(stays_silent(server), "came through although it is bad");
		run(ON_HOST, "nft flush set inet t bad");
		send_udp(OPEN_PORT);
		expect(arrives(server), "dropped although it was forgiven");
		settle();
	}
}

static void intervals_come_and_go(void)
{
	prepare("table inet t {\n"
		"	set nets { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 }; }\n"
		"	chain input {\n"
		"		type filter hook input priority 0;\n"
		"		udp dport 9 drop\n"
		"		ip saddr @nets drop\n"
		"	}\n"
		"}\n");
	for (int i = 0; i < 10; i++) {
		run(ON_HOST, "nft add element inet t nets { 10.77.0.0/%d }", 20 + i);
		drain(server);
		send_udp(OPEN_PORT);
		expect(stays_silent(server), "a banned net came through");
		expect(eventually(is_dropped_early(OPEN_PORT), 3), "the ban is never early");
		run(ON_HOST, "nft delete element inet t nets { 10.77.0.0/%d }", 20 + i);
		drain(server);
		send_udp(OPEN_PORT);
		expect(arrives(server), "dropped after the ban was lifted");
	}
}

/* Elements make no difference then, so nothing is compiled for them; the catch-all itself does. */
static void everything_is_banned(void)
{
	u64 compiled;

	prepare("table inet t {\n"
		"	set banned { type ipv4_addr; elements = { * }; }\n"
		"	chain input {\n"
		"		type filter hook input priority 0;\n"
		"		udp dport 9 drop\n"
		"		udp dport 5000 ip saddr @banned drop\n"
		"	}\n"
		"}\n");
	for (int i = 0; i < 3; i++) {
		expect(eventually(is_dropped_early(OPEN_PORT), 3), "the ban is never early");
		compiled = compiles();
		run(ON_HOST, "nft add element inet t banned { 10.77.0.2 }");
		settle();
		run(ON_HOST, "nft delete element inet t banned { 10.77.0.2 }");
		settle();
		expect(compiles() == compiled, "compiled for an element beside a catch-all");
		expect(is_dropped_early(OPEN_PORT), "the ban is not early any more");
		run(ON_HOST, "nft 'delete element inet t banned { * }'");
		drain(server);
		send_udp(OPEN_PORT);
		expect(arrives(server), "dropped after the ban was lifted");
		settle();
		send_udp(OPEN_PORT);
		expect(arrives(server), "dropped by sluice after the ban was lifted");
		run(ON_HOST, "nft 'add element inet t banned { * }'");
	}
}

/* Bans and unbans, some hundred times a second; ends by itself if nobody ends it. */
static pid_t start_storm(void)
{
	pid_t storm = fork();

	if (storm)
		return storm;
	setpgid(0, 0); /* to be ended with its children */
	attempt(ON_HOST, "for i in $(seq 3000); do"
			 "	echo 'add element inet t banned { 192.0.2.1 }'; sleep 0.001;"
			 "	echo 'delete element inet t banned { 192.0.2.1 }'; sleep 0.001;"
			 "done | nft -i >/dev/null");
	_exit(0);
}

static void end_storm(pid_t storm)
{
	kill(-storm, SIGTERM);
	waitpid(storm, NULL, 0);
}

/* The host's state takes longer to read than elements leave alone, and a compile ends all the same.
 */
static void rules_change_amid_elements(void)
{
	pid_t storm;

	prepare(sets);
	run(ON_HOST,
	    "for i in $(seq 150); do echo link add x$i type veth peer y$i; done | ip -b -");
	settle();
	storm = start_storm();
	for (int i = 0; i < 5; i++) {
		u64 compiled = compiles();

		run(ON_HOST, "nft add rule inet t input udp dport %d drop", 6000 + i);
		expect(eventually(compiles() > compiled, 10), "no compile ever came to its end");
	}
	end_storm(storm);
	settle();
	prove_early_drops();
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"ban and unban", ban_and_unban},
		{"allow and disallow", allow_and_disallow},
		{"ban that runs out", ban_that_runs_out},
		{"permission that runs out", permission_that_runs_out},
		{"permission renewed", permission_renewed},
		{"packets fill an accept set", packets_fill_an_accept_set},
		{"packets fill a drop set", packets_fill_a_drop_set},
		{"intervals come and go", intervals_come_and_go},
		{"everything is banned", everything_is_banned},
		{"rules change amid elements", rules_change_amid_elements},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
