/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <string.h>

#include "lib/attachments.h"
#include "cli/cli.h"
#include "cli/names.h"
#include "service/client.h"
#include "daemon/detach.h"

static bool holds(const json_t *names, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(names, i, item) if (json_is_string(item) &&
					       !strcmp(json_string_value(item), name)) return true;
	return false;
}

/* Takes everything off; what could not be is said, and makes the exit status. */
static int detach_all(const struct sl_attachments *attachments, json_t *detached)
{
	int status = SL_EXIT_DONE;
	struct sl_diag diag = {0};

	for (u32 i = 0; i < attachments->count; i++) {
		const char *device = attachments->items[i].info.device;

		if (sl_keeper_detach(attachments->net_cookie, device, &diag))
			status = sl_cli_refuse(&diag);
		else
			json_array_append_new(detached, sl_json_text(device));
	}
	return status;
}

/* A device of sluiced's that was not attached will not be. */
static void add_released(const json_t *released, json_t *detached)
{
	const json_t *item;
	size_t i;

	json_array_foreach(released, i, item) if (json_is_string(item) &&
						  !holds(detached, json_string_value(item)))
		json_array_append(detached, (json_t *)item);
	if (json_array_size(released))
		fprintf(stderr, "sluice: sluiced leaves alone what is detached until it is started "
				"or reloaded, or until `sluice attach`\n");
}

static void print(const struct sl_cli *cli, json_t *detached)
{
	const json_t *item;
	size_t i;

	if (cli->json) {
		sl_json_print(json_pack("{s:O}", "detached", detached));
		return;
	}
	json_array_foreach(detached, i, item) printf("%s: detached\n", json_string_value(item));
}

int sl_command_detach(const struct sl_cli *cli)
{
	struct sl_attachments attachments;
	struct sl_diag diag = {0};
	json_t *released, *detached;
	int status;

	if (cli->argument_count)
		return sl_cli_usage("detach", "\"%s\" is one word too many", cli->arguments[0]);
	released = sl_service_release(cli->device, &diag); /* or it would be attached again */
	if (diag.text[0])
		sl_cli_refuse(&diag); /* goes on: what is in the way shall go in any case */
	if (sl_attachments_read(cli->device, &attachments, &diag)) {
		json_decref(released);
		return sl_cli_refuse(&diag);
	}
	detached = json_array();
	status = detach_all(&attachments, detached);
	add_released(released, detached);
	if (!attachments.count && !released) {
		sl_fail(&diag, 0, "sluice is not attached to %s",
			cli->device ? cli->device : "any device of this network namespace");
		status = sl_cli_refuse(&diag);
	} else {
		print(cli, detached);
	}
	json_decref(released);
	json_decref(detached);
	sl_attachments_free(&attachments);
	return status;
}
