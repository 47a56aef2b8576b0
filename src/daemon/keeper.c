/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/keeper.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/signals.h"
#include "daemon/attachment.h"
#include "daemon/follow.h"
#include "daemon/hooks.h"
#include "daemon/keeper_state.h"
#include "daemon/lock.h"
#include "daemon/off_switch.h"
#include "load/pins.h"

/* How long changes are collected before they are read: storms cost one compile each. */
#define SETTLE_MS 5
/* What no notice tells of is looked at this often. */
#define TICK_MS 500

enum sl_attach_mode sl_keeper_mode(const struct sl_keeper *keeper)
{
	return keeper->mode;
}

u64 sl_keeper_net_cookie(const struct sl_keeper *keeper)
{
	return keeper->net_cookie;
}

void sl_keeper_write_info(struct sl_keeper *keeper)
{
	u32 zero = 0;

	keeper->info.abi_version = SL_ABI_VERSION;
	keeper->info.mode = keeper->mode;
	keeper->info.ifindex = keeper->ifindex;
	keeper->info.watcher_pid = (u32)getpid();
	snprintf(keeper->info.device, sizeof keeper->info.device, "%s", keeper->device);
	if (keeper->info_fd >= 0)
		bpf_map_update_elem(keeper->info_fd, &zero, &keeper->info, BPF_ANY);
}

static int create_info(struct sl_keeper *keeper, struct sl_diag *diag)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);

	keeper->info_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sluice_info", sizeof(u32),
					 sizeof(struct sl_info), 1, &opts);
	if (keeper->info_fd < 0)
		return sl_fail(diag, errno, "cannot create a map: %s", strerror(errno));
	keeper->info.attached_at = (u64)time(NULL);
	return 0;
}

bool sl_keeper_was_removed(const struct sl_keeper *keeper)
{
	return keeper->removed;
}

u64 sl_keeper_generations(const struct sl_keeper *keeper)
{
	return keeper->info.generations;
}

int sl_keeper_fates(const struct sl_keeper *keeper, struct sl_count ret_fates[SL_FATE_COUNTS])
{
	return sl_tally_read_fates(sl_dataplane_maps(keeper->dataplane).fates, ret_fates);
}

/* Its packets do not all get to the rules, so that there is nothing to hold against them. */
static int refuse_attached(const struct sl_keeper *keeper, struct sl_diag *diag)
{
	struct sl_hold hold = sl_hold_find(keeper->net_cookie, keeper->device);
	bool exists = sl_hold_exists(&hold);

	sl_hold_close(&hold);
	if (!exists)
		return 0;
	return sl_fail(diag, EBUSY,
		       "sluice is attached to %s already, and drops what an audit would only note: "
		       "`sluice detach dev %s` first",
		       keeper->device, keeper->device);
}

static int open_keeper(struct sl_keeper *keeper, const char *device, struct sl_diag *diag)
{
	struct sl_snapshot snapshot;
	int error = sl_pins_init(diag);

	keeper->lock_fd = keeper->info_fd = -1;
	keeper->hold = SL_NO_HOLD;
	keeper->tally = SL_NO_TALLY;
	keeper->sampling = SL_NO_SAMPLING;
	keeper->ifindex = if_nametoindex(device);
	if (!error) /* now that the host's files are seen */
		error = sl_off_switch_check(diag);
	if (!error && !keeper->ifindex)
		error = sl_fail(diag, ENODEV, "no device %s in this network namespace", device);
	if (!error)
		error = sl_observer_open(&keeper->observer, diag);
	if (!error)
		error = sl_observer_look(keeper->observer, keeper->ifindex, &snapshot, diag);
	if (error)
		return error;
	snprintf(keeper->device, sizeof keeper->device, "%s", device);
	keeper->net_cookie = snapshot.net_cookie;
	if (keeper->audit)
		error = refuse_attached(keeper, diag);
	if (error)
		return error;
	error = sl_lock_take(keeper->net_cookie, device, &keeper->lock_fd, diag);
	if (!error)
		error = create_info(keeper, diag);
	if (!error && !keeper->audit)
		error = sl_sampling_open(keeper->net_cookie, device, &keeper->sampling, diag);
	/* Before the rules are read, so that no change falls between. */
	if (!error)
		error = sl_watch_open(&keeper->watch, diag);
	if (!error)
		error = sl_netlink_open(NETLINK_NETFILTER, &keeper->conntrack, diag);
	return error;
}

/* `wish` says what for; it is copied. */
static int begin(const struct sl_keeper *wish, const char *device, struct sl_keeper **ret_keeper,
		 char ret_ladder[SL_LADDER_TEXT], struct sl_diag *diag)
{
	struct sl_keeper *keeper = calloc(1, sizeof *keeper);
	int error;

	if (!keeper)
		return sl_fail_memory(diag);
	*keeper = *wish;
	keeper->has_helpers = true;
	keeper->info.asked = (struct sl_asked){wish->memory_limit, wish->wanted, 0};
	error = open_keeper(keeper, device, diag);
	if (!error)
		error = sl_attachment_begin(keeper, ret_ladder, diag);
	keeper->replaces = false;
	if (error) {
		sl_keeper_free(keeper);
		return error;
	}
	*ret_keeper = keeper;
	return 0;
}

