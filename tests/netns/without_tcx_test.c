// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trap: before 6.6 the kernel has no TCX, and a TC filter outlives who made it, changes by
 * notices, and shares its place with other people's.
 */
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "load/pins.h"
#include "load/tc_filter.h"
#include "tc.h"
#include "tcx.h"

/* Ours has pref 49374; filters of BPF, which need no module that small kernels lack. */
#define BPF_PASS "bpf bytecode '1,6 0 0 0,'"

static void build(void)
{
	setenv("SLUICE_WITHOUT_TCX", "1", 1);
	build_lab();
	if (attempt(ON_HOST, "tc qdisc add dev lo clsact && tc qdisc del dev lo clsact"))
		skip_case("this kernel has no clsact: %s", output);
}

static void prepare(void)
{
	build();
	load_nft(drop_closed);
	attach_mode("tc");
	expect(sl_tc_filter_program(if_nametoindex("dut0")), "not by a filter");
	prove_early_drops();
}

static bool has_qdisc(void)
{
	return !attempt(ON_HOST, "tc qdisc show dev dut0 | grep -q clsact");
}

static bool has_filter(void)
{
	return !attempt(ON_HOST, "tc filter show dev dut0 ingress | grep -q sluice_tc");
}

static void expect_nothing_left(void)
{
	char path[SL_PIN_PATH_MAX];

	sl_pins_path(path, net_cookie(), "", NULL);
	expect(access(path, F_OK) != 0, "pins are left in %s", path);
	expect(!keeper(), "the keeper is left");
	expect(!has_filter(), "the filter is left: %s", output);
}

static void kill_keeper(void)
{
	expect(keeper() > 0 && !kill(keeper(), SIGKILL), "no keeper to kill");
	expect(eventually(!keeper(), 1), "it holds its lock in death");
}

static void drops_and_leaves_nothing(void)
{
	prepare();
	expect(has_qdisc(), "where is it, then?");
	run(ON_HOST, "%s status dev dut0 | grep -q 'dut0: tc'", sluice);
	run(ON_HOST, "%s status dev dut0 | grep -q 'filter del dev dut0 ingress pref 49374'",
	    sluice);
	run(ON_HOST, "%s status --check", sluice);
	detach();
	expect_nothing_left();
	expect(!has_qdisc(), "the qdisc is left");
}

static void qdisc_of_others_stays(void)
{
	build();
	run(ON_HOST, "tc qdisc add dev dut0 clsact");
	load_nft(drop_closed);
	attach_mode("tc");
	prove_early_drops();
	detach();
	expect_nothing_left();
	expect(has_qdisc(), "it was not ours");
}

static void qdisc_that_others_use_by_now_stays(void)
{
	prepare();
	run(ON_HOST, "tc filter add dev dut0 egress pref 7 " BPF_PASS);
	settle();
	prove_early_drops(); /* what leaves is nobody's business */
	detach();
	expect_nothing_left();
	run(ON_HOST, "tc filter show dev dut0 egress | grep -q 'pref 7'");
}

static void swaps_do_not_chase_their_own_notices(void)
{
	u64 before;

	prepare();
	run(ON_HOST, "nft add rule inet t input udp dport 99 drop");
	settle();
	prove_early_drops();
	before = compiles();
	pause_ms(1200);
	expect(compiles() == before, "compiled %llu times for nothing",
	       (unsigned long long)(compiles() - before));
}

static void change_of_rules_is_honoured(void)
{
	int server;

	prepare();
	server = listen_udp(ON_HOST, CLOSED_PORT);
	kill(keeper(), SIGSTOP);
	run(ON_HOST, "nft flush chain inet t input");
	send_udp(CLOSED_PORT);
	expect(arrives(server), "dropped by a rule that is gone");
	kill(keeper(), SIGCONT);
	load_nft(drop_closed);
	settle();
	prove_early_drops();
}

static void expect_silence_behind(const char *where)
{
	kill(keeper(), SIGSTOP);
	run(ON_HOST, "tc filter add dev dut0 ingress %s " BPF_PASS, where);
	expect_no_early_drops("somebody else's filter is there");
	kill(keeper(), SIGCONT);
	pause_ms(700);
	expect_no_early_drops("somebody else's filter is there, as the keeper knows");
}

static void filter_ahead_is_noticed(void)
{
	prepare();
	expect_silence_behind("pref 1");
	run(ON_HOST, "tc filter del dev dut0 ingress pref 1");
	settle();
	prove_early_drops();
}

/* The kernel keeps two copies of the list and turns them over: the second turn is the first. */
static void two_filters_ahead_are_noticed(void)
{
	prepare();
	kill(keeper(), SIGSTOP);
	run(ON_HOST, "tc filter add dev dut0 ingress pref 2 " BPF_PASS);
	run(ON_HOST, "tc filter add dev dut0 ingress pref 1 " BPF_PASS);
	expect_no_early_drops("two of somebody's filters are ahead");
}

static void filter_behind_is_noticed(void)
{
	prepare();
	expect_silence_behind("pref 50000");
	run(ON_HOST, "tc filter del dev dut0 ingress pref 50000");
	settle();
	prove_early_drops();
}

static void filter_at_the_same_place_is_noticed(void)
{
	prepare();
	expect_silence_behind("pref 49374 handle 2 protocol all");
}

static void filter_that_was_there_first_is_left_alone(void)
{
	build();
	run(ON_HOST, "tc qdisc add dev dut0 clsact");
	run(ON_HOST, "tc filter add dev dut0 ingress pref 49374 handle 1 protocol all " BPF_PASS);
	load_nft(drop_closed);
	expect(attempt(ON_HOST, "%s attach dev dut0 mode tc", sluice) == 1, "took it: %s", output);
	run(ON_HOST, "tc filter show dev dut0 ingress | grep -q 'pref 49374'");
	expect(has_qdisc(), "the qdisc is gone");
	run(ON_HOST, "tc filter del dev dut0 ingress pref 49374");
	expect_nothing_left();
}

