/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lib/attachments.h"
#include "cli/cli.h"
#include "cli/names.h"
#include "cli/service.h"
#include "daemon/off_switch.h"
#include "load/attach.h"
#include "load/pins.h"
#include "tc.h"

/* Like a Nagios plugin's. */
enum { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN };

static const char *const fate_names[SL_FATE_COUNTS] = {
	[SL_DROPPED] = "dropped",
	[SL_PASSED_ODD] = "passed_not_ordinary",
	[SL_PASSED_RULES] = "passed_rules",
	[SL_PASSED_CONNTRACK] = "passed_conntrack",
	[SL_PASSED_ROUTE] = "passed_route",
	[SL_PASSED_STALE] = "passed_stale",
	[SL_PASSED_UNDER_WAY] = "passed_under_way",
	[SL_HOOK_DROPPED] = "hook_dropped",
	[SL_HOOK_PASSED] = "hook_passed",
	[SL_HOOK_STALE] = "hook_stale",
};

static const char how_known[] =
	"compared in the data plane before each drop: nf_tables generation, namespace, "
	"devices above, TC ingress, netfilter hooks, addresses, forwarding";

static const char *const known_names[] = {
	[SL_KNOWN_NONE] = "none",
	[SL_KNOWN_MADE] = "in the making",
	[SL_KNOWN_LIVE] = "in use",
	[SL_KNOWN_UNSAFE] = "unsafe",
};

static const char *known_name(const struct sl_attachment *attachment)
{
	return attachment->known < SL_ARRAY_SIZE(known_names) ? known_names[attachment->known]
							      : "none";
}

static void print_hooks(const struct sl_attachment *attachment)
{
	const struct sl_count *fates = attachment->fates;
	const char *comma = "";

	if (!attachment->info.hook_places)
		return;
	printf("  netfilter    just ahead of the rules of ");
	for (u32 i = 0; i < SL_PLACES; i++) {
		if (!(attachment->info.hook_places & 1u << i))
			continue;
		printf("%s%s", comma, sl_place_name(i));
		comma = ", ";
	}
	printf(": %llu dropped, %llu passed, %llu while stale\n",
	       (unsigned long long)fates[SL_HOOK_DROPPED].packets,
	       (unsigned long long)fates[SL_HOOK_PASSED].packets,
	       (unsigned long long)fates[SL_HOOK_STALE].packets);
}

static void print_keeper(const struct sl_attachment *attachment, const json_t *service)
{
	const char *device = attachment->info.device;

	if (!attachment->is_kept)
		printf("  kept by      NOBODY: after the next change all packets pass until "
		       "`sluice attach dev %s`\n",
		       device);
	else if (service && sl_service_find(service, device))
		printf("  kept by      process %d, of sluiced's\n", (int)attachment->keeper);
	else
		printf("  kept by      process %d\n", (int)attachment->keeper);
}

static void print_one(const struct sl_attachments *attachments,
		      const struct sl_attachment *attachment, const json_t *service)
{
	const struct sl_info *info = &attachment->info;
	const struct sl_count *fates = attachment->fates;
	char pin[SL_PIN_PATH_MAX];
	u64 passed = 0;

	for (int i = SL_PASSED_ODD; i <= SL_PASSED_UNDER_WAY; i++)
		passed += fates[i].packets;
	if (info->mode == SL_MODE_NONE) {
		printf("%s: half attached, since sluice was killed at it: sluice detach dev %s\n",
		       info->device, info->device);
		return;
	}
	printf("%s: %s%s%s, generation %" PRIu64 "\n", info->device,
	       attachment->is_alive ? sl_mode_name((enum sl_attach_mode)info->mode)
				    : "the device is gone",
	       attachment->place[0] ? " on " : "", attachment->place, (u64)info->generations);
	if (attachment->is_fresh)
		printf("  rules        fresh\n");
	else
		printf("  rules        STALE for %.1f s: everything passes to the kernel's own "
		       "rules\n",
		       sl_attachment_stale_seconds(attachment));
	printf("  compiled     %u rules: read in %u ms, running %u ms later\n", info->rules,
	       info->read_ms, info->made_ms);
	printf("  known by     %s\n", how_known);
	if (attachment->known)
		printf("  connections  a filter of those that are known: %s\n",
		       known_name(attachment));
	print_keeper(attachment, service);
	if (attachment->confirm_ms)
		printf("  UNCONFIRMED  rolled back in %u s unless `sluice confirm dev %s`\n",
		       (attachment->confirm_ms + 999) / 1000, info->device);
	printf("  dropped      %llu packets, %llu bytes, early\n",
	       (unsigned long long)fates[SL_DROPPED].packets,
	       (unsigned long long)fates[SL_DROPPED].bytes);
	printf("  passed       %llu packets: %llu by the rules, %llu for conntrack, %llu not "
	       "ordinary, %llu while stale\n",
	       (unsigned long long)passed, (unsigned long long)fates[SL_PASSED_RULES].packets,
	       (unsigned long long)fates[SL_PASSED_CONNTRACK].packets,
	       (unsigned long long)fates[SL_PASSED_ODD].packets,
	       (unsigned long long)fates[SL_PASSED_STALE].packets);
	print_hooks(attachment);
	if (info->filter) {
		printf("  if all fails tc filter del dev %s ingress pref %u\n", info->device,
		       SL_TC_PRIORITY);
	} else {
		sl_pins_path(pin, attachments->net_cookie, info->device, NULL);
		printf("  if all fails rm -r %s\n", pin);
	}
}

