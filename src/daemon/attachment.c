/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/attachment.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/generation.h"
#include "daemon/hooks.h"
#include "load/attach.h"
#include "load/pins.h"
#include "load/tc_filter.h"

/* With --replace, somebody else's program goes, but only now that ours is loaded and ready. */
static int link_or_replace(struct sl_keeper *keeper, const struct sl_link *link,
			   enum sl_attach_mode mode, int program_fd, struct sl_diag *diag)
{
	int error = sl_attach(link->ifindex, link->name, link->mtu, mode, program_fd,
			      &keeper->hold.link_fd, diag);

	if (error != -EBUSY || !keeper->replaces)
		return error;
	sl_attach_remove_foreign(link->ifindex);
	return sl_attach(link->ifindex, link->name, link->mtu, mode, program_fd,
			 &keeper->hold.link_fd, diag);
}

/* Makes `filter` what the pins say. */
static int note_filter(struct sl_keeper *keeper, u32 filter, struct sl_diag *diag)
{
	keeper->info.filter = filter;
	sl_keeper_write_info(keeper);
	if (keeper->audit)
		return 0;
	return sl_pins_put(keeper->net_cookie, keeper->device, "info", keeper->info_fd, diag);
}

/* So that it stays. What an audit has on the device ends with it. */
static int pin_hold(struct sl_keeper *keeper, int program_fd, struct sl_diag *diag)
{
	if (keeper->audit)
		return 0;
	return sl_hold_pin(&keeper->hold, program_fd, keeper->net_cookie, keeper->device, diag);
}

/*
 * A filter does not end with who made it, so the pins tell of it before it is there: whatever
 * kills the keeper in between, `detach` finds it. An audit's, which passes all, is found by the
 * next that comes to the device.
 */
static int filter(struct sl_keeper *keeper, int program_fd, struct sl_diag *diag)
{
	bool made = false;
	int error = note_filter(keeper, SL_FILTER_IS_HOLD, diag);

	if (!error)
		error = sl_tc_qdisc_make(keeper->ifindex, &made, diag);
	if (!error && made)
		error = note_filter(keeper, SL_FILTER_IS_HOLD | SL_FILTER_MADE_QDISC, diag);
	keeper->hold.filter_ifindex = keeper->ifindex;
	if (!error)
		error = pin_hold(keeper, program_fd, diag);
	if (!error)
		error = sl_tc_filter_put(keeper->ifindex, program_fd, diag);
	return error;
}

/* By a link; at TC by a filter where the kernel has no such links. */
static int attach(struct sl_keeper *keeper, const struct sl_link *link, enum sl_attach_mode mode,
		  int program_fd, struct sl_diag *diag)
{
	int error = link_or_replace(keeper, link, mode, program_fd, diag);

	if (mode == SL_MODE_TC && error == -ENOSYS)
		return filter(keeper, program_fd, diag);
	return error ? error : pin_hold(keeper, program_fd, diag);
}

/* One rung: load for the mode, attach, pin. */
static int try_mode(struct sl_keeper *keeper, struct sl_compiled *compiled,
		    const struct sl_link *link, enum sl_attach_mode mode,
		    struct sl_dataplane **ret_dataplane, struct sl_diag *diag)
{
	struct sl_dataplane *dataplane;
	const struct sl_handover handover = {.witness = sl_generation_witness(keeper),
					     .sampling = sl_generation_sampling(keeper),
					     .known = sl_renewal_prepare(keeper, compiled)};
	int error = sl_generation_load(compiled, mode, &handover, &dataplane, diag);

	if (error)
		return error;
	keeper->mode = mode;
	error = attach(keeper, sl_ladder_place(compiled, link, mode), mode,
		       sl_dataplane_program_fd(dataplane), diag);
	if (error) {
		keeper->mode = SL_MODE_NONE;
		sl_hold_close(&keeper->hold);
		sl_dataplane_free(dataplane);
		return error;
	}
	/* A filter is not foreseen: a second compile finds it, and that nobody is beside it. */
	if (mode == SL_MODE_TC && !keeper->hold.filter_ifindex)
		compiled->snapshot.tc_programs++;
	*ret_dataplane = dataplane;
	return 0;
}

static int climb(struct sl_keeper *keeper, struct sl_compiled *compiled,
		 struct sl_dataplane **ret_dataplane, char *ret_ladder, struct sl_diag *diag)
{
	enum sl_attach_mode modes[4];
	struct sl_ladder ladder = {
		.compiled = compiled,
		.link = sl_host_find_link(compiled->host, keeper->device),
		.wanted = keeper->wanted,
	};
	int error = -EOPNOTSUPP;

