// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/names.h"
#include "cli/service.h"
#include "info.h"

/* Like a Nagios plugin's. */
enum { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN };

struct report {
	const struct sluice_status *status;
	json_t *service; /* what sluiced says; NULL: none runs */
};

static const struct {
	const char *name;
	enum sluice_fate fate;
} fates[] = {
	{"dropped", SLUICE_DROPPED},
	{"passed_not_ordinary", SLUICE_PASSED_NOT_ORDINARY},
	{"passed_rules", SLUICE_PASSED_RULES},
	{"passed_conntrack", SLUICE_PASSED_CONNTRACK},
	{"passed_route", SLUICE_PASSED_ROUTE},
	{"passed_stale", SLUICE_PASSED_STALE},
	{"passed_under_way", SLUICE_PASSED_UNDER_WAY},
	{"hook_dropped", SLUICE_HOOK_DROPPED},
	{"hook_passed", SLUICE_HOOK_PASSED},
	{"hook_stale", SLUICE_HOOK_STALE},
};

static const char how_known[] =
	"compared in the data plane before each drop: nf_tables generation, namespace, "
	"devices above, TC ingress, netfilter hooks, addresses, forwarding";

static u64 packets(const struct report *report, size_t index, enum sluice_fate fate)
{
	return sluice_status_count(report->status, index, fate).packets;
}

static void print_hooks(const struct report *report, size_t index,
			const struct sluice_attachment *attachment)
{
	const char *comma = "";

	if (!attachment->hooks)
		return;
	printf("  netfilter    just ahead of the rules of ");
	for (u32 i = 0; i < SL_PLACES; i++) {
		if (!(attachment->hooks & 1u << i))
			continue;
		printf("%s%s", comma, sl_place_name(i));
		comma = ", ";
	}
	printf(": %" PRIu64 " dropped, %" PRIu64 " passed, %" PRIu64 " while stale\n",
	       packets(report, index, SLUICE_HOOK_DROPPED),
	       packets(report, index, SLUICE_HOOK_PASSED),
	       packets(report, index, SLUICE_HOOK_STALE));
}

static void print_keeper(const struct sluice_attachment *attachment)
{
	if (!attachment->keeper)
		printf("  kept by      NOBODY: after the next change all packets pass until "
		       "`sluice attach dev %s`\n",
		       attachment->device);
	else
		printf("  kept by      process %d%s\n", (int)attachment->keeper,
		       attachment->is_service ? ", of sluiced's" : "");
}

static void print_freshness(const struct sluice_attachment *attachment)
{
	if (attachment->is_fresh)
		printf("  rules        fresh\n");
	else
		printf("  rules        STALE for %.1f s: everything passes to the kernel's own "
		       "rules\n",
		       (double)attachment->stale_ms / 1e3);
	printf("  compiled     %u rules: read in %u ms, running %u ms later\n", attachment->rules,
	       attachment->read_ms, attachment->made_ms);
	printf("  known by     %s\n", how_known);
	if (strcmp(attachment->known, "none") != 0)
		printf("  connections  a filter of those that are known: %s\n", attachment->known);
}

static void print_counts(const struct report *report, size_t index)
{
	struct sluice_count dropped = sluice_status_count(report->status, index, SLUICE_DROPPED);
	u64 passed = 0;

	for (int i = SLUICE_PASSED_RULES; i <= SLUICE_PASSED_UNDER_WAY; i++)
		passed += packets(report, index, (enum sluice_fate)i);
	printf("  dropped      %" PRIu64 " packets, %" PRIu64 " bytes, early\n", dropped.packets,
	       dropped.bytes);
	printf("  passed       %" PRIu64 " packets: %" PRIu64 " by the rules, %" PRIu64
	       " for conntrack, %" PRIu64 " not ordinary, %" PRIu64 " while stale\n",
	       passed, packets(report, index, SLUICE_PASSED_RULES),
	       packets(report, index, SLUICE_PASSED_CONNTRACK),
	       packets(report, index, SLUICE_PASSED_NOT_ORDINARY),
	       packets(report, index, SLUICE_PASSED_STALE));
}

static void print_one(const struct report *report, size_t index,
		      const struct sluice_attachment *attachment)
{
	const char *device = attachment->device;
	bool is_elsewhere = strcmp(attachment->place, device) != 0;

	if (attachment->mode == SLUICE_MODE_NONE) {
		printf("%s: half attached, since sluice was killed at it: sluice detach dev %s\n",
		       device, device);
		return;
	}
	printf("%s: %s%s%s, generation %" PRIu64 "\n", device,
	       attachment->is_alive ? sluice_mode_name(attachment->mode) : "the device is gone",
	       is_elsewhere ? " on " : "", is_elsewhere ? attachment->place : "",
	       attachment->generation);
	print_freshness(attachment);
	print_keeper(attachment);
	if (attachment->confirm_ms)
		printf("  UNCONFIRMED  rolled back in %u s unless `sluice confirm dev %s`\n",
		       (attachment->confirm_ms + 999) / 1000, device);
	print_counts(report, index);
	print_hooks(report, index, attachment);
	printf("  if all fails %s\n", attachment->last_resort);
}

static json_t *describe_hooks(const struct sluice_attachment *attachment)
{
	json_t *places = json_array();

	for (u32 i = 0; i < SL_PLACES; i++)
		if (attachment->hooks & 1u << i)
			json_array_append_new(places, json_string(sl_place_name(i)));
	return places;
}

