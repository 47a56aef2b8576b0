// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thousand changes of rules under traffic: no packet is lost, none comes through that the rules
 * drop at all times. And how large a share of the time the rules are fresh, which is printed.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"

static const char rules[] = "table inet t {\n"
			    "	set banned { type ipv4_addr; }\n"
			    "	chain input {\n"
			    "		type filter hook input priority 0; policy drop;\n"
			    "		ip saddr @banned drop\n"
			    "		udp dport 5000 accept\n"
			    "		udp dport 9 drop\n"
			    "	}\n"
			    "	chain unrelated { }\n"
			    "}\n";

/* What the sender tells. */
static volatile struct {
	u32 sent;
	bool ends;
} * shared;

static pid_t sender;

/* Twice five packets a millisecond: far below what the kernel's own path takes. */
static void send_on(void)
{
	while (!shared->ends) {
		send_many(&(struct frame){.dport = OPEN_PORT}, 5);
		shared->sent += 5;
		send_many(&(struct frame){.dport = CLOSED_PORT}, 5);
		pause_ms(1);
	}
}

static void start_sender(void)
{
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	expect(shared != MAP_FAILED, "out of memory");
	sender = fork();
	if (!sender) {
		send_on();
		_exit(0);
	}
	expect(sender > 0, "cannot fork");
}

static u32 stop_sender(void)
{
	shared->ends = true;
	waitpid(sender, NULL, 0);
	return shared->sent;
}

/* Each as one transaction, so that the kernel, too, never is without the rules. */
static void change(u32 i)
{
	static char reload[2048];

	switch (i % 5) {
	case 0:
		run(ON_HOST, "nft add rule inet t unrelated udp dport %u drop", i + 10);
		break;
	case 1:
		run(ON_HOST, "nft flush chain inet t unrelated");
		break;
	case 2:
		run(ON_HOST, "nft add element inet t banned { 192.0.2.%u }", i % 250);
		break;
	case 3:
		run(ON_HOST, "nft delete element inet t banned { 192.0.2.%u }", (i - 1) % 250);
		break;
	default:
		snprintf(reload, sizeof reload, "flush ruleset\n%s", rules);
		load_nft(reload);
	}
}

static u32 count_waiting(int fd)
{
	char byte;
	u32 count = 0;

	while (recv(fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) >= 0)
		count++;
	return count;
}

