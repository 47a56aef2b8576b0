/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/names.h"
#include "cli/session.h"
#include "daemon/detach.h"
#include "daemon/keeper.h"
#include "load/attach.h"
#include "load/pins.h"

/* What the keeper tells the command that started it, over a pipe. */
struct outcome {
	int error;
	enum sl_attach_mode mode;
	u64 net_cookie;
	char ladder[SL_LADDER_TEXT];
	struct sl_diag diag;
};

/* Nothing of the terminal's stays open: the keeper outlives it. */
static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR);

	setsid();
	prctl(PR_SET_NAME, "sluice-keeper");
	if (chdir("/"))
		return;
	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
}

static void keep(const struct sl_cli *cli, int pipe_fd)
{
	struct outcome outcome = {0};
	struct sl_keeper *keeper = NULL;

	outcome.error = sl_keeper_attach(cli->device, cli->mode, cli->memory_limit, cli->replace,
					 &keeper, outcome.ladder, &outcome.diag);
	if (!outcome.error) {
		outcome.mode = sl_keeper_mode(keeper);
		outcome.net_cookie = sl_keeper_net_cookie(keeper);
		leave_terminal();
		outcome.error = sl_keeper_start(keeper, &outcome.diag);
	}
	if (write(pipe_fd, &outcome, sizeof outcome) != sizeof outcome)
		outcome.error = -EPIPE;
	close(pipe_fd);
	if (!outcome.error)
		sl_keeper_run(keeper, &outcome.diag);
	sl_keeper_free(keeper);
}

/* People who wait for longer shall know for what. */
#define PATIENCE_MS 2000

static void wait_for_outcome(const char *device, int pipe_fd)
{
	struct pollfd pipe = {.fd = pipe_fd, .events = POLLIN};

	if (poll(&pipe, 1, PATIENCE_MS) == 0)
		fprintf(stderr,
			"sluice: %s: still reading and compiling the rules, of which the kernel "
			"hands out large sets and chains slowly; nothing is dropped early until "
			"then\n",
			device);
}

/* Forks the keeper and waits until it is attached, or has failed. */
static void start_keeper(const struct sl_cli *cli, struct outcome *ret_outcome)
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
		close(ends[0]);
		keep(cli, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	if (pid > 0)
		wait_for_outcome(cli->device, ends[0]);
	if (pid < 0 || read(ends[0], ret_outcome, sizeof *ret_outcome) != sizeof *ret_outcome)
		ret_outcome->error =
			sl_fail(&ret_outcome->diag, ECHILD,
				"the process that should keep %s in step ended early", cli->device);
	close(ends[0]);
	if (ret_outcome->error && pid > 0)
		waitpid(pid, NULL, 0);
}

/* True when the person at the terminal says so in time. */
static bool is_confirmed(u32 seconds)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char line[16];

	printf("Press Enter within %u seconds to keep it; else it is detached.\n", seconds);
	fflush(stdout);
	return poll(&input, 1, (int)(seconds * 1000)) > 0 &&
	       read(STDIN_FILENO, line, sizeof line) > 0;
}

int sl_command_attach(const struct sl_cli *cli)
{
	struct outcome outcome;

	if (!sl_cli_need_device(cli, "attach"))
		return SL_EXIT_USAGE;
	if (cli->argument_count)
		return sl_cli_usage("attach", "\"%s\" is one word too many", cli->arguments[0]);
	if (!cli->yes && !cli->confirm_seconds && sl_session_uses(cli->device)) {
		struct sl_diag diag;

		sl_fail(&diag, EPERM,
			"%s carries this ssh session. Attach with --confirm 60 (it is detached "
			"again unless you press Enter in time), or with --yes",
			cli->device);
		return sl_cli_refuse(&diag);
	}
	/* Here, where the caller is the parent process, whose mounts may be needed. */
	if (sl_pins_init(&outcome.diag))
		return sl_cli_refuse(&outcome.diag);
	start_keeper(cli, &outcome);
	if (outcome.error)
		return sl_cli_refuse(&outcome.diag);
	if (cli->json)
		sl_json_print(json_pack("{s:o, s:s}", "device", sl_json_text(cli->device), "mode",
					sl_mode_name(outcome.mode)));
	else
		printf("%s: attached, mode %s\n", cli->device, sl_mode_name(outcome.mode));
	if (cli->verbose && !cli->json)
		printf("%s\n", outcome.ladder);
	if (cli->confirm_seconds && !is_confirmed(cli->confirm_seconds)) {
		struct sl_diag diag;

		if (sl_keeper_detach(outcome.net_cookie, cli->device, &diag))
			return sl_cli_refuse(&diag);
		fprintf(stderr, "sluice: %s: not confirmed, detached\n", cli->device);
		return SL_EXIT_REFUSED;
	}
	return SL_EXIT_DONE;
}
