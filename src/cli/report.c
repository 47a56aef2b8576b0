// SPDX-License-Identifier: GPL-2.0-only
#include "cli/report.h"

#include <errno.h>
#include <jansson.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/names.h"
#include "cli/verbs.h"
#include "cli/whole_file.h"

/* In memory first: a page that cannot be made leaves no half of one anywhere. */
static int make_page(struct sl_report *report, char **ret_page, size_t *ret_size,
		     struct sl_diag *diag)
{
	char *page = NULL;
	size_t size = 0;
	FILE *out;
	bool is_whole;

	if (sl_report_arrange(report))
		return sl_fail_memory(diag);
	out = open_memstream(&page, &size);
	is_whole = out && !sl_report_write(report, out) && !ferror(out);
	if ((out && fclose(out)) || !is_whole) {
		free(page);
		return sl_fail_memory(diag);
	}
	*ret_page = page;
	*ret_size = size;
	return 0;
}

static int write_page(const struct sl_cli *cli, struct sl_report *report, struct sl_diag *diag)
{
	SL_CLEANUP(sl_free) char *page = NULL;
	size_t size = 0;
	int error = make_page(report, &page, &size, diag);

	if (error)
		return error;
	if (!strcmp(cli->html, "-")) {
		fwrite(page, 1, size, stdout); /* main() looks whether it came through */
		return 0;
	}
	error = sl_whole_file_write(cli->html, page, size, diag);
	if (!error && cli->json)
		sl_json_print(json_pack("{s:o, s:o}", "device", sl_json_text(report->plan->device),
					"html", sl_json_text(cli->html)));
	else if (!error)
		printf("%s: %s\n", report->plan->device, cli->html);
	return error;
}

/* What is attached is reported as it was asked for. */
static struct sl_plan_wish wish_for(const struct sl_cli *cli,
				    const struct sl_attachment *attachment)
{
	struct sl_plan_wish wish = {cli->device, cli->mode, cli->memory_limit};

	if (attachment && !(cli->given & 1u << SL_OPTION_MODE))
		wish.mode = (enum sl_wanted_mode)attachment->info.asked.wanted;
	if (attachment && !(cli->given & 1u << SL_OPTION_MEMORY) &&
	    attachment->info.asked.memory_limit)
		wish.memory_limit = attachment->info.asked.memory_limit;
	return wish;
}

static int report_live(const struct sl_cli *cli, struct sl_plan *plan,
		       const struct sl_attachments *attachments, struct sl_diag *diag)
{
	struct sl_report report = {.plan = plan};
	struct sl_observer *observer = NULL;
	struct sl_plan_wish wish;
	int error = sl_observer_open(&observer, diag);

	if (attachments->count && attachments->items[0].is_alive)
		report.attachment = &attachments->items[0];
	wish = wish_for(cli, report.attachment);
	if (!error)
		error = sl_plan_live(&wish, observer, plan, diag);
	if (!error && sl_early_sum(attachments, &report.early))
		error = sl_fail_memory(diag);
	if (!error)
		error = write_page(cli, &report, diag);
	sl_early_free(&report.early);
	sl_observer_free(observer);
	return error;
}

static int report_device(const struct sl_cli *cli, struct sl_diag *diag)
{
	struct sl_attachments attachments = {0};
	struct sl_plan plan = {0};
	int error;

	if (!if_nametoindex(cli->device))
		return sl_fail(diag, ENODEV, "no device %s in this network namespace", cli->device);
	error = sl_attachments_read(cli->device, &attachments, diag);
	if (!error)
		error = report_live(cli, &plan, &attachments, diag);
	sl_plan_free(&plan);
	sl_attachments_free(&attachments);
	return error;
}

static int report_file(const struct sl_cli *cli, struct sl_diag *diag)
{
	const struct sl_plan_wish wish = {cli->device, cli->mode, cli->memory_limit};
	const struct sl_attachments none = {0};
	struct sl_plan plan = {0};
	struct sl_report report = {.plan = &plan, .file = cli->arguments[0]};
	int error = sl_plan_file(&wish, report.file, &plan, diag);

	if (!error && sl_early_sum(&none, &report.early))
		error = sl_fail_memory(diag);
	if (!error)
		error = write_page(cli, &report, diag);
	sl_early_free(&report.early);
	sl_plan_free(&plan);
	return error;
}

int sl_command_report(const struct sl_cli *cli)
{
	struct sl_diag diag = {0};
	int error;

	if (cli->argument_count > 1)
		return sl_cli_usage("report", "\"%s\" is one word too many", cli->arguments[1]);
	if (!cli->html)
		return sl_cli_usage("report", "where to? --html FILE");
	if (!cli->argument_count && !sl_cli_need_device(cli, "report"))
		return SL_EXIT_USAGE;
	error = cli->argument_count ? report_file(cli, &diag) : report_device(cli, &diag);
	return error ? sl_cli_refuse(&diag) : SL_EXIT_DONE;
}