	sl_ladder_plan(&ladder, modes);
	/* Beside somebody's program only when asked for: it sees packets first, and sluice fewer.
	 */
	for (u32 i = 0; modes[i] != SL_MODE_NONE && error && error != -EBUSY; i++) {
		struct sl_diag why = {0};

		error = try_mode(keeper, compiled, ladder.link, modes[i], ret_dataplane, &why);
		sl_ladder_note(&ladder, sl_mode_name(modes[i]), "%s%s",
			       error ? "refused: " : "attached",
			       error                         ? why.text
			       : keeper->hold.filter_ifindex ? ", by a filter, for want of TCX"
							     : "");
	}
	if (ret_ladder)
		memcpy(ret_ladder, ladder.text, SL_LADDER_TEXT);
	if (error)
		return sl_fail(diag, -error, "%s takes no program:\n%s", keeper->device,
			       ladder.text);
	return 0;
}

/* What it had counted early; of maps that cannot be read, nothing. */
static void inherit_counts(struct sl_keeper *keeper)
{
	SL_CLEANUP(sl_close) int fates = sl_pins_get(keeper->net_cookie, keeper->device, "fates");
	SL_CLEANUP(sl_close) int rules = -1;
	SL_CLEANUP(sl_close) int counters = -1;

	if (fates >= 0 && !sl_tally_find(keeper->net_cookie, keeper->device, &rules, &counters) &&
	    !sl_tally_inherit(rules, counters, &keeper->tally))
		sl_take_fd(&rules);
}

u32 sl_attachment_place(const struct sl_keeper *keeper, const struct sl_snapshot *snapshot,
			enum sl_attach_mode mode)
{
	return mode == SL_MODE_NATIVE && snapshot->tag ? snapshot->below_ifindex : keeper->ifindex;
}

static bool asks_same(const struct sl_asked *a, const struct sl_asked *b)
{
	return a->wanted == b->wanted && a->memory_limit == b->memory_limit;
}

/* One step back and no further: who has gone back to how it was has nothing before that. */
static void remember(struct sl_keeper *keeper, const struct sl_info *last)
{
	const struct sl_asked *asked = &keeper->info.asked;

	if (asks_same(asked, &last->asked))
		keeper->info.before = last->before;
	else if (asks_same(asked, &last->before))
		keeper->info.before = (struct sl_asked){0};
	else
		keeper->info.before = last->asked;
}

/* What a keeper that died left: its link or filter, if it is alive, and what it was asked for with.
 */
static bool find_orphan(struct sl_keeper *keeper, struct sl_asked *ret_asked)
{
	struct sl_hold hold = sl_hold_find(keeper->net_cookie, keeper->device);
	struct sl_snapshot now;
	struct sl_info info;

	if (keeper->audit) { /* only a filter of an audit that was killed */
		sl_tc_filter_remove(keeper->ifindex);
		return false;
	}
	if (!sl_pins_read_info(keeper->net_cookie, keeper->device, &info) &&
	    !sl_observer_look(keeper->observer, keeper->ifindex, &now, NULL) &&
	    sl_hold_exists(&hold) &&
	    sl_hold_ifindex(&hold) ==
		    sl_attachment_place(keeper, &now, (enum sl_attach_mode)info.mode)) {
		keeper->hold = hold;
		keeper->mode = (enum sl_attach_mode)info.mode;
		keeper->info.filter = info.filter;
		inherit_counts(keeper);
		remember(keeper, &info);
		*ret_asked = info.asked;
		return true;
	}
	sl_hold_close(&hold);
	sl_hold_remove(keeper->net_cookie, keeper->device);
	sl_tc_filter_remove(keeper->ifindex); /* if somebody removed its pins */
	return false;
}

/* Whoever leaves the choice to sluice gets what it chose, not what somebody had asked for. */
static bool mode_fits(enum sl_attach_mode mode, enum sl_wanted_mode wanted, u32 last_wanted)
{
	switch (wanted) {
	case SL_WANT_AUTO:
		return last_wanted == SL_WANT_AUTO;
	case SL_WANT_NATIVE:
		return mode == SL_MODE_NATIVE;
	case SL_WANT_TC:
		return mode == SL_MODE_TC;
	case SL_WANT_GENERIC:
		return mode == SL_MODE_GENERIC;
	case SL_WANT_OFFLOAD:
		break;
	}
	return false;
}

