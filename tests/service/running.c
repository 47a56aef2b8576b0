// SPDX-License-Identifier: GPL-2.0-only
#include "running.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "load/pins.h"
#include "service/endpoint.h"

char config_path[64];
const char *service_program;

#ifdef __SANITIZE_ADDRESS__
const bool is_sanitized = true;
#else
const bool is_sanitized;
#endif

static pid_t service;

pid_t service_pid(void)
{
	return service;
}

void write_config(const char *text)
{
	FILE *file = fopen(config_path, "we");

	expect(file && fputs(text, file) >= 0 && !fclose(file), "cannot write %s", config_path);
}

int connect_control(void)
{
	struct timeval patience = {.tv_sec = 10};
	struct sl_endpoint endpoint;
	int fd;

	enter(ON_HOST);
	expect(!sl_endpoint_find(&endpoint, NULL), "no cookie");
	fd = sl_endpoint_connect(&endpoint);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return fd;
}

bool ask(const char *question)
{
	SL_CLEANUP(sl_close) int fd = connect_control();
	size_t length = 0;
	ssize_t more;

	if (fd < 0 || dprintf(fd, "%s\n", question) < 0)
		return false;
	while ((more = recv(fd, output + length, sizeof output - 1 - length, 0)) > 0)
		length += (size_t)more;
	output[length] = '\0';
	return length && output[length - 1] == '\n';
}

bool is_state(const char *state)
{
	char wanted[64];

	snprintf(wanted, sizeof wanted, "\"state\":\"%s\"", state);
	return ask("status") && strstr(output, wanted);
}

bool is_protected(void)
{
	return is_attached() && is_fresh() && keeper() > 0;
}

/* By SIGTERM, after which nothing of it is left below /run, if that helps. */
static void end_service(void)
{
	if (service > 0) {
		kill(service, SIGTERM);
		if (!eventually(waitpid(service, NULL, WNOHANG) == service, 5)) {
			kill(service, SIGKILL);
			waitpid(service, NULL, 0);
		}
		eventually(!keeper(), 3);
	}
	unlink(config_path);
}

static void become_service(void)
{
	char path[256];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof path, "%sd", sluice);
	if (service_program)
		snprintf(path, sizeof path, "%s", service_program);
	execl(path, path, "--config", config_path, NULL);
	_exit(127);
}

const char config[] = "[device dut0]\n";

void start_service(const char *text)
{
	if (!config_path[0]) {
		snprintf(config_path, sizeof config_path, "/tmp/sluice-service-%d.conf",
			 (int)getpid());
		at_end(end_service);
	}
	if (text)
		write_config(text);
	enter(ON_HOST);
	service = fork();
	if (!service)
		become_service();
	expect(service > 0 && eventually(ask("status"), 10), "sluiced does not answer");
}

void start_protected(void)
{
	build_lab();
	load_nft(drop_closed);
	start_service(config);
	expect(eventually(is_protected(), 10), "not attached");
	prove_early_drops();
}

void stop_service(void)
{
	int status;

	expect(!kill(service, SIGTERM) && waitpid(service, &status, 0) == service, "no sluiced");
	service = 0;
	expect(WIFEXITED(status) && !WEXITSTATUS(status), "it ended with %#x", status);
	expect(!keeper(), "its keeper lives on");
}

void kill_service(void)
{
	kill(service, SIGKILL);
	waitpid(service, NULL, 0);
	service = 0;
}

u32 count_files(pid_t pid)
{
	char path[64];
	u32 count = 0;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

u32 count_open_files(void)
{
	u32 before, now = 0;

	do {
		before = now;
		pause_ms(1000);
		now = count_files(keeper()) + count_files(service_pid());
	} while (now != before);
	return now;
}

u32 own_memory(pid_t pid)
{
	run(ON_HOST, "sed -n 's/^RssAnon:[ \\t]*\\([0-9]*\\).*/\\1/p' /proc/%d/status", (int)pid);
	return (u32)strtoul(output, NULL, 10);
}

u32 count_pins(void)
{
	char path[SL_PIN_PATH_MAX];

	sl_pins_path(path, net_cookie(), "dut0", NULL);
	run(ON_HOST, "ls %s | wc -l", path);
	return (u32)strtoul(output, NULL, 10);
}

void expect_nothing_left(void)
{
	char path[SL_PIN_PATH_MAX];

	sl_pins_path(path, net_cookie(), "", NULL);
	expect(access(path, F_OK) != 0, "pins are left in %s", path);
	expect(attempt(ON_HOST, "ls /run/sluice/%llu-dut0.lock", (unsigned long long)net_cookie()),
	       "a lock is left: %s", output);
	expect(attempt(ON_HOST, "bpftool net show dev dut0 | grep -i sluice"), "attached: %s",
	       output);
}