static void a_thousand_changes(void)
{
	u32 came = 0, sent, size = 64 << 20, stray = 0;
	int open_fd, closed_fd;

	build_lab();
	load_nft(rules);
	open_fd = listen_udp(ON_HOST, OPEN_PORT);
	closed_fd = listen_udp(ON_HOST, CLOSED_PORT);
	setsockopt(open_fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	attach();
	prove_early_drops();
	start_sender();
	for (u32 i = 0; i < 1000; i++) {
		change(i);
		if (i % 20 == 0) /* now and then long enough to become fresh in between */
			pause_ms(eventually(is_fresh(), 0.3) ? 20 : 0);
		came += count_waiting(open_fd);
		stray += count_waiting(closed_fd);
	}
	sent = stop_sender();
	pause_ms(100);
	came += count_waiting(open_fd);
	stray += count_waiting(closed_fd);
	note("%u packets, %llu dropped early", sent, (unsigned long long)early_drops());
	expect(came == sent, "%u of %u packets to the open port came", came, sent);
	expect(!stray, "%u packets came through to the closed port", stray);
	settle();
	prove_early_drops();
}

/* What a compile does not depend on costs none. */
static void others_devices_cost_no_compile(void)
{
	u64 compiled;

	build_lab();
	load_nft(rules);
	attach();
	prove_early_drops();
	pause_ms(700);
	compiled = compiles();
	expect(compiled == 1, "%llu compiles for an attach", (unsigned long long)compiled);
	run(ON_HOST, "ip link add vx0 type veth peer name vx1 && ip link set vx0 up && "
		     "ip link set vx1 up mtu 1400 && ip link set dut0 promisc on && "
		     "echo 0 >/proc/sys/net/ipv4/conf/vx1/forwarding && ip link del vx0");
	pause_ms(700);
	settle();
	prove_early_drops();
	/* The devices' own IPv6 addresses are ours: they came and went. */
	expect(compiles() - compiled <= 4, "%llu compiles",
	       (unsigned long long)(compiles() - compiled));
	compiled = compiles();
	run(ON_HOST, "ip link add vx0 type veth peer name vx1 && "
		     "ip link set vx0 addrgenmode none && ip link set vx1 addrgenmode none && "
		     "ip link set vx0 up && ip link set vx1 up mtu 1400 && ip link del vx0");
	pause_ms(700);
	expect(compiles() == compiled, "%llu compiles for somebody else's device",
	       (unsigned long long)(compiles() - compiled));
	expect(is_fresh(), "stale for it");
	prove_early_drops();
}

static void addresses_cost_a_compile(void)
{
	build_lab();
	load_nft(rules);
	attach();
	pause_ms(700);
	run(ON_HOST, "ip addr add 10.99.0.1/24 dev lo");
	expect(eventually(compiles() == 2, 2), "%llu compiles", (unsigned long long)compiles());
	settle();
	prove_early_drops();
}

/* The share of looks at which it was fresh, while `act` runs every `period_ms`. */
static void measure_freshness(const char *what, u32 period_ms, u32 total_ms, void (*act)(u32))
{
	u64 begin = monotonic_ms(), next = begin;
	u64 compiled = compiles();
	u32 looks = 0, fresh = 0;

	for (u32 i = 0; monotonic_ms() < begin + total_ms;) {
		pid_t pid;

		if (monotonic_ms() >= next) {
			next += period_ms;
			enter(ON_HOST);
			pid = fork();
			if (!pid) {
				act(i);
				_exit(0);
			}
			i++;
		}
		looks++;
		fresh += is_fresh();
		pause_ms(1);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	note("%s: fresh %.1f %% of the time (%u looks), %llu compiles", what, 100.0 * fresh / looks,
	     looks, (unsigned long long)(compiles() - compiled));
	expect(fresh, "never fresh");
}

static void change_element(u32 i)
{
	execlp("nft", "nft", i % 2 ? "delete" : "add", "element", "inet", "t", "banned",
	       "{ 192.0.2.1 }", NULL);
}

static void fresh_under_element_changes(void)
{
	build_lab();
	load_nft(rules);
	attach();
	measure_freshness("10 changes of elements a second", 100, 4000, change_element);
	settle();
	prove_early_drops();
}

static char reload_file[64];

static void reload(u32 i)
{
	(void)i;
	execlp("nft", "nft", "-f", reload_file, NULL);
}

static void write_large_rules(void)
{
	FILE *file;

	snprintf(reload_file, sizeof reload_file, "/tmp/sluice-test-%d.nft", (int)getpid());
	file = fopen(reload_file, "w");
	expect(file != NULL, "%s", reload_file);
	fprintf(file, "table inet t\ndelete table inet t\n%s", rules);
	for (u32 i = 0; i < 10000; i++)
		fprintf(file, "add rule inet t input ip saddr 198.18.%u.%u udp dport %u drop\n",
			i / 250, i % 250, i % 1000 + 10000);
	fclose(file);
}

static void fresh_under_reloads_of_10000_rules(void)
{
	build_lab();
	load_nft(rules);
	write_large_rules();
	run(ON_HOST, "nft -f %s", reload_file);
	attach();
	measure_freshness("a reload of 10,000 rules every 10 s", 10000, 12000, reload);
	unlink(reload_file);
	prove_early_drops();
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"a thousand changes", a_thousand_changes},
		{"others' devices cost no compile", others_devices_cost_no_compile},
		{"addresses cost a compile", addresses_cost_a_compile},
		{"fresh under element changes", fresh_under_element_changes},
		{"fresh under reloads of 10000 rules", fresh_under_reloads_of_10000_rules},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
