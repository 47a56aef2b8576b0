/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>

#include "cli/attachments.h"
#include "cli/cli.h"
#include "cli/names.h"
#include "daemon/detach.h"

int sl_command_detach(const struct sl_cli *cli)
{
	struct sl_attachments attachments;
	struct sl_diag diag = {0};
	int status = SL_EXIT_DONE;
	json_t *detached;

	if (cli->argument_count)
		return sl_cli_usage("detach", "\"%s\" is one word too many", cli->arguments[0]);
	if (sl_attachments_read(cli->device, &attachments, &diag))
		return sl_cli_refuse(&diag);
	if (!attachments.count) {
		sl_attachments_free(&attachments);
		sl_fail(&diag, 0, "sluice is not attached to %s",
			cli->device ? cli->device : "any device of this network namespace");
		return sl_cli_refuse(&diag);
	}
	detached = json_array();
	for (u32 i = 0; i < attachments.count; i++) {
		const char *device = attachments.items[i].info.device;

		if (sl_keeper_detach(attachments.net_cookie, device, &diag))
			status = sl_cli_refuse(&diag);
		else if (cli->json)
			json_array_append_new(detached, sl_json_text(device));
		else
			printf("%s: detached\n", device);
	}
	if (cli->json)
		sl_json_print(json_pack("{s:O}", "detached", detached));
	json_decref(detached);
	sl_attachments_free(&attachments);
	return status;
}