int sl_keeper_attach(const char *device, enum sl_wanted_mode wanted, u64 memory_limit,
		     bool replaces, struct sl_keeper **ret_keeper, char ret_ladder[SL_LADDER_TEXT],
		     struct sl_diag *diag)
{
	const struct sl_keeper wish = {
		.wanted = wanted, .memory_limit = memory_limit, .replaces = replaces};

	return begin(&wish, device, ret_keeper, ret_ladder, diag);
}

int sl_keeper_audit(const char *device, enum sl_wanted_mode wanted, u64 memory_limit,
		    struct sl_audit *audit, struct sl_keeper **ret_keeper,
		    char ret_ladder[SL_LADDER_TEXT], struct sl_diag *diag)
{
	const struct sl_keeper wish = {
		.wanted = wanted, .memory_limit = memory_limit, .audit = audit};

	return begin(&wish, device, ret_keeper, ret_ladder, diag);
}

void sl_keeper_free(struct sl_keeper *keeper)
{
	if (!keeper)
		return;
	sl_watch_close(keeper->watch);
	sl_netlink_close(keeper->conntrack);
	sl_dataplane_free(keeper->hook_dataplane);
	sl_hook_links_close(keeper->hooks);
	sl_dataplane_free(keeper->dataplane);
	sl_renewal_end(&keeper->renewal);
	sl_compiled_free(keeper->compiled);
	sl_tally_close(&keeper->tally);
	sl_sampling_close(&keeper->sampling);
	sl_observer_free(keeper->observer);
	if (keeper->audit)
		sl_attachment_end(keeper);
	sl_hold_close(&keeper->hold);
	sl_close(&keeper->info_fd);
	sl_close(&keeper->lock_fd);
	free(keeper);
}

int sl_keeper_start(struct sl_keeper *keeper, bool alone, struct sl_diag *diag)
{
	int error = sl_lock_sign(keeper->lock_fd);

	if (error)
		return sl_fail(diag, -error, "cannot write the lock of %s: %s", keeper->device,
			       strerror(-error));
	sl_namespace_watch_init(&keeper->namespace_watch);
	keeper->namespace_watch.is_host |= !alone;
	sl_keeper_write_info(keeper);
	return 0;
}

bool sl_keeper_watches_namespace(const struct sl_keeper *keeper)
{
	return !keeper->namespace_watch.is_host;
}

/* An attachment stays, unless somebody removed it. */
static void leave_attached(struct sl_keeper *keeper)
{
	struct sl_snapshot now;

	if (keeper->removed && sl_attachment_look(keeper, &now) == SL_ATTACHED)
		sl_hold_end(&keeper->hold); /* the pins may not tell of it any more */
	if (keeper->removed) {              /* by hand, or with its namespace */
		sl_hooks_end(keeper);
		sl_hold_remove(keeper->net_cookie, keeper->device);
	}
}

static int end(struct sl_keeper *keeper, struct sl_diag *diag)
{
	int error = 0;

	if (keeper->audit) {
		sl_attachment_end(keeper);
		error = sl_audit_finish(keeper->audit, diag);
	} else {
		leave_attached(keeper);
	}
	sl_lock_remove(keeper->net_cookie, keeper->device);
	return error;
}

int sl_keeper_run(struct sl_keeper *keeper, struct sl_diag *diag)
{
	SL_CLEANUP(sl_close) int signals = sl_signals_open((const int[]){SIGTERM, SIGINT, 0});
	bool ends = false;
	int error = 0;

	if (signals < 0)
		return sl_fail(diag, errno, "cannot wait for signals: %s", strerror(errno));
	keeper->quiet_ns = sl_monotonic_ns();
	while (!keeper->removed && !ends && !error) {
		struct pollfd fds[] = {
			{.fd = sl_watch_fd(keeper->watch), .events = POLLIN},
			{.fd = signals, .events = POLLIN},
		};
		int ready = poll(fds, 2, TICK_MS);

		if (ready < 0 && errno != EINTR)
			return sl_fail(diag, errno, "cannot wait for events: %s", strerror(errno));
		if (fds[1].revents)
			break;
		if (sl_follow_notices(keeper, diag) &&
		    (keeper->wants_compile || keeper->wants_look)) {
			poll(NULL, 0, SETTLE_MS);
			sl_follow_notices(keeper, diag);
		}
		sl_follow_catch_up(keeper); /* first, so that it is fresh again soon */
		if (sl_monotonic_ns() - keeper->ticked_ns < TICK_MS * SL_NS_PER_MS)
			continue;
		keeper->ticked_ns = sl_monotonic_ns();
		sl_follow_silence(keeper);
		if (!keeper->removed)
			sl_follow_catch_up(keeper);
		if (keeper->audit)
			error = sl_audit_tick(keeper->audit, &ends, diag);
	}
	if (error)
		return error;
	return end(keeper, diag);
}
