/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/attachments.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/confirm.h"
#include "daemon/detach.h"
#include "daemon/tally.h"
#include "load/hold.h"
#include "load/observe.h"
#include "load/pins.h"

struct reading {
	struct sl_attachments *attachments;
	struct sl_observer *observer;
	const char *wanted;
	struct sl_diag *diag;
};

static int read_info(u64 net_cookie, const char *device, struct sl_info *ret_info,
		     struct sl_diag *diag)
{
	int error = sl_pins_read_info(net_cookie, device, ret_info);
	char path[SL_PIN_PATH_MAX];

	if (error == -EPROTO) {
		sl_pins_path(path, net_cookie, device, NULL);
		return sl_fail(diag, EPROTO,
			       "%s was attached by another version of sluice (this one has ABI "
			       "%u): detach it with that version, or remove %s",
			       device, SL_ABI_VERSION, path);
	}
	if (error) { /* a keeper died between one pin and the next */
		*ret_info = (struct sl_info){.abi_version = SL_ABI_VERSION, .mode = SL_MODE_NONE};
		snprintf(ret_info->device, sizeof ret_info->device, "%s", device);
	}
	return 0;
}

/* All zero while nothing is told yet, just after the attach. */
static struct sl_live read_live(u64 net_cookie, const char *device)
{
	SL_CLEANUP(sl_close) int fd = sl_pins_get(net_cookie, device, "live");
	struct sl_live live = {0};
	u32 zero = 0;

	if (fd >= 0)
		bpf_map_lookup_elem(fd, &zero, &live);
	return live;
}

static enum sl_known_state read_known(u64 net_cookie, const char *device)
{
	SL_CLEANUP(sl_close) int fd = sl_pins_get(net_cookie, device, "known");
	struct sl_known_cell cell = {.state = SL_KNOWN_NONE};
	u32 zero = 0;

	if (fd >= 0)
		bpf_map_lookup_elem(fd, &zero, &cell);
	return cell.state;
}

/* The link may live on elsewhere, with a device that was moved. */
static void compare(struct sl_observer *observer, const struct sl_live *live,
		    struct sl_attachment *attachment)
{
	struct sl_snapshot now;

	if (sl_observer_look(observer, attachment->info.ifindex, &now, NULL) ||
	    (live->expected.device_address && live->expected.device_address != now.device_address))
		return;
	attachment->is_alive = true;
	attachment->is_fresh = live->epoch && sl_snapshots_equal(&live->expected, &now);
	attachment->may_relate = live->related_possible;
}

static void read_fates(u64 net_cookie, struct sl_attachment *attachment)
{
	SL_CLEANUP(sl_close) int fd = sl_pins_get(net_cookie, attachment->info.device, "fates");

	if (fd >= 0)
		sl_tally_read_fates(fd, attachment->fates);
}

static int read_rules(u64 net_cookie, struct sl_attachment *attachment)
{
	SL_CLEANUP(sl_tally_close) struct sl_tally tally = SL_NO_TALLY;
	SL_CLEANUP(sl_close) int rules = -1;
	SL_CLEANUP(sl_close) int counters = -1;

	if (sl_tally_find(net_cookie, attachment->info.device, &rules, &counters) ||
	    sl_tally_inherit(rules, counters, &tally))
		return 0;
	sl_take_fd(&rules);
	attachment->rules = calloc((size_t)tally.count + 1, sizeof *attachment->rules);
	if (!attachment->rules)
		return -ENOMEM;
	if (!sl_tally_sum(&tally, counters, attachment->rules))
		attachment->rule_count = tally.count;
	return 0;
}

static int read_one(void *context, const char *device)
{
	struct reading *reading = context;
	struct sl_attachments *attachments = reading->attachments;
	struct sl_attachment attachment = {0}, *items;
	u64 net_cookie = attachments->net_cookie;
	int error;

	if (reading->wanted && strcmp(reading->wanted, device) != 0)
		return 0;
	error = read_info(net_cookie, device, &attachment.info, reading->diag);
	if (error)
		return error;
	/* The pins have the device's new name before its keeper has written that, too. */
	snprintf(attachment.info.device, sizeof attachment.info.device, "%s", device);

	struct sl_hold hold = sl_hold_find(net_cookie, device);

	struct sl_live live = read_live(net_cookie, device);

	u32 place = sl_hold_ifindex(&hold);

	if (place)
		compare(reading->observer, &live, &attachment);
	if (place != attachment.info.ifindex && attachment.is_alive)
		if_indextoname(place, attachment.place);
	sl_hold_close(&hold);
	attachment.keeper = sl_keeper_pid(net_cookie, device);
	attachment.is_kept = attachment.keeper > 0;
	attachment.confirm_ms = sl_confirm_left_ms(net_cookie, device);
	attachment.known = read_known(net_cookie, device);
	read_fates(net_cookie, &attachment);
	error = read_rules(net_cookie, &attachment);
	items = error ? NULL
		      : realloc(attachments->items, (attachments->count + 1) * sizeof *items);
	if (!items) {
		free(attachment.rules);
		return sl_fail_memory(reading->diag);
	}
	attachments->items = items;
	items[attachments->count++] = attachment;
	return 0;
}

int sl_attachments_look(struct sl_observer *observer, const char *device,
			struct sl_attachments *ret_attachments, struct sl_diag *diag)
{
	struct sl_attachments attachments = {0};
	struct reading reading = {&attachments, observer, device, diag};
	struct sl_snapshot snapshot;
	/* every namespace has its loopback device, with index 1 */
	int error = sl_observer_look(observer, 1, &snapshot, diag);

	/* One that is older than nf_tables does not find its generation. */
	if (!error && !snapshot.generation_address)
		error = sl_observer_renew(observer, diag);
	if (!error) {
		attachments.net_cookie = snapshot.net_cookie;
		error = sl_pins_each(snapshot.net_cookie, read_one, &reading);
	}
	if (error) {
		sl_attachments_free(&attachments);
		return error;
	}
	*ret_attachments = attachments;
	return 0;
}

int sl_attachments_read(const char *device, struct sl_attachments *ret_attachments,
			struct sl_diag *diag)
{
	struct sl_observer *observer = NULL;
	int error = sl_pins_init(diag);

	if (!error)
		error = sl_observer_open(&observer, diag);
	if (!error)
		error = sl_attachments_look(observer, device, ret_attachments, diag);
	sl_observer_free(observer);
	return error;
}

double sl_attachment_stale_seconds(const struct sl_attachment *attachment)
{
	u64 since = attachment->info.withdrawn_ns;

	if (attachment->is_fresh || !since)
		return 0;
	return (double)(sl_monotonic_ns() - since) / 1e9;
}

u32 sl_attachment_program(const struct sl_attachments *attachments,
			  const struct sl_attachment *attachment)
{
	struct sl_hold hold = sl_hold_find(attachments->net_cookie, attachment->info.device);
	u32 program = sl_hold_program(&hold);

	sl_hold_close(&hold);
	return program;
}

void sl_attachments_free(struct sl_attachments *attachments)
{
	for (u32 i = 0; i < attachments->count; i++)
		free(attachments->items[i].rules);
	free(attachments->items);
	*attachments = (struct sl_attachments){0};
}
