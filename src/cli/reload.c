// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/names.h"
#include "service/client.h"

int sl_command_reload(const struct sl_cli *cli)
{
	struct sl_diag diag = {0};
	json_t *answer;
	int result;

	if (cli->argument_count)
		return sl_cli_usage("reload", "\"%s\" is one word too many", cli->arguments[0]);
	result = sl_service_ask("reload", NULL, &answer, &diag);
	if (!result)
		sl_fail(&diag, ESRCH, "sluiced does not run in this network namespace");
	if (result <= 0)
		return sl_cli_refuse(&diag);
	if (cli->json)
		sl_json_print(json_incref(answer));
	else
		printf("sluiced has read its configuration again\n");
	json_decref(answer);
	return SL_EXIT_DONE;
}
