// SPDX-License-Identifier: GPL-2.0-only
/* sluiced and its devices: they come, go, are renamed; keepers and sluiced itself are killed. */
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load/pins.h"
#include "running.h"

static void device_that_comes_late(void)
{
	build_lab();
	run(ON_HOST, "ip link del dut0");
	load_nft(drop_closed);
	start_service(config);
	expect(is_state("waiting"), "not waiting: %s", output);
	run(ON_HOST, "%s status | grep -q 'there is no such device yet'", sluice);
	expect(attempt(ON_HOST, "%s status --check", sluice) == 1, "--check: %s", output);
	remake_device();
	expect(eventually(is_protected(), 10), "not attached");
	prove_early_drops();
	run(ON_HOST, "%s status | grep -q \"of sluiced's\"", sluice);
}

/* Notices that sluiced has lost, by the kernel's count. */
static u32 lost_notices(void)
{
	run(ON_HOST, "awk '$3 == %d { print $9 }' /proc/net/netlink", (int)service_pid());
	return (u32)strtoul(output, NULL, 10);
}

/* The notice of the device is one that finds no room any more. */
static void device_that_comes_while_notices_are_lost(void)
{
	build_lab();
	run(ON_HOST, "ip link del dut0");
	load_nft(drop_closed);
	start_service(config);
	kill(service_pid(), SIGSTOP);
	run(ON_HOST, "for i in $(seq 100); do echo link add a$i type veth peer name b$i; "
		     "echo link del a$i; done | ip -batch -");
	remake_device();
	expect(lost_notices() > 0, "none was lost: the case would prove nothing");
	kill(service_pid(), SIGCONT);
	expect(eventually(is_protected(), 10), "not attached");
	prove_early_drops();
}

