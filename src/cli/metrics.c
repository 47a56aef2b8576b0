// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/metrics_server.h"
#include "cli/scrape.h"
#include "load/observe.h"
#include "load/pins.h"

int sl_command_metrics(const struct sl_cli *cli)
{
	struct sl_observer *observer = NULL;
	struct sl_diag diag = {0};
	int error;

	if (cli->argument_count)
		return sl_cli_usage("metrics", "\"%s\" is one word too many", cli->arguments[0]);
	if (cli->json)
		return sl_cli_usage("metrics",
				    "it has no use for --json: see `sluice status -j` and "
				    "`sluice list -j`");
	error = sl_pins_init(&diag);
	if (!error)
		error = sl_observer_open(&observer, &diag);
	if (!error)
		error = cli->listen ? sl_metrics_serve(observer, cli->listen, !cli->brief, &diag)
				    : sl_scrape(observer, stdout, !cli->brief, &diag);
	sl_observer_free(observer);
	if (error == -EINVAL && cli->listen)
		return sl_cli_usage("metrics", "%s", diag.text);
	return error ? sl_cli_refuse(&diag) : SL_EXIT_DONE;
}
