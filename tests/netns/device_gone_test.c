// SPDX-License-Identifier: GPL-2.0-only
/* Robustness: the device goes, comes back, or was one of two; the namespace goes. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "load/pins.h"

static void removed_device_is_told_and_detached(void)
{
	build_lab();
	load_nft(drop_closed);
	attach();
	run(ON_HOST, "ip link del dut0");
	expect(eventually(!attempt(ON_HOST, "%s status", sluice) && strstr(output, "gone"), 3),
	       "status: %s", output);
	expect(attempt(ON_HOST, "%s status --check", sluice) == 2, "--check is not critical");
	pause_ms(1200);
	expect(!attempt(ON_HOST, "%s status", sluice) && strstr(output, "gone"), "later: %s",
	       output);
	detach();
	expect(!keeper(), "the keeper lives on");
}

static void device_that_comes_back_is_attached_again(void)
{
	build_lab();
	load_nft(drop_closed);
	attach();
	for (int i = 0; i < 3; i++) {
		run(ON_HOST, "ip link del dut0");
		if (i)
			pause_ms(700);
		remake_device();
		expect(eventually(is_attached() && is_fresh(), 4), "it is not");
		prove_early_drops();
	}
	detach();
}

/* Attaching again is a compile, which takes its turn; with nothing to keep, so does the rest. */
static void a_keeper_without_its_device_is_not_urgent(void)
{
	build_lab();
	load_nft(drop_closed);
	attach();
	expect(eventually(sched_getscheduler(keeper()) == SCHED_FIFO, 3), "not urgent, ever");
	run(ON_HOST, "ip link del dut0");
	expect(eventually(sched_getscheduler(keeper()) == SCHED_OTHER, 3), "urgent about what?");
	remake_device();
	settle();
	expect(eventually(sched_getscheduler(keeper()) == SCHED_FIFO, 3), "not urgent again");
}

static void device_without_a_keeper_comes_back(void)
{
	build_lab();
	load_nft(drop_closed);
	attach();
	kill(keeper(), SIGKILL);
	run(ON_HOST, "ip link del dut0");
	remake_device();
	expect_no_early_drops("nobody attached to it");
	attach();
	prove_early_drops();
}

static void two_namespaces_with_the_same_device(void)
{
	char drop_there[] = "table inet t { chain input { type filter hook input priority 0; "
			    "udp dport 7 drop; }; }";

	build_lab();
	load_nft(drop_closed);
	attach();
	build_elsewhere();
	run(ELSEWHERE, "ip link add dut0 type veth peer name wire0 && ip link set dut0 up && "
		       "ip link set wire0 up");
	run(ELSEWHERE, "nft '%s'", drop_there);
	run(ELSEWHERE, "%s attach dev dut0", sluice);
	run(ELSEWHERE, "%s detach dev dut0", sluice);
	expect(is_attached(), "detached in the wrong namespace");
	prove_early_drops();
	expect(!attempt(ELSEWHERE, "%s status | grep -q 'not attached'", sluice), "%s", output);
}

static void deleted_namespace_ends_the_keeper(void)
{
	char name[32], path[SL_PIN_PATH_MAX];
	unsigned long long cookie;
	int pid;

	build_lab();
	snprintf(name, sizeof name, "sluicetest%d", (int)getpid());
	run(ON_HOST, "ip netns add %s", name);
	run(ON_HOST,
	    "ip -n %s link add dut0 type veth peer name wire0 && ip -n %s link set dut0 up && "
	    "ip netns exec %s nft 'table inet t { chain i { type filter hook input priority 0; "
	    "udp dport 9 drop; }; }'",
	    name, name, name);
	run(ON_HOST, "%s -n %s attach dev dut0", sluice, name);
	run(ON_HOST, "%s -n %s status --json | grep -Eo '\"keeper\": [0-9]+|bpf/sluice/[0-9]+'",
	    sluice, name);
	expect(sscanf(strstr(output, "keeper\": "), "keeper\": %d", &pid) == 1 &&
		       sscanf(strstr(output, "bpf/sluice/"), "bpf/sluice/%llu", &cookie) == 1,
	       "no keeper: %s", output);
	/* It believes in the name once it has seen it a few times. */
	pause_ms(2500);
	run(ON_HOST, "ip netns del %s", name);
	expect(eventually(kill(pid, 0) != 0 ||
				  !attempt(ON_HOST, "grep -q 'State:.Z' /proc/%d/status", pid),
			  8),
	       "the keeper holds the namespace");
	sl_pins_path(path, cookie, "dut0", NULL);
	expect(eventually(access(path, F_OK) != 0, 1), "its pins stay: %s", path);
	snprintf(path, sizeof path, "/run/sluice/%llu-dut0.lock", cookie);
	expect(access(path, F_OK) != 0, "its lock stays: %s", path);
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"removed device is told and detached", removed_device_is_told_and_detached},
		{"device that comes back is attached again",
		 device_that_comes_back_is_attached_again},
		{"a keeper without its device is not urgent",
		 a_keeper_without_its_device_is_not_urgent},
		{"device without a keeper comes back", device_without_a_keeper_comes_back},
		{"two namespaces with the same device", two_namespaces_with_the_same_device},
		{"deleted namespace ends the keeper", deleted_namespace_ends_the_keeper},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
