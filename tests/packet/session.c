/* SPDX-License-Identifier: GPL-2.0-only */
#include "session.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/types.h"

static pid_t session_pid;

/* Killing a process namespace's first process kills all of it. */
static void end_session(int signal_number)
{
	static const char late[] = "sluice-differential: out of time\n";

	if (signal_number == SIGALRM && write(STDERR_FILENO, late, sizeof late - 1) < 0)
		_exit(1);
	kill(session_pid, SIGKILL);
}

static _Noreturn void guard(unsigned int limit_s)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM};
	struct sigaction action = {.sa_handler = end_session};
	int status = 0;

	for (u32 i = 0; i < SL_ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
	alarm(limit_s);
	while (waitpid(session_pid, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static int mount_privately(struct sl_diag *diag)
{
	static const struct {
		const char *type, *path;
	} mounts[] = {{"proc", "/proc"}, {"tmpfs", "/run"}, {"bpf", "/sys/fs/bpf"}};

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return sl_fail(diag, errno, "cannot make the mounts private: %s", strerror(errno));
	for (u32 i = 0; i < SL_ARRAY_SIZE(mounts); i++)
		if (mount(mounts[i].type, mounts[i].path, mounts[i].type, 0, NULL))
			return sl_fail(diag, errno, "cannot mount a private %s: %s", mounts[i].path,
				       strerror(errno));
	return 0;
}

int sl_session_start(unsigned int limit_s, struct sl_diag *diag)
{
	if (unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET))
		return sl_fail(diag, errno, "cannot make namespaces: %s", strerror(errno));
	fflush(NULL);
	session_pid = fork();
	if (session_pid < 0)
		return sl_fail(diag, errno, "fork: %s", strerror(errno));
	if (session_pid)
		guard(limit_s);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return mount_privately(diag);
}
