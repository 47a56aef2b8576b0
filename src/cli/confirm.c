/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/confirm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/attachments.h"
#include "cli/cli.h"
#include "cli/names.h"

static int confirm(const char *device, struct sl_diag *diag)
{
	struct sl_attachments attachments;
	int error = sl_attachments_read(device, &attachments, diag);
	u64 net_cookie;
	bool is_attached, waits;

	if (error)
		return error;
	net_cookie = attachments.net_cookie;
	is_attached = attachments.count;
	sl_attachments_free(&attachments);
	if (!is_attached)
		return sl_fail(diag, ENOENT, "sluice is not attached to %s", device);
	waits = sl_confirm_left_ms(net_cookie, device);
	error = sl_confirm_take(net_cookie, device);
	if (error == -ENOENT || (!error && !waits))
		return sl_fail(diag, ENOENT, "%s does not wait to be confirmed: it stays attached",
			       device);
	if (error)
		return sl_fail(diag, -error, "cannot confirm %s: %s", device, strerror(-error));
	return 0;
}

int sl_command_confirm(const struct sl_cli *cli)
{
	struct sl_diag diag;

	if (!sl_cli_need_device(cli, "confirm"))
		return SL_EXIT_USAGE;
	if (cli->argument_count)
		return sl_cli_usage("confirm", "\"%s\" is one word too many", cli->arguments[0]);
	if (confirm(cli->device, &diag))
		return sl_cli_refuse(&diag);
	if (cli->json)
		sl_json_print(json_pack("{s:o}", "confirmed", sl_json_text(cli->device)));
	else
		printf("%s: confirmed, it stays attached\n", cli->device);
	return SL_EXIT_DONE;
}
