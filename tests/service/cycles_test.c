// SPDX-License-Identifier: GPL-2.0-only
/*
 * sluiced over and over while packets come: versions that follow each other, ends by SIGKILL,
 * storms of rules. No packet may be lost, and nothing may grow. SLUICE_CYCLES in the environment
 * says how often, for long runs; SLUICED_OTHER, whose pins this sluiced does not read, nor it this
 * one's.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "running.h"

#define CYCLE_S 5 /* no cycle takes longer, on the average */

static u32 begin_cycles(u32 usual)
{
	const char *text = getenv("SLUICE_CYCLES");
	u32 count = text ? (u32)strtoul(text, NULL, 10) : usual;

	alarm(60 + count * CYCLE_S * patience());
	return count;
}

/* A packet each millisecond to either port, from the wire. */
static struct {
	volatile u64 sent; /* to the open one */
	volatile bool ends;
} * load;
static u64 received;
static pid_t sender;
static int open_fd, closed_fd;

static void send_all(void)
{
	int to_open = open_udp(ON_WIRE, "10.77.0.1", OPEN_PORT);
	int to_closed = open_udp(ON_WIRE, "10.77.0.1", CLOSED_PORT);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!load->ends) {
		if (send(to_open, "x", 1, 0) == 1)
			load->sent++;
		send(to_closed, "x", 1, 0);
		pause_ms(1);
	}
	_exit(0);
}

static void begin_load(void)
{
	int size = 64 << 20;

	open_fd = listen_udp(ON_HOST, OPEN_PORT);
	closed_fd = listen_udp(ON_HOST, CLOSED_PORT);
	setsockopt(open_fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	load = mmap(NULL, sizeof *load, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	expect(load != MAP_FAILED, "no memory");
	sender = fork();
	if (!sender)
		send_all();
	expect(sender > 0, "no sender");
}

static void take_what_came(void)
{
	char byte;

	while (recv(open_fd, &byte, 1, MSG_DONTWAIT) == 1)
		received++;
}

static bool all_came(void)
{
	take_what_came();
	return received == load->sent;
}

static void end_load(void)
{
	load->ends = true;
	expect(waitpid(sender, NULL, 0) == sender, "no sender");
	expect(eventually(all_came(), 1), "of %llu packets to an open port %llu came",
	       (unsigned long long)load->sent, (unsigned long long)received);
	expect(stays_silent(closed_fd), "a packet to a closed port came");
	note("%llu packets to an open port, and all of them came", (unsigned long long)load->sent);
}

static void be_protected(u32 cycle)
{
	expect(eventually(is_protected(), 10), "not protected, cycle %u", cycle);
	expect(drops_early(), "it drops nothing early, cycle %u", cycle);
	take_what_came();
}

static const char *find_other(void)
{
	const char *other = getenv("SLUICED_OTHER");

	if (!other)
		skip_case("SLUICED_OTHER names no other sluiced");
	return other;
}

/* Or the next case would prove nothing. */
static void versions_refuse_what_the_other_left(void)
{
	service_program = find_other();
	start_protected();
	expect(attempt(ON_HOST, "%s status", sluice) == 1 && strstr(output, "version"),
	       "status: %s", output);
	stop_service();
	service_program = NULL;
	start_service(NULL);
	be_protected(0);
	expect(!attempt(ON_HOST, "%s status", sluice), "status: %s", output);
}

static void versions_follow_each_other(void)
{
	const char *other = find_other();
	u32 cycles = begin_cycles(5), pins[2] = {0};

	start_protected();
	begin_load();
	for (u32 i = 0; i < 2 * cycles; i++) {
		stop_service();
		service_program = i % 2 ? NULL : other;
		start_service(NULL);
		be_protected(i / 2);
		expect(!pins[i % 2] || count_pins() == pins[i % 2], "%u pins, and before %u",
		       count_pins(), pins[i % 2]);
		pins[i % 2] = count_pins();
	}
	end_load();
	run(ON_HOST, "%s detach dev dut0", sluice);
	expect_nothing_left();
}

static void ends_by_force(void)
{
	u32 cycles = begin_cycles(6);

	start_protected();
	begin_load();
	for (u32 i = 0; i < cycles; i++) {
		pid_t former = keeper();

		if (i % 2) {
			kill_service();
			start_service(NULL);
		} else {
			expect(former > 0 && !kill(former, SIGKILL), "no keeper");
		}
		expect(eventually(keeper() > 0 && keeper() != former, 10), "not replaced");
		be_protected(i);
	}
	end_load();
	run(ON_HOST, "%s detach dev dut0", sluice);
	expect_nothing_left();
}

static void storm(void)
{
	run(ON_HOST, "for i in 1 2 3 4 5; do nft add rule inet t input udp dport 100$i drop; "
		     "nft 'table inet u { set s { type ipv4_addr; }; chain c { type filter hook "
		     "input priority 5; ip saddr @s drop; }; }'; "
		     "nft add element inet u s '{ 192.0.2.1, 192.0.2.2 }'; "
		     "nft delete element inet u s '{ 192.0.2.1 }'; nft delete table inet u; done; "
		     "nft flush chain inet t input; nft add rule inet t input udp dport 9 drop");
}

/* The closed port is open for a moment, behind the flush. */
static void storms_of_rules(void)
{
	u32 cycles = begin_cycles(6), files = 0, memory = 0, settled = cycles / 3;

	start_protected();
	begin_load();
	for (u32 i = 0; i < cycles; i++) {
		storm();
		be_protected(i);
		if (i == settled) {
			files = count_open_files();
			memory = own_memory(keeper());
		}
	}
	drain(closed_fd);
	end_load();
	expect(count_open_files() <= files, "%u files were open, and now %u", files,
	       count_open_files());
	note("its memory was %u kB, and is %u", memory, own_memory(keeper()));
	expect(is_sanitized || own_memory(keeper()) < memory + 512, "it grows");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"versions refuse what the other left", versions_refuse_what_the_other_left},
		{"versions follow each other", versions_follow_each_other},
		{"ends by force", ends_by_force},
		{"storms of rules", storms_of_rules},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
