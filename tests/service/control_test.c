// SPDX-License-Identifier: GPL-2.0-only
/* sluiced and whoever talks to it: the command line, signals, service managers, hostile clients. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sluice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "running.h"
#include "service/endpoint.h"

static void detached_device_is_left_alone_until_it_is_asked_for(void)
{
	start_protected();
	run(ON_HOST, "%s detach dev dut0", sluice);
	expect(strstr(output, "dut0: detached") != NULL, "it says %s", output);
	expect(!is_attached() && !keeper() && is_state("off"), "it is %s", output);
	kill(service_pid(), SIGCHLD); /* any event */
	pause_ms(300);
	expect(!is_attached() && !keeper(), "attached again");
	run(ON_HOST, "%s status | grep -q 'detached on request'", sluice);
	run(ON_HOST, "%s attach dev dut0", sluice);
	expect(!strcmp(output, "dut0: attached, mode native\n"), "it says %s", output);
	settle();
	prove_early_drops();
	expect(is_state("kept"), "by whom? %s", output);
	run(ON_HOST, "%s detach", sluice);
	expect(!is_attached() && is_state("off"), "it is %s", output);
	kill(service_pid(), SIGHUP);
	expect(eventually(is_protected(), 10), "a reload does not bring it back");
}

static void attach_of_its_device_takes_no_options(void)
{
	start_protected();
	expect(attempt(ON_HOST, "%s attach dev dut0", sluice) == 1 &&
		       strstr(output, "already keeps"),
	       "twice: %s", output);
	expect(attempt(ON_HOST, "%s attach dev dut0 mode tc", sluice) == 1 &&
		       strstr(output, config_path),
	       "it does not name the configuration: %s", output);
}

static void other_devices_are_attached_without_it(void)
{
	build_lab();
	load_nft(drop_closed);
	start_service("[device eth7]\n");
	attach();
	prove_early_drops();
	expect(keeper() > 0 && ask("status") && !strstr(output, "dut0"), "sluiced: %s", output);
	detach();
	expect(!keeper(), "not detached");
}

/* Of its devices, libsluice has it do what there is to do. */
static void the_library_asks_it(void)
{
	const struct sluice_options tc = SLUICE_OPTIONS(.mode = SLUICE_MODE_TC);
	const struct sluice_attachment *attachment;
	struct sluice_status *status;
	struct sluice *host;

	start_protected();
	expect(!sluice_open(place_fd(ON_HOST), &host), "no handle");
	expect(!sluice_read_status(host, "dut0", &status), "status: %s", sluice_error(host));
	attachment = sluice_status_attachment(status, 0);
	expect(attachment && attachment->is_service && attachment->keeper == keeper(),
	       "its device is not told to be its");
	expect(strstr(sluice_status_service(status), "\"pid\":"), "it is not quoted");
	sluice_status_free(status);
	expect(!sluice_detach(host, "dut0"), "detach: %s", sluice_error(host));
	expect(!is_attached() && !keeper() && is_state("off"), "it is %s", output);
	expect(sluice_attach(host, "dut0", &tc, NULL) == -EPERM &&
		       strstr(sluice_error(host), config_path),
	       "other options: %s", sluice_error(host));
	expect(!sluice_attach(host, "dut0", NULL, NULL), "attach: %s", sluice_error(host));
	expect(is_state("kept"), "it is %s", output);
	expect(sluice_attach(host, "dut0", NULL, NULL) == -EPROTO &&
		       strstr(sluice_error(host), "already keeps"),
	       "twice: %s", sluice_error(host));
	sluice_close(host);
}

static void bad_configuration_changes_nothing(void)
{
	pid_t before;

	start_protected();
	before = keeper();
	write_config("[device dut0]\nmode = tc\n[device eth1]\ncolour = red\n");
	expect(attempt(ON_HOST, "%s reload", sluice) == 1 && strstr(output, ".conf:4: ") &&
		       strstr(output, "expected: mode, memory, replace"),
	       "it says %s", output);
	kill(service_pid(), SIGHUP);
	pause_ms(200);
	expect(is_state("kept") && !strstr(output, "eth1"), "half of it: %s", output);
	expect(keeper() == before, "another keeper");
	expect_mode("native");
}

static void good_configuration_is_taken(void)
{
	start_protected();
	write_config("[device dut0]\nmode = tc\n[device eth1]\n");
	run(ON_HOST, "%s reload", sluice);
	expect(eventually(is_protected() && ask("status") && strstr(output, "\"mode\":\"tc\""), 10),
	       "it is %s", output);
	expect(strstr(output, "eth1") != NULL, "no eth1: %s", output);
	prove_early_drops();
	write_config("[device eth1]\n");
	kill(service_pid(), SIGHUP);
	expect(eventually(!is_attached() && !keeper(), 5), "still attached");
	expect(ask("status") && !strstr(output, "dut0"), "it is %s", output);
}

static void second_service_is_refused(void)
{
	start_protected();
	expect(attempt(ON_HOST, "%sd --config %s", sluice, config_path) == 1, "a second one runs");
	expect(strstr(output, "runs in this network namespace already") != NULL, "it says %s",
	       output);
	expect(is_state("kept"), "the first one does not answer");
}

