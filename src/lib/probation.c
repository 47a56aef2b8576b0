/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/probation.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/confirm.h"

/* How often it looks whether somebody has confirmed. */
#define LOOK_MS 100

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
			      struct sl_ending *ret_ending)
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
		ret_ending->error = sl_roll_back(name, NULL, ret_ending->text, &ret_ending->diag);
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
	struct sl_ending ending = {0};
	u64 deadline_ns;

	setsid();
	signal(SIGPIPE, SIG_IGN);
	sl_keep(wish, &outcome);
	deadline_ns = sl_monotonic_ns() + seconds * 1000ULL * SL_NS_PER_MS;
	if (!outcome.error) {
		outcome.error = sl_confirm_ask(outcome.net_cookie, wish->device, deadline_ns,
					       &confirm_fd, &outcome.diag);
		if (outcome.error) /* nobody could confirm it */
			sl_roll_back(wish->device, NULL, ending.text, &ending.diag);
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
