// SPDX-License-Identifier: GPL-2.0-only
#include "lib/rollback.h"

#include <stdio.h>

#include "cli/cli.h"
#include "cli/names.h"

int sl_command_rollback(const struct sl_cli *cli)
{
	char text[SL_ROLLBACK_TEXT];
	struct sl_diag diag;

	if (!sl_cli_need_device(cli, "rollback"))
		return SL_EXIT_USAGE;
	if (cli->argument_count)
		return sl_cli_usage("rollback", "\"%s\" is one word too many", cli->arguments[0]);
	if (sl_roll_back(cli->device, sl_cli_say_slow, text, &diag))
		return sl_cli_refuse(&diag);
	if (cli->json)
		sl_json_print(
			json_pack("{s:o, s:s}", "device", sl_json_text(cli->device), "now", text));
	else
		printf("%s: %s\n", cli->device, text);
	return SL_EXIT_DONE;
}
