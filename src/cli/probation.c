/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/probation.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/rollback.h"
#include "daemon/confirm.h"

/* How often it looks whether somebody has confirmed. */
#define LOOK_MS 100

/* How the story ended, through the pipe. */
struct ending {
	bool is_confirmed;
	int error;
	char text[SL_ROLLBACK_TEXT];
	struct sl_diag diag;
};

static bool is_confirmed_in_time(int fd, u64 deadline_ns)
{
	while (sl_monotonic_ns() < deadline_ns) {
		if (sl_confirm_is_given(fd))
			return true;
		poll(NULL, 0, LOOK_MS);
	}
	return sl_confirm_is_given(fd);
}

/* The keeper has followed a new name of the device. */
static void find_name(u32 ifindex, const char *device, char ret_name[IF_NAMESIZE])
{
	if (!if_indextoname(ifindex, ret_name))
		snprintf(ret_name, IF_NAMESIZE, "%s", device);
}

static void wait_or_roll_back(const char *device, u64 net_cookie, int confirm_fd, u64 deadline_ns,
			      struct ending *ret_ending)
{
	u32 ifindex = if_nametoindex(device);
	char name[IF_NAMESIZE];

	ret_ending->is_confirmed = is_confirmed_in_time(confirm_fd, deadline_ns);
	if (ret_ending->is_confirmed)
		return;
	find_name(ifindex, device, name);
	if (sl_confirm_take(net_cookie, name) == -ENOENT)
		ret_ending->is_confirmed = true; /* at the last moment */
	else
		ret_ending->error = sl_roll_back(name, ret_ending->text, &ret_ending->diag);
	if (ret_ending->error == -ENOENT) { /* with its device, or by hand */
		ret_ending->error = 0;
		snprintf(ret_ending->text, sizeof ret_ending->text, "detached");
	}
}

/* A pipe that nobody reads any more is nothing to die of. */
static void tell(int pipe_fd, const void *what, size_t size)
{
	if (write(pipe_fd, what, size) != (ssize_t)size)
		return;
}

/*
 * Not a child of the terminal's session from the start: whatever cuts the connection, perhaps the
 * attach itself, does not end this process.
 */
static void stand_by(const struct sl_wish *wish, u32 seconds, int pipe_fd)
{
	SL_CLEANUP(sl_close) int confirm_fd = -1;
	struct sl_child_outcome outcome;
	struct ending ending = {0};
	u64 deadline_ns;

	setsid();
	signal(SIGPIPE, SIG_IGN);
	sl_keep(wish, &outcome);
	deadline_ns = sl_monotonic_ns() + seconds * 1000ULL * SL_NS_PER_MS;
	if (!outcome.error) {
		outcome.error = sl_confirm_ask(outcome.net_cookie, wish->device, deadline_ns,
					       &confirm_fd, &outcome.diag);
		if (outcome.error) /* nobody could confirm it */
			sl_roll_back(wish->device, ending.text, &ending.diag);
	}
	tell(pipe_fd, &outcome, sizeof outcome);
	if (outcome.error)
		return;
	prctl(PR_SET_NAME, "sluice-confirm");
	sl_child_leave_terminal();
	wait_or_roll_back(wish->device, outcome.net_cookie, confirm_fd, deadline_ns, &ending);
	tell(pipe_fd, &ending, sizeof ending);
}

void sl_probation_begin(const struct sl_wish *wish, u32 seconds, int *ret_fd,
			struct sl_child_outcome *ret_outcome)
{
	int ends[2];
	pid_t pid;

	memset(ret_outcome, 0, sizeof *ret_outcome);
	if (pipe2(ends, O_CLOEXEC)) {
		ret_outcome->error =
			sl_fail(&ret_outcome->diag, errno, "pipe: %s", strerror(errno));
		return;
	}
	pid = fork();
	if (!pid) {
		stand_by(wish, seconds, sl_child_keep_only(ends[1]));
		_exit(0);
	}
	close(ends[1]);
	if (pid < 0 || read(ends[0], ret_outcome, sizeof *ret_outcome) != sizeof *ret_outcome)
		ret_outcome->error =
			sl_fail(&ret_outcome->diag, ECHILD,
				"the process that should wait for the confirmation of %s ended "
				"early",
				wish->device);
	if (ret_outcome->error)
		close(ends[0]);
	else
		*ret_fd = ends[0];
}

/* True when somebody pressed Enter. Where nobody can, others may still confirm. */
static bool is_entered(struct pollfd *input)
{
	char line[16];

	if (!input->revents)
		return false;
	if (read(input->fd, line, sizeof line) > 0)
		return true;
	input->fd = -1;
	return false;
}

static int say(const struct ending *ending, const char *device, FILE *out)
{
	if (ending->error)
		return sl_cli_refuse(&ending->diag);
	if (ending->is_confirmed) {
		fprintf(out, "%s: confirmed\n", device);
		return SL_EXIT_DONE;
	}
	fflush(stdout);
	fprintf(stderr, "sluice: %s: not confirmed, %s\n", device, ending->text);
	return SL_EXIT_REFUSED;
}

int sl_probation_wait(int fd, u64 net_cookie, const char *device, u32 seconds, bool json)
{
	FILE *out = json ? stderr : stdout;
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
			       {.fd = STDIN_FILENO, .events = POLLIN}};
	struct ending ending;
	bool is_told;

	fprintf(out,
		"Press Enter within %u seconds to keep it, or say elsewhere: sluice confirm dev "
		"%s\n",
		seconds, device);
	fflush(out);
	tcflush(STDIN_FILENO, TCIFLUSH); /* what was typed before the question is no answer */
	while (!fds[0].revents) {
		if (poll(fds, 2, -1) > 0 && is_entered(&fds[1]))
			sl_confirm_take(net_cookie, device);
	}
	is_told = read(fd, &ending, sizeof ending) == sizeof ending;
	close(fd);
	if (is_told)
		return say(&ending, device, out);

	struct sl_diag diag;

	sl_fail(&diag, ECHILD,
		"%s: the process that waited for its confirmation has ended; see `sluice status`",
		device);
	return sl_cli_refuse(&diag);
}
