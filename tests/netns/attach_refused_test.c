// SPDX-License-Identifier: GPL-2.0-only
/* Bad input: each a clear message and exit status 1, and nothing half-attached. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "tcx.h"

/* `word` is what the message must say. */
static void expect_refusal(const char *arguments, const char *word)
{
	int status = attempt(ON_HOST, "%s %s", sluice, arguments);

	expect(status == 1, "%s: exit status %d: %s", arguments, status, output);
	expect(!strncmp(output, "sluice: ", 8) && strstr(output, word), "%s says: %s", arguments,
	       output);
	expect(!strstr(output, "ERROR: "), "%s", output); /* a sanitizer's */
}

static void unknown_device(void)
{
	build_lab();
	expect_refusal("attach dev nosuch", "nosuch");
	expect(!is_attached(), "half attached");
}

static void attached_twice(void)
{
	build_lab();
	load_nft(drop_closed);
	attach();
	expect_refusal("attach dev dut0", "already keeps");
	prove_early_drops();
}

static void detach_without_attach(void)
{
	build_lab();
	expect_refusal("detach dev dut0", "not attached");
}

static u32 xdp_program(void)
{
	run(ON_HOST, "ip -d link show dev dut0 | sed -n 's/.*prog\\/xdp id \\([0-9]*\\).*/\\1/p'");
	return (u32)strtoul(output, NULL, 10);
}

static void another_xdp_program_stays(void)
{
	u32 theirs;

	build_lab();
	load_nft(drop_closed);
	attach_xdp_pass(ON_HOST, "dut0");
	theirs = xdp_program();
	expect(theirs, "theirs is not there");
	expect_refusal("attach dev dut0", "theirs");
	expect(strstr(output, "--replace"), "it does not say what to do: %s", output);
	expect(xdp_program() == theirs, "theirs was taken off");
	expect(!is_attached() && !keeper(), "half attached");
	run(ON_HOST, "%s attach dev dut0 --replace", sluice);
	settle();
	prove_early_drops();
	expect(xdp_program() && xdp_program() != theirs, "not replaced");
}

static void replace_without_another_program(void)
{
	build_lab();
	load_nft(drop_closed);
	run(ON_HOST, "%s attach dev dut0 --replace", sluice);
	settle();
	prove_early_drops();
}

static void large_mtu_falls_to_tc(void)
{
	build_lab();
	run(ON_HOST, "ip link set dut0 mtu 9000");
	run(ON_WIRE, "ip link set wire0 mtu 9000");
	load_nft(drop_closed);
	expect_refusal("attach dev dut0 mode native", "MTU");
	run(ON_HOST, "%s attach dev dut0 -v", sluice);
	expect(strstr(output, "native: refused") && strstr(output, "mode tc"), "%s", output);
	settle();
	prove_early_drops();
}

static void no_privileges(void)
{
	build_lab();
	load_nft(drop_closed);
	if (attempt(ON_HOST, "setpriv --reuid 65534 --regid 65534 --clear-groups true"))
		skip_case("no setpriv");
	if (attempt(ON_HOST, "setpriv --reuid 65534 --regid 65534 --clear-groups test -x %s",
		    sluice))
		skip_case("nobody cannot reach %s", sluice);
	expect(attempt(ON_HOST,
		       "setpriv --reuid 65534 --regid 65534 --clear-groups %s attach dev dut0",
		       sluice) == 1,
	       "%s", output);
	expect(strstr(output, "root") || strstr(output, "CAP_"), "it says: %s", output);
	expect(!is_attached(), "half attached");
}

/* sluice goes to the first process's mounts, so the BTF can only be hidden where it may not. */
static void no_btf(void)
{
	build_lab();
	load_nft(drop_closed);
	if (!attempt(ON_HOST, "nsenter -t 1 -m true"))
		skip_case("sluice enters the first process's mount namespace");
	attempt(ON_HOST,
		"unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && "
		"%s attach dev dut0'",
		sluice);
	expect(strstr(output, "BTF"), "it says: %s", output);
	expect(!is_attached(), "half attached");
}

/* What nft refuses to load changes nothing. */
static void broken_rules_while_attached(void)
{
	build_lab();
	load_nft(drop_closed);
	attach();
	expect(try_nft("flush ruleset; add rule inet nowhere input drop"), "nft took it");
	prove_early_drops();
	expect(is_fresh(), "it became stale");
}

static void writers_without_a_pause(void)
{
	pid_t writer;
	int status;

	build_lab();
	load_nft(drop_closed);
	enter(ON_HOST);
	writer = fork();
	if (!writer) {
		execl("/bin/sh", "sh", "-c",
		      "while :; do nft add rule inet t input udp dport 99 drop; done", NULL);
		_exit(127);
	}
	status = attempt(ON_HOST, "%s attach dev dut0", sluice);
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	if (status) {
		note("refused: %s", output);
		expect(status == 1 && strstr(output, "chang"), "%s", output);
		attach();
	}
	pause_ms(50);
	settle();
	prove_early_drops();
}

static void nothing_to_decide(void)
{
	build_lab();
	attach();
	expect_no_early_drops("there are no rules");
	load_nft(drop_closed);
	settle();
	prove_early_drops();
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"unknown device", unknown_device},
		{"attached twice", attached_twice},
		{"detach without attach", detach_without_attach},
		{"another xdp program stays", another_xdp_program_stays},
		{"replace without another program", replace_without_another_program},
		{"large mtu falls to tc", large_mtu_falls_to_tc},
		{"no privileges", no_privileges},
		{"no btf", no_btf},
		{"broken rules while attached", broken_rules_while_attached},
		{"writers without a pause", writers_without_a_pause},
		{"nothing to decide", nothing_to_decide},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