static int compare_ms(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

static void device_comes_back_twenty_times(void)
{
	u64 took_ms[20];
	u32 files = 0, now;

	start_protected();
	/* Behind conntrack there is something to stand at netfilter's hooks for. */
	run(ON_HOST, "nft insert rule inet t input ct state established accept");
	expect(eventually(compiles() > 1 && is_protected(), 10), "not followed");
	for (int i = 0; i < 20; i++) {
		u64 start_ms;

		run(ON_HOST, "ip link del dut0");
		if (i % 4 == 3) /* often enough for the keeper to have seen it gone */
			expect(eventually(!is_attached(), 3), "the attachment outlives its device");
		remake_device();
		start_ms = monotonic_ms();
		expect(eventually(is_protected(), 10), "not attached again, time %d", i);
		took_ms[i] = monotonic_ms() - start_ms;
		if (i == 0)
			files = count_open_files();
	}
	prove_early_drops();
	qsort(took_ms, SL_ARRAY_SIZE(took_ms), sizeof *took_ms, compare_ms);
	note("protected %llu ms after it was back, at most %llu", (unsigned long long)took_ms[10],
	     (unsigned long long)took_ms[19]);
	now = count_open_files();
	expect(now <= files, "%u files were open after the first time, %u now", files, now);
}

/* What the kernel makes of its instructions, but for which maps they name: by file or by number. */
static void read_program(char ret_sum[33])
{
	char path[SL_PIN_PATH_MAX];

	sl_pins_path(path, net_cookie(), "dut0", "link");
	run(ON_HOST,
	    "program=$(bpftool link show pinned %s | sed -n 's/.* prog \\([0-9]*\\).*/\\1/p') && "
	    "maps=$(bpftool prog show id $program | "
	    "sed -n 's/.* map_ids \\([0-9,]*\\).*/\\1/p' | tr , '|') && "
	    "bpftool prog dump xlated id $program | "
	    "sed -E \"s/= ($maps)\\$/= map/; s/map.id:[0-9]*/map/; s/#bpf_prog_[0-9a-f]*/#/\" | "
	    "md5sum",
	    path);
	snprintf(ret_sum, 33, "%.32s", output);
}

static void device_that_is_the_same_again_has_the_same_program(void)
{
	char before[33], after[33];
	u32 ifindex;

	start_protected();
	read_program(before);
	expect(strlen(before) == 32, "its program has the sum \"%s\"", before);
	enter(ON_HOST);
	ifindex = if_nametoindex("dut0");
	run(ON_HOST, "ip link del dut0");
	run(ON_HOST, "ip link add dut9 address 02:00:00:00:00:09 type veth peer name dut8 && "
		     "ip link set dut9 name dut0 && ip link set dut0 up");
	expect(eventually(is_protected(), 10), "not attached to another dut0");
	read_program(after);
	expect(strcmp(before, after) != 0, "another device has the same program");
	run(ON_HOST, "ip link del dut0");
	run(ON_HOST,
	    "ip link add dut0 index %u address 02:00:00:00:00:01 type veth peer name dut8 && "
	    "ip link set dut0 up",
	    ifindex);
	run(ON_HOST, "ip addr add 10.77.0.1/24 dev dut0");
	expect(eventually(is_protected(), 10), "not attached again");
	read_program(after);
	expect(!strcmp(before, after), "the sum of its program was %s, and is %s", before, after);
}

/* The kernel copies a map's whole value, whoever asks for less. */
static void pins_of_a_version_that_says_more_are_replaced(void)
{
	char path[SL_PIN_PATH_MAX];

	start_protected();
	stop_service();
	sl_pins_path(path, net_cookie(), "dut0", "info");
	run(ON_HOST,
	    "rm %s && bpftool map create %s type array key 4 value 4096 entries 1 name longer",
	    path, path);
	expect(attempt(ON_HOST, "%s status", sluice) == 1 && strstr(output, "version"),
	       "status: %s", output);
	start_service(NULL);
	expect(eventually(is_protected(), 10), "the new version is not attached in its place");
}

static void reload_rules(int times)
{
	for (int i = 0; i < times; i++) {
		u64 before = compiles();

		run(ON_HOST, "nft flush ruleset");
		load_nft(drop_closed);
		expect(eventually(compiles() > before && is_protected(), 10), "not followed");
	}
}

/* Programs and maps are held by open files and by pins. */
static void twenty_reloads_leave_nothing_behind(void)
{
	u32 files, pins, memory, now;

	start_protected();
	reload_rules(3);
	files = count_open_files();
	pins = count_pins();
	memory = own_memory(keeper());
	reload_rules(20);
	now = count_open_files();
	expect(now <= files, "%u files were open before, %u now", files, now);
	expect(count_pins() == pins, "there were %u pins", pins);
	now = own_memory(keeper());
	if (is_sanitized)
		note("skipped: memory is not compared, the sanitizer keeps what was freed");
	else
		expect(now < memory + 512, "it had %u kB of its own, and has %u", memory, now);
	prove_early_drops();
}

static void rename_to(const char *from, const char *to)
{
	run(ON_HOST, "ip link set %s down && ip link set %s name %s && ip link set %s up", from,
	    from, to, to);
}

/* Until there is another by the configured name. */
static void renamed_device_is_kept(void)
{
	start_protected();
	rename_to("dut0", "wan0");
	strcpy(device, "wan0");
	expect(eventually(is_protected(), 5), "not under its new name");
	prove_early_drops();
	expect(ask("status") && strstr(output, "\"now\":\"wan0\""), "status: %s", output);
	run(ON_HOST, "ip link add dut0 type veth peer name dut1");
	strcpy(device, "dut0");
	expect(eventually(is_protected(), 10), "the new dut0 is not attached");
	strcpy(device, "wan0");
	expect(eventually(!is_attached(), 3), "the old one still is");
}

static void renamed_device_that_goes(void)
{
	start_protected();
	rename_to("dut0", "wan0");
	strcpy(device, "wan0");
	expect(eventually(is_protected(), 5), "not under its new name");
	run(ON_HOST, "ip link del wan0");
	strcpy(device, "dut0");
	remake_device();
	expect(eventually(is_protected(), 10), "dut0 is not attached");
	prove_early_drops();
}

/* What the rules say of each packet, whoever is alive. */
static void expect_exact_verdicts(int open, int closed)
{
	for (int i = 0; i < 5; i++) {
		send_udp(OPEN_PORT);
		send_udp(CLOSED_PORT);
		expect(arrives(open), "an open port's packet is lost");
	}
	expect(stays_silent(closed), "a closed port's packet arrives");
}

static void killed_keeper_is_replaced(void)
{
	int open, closed;
	u32 files = 0;

	start_protected();
	open = listen_udp(ON_HOST, OPEN_PORT);
	closed = listen_udp(ON_HOST, CLOSED_PORT);
	for (int i = 0; i < 5; i++) {
		pid_t former = keeper();

		expect(former > 0 && !kill(former, SIGKILL), "no keeper");
		expect_exact_verdicts(open, closed);
		expect(eventually(keeper() > 0 && keeper() != former && is_protected(), 10),
		       "not replaced, time %d", i);
		expect_exact_verdicts(open, closed);
		expect(!files || count_files(service_pid()) <= files, "sluiced leaks files");
		files = count_files(service_pid());
	}
	prove_early_drops();
	run(ON_HOST, "%s detach dev dut0", sluice);
	expect_nothing_left();
}

static void killed_service_is_taken_over_from(void)
{
	int open, closed;

	start_protected();
	open = listen_udp(ON_HOST, OPEN_PORT);
	closed = listen_udp(ON_HOST, CLOSED_PORT);
	for (int i = 0; i < 5; i++) {
		kill_service();
		expect_exact_verdicts(open, closed);
		expect(is_attached(), "the attachment ended with sluiced");
		start_service(NULL);
		expect(eventually(is_protected(), 10), "not taken over, time %d", i);
		expect_exact_verdicts(open, closed);
	}
	prove_early_drops();
	run(ON_HOST, "%s detach dev dut0", sluice);
	expect_nothing_left();
}

static void attachment_stays_when_it_is_stopped(void)
{
	start_protected();
	stop_service();
	expect(is_attached(), "it did not stay");
	expect(drops_early(), "it drops nothing");
	run(ON_HOST, "%s detach dev dut0", sluice);
}

static void attachment_goes_when_the_configuration_says_so(void)
{
	char path[SL_PIN_PATH_MAX];

	build_lab();
	load_nft(drop_closed);
	start_service("[device dut0]\n[service]\non-stop = detach\n");
	expect(eventually(is_protected(), 10), "not attached");
	stop_service();
	expect(!is_attached(), "it stays");
	sl_pins_path(path, net_cookie(), "", NULL);
	expect(access(path, F_OK) != 0, "pins are left in %s", path);
}

/* The last resort of whoever is locked out: sluiced must not undo it. */
static void pins_removed_by_hand_end_it(void)
{
	char path[SL_PIN_PATH_MAX];

	start_protected();
	sl_pins_path(path, net_cookie(), "dut0", NULL);
	run(ON_HOST, "rm -r %s", path);
	expect(eventually(is_state("off"), 5), "it is %s", output);
	pause_ms(500);
	expect(!is_attached() && !keeper(), "attached again");
	run(ON_HOST, "%s attach dev dut0", sluice);
	settle();
	prove_early_drops();
}

static void refused_device_is_tried_again(void)
{
	build_lab();
	load_nft(drop_closed);
	start_service("[device dut0]\nmemory = 1K\n");
	expect(eventually(is_state("retrying"), 10), "it is %s", output);
	expect(strstr(output, "limit of 1 kB") != NULL, "it does not say why: %s", output);
	expect(attempt(ON_HOST, "%s status --check", sluice) == 2, "--check: %s", output);
	expect(eventually(!attempt(ON_HOST, "%s status | grep 'tries again'", sluice), 5),
	       "status does not say when it is tried again");
	write_config(config);
	kill(service_pid(), SIGHUP);
	expect(eventually(is_protected(), 10), "not attached with the limit gone");
}

/* However far the attach has come. */
static void device_that_loses_its_section_while_it_is_attached(void)
{
	build_lab();
	load_nft(drop_closed);
	for (u32 i = 0; i < 6; i++) {
		start_service(config);
		pause_ms(i * 100);
		write_config("");
		run(ON_HOST, "%s reload", sluice);
		expect(eventually(ask("status") && !strstr(output, "dut0"), 5), "it is %s", output);
		expect_nothing_left();
		stop_service();
	}
}

#define SERVICE_MAY 0x400201000ULL /* SYSLOG 34, SYS_ADMIN 21, NET_ADMIN 12 */
#define SYS_PTRACE  0x80000ULL
#define SYS_NICE    0x800000ULL

/* Where nobody may raise this limit, as in many containers, it takes a capability to wait first. */
static u64 urgency(pid_t pid)
{
	return attempt(ON_HOST, "grep -q 'realtime priority *1 ' /proc/%d/limits", (int)pid)
		       ? SYS_NICE
		       : 0;
}

static void expect_rights(pid_t pid, u64 rights)
{
	unsigned long long may = rights | urgency(pid);
	char wanted[128];

	run(ON_HOST,
	    "sed -En 's/^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):[ \t]*//p' "
	    "/proc/%d/status | tr '\n' ' '",
	    (int)pid);
	snprintf(wanted, sizeof wanted, "%016x %016llx %016llx %016llx %016x 1 2 ", 0, may, may,
		 may, 0);
	expect(!strcmp(output, wanted), "it has %s", output);
}

static void service_and_keeper_may_do_no_more_than_they_need(void)
{
	start_protected();
	expect_rights(service_pid(), SERVICE_MAY);
	expect_rights(keeper(), SERVICE_MAY);
}

/* It alone sees whether somebody else is left in the namespace. */
static void keeper_of_its_own_may_see_who_else_is_there(void)
{
	start_lab();
	expect_rights(keeper(), SERVICE_MAY | SYS_PTRACE);
	reload_rules(1);
	prove_early_drops();
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"device that comes late", device_that_comes_late},
		{"device that comes while notices are lost",
		 device_that_comes_while_notices_are_lost},
		{"device comes back twenty times", device_comes_back_twenty_times},
		{"device that is the same again has the same program",
		 device_that_is_the_same_again_has_the_same_program},
		{"pins of a version that says more are replaced",
		 pins_of_a_version_that_says_more_are_replaced},
		{"twenty reloads leave nothing behind", twenty_reloads_leave_nothing_behind},
		{"renamed device is kept", renamed_device_is_kept},
		{"renamed device that goes", renamed_device_that_goes},
		{"killed keeper is replaced", killed_keeper_is_replaced},
		{"killed service is taken over from", killed_service_is_taken_over_from},
		{"attachment stays when it is stopped", attachment_stays_when_it_is_stopped},
		{"attachment goes when the configuration says so",
		 attachment_goes_when_the_configuration_says_so},
		{"pins removed by hand end it", pins_removed_by_hand_end_it},
		{"refused device is tried again", refused_device_is_tried_again},
		{"device that loses its section while it is attached",
		 device_that_loses_its_section_while_it_is_attached},
		{"service and keeper may do no more than they need",
		 service_and_keeper_may_do_no_more_than_they_need},
		{"keeper of its own may see who else is there",
		 keeper_of_its_own_may_see_who_else_is_there},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
