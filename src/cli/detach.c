// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/names.h"
#include "service/client.h"

struct detaching {
	struct sluice *sluice;
	const json_t *service; /* what sluiced says; NULL: none runs */
	json_t *detached;
	bool has_failed, is_service; /* one of them; it is sluiced's */
};

static bool holds(const json_t *names, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(names, i, item) if (json_is_string(item) &&
					       !strcmp(json_string_value(item), name)) return true;
	return false;
}

static void detach(struct detaching *detaching, const char *device)
{
	if (holds(detaching->detached, device))
		return;
	detaching->is_service |= detaching->service && sl_service_find(detaching->service, device);
	if (!sluice_detach(detaching->sluice, device)) {
		json_array_append_new(detaching->detached, sl_json_text(device));
		return;
	}
	detaching->has_failed = true;
	fprintf(stderr, "sluice: %s\n", sluice_error(detaching->sluice));
}

/* What is attached, and what sluiced would attach. */
static void detach_all(struct detaching *detaching, const struct sluice_status *status)
{
	const struct sluice_attachment *attachment;
	const json_t *ward;
	size_t i;

	for (i = 0; (attachment = sluice_status_attachment(status, i)); i++)
		detach(detaching, attachment->device);
	json_array_foreach(json_object_get(detaching->service, "devices"), i, ward)
	{
		const char *device = json_string_value(json_object_get(ward, "now"));

		if (device)
			detach(detaching, device);
	}
	if (detaching->has_failed || json_array_size(detaching->detached))
		return;
	detaching->has_failed = true;
	fprintf(stderr, "sluice: sluice is not attached to any device of this network namespace\n");
}

static void print(const struct sl_cli *cli, const json_t *detached)
{
	const json_t *item;
	size_t i;

	if (cli->json) {
		sl_json_print(json_pack("{s:O}", "detached", detached));
		return;
	}
	json_array_foreach(detached, i, item) printf("%s: detached\n", json_string_value(item));
}

static int detach_what_is_asked(const struct sl_cli *cli, struct sluice *sluice,
				const struct sluice_status *status)
{
	const char *text = sluice_status_service(status);
	json_t *service = text ? json_loads(text, 0, NULL) : NULL;
	struct detaching detaching = {sluice, service, json_array(), false, false};

	if (sluice_status_no_answer(status)) /* what is in the way shall go in any case */
		fprintf(stderr, "sluice: %s\n", sluice_status_no_answer(status));
	if (cli->device)
		detach(&detaching, cli->device);
	else
		detach_all(&detaching, status);
	if (detaching.is_service)
		fprintf(stderr, "sluice: sluiced leaves alone what is detached until it is started "
				"or reloaded, or until `sluice attach`\n");
	if (json_array_size(detaching.detached))
		print(cli, detaching.detached);
	json_decref(detaching.detached);
	json_decref(service);
	return detaching.has_failed ? SL_EXIT_REFUSED : SL_EXIT_DONE;
}

int sl_command_detach(const struct sl_cli *cli)
{
	struct sluice *sluice;
	struct sluice_status *status;
	int exit_status;

	if (cli->argument_count)
		return sl_cli_usage("detach", "\"%s\" is one word too many", cli->arguments[0]);
	sluice = sl_cli_library();
	if (!sluice)
		return SL_EXIT_REFUSED;
	if (sluice_read_status(sluice, cli->device, &status))
		return sl_cli_refuse_library(sluice);
	exit_status = detach_what_is_asked(cli, sluice, status);
	sluice_status_free(status);
	sluice_close(sluice);
	return exit_status;
}
