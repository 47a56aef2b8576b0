// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process between, for what leaves processes behind: its end makes them nobody's children. Who
 * calls a library does not expect to inherit any.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/handle.h"
#include "base/cleanup.h"

/* The caller's handlers and mask are none of theirs. */
static void forget_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int sl_depute(struct sluice *sluice, void (*work)(const void *context, void *result),
	      const void *context, void *result, size_t size)
{
	SL_CLEANUP(sl_close) int from = -1;
	ssize_t got;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return sl_fail(&sluice->diag, errno, "pipe: %s", strerror(errno));
	from = ends[0];
	pid = fork();
	if (!pid) {
		forget_signals();
		work(context, result);
		_exit(write(ends[1], result, size) != (ssize_t)size);
	}
	close(ends[1]);
	if (pid < 0)
		return sl_fail(&sluice->diag, errno, "cannot start a process: %s", strerror(errno));
	got = TEMP_FAILURE_RETRY(read(from, result, size));
	TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
	if (got != (ssize_t)size)
		return sl_fail(&sluice->diag, ECHILD, "the process that should do it ended early");
	return 0;
}
