// SPDX-License-Identifier: GPL-2.0-only
#include "cli/list.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/names.h"

typedef int list_fn(const struct sl_early *early, struct sl_diag *diag);

/* NULL for a format that there is not. */
static list_fn *find_format(const struct sl_cli *cli)
{
	if (!cli->format || !strcmp(cli->format, "nft"))
		return sl_list_nft;
	return !strcmp(cli->format, "iptables") ? sl_list_iptables : NULL;
}

/* A device that is not attached has dropped nothing early; one that is not there is a mistake. */
static int check_device(const struct sl_cli *cli, const struct sl_attachments *attachments,
			struct sl_diag *diag)
{
	if (!cli->device || attachments->count || if_nametoindex(cli->device))
		return 0;
	return sl_fail(diag, ENODEV, "no device %s in this network namespace", cli->device);
}

static int list_json(const struct sl_cli *cli)
{
	struct sluice *sluice = sl_cli_library();
	struct sluice_counters *counters;

	if (!sluice)
		return SL_EXIT_REFUSED;
	if (sluice_read_counters(sluice, cli->device, 0, &counters))
		return sl_cli_refuse_library(sluice);
	sl_json_print(sl_list_describe(counters));
	sluice_counters_free(counters);
	sluice_close(sluice);
	return SL_EXIT_DONE;
}

static int list_text(const struct sl_cli *cli, list_fn *list)
{
	struct sl_attachments attachments = {0};
	struct sl_early early = {0};
	struct sl_diag diag = {0};
	int error = sl_attachments_read(cli->device, &attachments, &diag);

	if (!error)
		error = check_device(cli, &attachments, &diag);
	if (!error && sl_early_sum(&attachments, &early))
		error = sl_fail_memory(&diag);
	if (!error)
		error = list(&early, &diag);
	sl_early_free(&early);
	sl_attachments_free(&attachments);
	return error ? sl_cli_refuse(&diag) : SL_EXIT_DONE;
}

int sl_command_list(const struct sl_cli *cli)
{
	list_fn *list = find_format(cli);

	if (cli->argument_count)
		return sl_cli_usage("list", "\"%s\" is one word too many", cli->arguments[0]);
	if (cli->json)
		return list_json(cli);
	if (!list)
		return sl_cli_usage("list", "no format \"%s\": nft or iptables", cli->format);
	return list_text(cli, list);
}
