// SPDX-License-Identifier: GPL-2.0-only
#include "cli/plan.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/names.h"

struct output {
	const struct sl_cli *cli;
	bool is_line; /* one line a device */
	json_t *devices;
	bool is_below; /* --check */
};

static void put_out(struct output *output, const struct sl_plan *plan)
{
	const struct sl_cli *cli = output->cli;
	double share = sl_decisions_share(&plan->decisions);

	if (cli->json)
		json_array_append_new(output->devices, sl_plan_describe(plan, cli->verbose));
	else if (output->is_line)
		sl_plan_print_line(plan);
	else
		sl_plan_print(plan, cli->verbose);
	if (!cli->check || share >= cli->check_percent)
		return;
	fflush(stdout);
	fprintf(stderr, "sluice: %s: %.1f %% would be decided early, less than %g %%\n",
		plan->device, share, cli->check_percent);
	output->is_below = true;
}

static int plan_one(struct output *output, const char *device, struct sl_observer *observer,
		    struct sl_diag *diag)
{
	const struct sl_cli *cli = output->cli;
	const struct sl_plan_wish wish = {device, cli->mode, cli->memory_limit};
	struct sl_plan plan = {0};
	int error = cli->argument_count ? sl_plan_file(&wish, cli->arguments[0], &plan, diag)
					: sl_plan_live(&wish, observer, &plan, diag);

	if (!error)
		put_out(output, &plan);
	sl_plan_free(&plan);
	return error;
}

/* All but loopback; one that vanishes meanwhile is left out. */
static int plan_all(struct output *output, struct sl_observer *observer, struct sl_diag *diag)
{
	struct if_nameindex *devices = if_nameindex();
	int error = devices ? 0 : sl_fail(diag, errno, "cannot list the devices: %m");

	output->is_line = true;
	for (struct if_nameindex *at = devices; at && at->if_index && !error; at++) {
		if (!strcmp(at->if_name, "lo"))
			continue;
		error = plan_one(output, at->if_name, observer, diag);
		if (error == -ENODEV)
			error = 0;
	}
	if (devices)
		if_freenameindex(devices);
	return error;
}

static int plan_what_is_asked(struct output *output, struct sl_diag *diag)
{
	const struct sl_cli *cli = output->cli;
	struct sl_observer *observer;
	int error;

	if (cli->argument_count)
		return plan_one(output, cli->device, NULL, diag);
	if (cli->device && !if_nametoindex(cli->device))
		return sl_fail(diag, ENODEV, "no device %s in this network namespace", cli->device);
	error = sl_observer_open(&observer, diag);
	if (error)
		return error;
	error = cli->device ? plan_one(output, cli->device, observer, diag)
			    : plan_all(output, observer, diag);
	sl_observer_free(observer);
	return error;
}

int sl_command_plan(const struct sl_cli *cli)
{
	struct output output = {.cli = cli};
	struct sl_diag diag = {0};
	int error;

	if (cli->argument_count > 1)
		return sl_cli_usage("plan", "\"%s\" is one word too many", cli->arguments[1]);
	if (cli->check && cli->check_percent < 0)
		return sl_cli_usage("plan", "--check wants a percentage: --check 80%%");
	output.devices = json_array();
	error = plan_what_is_asked(&output, &diag);
	if (!error && cli->json)
		sl_json_print(json_pack("{s:O}", "devices", output.devices));
	json_decref(output.devices);
	if (error)
		return sl_cli_refuse(&diag);
	return output.is_below ? SL_EXIT_REFUSED : SL_EXIT_DONE;
}
