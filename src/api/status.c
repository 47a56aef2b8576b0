// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "api/handle.h"
#include "base/cleanup.h"
#include "daemon/off_switch.h"
#include "lib/attachments.h"
#include "load/pins.h"
#include "service/client.h"
#include "tc.h"

struct sluice_status {
	struct sl_arena *arena;
	struct sl_attachments attachments;
	struct sluice_attachment *told; /* of each of them */
	char *service;                  /* malloc'd; NULL: none runs */
	struct sl_diag no_answer;       /* though one runs */
	const char *switched_off;
};

struct read {
	const char *device;
	struct sluice_status *status;
};

static const enum sl_fate_count fates[] = {
	[SLUICE_DROPPED] = SL_DROPPED,
	[SLUICE_PASSED_RULES] = SL_PASSED_RULES,
	[SLUICE_PASSED_NOT_ORDINARY] = SL_PASSED_ODD,
	[SLUICE_PASSED_CONNTRACK] = SL_PASSED_CONNTRACK,
	[SLUICE_PASSED_ROUTE] = SL_PASSED_ROUTE,
	[SLUICE_PASSED_STALE] = SL_PASSED_STALE,
	[SLUICE_PASSED_UNDER_WAY] = SL_PASSED_UNDER_WAY,
	[SLUICE_HOOK_DROPPED] = SL_HOOK_DROPPED,
	[SLUICE_HOOK_PASSED] = SL_HOOK_PASSED,
	[SLUICE_HOOK_STALE] = SL_HOOK_STALE,
};

_Static_assert(SL_ARRAY_SIZE(fates) == SL_FATE_COUNTS, "all of them");

static const char *const known_names[] = {
	[SL_KNOWN_NONE] = "none",
	[SL_KNOWN_MADE] = "in the making",
	[SL_KNOWN_LIVE] = "in use",
	[SL_KNOWN_UNSAFE] = "unsafe",
};

_Static_assert(SLUICE_AT_IP_INPUT == SL_PLACE_IP_INPUT &&
		       SLUICE_AT_IP_FORWARD == SL_PLACE_IP_FORWARD &&
		       SLUICE_AT_IP6_INPUT == SL_PLACE_IP6_INPUT &&
		       SLUICE_AT_IP6_FORWARD == SL_PLACE_IP6_FORWARD,
	       "one is taken for the other");

static const char *find_pin(const struct sluice_status *status, const struct sl_info *info)
{
	char path[SL_PIN_PATH_MAX];

	sl_pins_path(path, status->attachments.net_cookie, info->device,
		     info->filter ? "program" : "link");
	return sl_arena_strdup(status->arena, path);
}

static const char *find_last_resort(const struct sluice_status *status, const struct sl_info *info)
{
	char path[SL_PIN_PATH_MAX];

	if (info->filter)
		return sl_arena_printf(status->arena, "tc filter del dev %s ingress pref %u",
				       info->device, SL_TC_PRIORITY);
	sl_pins_path(path, status->attachments.net_cookie, info->device, NULL);
	return sl_arena_printf(status->arena, "rm -r %s", path);
}

static struct sluice_attachment tell(const struct sluice_status *status,
				     const struct sl_attachment *attachment, const json_t *service)
{
	const struct sl_info *info = &attachment->info;
	size_t known = (size_t)attachment->known;

	return (struct sluice_attachment){
		.device = info->device,
		.place = attachment->place[0] ? attachment->place : info->device,
		.ifindex = info->ifindex,
		.mode = sl_mode_told((enum sl_attach_mode)info->mode),
		.is_alive = attachment->is_alive,
		.is_fresh = attachment->is_fresh,
		.is_service = service && sl_service_find(service, info->device),
		.keeper = attachment->is_kept ? attachment->keeper : 0,
		.stale_ms = (u64)(sl_attachment_stale_seconds(attachment) * 1e3),
		.confirm_ms = attachment->confirm_ms,
		.hooks = info->hook_places,
		.known = known_names[known < SL_ARRAY_SIZE(known_names) ? known : SL_KNOWN_NONE],
		.generation = info->generations,
		.rules = info->rules,
		.read_ms = info->read_ms,
		.made_ms = info->made_ms,
		.pin = find_pin(status, info),
		.last_resort = find_last_resort(status, info),
	};
}

static int tell_all(struct sluice_status *status)
{
	const struct sl_attachments *attachments = &status->attachments;
	json_t *service = sl_service_status(&status->no_answer);
	bool is_whole;

	status->told =
		sl_arena_alloc(status->arena, (attachments->count + 1) * sizeof *status->told);
	if (service)
		status->service = json_dumps(service, JSON_COMPACT);
	is_whole = status->told && !service == !status->service;
	for (u32 i = 0; i < attachments->count && is_whole; i++) {
		status->told[i] = tell(status, &attachments->items[i], service);
		is_whole = status->told[i].pin && status->told[i].last_resort;
	}
	json_decref(service);
	return is_whole ? 0 : -ENOMEM;
}

static int read_status(struct sluice *sluice, void *context)
{
	struct read *read = context;
	struct sluice_status *status = read->status;
	int error = sl_attachments_read(read->device, &status->attachments, &sluice->diag);

	if (error)
		return error;
	status->switched_off = sl_off_switch_by();
	return tell_all(status) ? sl_fail_memory(&sluice->diag) : 0;
}

int sluice_read_status(struct sluice *sluice, const char *device, struct sluice_status **ret_status)
{
	struct read read = {device, calloc(1, sizeof *read.status)};
	int error;

	if (!read.status)
		return sl_fail_memory(&sluice->diag);
	read.status->arena = sl_arena_new();
	error = read.status->arena ? sl_visit(sluice, read_status, &read)
				   : sl_fail_memory(&sluice->diag);
	if (error)
		sluice_status_free(read.status);
	else
		*ret_status = read.status;
	return error;
}

void sluice_status_free(struct sluice_status *status)
{
	if (!status)
		return;
	free(status->service);
	sl_attachments_free(&status->attachments);
	sl_arena_free(status->arena);
	free(status);
}

const struct sluice_attachment *sluice_status_attachment(const struct sluice_status *status,
							 size_t index)
{
	return index < status->attachments.count ? &status->told[index] : NULL;
}

struct sluice_count sluice_status_count(const struct sluice_status *status, size_t index,
					enum sluice_fate fate)
{
	const struct sl_count *count;

	if (index >= status->attachments.count || (size_t)fate >= SL_ARRAY_SIZE(fates))
		return (struct sluice_count){0};
	count = &status->attachments.items[index].fates[fates[fate]];
	return (struct sluice_count){count->packets, count->bytes};
}

const char *sluice_status_service(const struct sluice_status *status)
{
	return status->service;
}

const char *sluice_status_no_answer(const struct sluice_status *status)
{
	return status->no_answer.text[0] ? status->no_answer.text : NULL;
}

const char *sluice_status_switched_off(const struct sluice_status *status)
{
	return status->switched_off;
}