static json_t *describe_fates(const struct report *report, size_t index)
{
	json_t *described = json_object();

	for (size_t i = 0; i < SL_ARRAY_SIZE(fates); i++) {
		struct sluice_count count =
			sluice_status_count(report->status, index, fates[i].fate);

		json_object_set_new(described, fates[i].name,
				    json_pack("{s:I, s:I}", "packets", (json_int_t)count.packets,
					      "bytes", (json_int_t)count.bytes));
	}
	return described;
}

static json_t *describe(const struct report *report, size_t index,
			const struct sluice_attachment *attachment)
{
	return json_pack(
		"{s:s, s:i, s:s, s:s, s:b, s:b, s:f, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:o, "
		"s:o, s:I, s:s, s:s, s:f}",
		"device", attachment->device, "ifindex", (int)attachment->ifindex, "mode",
		sluice_mode_name(attachment->mode), "on", attachment->place, "attached",
		attachment->is_alive, "fresh", attachment->is_fresh, "stale_seconds",
		(double)attachment->stale_ms / 1e3, "staleness_known_by", how_known, "keeper",
		(int)attachment->keeper, "generation", (json_int_t)attachment->generation, "rules",
		(json_int_t)attachment->rules, "read_ms", (json_int_t)attachment->read_ms,
		"made_ms", (json_int_t)attachment->made_ms, "dropped_early",
		(json_int_t)packets(report, index, SLUICE_DROPPED), "fates",
		describe_fates(report, index), "netfilter", describe_hooks(attachment),
		"dropped_at_hooks", (json_int_t)packets(report, index, SLUICE_HOOK_DROPPED), "pin",
		attachment->pin, "known_connections", attachment->known, "confirm_within_seconds",
		attachment->confirm_ms / 1e3);
}

static void print_json(const struct report *report)
{
	const struct sluice_attachment *attachment;
	json_t *devices = json_array();

	for (size_t i = 0; (attachment = sluice_status_attachment(report->status, i)); i++)
		json_array_append_new(devices, describe(report, i, attachment));
	sl_json_print(json_pack("{s:o, s:s?, s:O*}", "devices", devices, "switched_off_by",
				sluice_status_switched_off(report->status), "sluiced",
				report->service));
}

static void print_text(const struct sl_cli *cli, const struct report *report)
{
	const char *switched_off = sluice_status_switched_off(report->status);
	const struct sluice_attachment *attachment;

	if (!sluice_status_attachment(report->status, 0))
		printf("sluice is not attached to %s\n",
		       cli->device ? cli->device : "any device of this network namespace");
	for (size_t i = 0; (attachment = sluice_status_attachment(report->status, i)); i++)
		print_one(report, i, attachment);
	sl_service_print(report->service, cli->device);
	if (switched_off)
		printf("switched off by %s: nothing can be attached\n", switched_off);
}

/* Of all that sluiced shall keep: one that it could not attach to is as bad as one without. */
static int judge_service(const json_t *service)
{
	int worst = CHECK_OK;
	const json_t *ward;
	size_t i;

	json_array_foreach(json_object_get(service, "devices"), i, ward)
	{
		const char *state = json_string_value(json_object_get(ward, "state"));

		if (state &&
		    (!strcmp(state, "retrying") ||
		     (!strcmp(state, "starting") && json_is_string(json_object_get(ward, "why")))))
			worst = CHECK_CRITICAL;
		else if (state && strcmp(state, "kept") != 0 && worst < CHECK_WARNING)
			worst = CHECK_WARNING;
	}
	return worst;
}

static int check(const struct report *report)
{
	const struct sluice_attachment *attachment;
	int worst = judge_service(report->service);
	u32 count = 0;

	while ((attachment = sluice_status_attachment(report->status, count))) {
		if (!attachment->is_alive)
			worst = CHECK_CRITICAL;
		else if ((!attachment->is_fresh || !attachment->keeper) && worst < CHECK_WARNING)
			worst = CHECK_WARNING;
		count++;
	}
	if (!count && !report->service)
		worst = CHECK_CRITICAL;
	printf("sluice %s: %u device%s attached\n",
	       worst == CHECK_OK        ? "OK"
	       : worst == CHECK_WARNING ? "WARNING"
					: "CRITICAL",
	       count, count == 1 ? "" : "s");
	return worst;
}

static int print(const struct sl_cli *cli, const struct report *report)
{
	if (cli->check)
		return check(report);
	if (cli->json)
		print_json(report);
	else
		print_text(cli, report);
	return SL_EXIT_DONE;
}

static int report(const struct sl_cli *cli, const struct sluice_status *status)
{
	const char *service = sluice_status_service(status);
	struct report report = {.status = status};
	int exit_status;

	if (service)
		report.service = json_loads(service, 0, NULL);
	if (sluice_status_no_answer(status)) /* what the pins say is so all the same */
		fprintf(stderr, "sluice: %s\n", sluice_status_no_answer(status));
	exit_status = print(cli, &report);
	json_decref(report.service);
	return exit_status;
}

int sl_command_status(const struct sl_cli *cli)
{
	struct sluice *sluice;
	struct sluice_status *status;
	int exit_status;

	if (cli->argument_count)
		return sl_cli_usage("status", "\"%s\" is one word too many", cli->arguments[0]);
	sluice = sl_cli_library();
	if (!sluice || sluice_read_status(sluice, cli->device, &status)) {
		exit_status = sluice ? sl_cli_refuse_library(sluice) : SL_EXIT_REFUSED;
		return cli->check ? CHECK_UNKNOWN : exit_status;
	}
	exit_status = report(cli, status);
	sluice_status_free(status);
	sluice_close(sluice);
	return exit_status;
}
