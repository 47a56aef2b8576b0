// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "cli/cli.h"
#include "cli/names.h"

int sl_command_confirm(const struct sl_cli *cli)
{
	struct sluice *sluice;

	if (!sl_cli_need_device(cli, "confirm"))
		return SL_EXIT_USAGE;
	if (cli->argument_count)
		return sl_cli_usage("confirm", "\"%s\" is one word too many", cli->arguments[0]);
	sluice = sl_cli_library();
	if (!sluice)
		return SL_EXIT_REFUSED;
	if (sluice_confirm(sluice, cli->device))
		return sl_cli_refuse_library(sluice);
	sluice_close(sluice);
	if (cli->json)
		sl_json_print(json_pack("{s:o}", "confirmed", sl_json_text(cli->device)));
	else
		printf("%s: confirmed, it stays attached\n", cli->device);
	return SL_EXIT_DONE;
}
