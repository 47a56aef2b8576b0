// SPDX-License-Identifier: GPL-2.0-only
/* Trap: a device that moves to another namespace takes its program along, but not the rules. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"

static int move_away(void)
{
	build_elsewhere();
	enter(ELSEWHERE);
	run(ON_HOST, "ip link set dut0 netns /proc/%d/fd/%d", (int)getpid(), place_fd(ELSEWHERE));
	run(ELSEWHERE, "ip link set dut0 up && ip addr add 10.77.0.1/24 dev dut0");
	return listen_udp(ELSEWHERE, CLOSED_PORT);
}

static void nothing_is_dropped_there(void)
{
	int server;

	build_lab();
	load_nft(drop_closed_by_index);
	attach();
	prove_early_drops();
	server = move_away();
	for (int i = 0; i < 5; i++) {
		send_udp(CLOSED_PORT);
		expect(arrives(server), "dropped by rules of the namespace that it left");
	}
}

static void nothing_is_dropped_there_while_stopped(void)
{
	int server;

	build_lab();
	load_nft(drop_closed_by_index);
	attach();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	server = move_away();
	send_udp(CLOSED_PORT);
	expect(arrives(server), "dropped by rules of the namespace that it left");
}

static void status_says_so(void)
{
	build_lab();
	load_nft(drop_closed_by_index);
	attach();
	move_away();
	expect(eventually(!attempt(ON_HOST, "%s status", sluice) && strstr(output, "gone"), 3),
	       "status: %s", output);
	expect(attempt(ON_HOST, "%s status --check", sluice) == 2, "--check is not critical");
	detach();
	expect(!keeper(), "the keeper lives on");
}

/* Back home it is looked after again. */
static void it_is_attached_again_when_it_returns(void)
{
	build_lab();
	load_nft(drop_closed_by_index);
	attach();
	close(move_away());
	pause_ms(700);
	enter(ON_HOST);
	run(ELSEWHERE, "ip link set dut0 netns /proc/%d/fd/%d", (int)getpid(), place_fd(ON_HOST));
	run(ON_HOST, "ip link set dut0 up && ip addr add 10.77.0.1/24 dev dut0");
	expect(eventually(is_attached() && is_fresh(), 4), "it is not");
	load_nft(drop_closed_by_index); /* `iif` was bound to the index that it had */
	prove_early_drops();
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"nothing is dropped there", nothing_is_dropped_there},
		{"nothing is dropped there while stopped", nothing_is_dropped_there_while_stopped},
		{"status says so", status_says_so},
		{"it is attached again when it returns", it_is_attached_again_when_it_returns},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
