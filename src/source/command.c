/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "source/namespace.h"

/* What the child says when it never became the program. */
enum { EXIT_NO_NAMESPACE = 125, EXIT_NO_DIRECTORY = 126, EXIT_NO_PROGRAM = 127 };

void sl_command_result_free(struct sl_command_result *result)
{
	free(result->output);
	free(result->errors);
	*result = (struct sl_command_result){0};
}

/* Ordinary users do not have the sbin's in their PATH. Returns only on failure. */
static void exec_anywhere(const char *const *argv)
{
	static const char *const folders[] = {"/usr/sbin", "/sbin", "/usr/local/sbin"};
	char *const *arguments = (char *const *)argv;
	char path[256];

	execvp(argv[0], arguments);
	for (size_t i = 0; i < SL_ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof path, "%s/%s", folders[i], argv[0]);
		execv(path, arguments);
	}
}

/* The child: never returns. The group of its own lets a time limit reach its children too. */
static void become(const struct sl_command *command, int input_fd, int output_fd, int error_fd)
{
	setpgid(0, 0);
	if (command->namespace && sl_namespace_enter(command->namespace))
		_exit(EXIT_NO_NAMESPACE);
	/* Entering a user namespace would clear it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (command->directory && chdir(command->directory))
		_exit(EXIT_NO_DIRECTORY);
	dup2(input_fd, STDIN_FILENO);
	dup2(output_fd, STDOUT_FILENO);
	dup2(error_fd, STDERR_FILENO);
	exec_anywhere(command->argv);
	_exit(EXIT_NO_PROGRAM);
}

static int wait_for_exit(pid_t pid, u32 timeout_ms, int *ret_status)
{
	SL_CLEANUP(sl_close) int pidfd = pidfd_open(pid, 0);
	struct pollfd exited = {.fd = pidfd, .events = POLLIN};
	bool is_late = false;
	int status;

	if (pidfd >= 0)
		is_late = TEMP_FAILURE_RETRY(poll(&exited, 1, (int)timeout_ms)) == 0;
	if (is_late) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
	}
	if (TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) < 0)
		return -errno;
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return is_late ? -ETIMEDOUT : 0;
}

static char *read_whole(int fd)
{
	struct stat stat;
	size_t length = 0;
	char *text;

	if (fstat(fd, &stat))
		return NULL;
	text = malloc((size_t)stat.st_size + 1);
	while (text && length < (size_t)stat.st_size) {
		ssize_t got =
			pread(fd, text + length, (size_t)stat.st_size - length, (off_t)length);

		if (got <= 0)
			break;
		length += (size_t)got;
	}
	if (text)
		text[length] = '\0';
	return text;
}

static int explain(const struct sl_command *command, int error, int status, struct sl_diag *diag)
{
	const char *name = command->argv[0];

	if (error == -ETIMEDOUT)
		return sl_fail(diag, ETIMEDOUT, "%s did not finish within %u seconds", name,
			       command->timeout_ms / 1000);
	if (error)
		return sl_fail(diag, -error, "cannot run %s: %s", name, strerror(-error));
	switch (status) {
	case EXIT_NO_NAMESPACE:
		return sl_fail(diag, EPERM, "cannot run %s in its private network namespace", name);
	case EXIT_NO_DIRECTORY:
		return sl_fail(diag, EACCES, "cannot run %s in %s", name, command->directory);
	case EXIT_NO_PROGRAM:
		return sl_fail(diag, ENOENT,
			       "cannot run %s: it is not installed (looked in PATH and /usr/sbin)",
			       name);
	}
	return 0;
}

static int run(const struct sl_command *command, int output_fd, int error_fd, int *ret_status,
	       struct sl_diag *diag)
{
	SL_CLEANUP(sl_close) int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t pid = fork();
	int status = 0, error;

	if (pid < 0)
		return sl_fail(diag, errno, "cannot run %s: %m", command->argv[0]);
	if (pid == 0)
		become(command, command->input_fd >= 0 ? command->input_fd : nothing, output_fd,
		       error_fd);
	error = wait_for_exit(pid, command->timeout_ms, &status);
	error = explain(command, error, status, diag);
	if (!error)
		*ret_status = status;
	return error;
}

int sl_command_run(const struct sl_command *command, struct sl_command_result *ret_result,
		   struct sl_diag *diag)
{
	SL_CLEANUP(sl_close) int output_fd = memfd_create("output", MFD_CLOEXEC);
	SL_CLEANUP(sl_close) int error_fd = memfd_create("errors", MFD_CLOEXEC);
	struct sl_command_result result = {0};
	int error;

	if (output_fd < 0 || error_fd < 0)
		return sl_fail(diag, errno, "cannot run %s: %m", command->argv[0]);
	error = run(command, output_fd, error_fd, &result.status, diag);
	if (error)
		return error;
	result.output = read_whole(output_fd);
	result.errors = read_whole(error_fd);
	if (!result.output || !result.errors) {
		sl_command_result_free(&result);
		return sl_fail_memory(diag);
	}
	*ret_result = result;
	return 0;
}
