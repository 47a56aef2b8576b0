/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/follow.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/attachment.h"
#include "daemon/elements.h"
#include "daemon/generation.h"
#include "daemon/lock.h"
#include "daemon/off_switch.h"
#include "load/pins.h"

/* Element expiries count from the last quiet moment; behind a longer gap only a dump is exact. */
#define STALL_NS 1000000000ULL

/* What no notice tells of was looked at so long ago, at most about. */
#define SILENCE_NS 1000000000ULL

/* Elements alone: maps change while nothing is dropped, then it is published anew. */
static void follow_elements(struct sl_keeper *keeper, const struct sl_rules_event *event)
{
	sl_dataplane_withdraw(keeper->dataplane);
	if (sl_monotonic_ns() - keeper->quiet_ns > STALL_NS ||
	    !sl_elements_apply(keeper->compiled->program, keeper->dataplane, event) ||
	    (keeper->hook_dataplane &&
	     !sl_elements_apply(keeper->compiled->hook_program, keeper->hook_dataplane, event))) {
		keeper->wants_compile = true;
		return;
	}
	keeper->compiled->snapshot.generation = event->generation;
}

static void follow_rules(struct sl_keeper *keeper, const struct sl_rules_event *event)
{
	s32 newer = (s32)(event->generation - keeper->compiled->snapshot.generation);

	if (newer <= 0) /* the last dump has it already */
		return;
	if (event->elements_only && !event->needs_dump && newer == 1 && !keeper->wants_compile)
		follow_elements(keeper, event);
	else
		keeper->wants_compile = true;
}

static void follow_link(struct sl_keeper *keeper)
{
	char name[IF_NAMESIZE];

	keeper->wants_look = true;
	if (sl_hold_ifindex(&keeper->hold) !=
		    sl_attachment_place(keeper, &keeper->compiled->snapshot, keeper->mode) ||
	    !if_indextoname(keeper->ifindex, name) || !strcmp(name, keeper->device))
		return;
	if (!keeper->audit && sl_pins_rename(keeper->net_cookie, keeper->device, name))
		return;
	sl_lock_rename(keeper->net_cookie, keeper->device, name);
	snprintf(keeper->device, sizeof keeper->device, "%s", name);
}

static void follow(struct sl_keeper *keeper, const struct sl_event *event)
{
	switch (event->kind) {
	case SL_EVENT_RULES:
		follow_rules(keeper, &event->rules);
		return;
	case SL_EVENT_LINK:
		follow_link(keeper);
		return;
	case SL_EVENT_EXPECTATION:
		sl_dataplane_set_related(keeper->dataplane, true);
		return;
	case SL_EVENT_ROUTE: /* the FIB itself is asked for every packet */
	case SL_EVENT_TC: /* the next look tells; a swap of our own filter is such a notice, too */
		return;
	case SL_EVENT_ADDRESS:
	case SL_EVENT_NETCONF:
		keeper->wants_look = true;
		return;
	case SL_EVENT_OVERRUN:
		keeper->wants_compile = true;
		return;
	}
}

/* It is stale, and has been since some moment behind `after_ns`. */
static void go_stale(struct sl_keeper *keeper, u64 after_ns)
{
	u64 now = sl_monotonic_ns();

	if (!keeper->info.withdrawn_ns)
		keeper->info.withdrawn_ns = now;
	if (keeper->audit)
		sl_audit_note_change(keeper->audit, after_ns, now);
}

bool sl_follow_notices(struct sl_keeper *keeper, struct sl_diag *diag)
{
	struct sl_event event;
	bool any = false;
	int more;

	while ((more = sl_watch_next(keeper->watch, keeper->compiled->rules, &event, diag)) > 0) {
		any = true;
		go_stale(keeper, keeper->quiet_ns);
		follow(keeper, &event);
	}
	if (more < 0)
		keeper->wants_compile = true;
	keeper->quiet_ns = sl_monotonic_ns();
	return any;
}