static json_t *describe_hooks(const struct sl_attachment *attachment)
{
	json_t *places = json_array();

	for (u32 i = 0; i < SL_PLACES; i++)
		if (attachment->info.hook_places & 1u << i)
			json_array_append_new(places, json_string(sl_place_name(i)));
	return places;
}

static json_t *describe(const struct sl_attachments *attachments,
			const struct sl_attachment *attachment)
{
	const struct sl_info *info = &attachment->info;
	char pin[SL_PIN_PATH_MAX];
	json_t *fates = json_object();

	sl_pins_path(pin, attachments->net_cookie, info->device, info->filter ? "program" : "link");
	for (int i = 0; i < SL_FATE_COUNTS; i++)
		json_object_set_new(fates, fate_names[i],
				    json_pack("{s:I, s:I}", "packets",
					      (json_int_t)attachment->fates[i].packets, "bytes",
					      (json_int_t)attachment->fates[i].bytes));
	return json_pack(
		"{s:s, s:i, s:s, s:s, s:b, s:b, s:f, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:o, "
		"s:o, s:I, s:s, s:s, s:f}",
		"device", info->device, "ifindex", (int)info->ifindex, "mode",
		sl_mode_name((enum sl_attach_mode)info->mode), "on",
		attachment->place[0] ? attachment->place : info->device, "attached",
		attachment->is_alive, "fresh", attachment->is_fresh, "stale_seconds",
		sl_attachment_stale_seconds(attachment), "staleness_known_by", how_known, "keeper",
		(int)attachment->keeper, "generation", (json_int_t)info->generations, "rules",
		(json_int_t)info->rules, "read_ms", (json_int_t)info->read_ms, "made_ms",
		(json_int_t)info->made_ms, "dropped_early",
		(json_int_t)attachment->fates[SL_DROPPED].packets, "fates", fates, "netfilter",
		describe_hooks(attachment), "dropped_at_hooks",
		(json_int_t)attachment->fates[SL_HOOK_DROPPED].packets, "pin", pin,
		"known_connections", known_name(attachment), "confirm_within_seconds",
		attachment->confirm_ms / 1e3);
}

static void print_json(const struct sl_attachments *attachments, json_t *service)
{
	json_t *devices = json_array();

	for (u32 i = 0; i < attachments->count; i++)
		json_array_append_new(devices, describe(attachments, &attachments->items[i]));
	sl_json_print(json_pack("{s:o, s:s?, s:O*}", "devices", devices, "switched_off_by",
				sl_off_switch_by(), "sluiced", service));
}

static void print_text(const struct sl_cli *cli, const struct sl_attachments *attachments,
		       const json_t *service)
{
	if (!attachments->count)
		printf("sluice is not attached to %s\n",
		       cli->device ? cli->device : "any device of this network namespace");
	for (u32 i = 0; i < attachments->count; i++)
		print_one(attachments, &attachments->items[i], service);
	sl_service_print(service, cli->device);
	if (sl_off_switch_by())
		printf("switched off by %s: nothing can be attached\n", sl_off_switch_by());
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

static int check(const struct sl_attachments *attachments, const json_t *service)
{
	int worst = attachments->count || service ? judge_service(service) : CHECK_CRITICAL;

	for (u32 i = 0; i < attachments->count; i++) {
		const struct sl_attachment *attachment = &attachments->items[i];

		if (!attachment->is_alive)
			worst = CHECK_CRITICAL;
		else if ((!attachment->is_fresh || !attachment->is_kept) && worst < CHECK_WARNING)
			worst = CHECK_WARNING;
	}
	printf("sluice %s: %u device%s attached\n",
	       worst == CHECK_OK        ? "OK"
	       : worst == CHECK_WARNING ? "WARNING"
					: "CRITICAL",
	       attachments->count, attachments->count == 1 ? "" : "s");
	return worst;
}

int sl_command_status(const struct sl_cli *cli)
{
	struct sl_attachments attachments;
	struct sl_diag diag = {0};
	int status = SL_EXIT_DONE;
	json_t *service;

	if (cli->argument_count)
		return sl_cli_usage("status", "\"%s\" is one word too many", cli->arguments[0]);
	if (sl_attachments_read(cli->device, &attachments, &diag)) {
		sl_cli_refuse(&diag);
		return cli->check ? CHECK_UNKNOWN : SL_EXIT_REFUSED;
	}
	service = sl_service_status(&diag);
	if (diag.text[0])
		sl_cli_refuse(&diag); /* what the pins say is so all the same */
	if (cli->check)
		status = check(&attachments, service);
	else if (cli->json)
		print_json(&attachments, service);
	else
		print_text(cli, &attachments, service);
	json_decref(service);
	sl_attachments_free(&attachments);
	return status;
}
