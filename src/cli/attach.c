/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>

#include "lib/attachments.h"
#include "cli/cli.h"
#include "cli/names.h"
#include "cli/probation.h"
#include "service/client.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "load/attach.h"
#include "load/pins.h"

static void say_attached(const struct sl_cli *cli, const struct sl_child_outcome *outcome)
{
	const char *mode = sl_mode_name(outcome->mode);

	if (cli->json) {
		sl_json_print(
			json_pack("{s:o, s:s}", "device", sl_json_text(cli->device), "mode", mode));
		return;
	}
	printf("%s: attached, mode %s\n", cli->device, mode);
	if (cli->verbose)
		printf("%s\n", outcome->ladder);
}

static int attach(const struct sl_cli *cli, const struct sl_wish *wish)
{
	struct sl_child_outcome outcome;
	int fd;

	/* Here, where the caller is the parent process, whose mounts may be needed. */
	if (sl_pins_init(&outcome.diag))
		return sl_cli_refuse(&outcome.diag);
	if (cli->confirm_seconds)
		sl_probation_begin(wish, cli->confirm_seconds, &fd, &outcome);
	else
		sl_keep(wish, &outcome);
	if (outcome.error)
		return sl_cli_refuse(&outcome.diag);
	say_attached(cli, &outcome);
	if (!cli->confirm_seconds)
		return SL_EXIT_DONE;
	return sl_probation_wait(fd, outcome.net_cookie, cli->device, cli->confirm_seconds,
				 cli->json);
}

/* Over the connection that it might cut, only with a way back. */
static int refuse_session(const struct sl_cli *cli, struct sl_diag *diag)
{
	if (cli->yes || cli->confirm_seconds || !sl_session_uses(cli->device))
		return 0;
	return sl_fail(diag, EPERM,
		       "%s carries this ssh session. Attach with --confirm 60 (unless you press "
		       "Enter in time, or say `sluice confirm` elsewhere, it is as before again), "
		       "or with --yes",
		       cli->device);
}

int sl_command_attach(const struct sl_cli *cli)
{
	const struct sl_wish wish = {.device = cli->device,
				     .asked = {cli->memory_limit, cli->mode, 0},
				     .replaces = cli->replace,
				     .asks_service = true,
				     .is_slow = sl_cli_say_slow};
	struct sl_diag diag;

	if (!sl_cli_need_device(cli, "attach"))
		return SL_EXIT_USAGE;
	if (cli->argument_count)
		return sl_cli_usage("attach", "\"%s\" is one word too many", cli->arguments[0]);
	if (refuse_session(cli, &diag))
		return sl_cli_refuse(&diag);
	return attach(cli, &wish);
}

/* How those are attached is said elsewhere. */
static int refuse_configured(const char *device, struct sl_diag *diag)
{
	json_t *status = sl_service_status(diag);
	bool is_its = status && sl_service_find(status, device);

	json_decref(status);
	if (!is_its)
		return 0;
	return sl_fail(
		diag, EPERM,
		"sluiced keeps %s: for other options change its configuration and say `sluice "
		"reload`; after an upgrade restart it",
		device);
}

/* What is not said stays as it is. */
static int wish_again(const struct sl_cli *cli, struct sl_wish *ret_wish, struct sl_diag *diag)
{
	struct sl_attachments attachments;
	int error = sl_attachments_read(cli->device, &attachments, diag);
	struct sl_asked asked;

	if (error)
		return error;
	if (!attachments.count) {
		sl_attachments_free(&attachments);
		return sl_fail(diag, ENOENT, "sluice is not attached to %s: sluice attach dev %s",
			       cli->device, cli->device);
	}
	asked = attachments.items[0].info.asked;
	*ret_wish = (struct sl_wish){.device = cli->device,
				     .asked = asked,
				     .is_slow = sl_cli_say_slow,
				     .is_again = true,
				     .net_cookie = attachments.net_cookie,
				     .former = asked};
	sl_attachments_free(&attachments);
	if (cli->given & 1u << SL_OPTION_MODE)
		ret_wish->asked.wanted = cli->mode;
	if (cli->given & 1u << SL_OPTION_MEMORY || !asked.memory_limit)
		ret_wish->asked.memory_limit = cli->memory_limit;
	return 0;
}

int sl_command_reattach(const struct sl_cli *cli)
{
	struct sl_wish wish;
	struct sl_diag diag;

	if (!sl_cli_need_device(cli, "reattach"))
		return SL_EXIT_USAGE;
	if (cli->argument_count)
		return sl_cli_usage("reattach", "\"%s\" is one word too many", cli->arguments[0]);
	if (refuse_session(cli, &diag) || refuse_configured(cli->device, &diag) ||
	    wish_again(cli, &wish, &diag))
		return sl_cli_refuse(&diag);
	return attach(cli, &wish);
}