static void tcx_program_is_noticed(void)
{
	prepare();
	build_back();
	settle();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	attach_redirect(ON_HOST, "dut0", "back0");
	expect_no_early_drops("somebody's program takes packets first");
}

static void drops_go_on_without_the_keeper(void)
{
	prepare();
	kill_keeper();
	expect(drops_early(), "the rules stand, but nothing is dropped early");
	detach();
	expect_nothing_left();
	expect(!has_qdisc(), "the qdisc is left");
}

static void attach_again_takes_over(void)
{
	prepare();
	kill_keeper();
	run(ON_HOST, "nft add rule inet t input udp dport 99 drop");
	attach_mode("tc");
	prove_early_drops();
	detach();
	expect_nothing_left();
	expect(!has_qdisc(), "the qdisc is left");
}

/* Its pins are gone, too: the next attach, in another mode, finds it all the same. */
static void filter_without_pins_is_cleaned_up(void)
{
	char path[SL_PIN_PATH_MAX];

	prepare();
	kill_keeper();
	sl_pins_path(path, net_cookie(), device, NULL);
	run(ON_HOST, "rm -r %s", path);
	attach_mode("native");
	prove_early_drops();
	expect(!has_filter(), "two programs at once");
}

static void killed_while_attaching(void)
{
	build();
	load_nft(drop_closed);
	for (int i = 0; i < 20; i++) {
		attach_and_die("tc", (u32)i * 6 + 3);
		if (keeper() > 0)
			kill_keeper();
		attempt(ON_HOST, "%s detach dev dut0", sluice);
		expect_nothing_left();
	}
}

static void killed_while_recompiling(void)
{
	prepare();
	for (int i = 0; i < 10; i++) {
		run(ON_HOST, "nft add rule inet t input udp dport %d drop", 100 + i);
		pause_ms((u32)i * 5);
		kill_keeper();
		if (i % 2) {
			detach();
			expect_nothing_left();
		}
		attach_mode("tc");
		prove_early_drops();
	}
}

static void deleting_the_filter_is_enough(void)
{
	prepare();
	run(ON_HOST, "tc filter del dev dut0 ingress pref %d", SL_TC_PRIORITY);
	expect(eventually(!keeper(), 3), "the keeper stays");
	expect_nothing_left();
	expect(!has_qdisc(), "the qdisc is left");
}

static void removing_the_pin_is_enough(void)
{
	char path[SL_PIN_PATH_MAX];

	prepare();
	sl_pins_path(path, net_cookie(), device, "program");
	expect(!unlink(path), "cannot remove %s", path);
	expect(eventually(!keeper(), 3), "the keeper stays");
	expect_nothing_left();
}

static void device_renamed(void)
{
	prepare();
	if (attempt(ON_HOST, "ip link set dut0 name other0"))
		skip_case("this kernel renames no device that is up: %s", output);
	snprintf(device, sizeof device, "other0");
	settle();
	prove_early_drops();
	detach();
	expect(attempt(ON_HOST, "tc filter show dev other0 ingress | grep sluice_tc"), "left: %s",
	       output);
}

static void device_that_comes_back_is_attached_again(void)
{
	prepare();
	run(ON_HOST, "ip link del dut0");
	pause_ms(700);
	expect(!is_attached(), "to what?");
	remake_device();
	expect(eventually(has_filter(), 5), "no filter again");
	settle();
	prove_early_drops();
	detach();
	expect_nothing_left();
	expect(!has_qdisc(), "the qdisc is left");
}

static void device_moved_away_takes_no_filter_along(void)
{
	prepare();
	build_elsewhere();
	run(ON_HOST, "ip link set dut0 netns /proc/%d/fd/%d", (int)getpid(), place_fd(ELSEWHERE));
	expect(attempt(ELSEWHERE, "tc filter show dev dut0 ingress | grep sluice_tc"), "there: %s",
	       output);
	expect(keeper() > 0, "it does not wait for the device");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"drops, and leaves nothing", drops_and_leaves_nothing},
		{"qdisc of others stays", qdisc_of_others_stays},
		{"qdisc that others use by now stays", qdisc_that_others_use_by_now_stays},
		{"swaps do not chase their own notices", swaps_do_not_chase_their_own_notices},
		{"change of rules is honoured", change_of_rules_is_honoured},
		{"filter ahead is noticed", filter_ahead_is_noticed},
		{"two filters ahead are noticed", two_filters_ahead_are_noticed},
		{"filter behind is noticed", filter_behind_is_noticed},
		{"filter at the same place is noticed", filter_at_the_same_place_is_noticed},
		{"filter that was there first is left alone",
		 filter_that_was_there_first_is_left_alone},
		{"tcx program is noticed", tcx_program_is_noticed},
		{"drops go on without the keeper", drops_go_on_without_the_keeper},
		{"attach again takes over", attach_again_takes_over},
		{"filter without pins is cleaned up", filter_without_pins_is_cleaned_up},
		{"killed while attaching", killed_while_attaching},
		{"killed while recompiling", killed_while_recompiling},
		{"deleting the filter is enough", deleting_the_filter_is_enough},
		{"removing the pin is enough", removing_the_pin_is_enough},
		{"device renamed", device_renamed},
		{"device that comes back is attached again",
		 device_that_comes_back_is_attached_again},
		{"device moved away takes no filter along",
		 device_moved_away_takes_no_filter_along},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