void sl_attachment_end(struct sl_keeper *keeper)
{
	if (!keeper->audit) {
		sl_hold_close(&keeper->hold);
		sl_hold_remove(keeper->net_cookie, keeper->device);
		return;
	}
	sl_hold_end(&keeper->hold);
	if (keeper->info.filter & SL_FILTER_MADE_QDISC)
		sl_tc_qdisc_remove(keeper->ifindex);
	keeper->info.filter = 0;
}

int sl_attachment_begin(struct sl_keeper *keeper, char *ret_ladder, struct sl_diag *diag)
{
	struct sl_compiled *compiled;
	struct sl_dataplane *dataplane;
	struct sl_asked last;
	struct sl_tally tally;
	int error;

	sl_hook_links_remove(keeper->net_cookie,
			     keeper->device); /* a dead keeper's; its own are gone */
	if (find_orphan(keeper, &last) && mode_fits(keeper->mode, keeper->wanted, last.wanted)) {
		if (ret_ladder)
			snprintf(ret_ladder, SL_LADDER_TEXT, "%s: taken over from before",
				 sl_mode_name(keeper->mode));
		return sl_generation_refresh(keeper, diag);
	}
	if (sl_hold_exists(&keeper->hold)) {
		sl_attachment_end(keeper);
		sl_tally_close(&keeper->tally);
		keeper->mode = SL_MODE_NONE;
	}
	keeper->info.filter = 0;
	error = sl_generation_compile(keeper, &compiled, &tally, diag);
	if (error)
		return error;
	if (!keeper->audit)
		error = sl_pins_make_directory(keeper->net_cookie, keeper->device, diag);
	if (!error)
		error = climb(keeper, compiled, &dataplane, ret_ladder, diag);
	if (error) {
		sl_tally_close(&tally);
		sl_compiled_free(compiled);
		sl_attachment_end(keeper);
		return error;
	}
	error = sl_generation_adopt(keeper, compiled, dataplane, &tally, diag);
	if (!error && keeper->hold.filter_ifindex)
		error = sl_generation_refresh(keeper, diag);
	if (error) /* nothing half-attached */
		sl_attachment_end(keeper);
	return error;
}

bool sl_attachment_is_pinned(const struct sl_keeper *keeper)
{
	char path[SL_PIN_PATH_MAX];

	if (keeper->audit)
		return true; /* as well as it will ever be */
	sl_pins_path(path, keeper->net_cookie, keeper->device, sl_hold_pin_name(&keeper->hold));
	return !access(path, F_OK);
}

enum sl_attachment_state sl_attachment_look(const struct sl_keeper *keeper,
					    struct sl_snapshot *ret_now)
{
	/* First: a device that goes is hidden from lookups, and then loses its filters. */
	u32 ifindex = sl_hold_exists(&keeper->hold) ? sl_hold_ifindex(&keeper->hold) : 0;
	struct sl_snapshot now;

	if (sl_observer_look(keeper->observer, keeper->ifindex, &now, NULL) ||
	    now.device_address != keeper->compiled->snapshot.device_address)
		return SL_DEVICE_GONE;
	if (!ifindex && keeper->hold.filter_ifindex)
		return SL_TAKEN_OFF;
	if (ifindex != sl_attachment_place(keeper, &now, keeper->mode))
		return SL_DEVICE_GONE;
	*ret_now = now;
	return SL_ATTACHED;
}

/*
 * What is left then is what `status` and `detach` go by. A filter went with the device, and its
 * index may be another's by now.
 */
static void let_go(struct sl_keeper *keeper)
{
	const char *pin = sl_hold_pin_name(&keeper->hold);

	sl_hooks_end(keeper); /* they look for a device with its index */
	if (!sl_hold_exists(&keeper->hold))
		return;
	if (keeper->hold.filter_ifindex)
		sl_hold_close(&keeper->hold);
	else
		sl_hold_end(&keeper->hold);
	sl_pins_drop(keeper->net_cookie, keeper->device, pin);
	keeper->info.filter = 0;
	keeper->info.withdrawn_ns = sl_monotonic_ns();
	sl_keeper_write_info(keeper);
}

bool sl_attachment_resume(struct sl_keeper *keeper, struct sl_diag *diag)
{
	u32 ifindex = if_nametoindex(keeper->device);

	let_go(keeper);
	if (!ifindex)
		return false;
	keeper->ifindex = ifindex;
	keeper->mode = SL_MODE_NONE;
	if (!sl_attachment_begin(keeper, NULL, diag))
		return true;
	if (!keeper->audit && !sl_pins_make_directory(keeper->net_cookie, keeper->device, diag))
		sl_pins_put(keeper->net_cookie, keeper->device, "info", keeper->info_fd, diag);
	return false;
}
