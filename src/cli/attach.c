/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/names.h"
#include "cli/service.h"
#include "cli/session.h"
#include "daemon/child.h"
#include "daemon/detach.h"
#include "load/attach.h"
#include "load/pins.h"

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

/* Leaves a keeper behind; waits until it is attached, or has failed. */
static void start_keeper(const struct sl_cli *cli, struct sl_child_outcome *ret_outcome)
{
	const struct sl_child_wish wish = {.device = cli->device,
					   .mode = cli->mode,
					   .memory_limit = cli->memory_limit,
					   .replaces = cli->replace};
	SL_CLEANUP(sl_close) int pipe_fd = -1;
	pid_t pid;

	ret_outcome->error = sl_child_start(&wish, &pid, &pipe_fd, &ret_outcome->diag);
	if (ret_outcome->error)
		return;
	wait_for_outcome(cli->device, pipe_fd);
	sl_child_read(pipe_fd, cli->device, ret_outcome);
	if (ret_outcome->error)
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
	struct sl_child_outcome outcome;

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
	if (!sl_service_attach(cli, &outcome))
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

		json_decref(sl_service_release(cli->device, &diag));
		if (sl_keeper_detach(outcome.net_cookie, cli->device, &diag))
			return sl_cli_refuse(&diag);
		fprintf(stderr, "sluice: %s: not confirmed, detached\n", cli->device);
		return SL_EXIT_REFUSED;
	}
	return SL_EXIT_DONE;
}
