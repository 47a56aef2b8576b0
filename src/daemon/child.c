// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/keeper.h"
#include "daemon/privileges.h"
#include "daemon/system_calls.h"

/* So that it is there whole, or not at all. */
_Static_assert(sizeof(struct sl_child_outcome) <= PIPE_BUF, "one write");

void sl_child_leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR);

	setsid();
	if (chdir("/"))
		return;
	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
}

int sl_child_keep_only(int fd)
{
	const int kept = STDERR_FILENO + 1;

	if (dup2(fd, kept) < 0 || close_range(kept + 1, ~0U, 0))
		_exit(SL_CHILD_REFUSED);
	return kept;
}

static void part_from_service(pid_t parent)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(SL_CHILD_ENDED);
	sigemptyset(&none); /* until it waits for them, a signal just ends it */
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* It is attached by now: with more rights than it needs it does as well as with those. */
static void give_up_rights(const struct sl_child_wish *wish, const struct sl_keeper *keeper)
{
	struct sl_diag diag;

	if (sl_privileges_drop(sl_keeper_watches_namespace(keeper), &diag) ||
	    sl_system_calls_limit(SL_CALLER_KEEPER, &diag))
		fprintf(stderr, "sluice: %s: %s\n", wish->device, diag.text);
}

static void start(const struct sl_child_wish *wish, struct sl_keeper *keeper,
		  struct sl_child_outcome *outcome)
{
	outcome->mode = sl_keeper_mode(keeper);
	outcome->net_cookie = sl_keeper_net_cookie(keeper);
	prctl(PR_SET_NAME, "sluice-keeper");
	outcome->error = sl_keeper_start(keeper, !wish->is_supervised, &outcome->diag);
	give_up_rights(wish, keeper);
	if (!wish->is_supervised)
		sl_child_leave_terminal();
}

static int keep(const struct sl_child_wish *wish, int pipe_fd)
{
	struct sl_child_outcome outcome = {0};
	struct sl_keeper *keeper = NULL;
	int status = SL_CHILD_REFUSED;

	outcome.error = sl_keeper_attach(wish->device, wish->mode, wish->memory_limit,
					 wish->replaces, &keeper, outcome.ladder, &outcome.diag);
	if (!outcome.error)
		start(wish, keeper, &outcome);
	if (write(pipe_fd, &outcome, sizeof outcome) != sizeof outcome)
		outcome.error = -EPIPE;
	close(pipe_fd);
	if (!outcome.error && !sl_keeper_run(keeper, &outcome.diag))
		status = sl_keeper_was_removed(keeper) ? SL_CHILD_REMOVED : SL_CHILD_ENDED;
	sl_keeper_free(keeper);
	return status;
}

int sl_child_start(const struct sl_child_wish *wish, pid_t *ret_pid, int *ret_fd,
		   struct sl_diag *diag)
{
	pid_t parent = getpid(), pid;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return sl_fail(diag, errno, "pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		if (wish->is_supervised)
			part_from_service(parent);
		_exit(keep(wish, sl_child_keep_only(ends[1])));
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return sl_fail(diag, errno, "cannot start a process for %s: %s", wish->device,
			       strerror(errno));
	}
	*ret_pid = pid;
	*ret_fd = ends[0];
	return 0;
}

void sl_child_read(int fd, const char *device, struct sl_child_outcome *ret_outcome)
{
	struct sl_child_outcome outcome = {0};

	if (TEMP_FAILURE_RETRY(read(fd, &outcome, sizeof outcome)) != sizeof outcome)
		outcome.error =
			sl_fail(&outcome.diag, ECHILD,
				"the process that should keep %s in step ended early", device);
	*ret_outcome = outcome;
}
