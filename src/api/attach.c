// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/handle.h"
#include "base/cleanup.h"
#include "lib/probation.h"
#include "load/pins.h"

struct attach {
	const char *device;
	struct sl_wishes wishes;
	enum sl_attach_mode mode; /* found out */
};

/* The caller's handlers and mask are none of those who stay behind. */
static void forget_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void keep(const struct attach *attach, struct sl_child_outcome *ret_outcome)
{
	const struct sl_wish wish = {
		.device = attach->device,
		.asked = {attach->wishes.memory_limit, attach->wishes.mode, 0},
		.replaces = attach->wishes.replaces,
		.asks_service = true,
	};
	int ending_fd;

	if (attach->wishes.confirm_seconds)
		sl_probation_begin(&wish, attach->wishes.confirm_seconds, &ending_fd, ret_outcome);
	else
		sl_keep(&wish, ret_outcome);
}

/*
 * In a process between, whose end makes those who stay behind nobody's children: who calls a
 * library does not expect to inherit any.
 */
static void keep_for(const struct attach *attach, int pipe_fd)
{
	struct sl_child_outcome outcome = {0};

	forget_signals();
	keep(attach, &outcome);
	_exit(write(pipe_fd, &outcome, sizeof outcome) != sizeof outcome);
}

static int attach(struct sluice *sluice, void *context)
{
	struct attach *attach = context;
	SL_CLEANUP(sl_close) int from = -1;
	struct sl_child_outcome outcome;
	int ends[2], error = sl_pins_init(&sluice->diag);
	pid_t pid;

	if (error)
		return error;
	if (pipe2(ends, O_CLOEXEC))
		return sl_fail(&sluice->diag, errno, "pipe: %s", strerror(errno));
	from = ends[0];
	pid = fork();
	if (!pid)
		keep_for(attach, ends[1]);
	close(ends[1]);
	if (pid < 0)
		return sl_fail(&sluice->diag, errno, "cannot start a process for %s: %s",
			       attach->device, strerror(errno));
	sl_child_read(from, attach->device, &outcome);
	TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
	if (outcome.error)
		sluice->diag = outcome.diag;
	attach->mode = outcome.mode;
	return outcome.error;
}

int sluice_attach(struct sluice *sluice, const char *device, const struct sluice_options *options,
		  enum sluice_mode *ret_mode)
{
	struct attach wish = {.device = device};
	int error = sl_wishes_read(sluice, options, &wish.wishes);

	if (!error)
		error = sl_visit(sluice, attach, &wish);
	if (!error && ret_mode)
		*ret_mode = sl_mode_told(wish.mode);
	return error;
}
