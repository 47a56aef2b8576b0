// SPDX-License-Identifier: GPL-2.0-only
/* The way back: whoever locks himself out finds the device as it was, with nobody's help. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/off_switch.h"
#include "frame.h"

static void prepare(void)
{
	build_lab();
	load_nft(drop_closed);
}

static void expect_taken_back(int seconds)
{
	expect(eventually(!is_attached() && !keeper(), seconds), "it stays attached");
	expect(!attempt(ON_HOST, "! bpftool net show dev dut0 | grep -i sluice"), "%s", output);
}

static bool is_unconfirmed(void)
{
	return !attempt(ON_HOST, "%s status | grep -q UNCONFIRMED", sluice);
}

/* Nobody is at the terminal, and nobody will press anything. */
static void start_command(const char *arguments, pid_t *ret_pid)
{
	char command[256];

	snprintf(command, sizeof command, "exec %s %s </dev/null >/dev/null 2>&1", sluice,
		 arguments);
	enter(ON_HOST);
	*ret_pid = fork();
	if (!*ret_pid) {
		setsid();
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
}

static int end_of(pid_t pid)
{
	int status;

	expect(waitpid(pid, &status, 0) == pid && WIFEXITED(status), "it was killed");
	return WEXITSTATUS(status);
}

static void unconfirmed_is_detached(void)
{
	prepare();
	expect(attempt(ON_HOST, "%s attach dev dut0 --confirm 1 </dev/null", sluice) == 1, "%s",
	       output);
	expect(strstr(output, "not confirmed, detached"), "%s", output);
	expect_taken_back(0);
}

static void enter_confirms(void)
{
	prepare();
	run(ON_HOST, "(sleep 0.4; echo) | %s attach dev dut0 --confirm 1", sluice);
	expect(strstr(output, "dut0: confirmed"), "%s", output);
	expect(!is_unconfirmed(), "it still waits");
	pause_ms(1000);
	settle();
	prove_early_drops();
}

static void confirmed_from_another_session(void)
{
	pid_t pid;

	prepare();
	start_command("attach dev dut0 --confirm 4", &pid);
	expect(eventually(is_unconfirmed(), 5), "status does not say that it waits");
	run(ON_HOST, "%s confirm dev dut0", sluice);
	expect(end_of(pid) == 0, "the first session does not hear of it");
	expect(attempt(ON_HOST, "%s confirm dev dut0", sluice) == 1 &&
		       strstr(output, "does not wait to be confirmed"),
	       "%s", output);
	pause_ms(4000);
	prove_early_drops();
}

static void die_attached(int signal_number)
{
	pid_t pid;

	prepare();
	start_command("attach dev dut0 --confirm 2", &pid);
	expect(eventually(is_unconfirmed(), 5), "status does not say that it waits");
	kill(-pid, signal_number); /* all that the terminal has */
	waitpid(pid, NULL, 0);
	expect_taken_back(8);
}

static void taken_back_when_the_command_is_killed(void)
{
	die_attached(SIGKILL);
}

static void taken_back_when_the_terminal_goes(void)
{
	die_attached(SIGHUP);
}

/* At any point of an attach. */
static void taken_back_when_killed_while_attaching(void)
{
	for (u32 i = 0; i < 6; i++) {
		pid_t pid;

		if (!i)
			prepare();
		start_command("attach dev dut0 --confirm 1", &pid);
		pause_ms(5 + i * 15);
		kill(-pid, SIGKILL);
		waitpid(pid, NULL, 0);
		pause_ms(200);
		expect_taken_back(5);
	}
}

/* Nor does it hinder that the device has another name, or that its keeper hangs. */
static void taken_back_from_a_stopped_keeper_under_another_name(void)
{
	pid_t pid;

	prepare();
	start_command("attach dev dut0 --confirm 5", &pid);
	expect(eventually(is_unconfirmed(), 5), "status does not say that it waits");
	run(ON_HOST, "ip link set dut0 down && ip link set dut0 name dut1 && ip link set dut1 up");
	strcpy(device, "dut1");
	expect(eventually(keeper() > 0, 2), "the keeper does not follow");
	kill(keeper(), SIGSTOP);
	expect(end_of(pid) == 1, "nobody says that it was taken back");
	expect_taken_back(1);
}

static void rollback_goes_one_step_at_a_time(void)
{
	prepare();
	attach();
	expect_mode("native");
	run(ON_HOST, "%s reattach dev dut0 mode tc", sluice);
	settle();
	expect_mode("tc");
	prove_early_drops();
	run(ON_HOST, "%s rollback dev dut0", sluice);
	settle();
	expect_mode("native");
	prove_early_drops();
	run(ON_HOST, "%s rollback dev dut0", sluice);
	expect(strstr(output, "dut0: detached"), "%s", output);
	expect_taken_back(0);
	expect(attempt(ON_HOST, "%s rollback dev dut0", sluice) == 1 &&
		       strstr(output, "not attached to dut0"),
	       "%s", output);
}

static void unconfirmed_reattach_goes_back(void)
{
	prepare();
	attach_mode("tc");
	expect(attempt(ON_HOST, "%s reattach dev dut0 mode native --confirm 1 </dev/null",
		       sluice) == 1,
	       "%s", output);
	expect(strstr(output, "not confirmed, attached as before, mode tc"), "%s", output);
	settle();
	expect_mode("tc");
	prove_early_drops();
}

/* As after an upgrade: the program goes on, under a new process. */
static void reattach_takes_over(void)
{
	pid_t before;
	u64 drops;

	start_lab();
	before = keeper();
	drops = early_drops();
	run(ON_HOST, "%s reattach dev dut0", sluice);
	settle();
	expect(keeper() > 0 && keeper() != before, "the same process keeps it");
	prove_early_drops();
	expect(early_drops() >= drops, "counters went back");
}

static void reattach_that_fails_changes_nothing(void)
{
	build_lab();
	run(ON_HOST, "ip link set dut0 mtu 9000");
	run(ON_WIRE, "ip link set wire0 mtu 9000");
	load_nft(drop_closed);
	attach();
	expect_mode("tc");
	expect(attempt(ON_HOST, "%s reattach dev dut0 mode native", sluice) == 1, "%s", output);
	expect(strstr(output, "MTU") && strstr(output, "dut0 is attached as before"), "%s", output);
	settle();
	expect_mode("tc");
	prove_early_drops();
}

#define OFF_SWITCH_DIRECTORY "/etc/sluice"

/*
 * A process 1 of its own, whose files sluice goes by: there the switch can be thrown without the
 * rest of the machine noticing. `script` has sluice as $0.
 */
static int attempt_apart(const char *script)
{
	bool made = !mkdir(OFF_SWITCH_DIRECTORY, 0755);
	int status = attempt(ON_HOST,
			     "unshare --pid --fork --mount --mount-proc sh -ec '"
			     "mount -t tmpfs none " OFF_SWITCH_DIRECTORY "; %s' %s",
			     script, sluice);

	if (made)
		rmdir(OFF_SWITCH_DIRECTORY);
	return status;
}

static void prepare_apart(void)
{
	prepare();
	if (attempt(ON_HOST, "unshare --pid --fork --mount --mount-proc true"))
		skip_case("no namespaces for processes and mounts: %s", output);
}

static void file_switches_off(void)
{
	prepare_apart();
	expect(attempt_apart("touch " SL_OFF_SWITCH_FILE "; $0 attach dev dut0") == 1, "%s",
	       output);
	expect(strstr(output, "switched off by the file " SL_OFF_SWITCH_FILE), "%s", output);
	expect(!is_attached(), "attached all the same");
	expect(!attempt_apart("touch " SL_OFF_SWITCH_FILE "; $0 status"), "%s", output);
	expect(strstr(output, "switched off by " SL_OFF_SWITCH_FILE), "%s", output);
}

static void boot_switches_off(void)
{
	prepare_apart();
	expect(attempt_apart("echo quiet sluice=off >/etc/sluice/cmdline; "
			     "mount --bind /etc/sluice/cmdline /proc/cmdline; "
			     "$0 attach dev dut0") == 1,
	       "%s", output);
	expect(strstr(output, "switched off by sluice=off on the kernel"), "%s", output);
	expect(!is_attached(), "attached all the same");
}

static void file_takes_off_what_is_attached(void)
{
	prepare_apart();
	expect(!attempt_apart("$0 attach dev dut0; "
			      "$0 status | grep kept.by.*process; "
			      "touch " SL_OFF_SWITCH_FILE "; sleep 2; "
			      "$0 status"),
	       "%s", output);
	expect(strstr(output, "not attached to any device"), "%s", output);
	expect_taken_back(1);
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"unconfirmed is detached", unconfirmed_is_detached},
		{"enter confirms", enter_confirms},
		{"confirmed from another session", confirmed_from_another_session},
		{"taken back when the command is killed", taken_back_when_the_command_is_killed},
		{"taken back when the terminal goes", taken_back_when_the_terminal_goes},
		{"taken back when killed while attaching", taken_back_when_killed_while_attaching},
		{"taken back from a stopped keeper under another name",
		 taken_back_from_a_stopped_keeper_under_another_name},
		{"rollback goes one step at a time", rollback_goes_one_step_at_a_time},
		{"unconfirmed reattach goes back", unconfirmed_reattach_goes_back},
		{"reattach takes over", reattach_takes_over},
		{"reattach that fails changes nothing", reattach_that_fails_changes_nothing},
		{"file switches off", file_switches_off},
		{"boot switches off", boot_switches_off},
		{"file takes off what is attached", file_takes_off_what_is_attached},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