static void checks_say_what_was_expected(void)
{
	build_lab();
	start_service(config);
	run(ON_HOST, "%sd --check %s", sluice, config_path);
	write_config("[device dut0]\nmode = fast\n");
	expect(attempt(ON_HOST, "%sd --check %s", sluice, config_path) == 1 &&
		       strstr(output, ".conf:2: mode = \"fast\"; expected: auto, native"),
	       "it says %s", output);
	expect(attempt(ON_HOST, "%sd --check /nonexistent", sluice) == 1, "good: %s", output);
	expect(attempt(ON_HOST, "%sd --frobnicate", sluice) == 2, "no usage: %s", output);
	expect(attempt(ON_HOST, "%sd --config /nonexistent", sluice) == 1, "it runs: %s", output);
}

/* Each keeps its connection, most of them more than a well-behaved client has to wait for. */
static void hostile_clients(void)
{
	static char garbage[100000];
	int fds[60];
	u32 files;

	start_protected();
	files = count_files(service_pid());
	memset(garbage, 'x', sizeof garbage);
	for (u32 i = 0; i < SL_ARRAY_SIZE(fds); i++) {
		fds[i] = connect_control();
		if (fds[i] < 0) /* the backlog is full */
			continue;
		if (i % 3 == 1) /* half a line */
			send(fds[i], "stat", 4, MSG_NOSIGNAL);
		if (i % 3 == 2) /* no line */
			send(fds[i], garbage, sizeof garbage, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	expect(drops_early(), "it drops nothing");
	run(ON_HOST, "nft add rule inet t input udp dport 99 drop");
	settle(); /* the keeper is not in their reach */
	for (u32 i = 0; i < SL_ARRAY_SIZE(fds); i++)
		sl_close(&fds[i]);
	expect(eventually(is_state("kept"), 10), "no answer afterwards: %s", output);
	expect(eventually(count_files(service_pid()) <= files, 10), "%u files were open, now %u",
	       files, count_files(service_pid()));
}

/* They are shown out after seconds, so that others get in while they stay. */
static void slow_clients_are_shown_out(void)
{
	int fds[16];

	start_protected();
	for (u32 i = 0; i < SL_ARRAY_SIZE(fds); i++) {
		fds[i] = connect_control();
		expect(fds[i] >= 0 && send(fds[i], "s", 1, 0) == 1, "not let in");
	}
	expect(is_state("kept"), "nobody else gets in: %s", output);
}

static void nonsense_gets_an_answer(void)
{
	start_protected();
	expect(ask("") && strstr(output, "no such request"), "%s", output);
	expect(ask("attach") && strstr(output, "error"), "%s", output);
	expect(ask("attach no/such \x01 thing") && strstr(output, "error"), "%s", output);
	expect(ask("statusstatusstatusstatus") && strstr(output, "no such request"), "%s", output);
	expect(is_state("kept"), "%s", output);
}

static void others_than_root_get_no_connection(void)
{
	struct sl_endpoint endpoint;
	int status;
	pid_t pid;

	start_protected();
	enter(ON_HOST);
	expect(!sl_endpoint_find(&endpoint, NULL), "no cookie");
	pid = fork();
	if (!pid)
		_exit(setresuid(65534, 65534, 65534) || sl_endpoint_connect(&endpoint) != -EACCES);
	expect(waitpid(pid, &status, 0) == pid && !status, "nobody is let in");
	expect(is_state("kept"), "%s", output);
}

static void told(int fd, const char *what)
{
	char text[512];
	ssize_t length;

	do {
		struct pollfd ready = {.fd = fd, .events = POLLIN};

		expect(poll(&ready, 1, 10000) > 0, "it never says %s", what);
		length = recv(fd, text, sizeof text - 1, 0);
		text[length > 0 ? length : 0] = '\0';
	} while (!strstr(text, what));
}

/* An abstract name, which goes with the namespace. */
static int open_notify_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "@sluice-test"};
	socklen_t size = offsetof(struct sockaddr_un, sun_path) + strlen(address.sun_path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	setenv("WATCHDOG_USEC", "200000", 1);
	address.sun_path[0] = '\0';
	expect(fd >= 0 && !bind(fd, (struct sockaddr *)&address, size), "no socket");
	return fd;
}

static void service_managers_are_told(void)
{
	int fd;

	build_lab();
	fd = open_notify_socket();
	load_nft(drop_closed);
	start_service(config);
	told(fd, "READY=1");
	told(fd, "STATUS=1 of 1 devices attached");
	told(fd, "WATCHDOG=1");
	told(fd, "WATCHDOG=1");
	kill(service_pid(), SIGHUP);
	told(fd, "RELOADING=1");
	told(fd, "READY=1");
	stop_service();
	told(fd, "STOPPING=1");
	run(ON_HOST, "%s detach dev dut0", sluice);
}

int main(int argc, char **argv)
{
	static const struct lab_case cases[] = {
		{"detached device is left alone until it is asked for",
		 detached_device_is_left_alone_until_it_is_asked_for},
		{"attach of its device takes no options", attach_of_its_device_takes_no_options},
		{"other devices are attached without it", other_devices_are_attached_without_it},
		{"the library asks it", the_library_asks_it},
		{"bad configuration changes nothing", bad_configuration_changes_nothing},
		{"good configuration is taken", good_configuration_is_taken},
		{"second service is refused", second_service_is_refused},
		{"checks say what was expected", checks_say_what_was_expected},
		{"hostile clients", hostile_clients},
		{"slow clients are shown out", slow_clients_are_shown_out},
		{"nonsense gets an answer", nonsense_gets_an_answer},
		{"others than root get no connection", others_than_root_get_no_connection},
		{"service managers are told", service_managers_are_told},
	};

	return lab_main(argc, argv, cases, SL_ARRAY_SIZE(cases));
}
