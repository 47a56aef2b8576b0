// SPDX-License-Identifier: GPL-2.0-only
/* Trap: `iif` binds an index when it is loaded, `iifname` a name, and names change. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "load/pins.h"

#define INPUT(rules)                                                                               \
	"table inet t { chain input { type filter hook input priority 0; " rules "; }; }\n"

static void wildcards_match_by_prefix(void)
{
	int server;

	build_lab();
	load_nft(INPUT("iifname \"dut*\" udp dport 9 drop; iifname \"eth*\" udp dport 5000 drop"));
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
	send_udp(OPEN_PORT);
	expect(arrives(server), "dropped by a rule for other devices");
}

static void rules_for_other_devices(void)
{
	int server;

	build_lab();
	load_nft(INPUT(
		"iif \"dut0\" udp dport 9 drop; iif \"lo\" udp dport 5000 drop; "
		"iifname \"dut\" udp dport 5000 drop; iifname \"dut00\" udp dport 5000 drop"));
	server = listen_udp(ON_HOST, OPEN_PORT);
	attach();
	prove_early_drops();
	send_udp(OPEN_PORT);
	expect(arrives(server), "dropped by a rule for other devices");
}

static void rename_device(const char *name)
{
	if (attempt(ON_HOST, "ip link set %s name %s", device, name))
		run(ON_HOST, "ip link set %s down && ip link set %s name %s && ip link set %s up",
		    device, device, name, name);
	strcpy(device, name);
}

static void rename_while_attached(void)
{
	int server;

	build_lab();
	load_nft(INPUT("iifname \"dut0\" udp dport 9 drop; iifname \"wan0\" udp dport 5000 drop"));
	server = listen_udp(ON_HOST, CLOSED_PORT);
	attach();
	prove_early_drops();
	rename_device("wan0");
	send_udp(CLOSED_PORT);
	expect(arrives(server), "dropped by a rule for its old name");
	settle();
	expect(eventually(is_attached(), 2), "the pins still have the old name");

	u64 before = early_drops();

	send_udp(OPEN_PORT);
	expect(eventually(early_drops() > before, 1), "the rule for its new name drops nothing");
	run(ON_HOST, "%s status | grep -q '^wan0: native'", sluice);
	expect(keeper() > 0, "the lock is lost");
	detach();
}

/* While nothing can be compiled, nothing is written of the names in between. */
static void rename_twice_while_no_compile_succeeds(void)
{
	build_lab();
	load_nft(INPUT("udp dport 9 drop"));
	run(ON_HOST, "%s attach dev dut0 --memory 1M", sluice);
	settle();
	prove_early_drops();
	run(ON_HOST, "(echo 'add table ip big'; echo 'add set ip big s { type ipv4_addr; }'; "
		     "echo 'add chain ip big c { type filter hook input priority 1; }'; "
		     "seq 0 99999 | awk '{ printf \"add element ip big s { 10.%%d.%%d.%%d }\\n\", "
		     "$1 / 62500, $1 / 250 %% 250, $1 %% 250 }'; "
		     "echo 'add rule ip big c ip saddr @s drop') | nft -f -");
	pause_ms(300);
	expect(!is_fresh(), "100,000 elements are less than 1 MB by now");
	rename_device("mid0");
	expect(eventually(is_attached(), 2), "the pins do not follow");
	rename_device("wan0");
	expect(eventually(is_attached(), 2), "the pins do not follow again");
	expect(eventually(keeper() > 0, 1), "the lock has the name in between");
	run(ON_HOST, "nft delete table ip big");
	settle();
	prove_early_drops();
	detach();
}

/* bpffs takes no name with a dot. */
static void names_with_a_dot(void)
{
	char path[SL_PIN_PATH_MAX];

	build_lab();
	rename_device("wan.0");
	load_nft(INPUT("udp dport 9 drop"));
	attach();
	prove_early_drops();
	run(ON_HOST, "%s status | grep -q '^wan.0: native'", sluice);
	run(ON_HOST, "%s status dev wan.0 --json | grep -q '\"device\": \"wan.0\"'", sluice);
	run(ON_HOST, "test -e $(%s status | sed -n 's/.*if all fails rm -r //p')", sluice);
	rename_device("lan.with.dots");
	settle();
	prove_early_drops();
	detach();
	sl_pins_path(path, net_cookie(), "", NULL);
	expect(access(path, F_OK) != 0, "pins are left in %s", path);
}

static void rename_while_stopped(void)
{
	int server;

	build_lab();
	load_nft(INPUT("iifname \"dut0\" udp dport 9 drop"));
	server = listen_udp(ON_HOST, CLOSED_PORT);
	attach();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	run(ON_HOST,
	    "ip link set dut0 name wan0 || "
	    "{ ip link set dut0 down && ip link set dut0 name wan0 && ip link set wan0 up; }");
	send_udp(CLOSED_PORT);
	expect(arrives(server), "dropped by a rule for its old name");
}

static void group_changed_while_stopped(void)
{
	int server;

	build_lab();
	load_nft(INPUT("iifgroup 0 udp dport 9 drop"));
	server = listen_udp(ON_HOST, CLOSED_PORT);
	attach();
	prove_early_drops();
	kill(keeper(), SIGSTOP);
	run(ON_HOST, "ip link set dut0 group 7");
	send_udp(CLOSED_PORT);
	expect(arrives(server), "dropped by a rule for its old group");
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"wildcards match by prefix", wildcards_match_by_prefix},
		{"rules for other devices", rules_for_other_devices},
		{"rename while attached", rename_while_attached},
		{"rename twice while no compile succeeds", rename_twice_while_no_compile_succeeds},
		{"names with a dot", names_with_a_dot},
		{"rename while stopped", rename_while_stopped},
		{"group changed while stopped", group_changed_while_stopped},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
