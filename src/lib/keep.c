/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/keep.h"

#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/detach.h"
#include "service/client.h"

#define PATIENCE_MS 2000

static struct sl_child_wish child_of(const struct sl_wish *wish)
{
	return (struct sl_child_wish){.device = wish->device,
				      .mode = (enum sl_wanted_mode)wish->asked.wanted,
				      .memory_limit = wish->asked.memory_limit,
				      .replaces = wish->replaces};
}

static void wait_for_outcome(const struct sl_wish *wish, int pipe_fd)
{
	struct pollfd pipe = {.fd = pipe_fd, .events = POLLIN};

	if (wish->is_slow && poll(&pipe, 1, PATIENCE_MS) == 0)
		wish->is_slow(wish->device);
}

/* Leaves a keeper behind. */
static void start(const struct sl_wish *wish, struct sl_child_outcome *ret_outcome)
{
	const struct sl_child_wish child = child_of(wish);
	SL_CLEANUP(sl_close) int pipe_fd = -1;
	pid_t pid;

	ret_outcome->error = sl_child_start(&child, &pid, &pipe_fd, &ret_outcome->diag);
	if (ret_outcome->error)
		return;
	wait_for_outcome(wish, pipe_fd);
	sl_child_read(pipe_fd, wish->device, ret_outcome);
	if (ret_outcome->error)
		waitpid(pid, NULL, 0);
}

static void keep_as_before(const struct sl_wish *wish, struct sl_diag *diag)
{
	const struct sl_wish former = {
		.device = wish->device, .asked = wish->former, .is_slow = wish->is_slow};
	struct sl_child_outcome outcome;
	char why[sizeof diag->text];

	start(&former, &outcome);
	memcpy(why, diag->text, sizeof why);
	if (outcome.error)
		sl_fail(diag, 0, "%.900s\nand as before it fails, too: %.900s", why,
			outcome.diag.text);
	else
		sl_fail(diag, 0, "%.1900s\n%s is attached as before", why, wish->device);
}

void sl_keep(const struct sl_wish *wish, struct sl_child_outcome *ret_outcome)
{
	const struct sl_child_wish child = child_of(wish);

	if (wish->asks_service && sl_service_attach(&child, ret_outcome))
		return;
	if (wish->is_again)
		sl_keeper_end(wish->net_cookie, wish->device);
	start(wish, ret_outcome);
	if (ret_outcome->error && wish->is_again && wish->former.memory_limit)
		keep_as_before(wish, &ret_outcome->diag);
}
