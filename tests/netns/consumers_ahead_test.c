// SPDX-License-Identifier: GPL-2.0-only
/* Trap: TC ingress programs and filters take packets before the rules do. */
#include <signal.h>
#include <unistd.h>

#include "frame.h"
#include "tcx.h"

static int tap;

static void prepare(const char *mode)
{
	build_lab();
	build_back();
	load_nft(drop_closed_by_index);
	attach_mode(mode);
	prove_early_drops();
	tap = open_tap(ON_BACK, "far0");
}

static void expect_redirected(const char *what)
{
	drain(tap);
	send_udp(CLOSED_PORT);
	expect(sees_port(tap, CLOSED_PORT), "dropped ahead of %s", what);
}

static void tcx_program_attached_later(void)
{
	int link;

	prepare(NULL);
	link = attach_redirect(ON_HOST, "dut0", "back0");
	expect_redirected("somebody's program");
	pause_ms(700);
	expect_redirected("somebody's program, after a while");
	close(link);
	expect(eventually(drops_early(), 3), "never again after it left");
}

static void tcx_program_attached_while_stopped(void)
{
	prepare(NULL);
	kill(keeper(), SIGSTOP);
	attach_redirect(ON_HOST, "dut0", "back0");
	expect_redirected("somebody's program");
}

/* The kernel keeps two copies of the list and turns them over: the second turn is the first. */
static void two_tcx_programs_attached_while_stopped(void)
{
	prepare(NULL);
	close(attach_redirect(ON_HOST, "dut0", "back0")); /* the list is there, and empty */
	settle();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	attach_redirect(ON_HOST, "dut0", "back0");
	expect_redirected("somebody's program");
	attach_redirect(ON_HOST, "dut0", "back0");
	expect_redirected("somebody's second program");
}

static void tcx_program_was_there_first(void)
{
	build_lab();
	build_back();
	load_nft(drop_closed_by_index);
	attach_redirect(ON_HOST, "dut0", "back0");
	attach();
	tap = open_tap(ON_BACK, "far0");
	expect_redirected("somebody's program");
}

/* Those that come after sluice's own at the same place lose packets to it just as well. */
static void tcx_program_behind_our_own(void)
{
	prepare("tc");
	attach_redirect(ON_HOST, "dut0", "back0");
	expect_redirected("somebody's program");
	run(ON_HOST, "nft add rule inet t input udp dport 99 drop");
	settle();
	expect_redirected("somebody's program, after a change of rules");
}

static void two_tcx_programs_behind_our_own(void)
{
	prepare("tc");
	kill(keeper(), SIGSTOP);
	attach_redirect(ON_HOST, "dut0", "back0");
	expect_redirected("somebody's program");
	attach_redirect(ON_HOST, "dut0", "back0");
	expect_redirected("somebody's second program");
}

static void need_filters(void)
{
	if (attempt(ON_HOST, "tc qdisc add dev dut0 clsact"))
		skip_case("this kernel has no clsact: %s", output);
}

/* u32 is the one classifier that small kernels have; it needs no action to swallow a packet. */
static void add_filter(void)
{
	if (attempt(ON_HOST, "tc filter add dev dut0 ingress protocol ip u32 match u32 0 0 "
			     "action mirred egress redirect dev back0"))
		skip_case("this kernel has no u32 filters or no mirred: %s", output);
}

static void tc_filter_added_later(void)
{
	prepare(NULL);
	need_filters();
	add_filter();
	expect_redirected("somebody's filter");
	pause_ms(100);
	expect_redirected("somebody's filter, after a while");
}

static void tc_filter_added_while_stopped(void)
{
	prepare(NULL);
	need_filters();
	settle();
	prove_early_drops(); /* a qdisc alone takes nothing */
	kill(keeper(), SIGSTOP);
	add_filter();
	expect_redirected("somebody's filter");
}

static void tc_filter_is_noticed(void)
{
	prepare(NULL);
	need_filters();
	settle();
	if (attempt(ON_HOST, "tc filter add dev dut0 ingress protocol ip u32 match u32 0 0 "
			     "flowid 1:1"))
		skip_case("this kernel has no u32 filters: %s", output);
	expect_no_early_drops("a filter sees packets first");
}

static void tc_filter_is_noticed_while_stopped(void)
{
	prepare(NULL);
	need_filters();
	settle();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	if (attempt(ON_HOST, "tc filter add dev dut0 ingress protocol ip u32 match u32 0 0 "
			     "flowid 1:1"))
		skip_case("this kernel has no u32 filters: %s", output);
	expect_no_early_drops("a filter sees packets first");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"tcx program attached later", tcx_program_attached_later},
		{"tcx program attached while stopped", tcx_program_attached_while_stopped},
		{"two tcx programs attached while stopped",
		 two_tcx_programs_attached_while_stopped},
		{"tcx program was there first", tcx_program_was_there_first},
		{"tcx program behind our own", tcx_program_behind_our_own},
		{"two tcx programs behind our own", two_tcx_programs_behind_our_own},
		{"tc filter added later", tc_filter_added_later},
		{"tc filter added while stopped", tc_filter_added_while_stopped},
		{"tc filter is noticed", tc_filter_is_noticed},
		{"tc filter is noticed while stopped", tc_filter_is_noticed_while_stopped},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
