// SPDX-License-Identifier: GPL-2.0-only
/* Robustness: the keeper dies or stops at any time, and no verdict is ever wrong for it. */
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "load/pins.h"

static void expect_nothing_left(void)
{
	char path[SL_PIN_PATH_MAX];

	sl_pins_path(path, net_cookie(), "", NULL);
	expect(access(path, F_OK) != 0, "pins are left in %s", path);
	expect(!keeper(), "the keeper is left");
	snprintf(path, sizeof path, "/run/sluice/%llu-%s.lock", (unsigned long long)net_cookie(),
		 device);
	expect(access(path, F_OK) != 0, "%s is left", path);
	expect(!attempt(ON_HOST, "! bpftool net show dev dut0 | grep -i sluice"), "attached: %s",
	       output);
}

static void kill_keeper(int signal_number)
{
	pid_t pid = keeper();

	expect(pid > 0 && !kill(pid, signal_number), "no keeper to signal");
	if (signal_number == SIGKILL)
		expect(eventually(!keeper(), 1), "it holds its lock in death");
}

static void drops_go_on_without_the_keeper(void)
{
	start_lab();
	kill_keeper(SIGKILL);
	expect(drops_early(), "the rules stand, but nothing is dropped early");
	run(ON_HOST, "%s status | grep -q NOBODY", sluice);
	expect(attempt(ON_HOST, "%s status --check", sluice) == 1, "--check gives no warning");
	detach();
	expect_nothing_left();
}

static void expect_change_is_honoured(int signal_number)
{
	int server;

	start_lab();
	server = listen_udp(ON_HOST, CLOSED_PORT);
	kill_keeper(signal_number);
	run(ON_HOST, "nft flush chain inet t input");
	for (int i = 0; i < 5; i++) {
		send_udp(CLOSED_PORT);
		expect(arrives(server), "dropped by a rule that is gone");
	}
	expect_no_early_drops("the rules changed");
}

static void rule_deleted_after_the_keeper_died(void)
{
	expect_change_is_honoured(SIGKILL);
	detach();
	expect_nothing_left();
}

static void rule_deleted_while_the_keeper_is_stopped(void)
{
	expect_change_is_honoured(SIGSTOP);
	load_nft(drop_closed);
	kill_keeper(SIGCONT);
	settle();
	prove_early_drops();
}

static void stopped_keeper_can_be_detached(void)
{
	start_lab();
	kill_keeper(SIGSTOP);
	detach();
	expect_nothing_left();
}

/* Of all rules, as a person sees them. */
static u64 listed_drops(void)
{
	u64 sum = 0;

	expect(!attempt(ON_HOST, "%s list --json", sluice), "%s", output);
	for (const char *at = output; (at = strstr(at, "\"early_packets\":")); at++)
		sum += strtoull(strchr(at, ':') + 1, NULL, 10);
	return sum;
}

static void attach_again_takes_over(void)
{
	u64 before, listed;

	start_lab();
	run(ON_HOST, "nft insert rule inet t input udp dport 9 counter drop");
	settle();
	prove_early_drops();
	kill_keeper(SIGKILL);
	prove_early_drops();
	run(ON_HOST, "nft add rule inet t input udp dport 99 drop");
	before = early_drops();
	listed = listed_drops();
	attach();
	expect(before && early_drops() >= before, "what was dropped is forgotten");
	expect(listed && listed_drops() >= listed, "what the rule has dropped is forgotten");
	prove_early_drops();
	expect(keeper() > 0, "nobody keeps it");
	detach();
	expect_nothing_left();
}

/* At any point of an attach: then detach, and attach again, find their way. */
static void killed_while_attaching(void)
{
	build_lab();
	load_nft(drop_closed);
	for (int i = 0; i < 20; i++) {
		attach_and_die(NULL, (u32)i * 6 + 3);
		if (keeper() > 0)
			kill_keeper(SIGKILL);
		if (i % 2) {
			attach();
			prove_early_drops();
		}
		attempt(ON_HOST, "%s detach dev dut0", sluice);
		expect_nothing_left();
	}
}

static void killed_while_recompiling(void)
{
	int server;

	start_lab();
	server = listen_udp(ON_HOST, CLOSED_PORT);
	for (int i = 0; i < 10; i++) {
		run(ON_HOST, "nft add rule inet t input udp dport %d drop", 100 + i);
		pause_ms((u32)i * 5);
		kill_keeper(SIGKILL);
		run(ON_HOST, "nft flush chain inet t input");
		send_udp(CLOSED_PORT);
		expect(arrives(server), "dropped by a rule that is gone");
		load_nft(drop_closed);
		attach();
		prove_early_drops();
	}
	detach();
	expect_nothing_left();
}

/* What is there when it died between one pin and the next. */
static void remove_pin(const char *name)
{
	char path[SL_PIN_PATH_MAX];

	sl_pins_path(path, net_cookie(), device, name);
	expect(!unlink(path), "cannot remove %s", path);
}

static void half_attached_is_cleaned_up(void)
{
	start_lab();
	kill_keeper(SIGKILL);
	remove_pin("info");
	run(ON_HOST, "%s status", sluice);
	detach();
	expect_nothing_left();
	attach();
	kill_keeper(SIGKILL);
	remove_pin("info");
	remove_pin("fates");
	attach();
	prove_early_drops();
	detach();
	expect_nothing_left();
}

static void removing_the_pin_is_enough(void)
{
	char path[SL_PIN_PATH_MAX];

	start_lab();
	sl_pins_path(path, net_cookie(), device, "link");
	expect(!unlink(path), "cannot remove %s", path);
	expect(eventually(!keeper(), 3), "the keeper stays");
	expect(eventually(!attempt(ON_HOST, "! bpftool net show dev dut0 | grep -i sluice"), 2),
	       "still attached");
	attempt(ON_HOST, "%s detach", sluice);
	expect_nothing_left();
}

/* What is in its way is where `sl_pins_put` begins. */
static void a_pin_that_fails_is_put_later(void)
{
	char path[SL_PIN_PATH_MAX];

	start_lab();
	sl_pins_path(path, net_cookie(), device, "live-new");
	expect(!mkdir(path, 0700), "cannot make %s", path);
	run(ON_HOST, "nft add rule inet t input udp dport 99 drop");
	pause_ms(700);
	expect(!is_fresh(), "the pins speak of a generation that they do not have");
	expect(!rmdir(path), "cannot remove %s", path);
	settle();
	prove_early_drops();
	detach();
	expect_nothing_left();
}

/* Where a flood has all cores, it still gets one when the rules change. */
static void the_keeper_waits_ahead_of_all(void)
{
	start_lab();
	expect(eventually(sched_getscheduler(keeper()) == SCHED_FIFO, 3),
	       "scheduled like any other process");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"drops go on without the keeper", drops_go_on_without_the_keeper},
		{"rule deleted after the keeper died", rule_deleted_after_the_keeper_died},
		{"rule deleted while the keeper is stopped",
		 rule_deleted_while_the_keeper_is_stopped},
		{"stopped keeper can be detached", stopped_keeper_can_be_detached},
		{"attach again takes over", attach_again_takes_over},
		{"killed while attaching", killed_while_attaching},
		{"killed while recompiling", killed_while_recompiling},
		{"half attached is cleaned up", half_attached_is_cleaned_up},
		{"removing the pin is enough", removing_the_pin_is_enough},
		{"a pin that fails is put later", a_pin_that_fails_is_put_later},
		{"the keeper waits ahead of all", the_keeper_waits_ahead_of_all},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