/* Hooks, tcx programs and devices above come without a notice; the data plane sees them. */
static void look_around(struct sl_keeper *keeper)
{
	struct sl_snapshot now;

	/* A notice that should have come did not. */
	if (keeper->info.withdrawn_ns && sl_monotonic_ns() - keeper->info.withdrawn_ns > STALL_NS)
		keeper->wants_compile = true;
	if (keeper->info.withdrawn_ns ||
	    sl_observer_look(keeper->observer, keeper->ifindex, &now, NULL) ||
	    sl_snapshots_equal(&now, &keeper->compiled->snapshot))
		return;
	go_stale(keeper, keeper->ticked_ns - SILENCE_NS);
	/* A transaction alone will be told of, and perhaps it can be followed. */
	now.generation = keeper->compiled->snapshot.generation;
	if (!sl_snapshots_equal(&now, &keeper->compiled->snapshot))
		keeper->wants_look = true;
}

/*
 * A flood must not starve the keeper, or the packets that pass for want of it would feed the flood;
 * but a compile takes long enough to cost packets itself, and gets no more than its share. To be
 * nice or not counts only among the processes of a session or a cgroup, and then wakes nobody ahead
 * of another's time slice; it is what remains where real-time scheduling is not allowed.
 */
static void be_urgent(const struct sl_keeper *keeper, bool urgent)
{
	const struct sched_param parameters = {.sched_priority = urgent ? 1 : 0};

	if (keeper->audit) /* which nothing depends on, and which takes no time from anybody */
		return;
	setpriority(PRIO_PROCESS, 0, urgent ? -20 : 0);
	sched_setscheduler(0, urgent ? SCHED_FIFO : SCHED_OTHER, &parameters);
}

void sl_follow_silence(struct sl_keeper *keeper)
{
	if (sl_hold_exists(&keeper->hold) && !sl_attachment_is_pinned(keeper))
		keeper->removed = true;
	if (sl_namespace_watch_is_left(&keeper->namespace_watch))
		keeper->removed = true;
	if (!access(SL_OFF_SWITCH_FILE, F_OK))
		keeper->removed = true;
	sl_dataplane_set_related(keeper->dataplane, sl_generation_may_relate(keeper));
	be_urgent(keeper, false);
	sl_renewal_keep(keeper);
	be_urgent(keeper, true);
	look_around(keeper);
}

/*
 * Most of what is told of devices is of others: a container that starts makes ten notices. The
 * kernel counts some of it as changes of addresses all the same, so the data plane is stale.
 * `now` is looked at again.
 */
static void look_at_host(struct sl_keeper *keeper, struct sl_snapshot *now)
{
	if (!keeper->wants_compile &&
	    !sl_compiled_renew(keeper->compiled, keeper->observer, keeper->device,
			       sl_hold_program(&keeper->hold)))
		keeper->wants_compile = true;
	keeper->wants_look = false;
	if (sl_observer_look(keeper->observer, keeper->ifindex, now, NULL))
		keeper->wants_compile = true;
}

/*
 * A VLAN device that comes may leave XDP unable to drop anything. Where the mode was ours to choose
 * it is chosen again; in between the kernel's own rules have the packets.
 */
static int refresh(struct sl_keeper *keeper, struct sl_diag *diag)
{
	int error = sl_generation_refresh(keeper, diag);

	if (!error && keeper->wanted == SL_WANT_AUTO && keeper->mode != SL_MODE_TC &&
	    keeper->compiled->program->device.wants_tc)
		sl_attachment_resume(keeper, diag);
	return error;
}

void sl_follow_catch_up(struct sl_keeper *keeper)
{
	struct sl_diag diag = {0};
	struct sl_snapshot now;

	switch (sl_attachment_look(keeper, &now)) {
	case SL_ATTACHED:
		break;
	case SL_TAKEN_OFF:
		keeper->removed = true;
		return;
	case SL_DEVICE_GONE:
		be_urgent(keeper, false); /* about a compile, or about nothing */
		if (!sl_attachment_resume(keeper, &diag) ||
		    sl_attachment_look(keeper, &now) != SL_ATTACHED)
			return;
	}
	be_urgent(keeper, !keeper->wants_compile && !keeper->wants_look);
	if (keeper->wants_look)
		look_at_host(keeper, &now);
	if (keeper->wants_compile && refresh(keeper, &diag))
		fprintf(stderr, "sluice: %s: %s\n", keeper->device, diag.text);
	else if (!keeper->wants_compile && keeper->info.withdrawn_ns)
		sl_generation_publish(keeper, &now);
	if (keeper->wants_pins && sl_generation_pin(keeper, &diag))
		fprintf(stderr, "sluice: %s: %s\n", keeper->device, diag.text);
	be_urgent(keeper, true);
}
