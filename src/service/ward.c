// SPDX-License-Identifier: GPL-2.0-only
#include "service/ward.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "daemon/child.h"
#include "daemon/detach.h"
#include "load/attach.h"
#include "load/hold.h"

#define MS            SL_NS_PER_MS
#define FIRST_WAIT_MS 100
#define LAST_WAIT_MS  30000
/* A keeper that lived for so long had not failed. */
#define STEADY_MS 10000
/* How long a keeper may take to end, and to come to a device that is back or has another name. */
#define END_MS    2000
#define FOLLOW_MS 2000

struct sl_ward *sl_ward_new(int epoll_fd, u64 net_cookie, const struct sl_device_config *config)
{
	struct sl_ward *ward = calloc(1, sizeof *ward);

	if (!ward)
		return NULL;
	ward->config = *config;
	ward->epoll_fd = epoll_fd;
	ward->net_cookie = net_cookie;
	ward->outcome = SL_NO_WAITER;
	memcpy(ward->device, config->device, sizeof ward->device);
	return ward;
}

void sl_ward_free(struct sl_ward *ward)
{
	if (!ward)
		return;
	sl_waiter_close(ward->epoll_fd, &ward->outcome);
	free(ward);
}

const char *sl_ward_state_name(const struct sl_ward *ward)
{
	static const char *const names[] = {
		[SL_WARD_WAITING] = "waiting", [SL_WARD_STARTING] = "starting",
		[SL_WARD_KEPT] = "kept",       [SL_WARD_RETRYING] = "retrying",
		[SL_WARD_ENDING] = "ending",   [SL_WARD_OFF] = "off",
		[SL_WARD_GONE] = "ending",
	};

	return names[ward->state];
}

static void say(const struct sl_ward *ward, const char *what)
{
	fprintf(stderr, "sluiced: %s: %s\n", ward->device, what);
}

/* Says it once, however often it is tried. */
static void complain(struct sl_ward *ward, const char *why)
{
	if (strcmp(ward->why, why) != 0)
		say(ward, why);
	snprintf(ward->why, sizeof ward->why, "%s", why);
}

static void set_off(struct sl_ward *ward)
{
	ward->state = SL_WARD_OFF;
	ward->due_ns = 0;
}

/* Begins anew, a little later each time. */
static void retry(struct sl_ward *ward)
{
	u64 wait_ms = ward->failures ? (u64)FIRST_WAIT_MS << (ward->failures - 1) : 0;

	if (wait_ms > LAST_WAIT_MS)
		wait_ms = LAST_WAIT_MS;
	else
		ward->failures++;
	ward->state = SL_WARD_RETRYING;
	ward->due_ns = sl_monotonic_ns() + wait_ms * MS;
}

static void note_attached(struct sl_ward *ward, const struct sl_child_outcome *outcome)
{
	char text[64];

	ward->took_ns = sl_monotonic_ns() - ward->started_ns;
	ward->mode = outcome->mode;
	memcpy(ward->ladder, outcome->ladder, sizeof ward->ladder);
	if (ward->state != SL_WARD_STARTING) /* it is being ended */
		return;
	ward->state = SL_WARD_KEPT;
	ward->why[0] = '\0';
	ward->due_ns = 0;
	snprintf(text, sizeof text, "attached, mode %s", sl_mode_name(ward->mode));
	say(ward, text);
	sl_ward_look(ward);
}

static void take_outcome(void *context)
{
	struct sl_ward *ward = context;
	struct sl_child_outcome outcome;

	sl_child_read(ward->outcome.fd, ward->device, &outcome);
	sl_waiter_close(ward->epoll_fd, &ward->outcome);
	if (!outcome.error) {
		note_attached(ward, &outcome);
		return;
	}
	/* Its end follows. One that was refused leaves nothing behind, one that was killed may. */
	if (ward->state != SL_WARD_ENDING)
		complain(ward, outcome.diag.text);
	ward->was_attached &= outcome.error == -ECHILD;
}

static void begin(struct sl_ward *ward)
{
	const struct sl_child_wish wish = {.device = ward->config.device,
					   .mode = ward->config.mode,
					   .memory_limit = ward->config.memory_limit,
					   .replaces = ward->config.replaces,
					   .is_supervised = true};
	struct sl_diag diag;

	memcpy(ward->device, ward->config.device, sizeof ward->device);
	ward->ifindex = if_nametoindex(ward->device);
	ward->due_ns = 0;
	if (!ward->ifindex) {
		ward->state = SL_WARD_WAITING;
		ward->why[0] = '\0';
		return;
	}
	ward->outcome = (struct sl_waiter){.fd = -1, .ready = take_outcome, .context = ward};
	ward->started_ns = sl_monotonic_ns();
	if (sl_child_start(&wish, &ward->keeper, &ward->outcome.fd, &diag)) {
		complain(ward, diag.text);
		retry(ward);
		return;
	}
	ward->state = SL_WARD_STARTING;
	ward->was_attached = true;
	sl_waiter_add(ward->epoll_fd, &ward->outcome, EPOLLIN);
}

void sl_ward_attach(struct sl_ward *ward)
{
	if (ward->state != SL_WARD_WAITING && ward->state != SL_WARD_RETRYING &&
	    ward->state != SL_WARD_OFF)
		return;
	ward->failures = 0;
	begin(ward);
}

/* The end of letting go. */
static void be_next(struct sl_ward *ward)
{
	struct sl_diag diag = {0};

	if (ward->detaches && ward->was_attached) {
		if (!sl_keeper_detach(ward->net_cookie, ward->device, &diag))
			say(ward, "detached");
		ward->was_attached = false;
	}
	ward->state = ward->next;
	ward->due_ns = 0;
	if (ward->next == SL_WARD_WAITING)
		begin(ward);
}

void sl_ward_let_go(struct sl_ward *ward, enum sl_ward_state next, bool detaches)
{
	ward->next = next;
	ward->detaches = detaches;
	if (!ward->keeper) {
		be_next(ward);
	} else if (ward->state != SL_WARD_ENDING) {
		ward->state = SL_WARD_ENDING;
		ward->due_ns = sl_monotonic_ns() + END_MS * MS;
		kill(ward->keeper, SIGTERM);
	}
}

static void note_end(struct sl_ward *ward, int status)
{
	char why[96];

	if (ward->state == SL_WARD_STARTING) { /* refused; what there is to say has been said */
		if (!ward->failures)
			ward->failures = 1;
		retry(ward);
		return;
	}
	if (sl_monotonic_ns() - ward->started_ns > STEADY_MS * MS)
		ward->failures = 0;
	if (WIFSIGNALED(status))
		snprintf(why, sizeof why, "its keeper was ended by signal %d", WTERMSIG(status));
	else
		snprintf(why, sizeof why, "its keeper ended with status %d", WEXITSTATUS(status));
	complain(ward, why);
	retry(ward);
}

void sl_ward_lost_keeper(struct sl_ward *ward, int status)
{
	ward->keeper = 0;
	if (ward->outcome.fd >= 0)
		take_outcome(ward);
	if (ward->state == SL_WARD_ENDING) {
		be_next(ward);
	} else if (WIFEXITED(status) && WEXITSTATUS(status) == SL_CHILD_REMOVED) {
		complain(ward, "somebody took the attachment away");
		set_off(ward);
	} else {
		note_end(ward, status);
	}
}

/* Whether the keeper has come to where the device is by now. */
static bool is_in_step(const struct sl_ward *ward)
{
	struct sl_hold hold = sl_hold_find(ward->net_cookie, ward->device);
	bool is_held = sl_hold_exists(&hold) && sl_hold_ifindex(&hold) == ward->ifindex;

	sl_hold_close(&hold);
	return is_held && sl_keeper_pid(ward->net_cookie, ward->device) == ward->keeper;
}

static void expect_step(struct sl_ward *ward)
{
	ward->due_ns = sl_monotonic_ns() + FOLLOW_MS * MS + 3 * ward->took_ns;
}

/* A keeper that waits for a device of the wrong name, or another has the right one. */
static void begin_again(struct sl_ward *ward)
{
	sl_ward_let_go(ward, SL_WARD_WAITING, true);
}

/* Where the device of a keeper has gone. */
static void follow(struct sl_ward *ward)
{
	u32 named = if_nametoindex(ward->config.device);
	bool is_renamed = strcmp(ward->device, ward->config.device) != 0;
	char name[IF_NAMESIZE];

	if (!if_indextoname(ward->ifindex, name)) {
		if (is_renamed) {
			begin_again(ward);
		} else if (named) { /* another by the same name, which the keeper waits for */
			ward->ifindex = named;
			expect_step(ward);
		}
		return;
	}
	if (strcmp(name, ward->device) != 0) {
		fprintf(stderr, "sluiced: %s: is called %s now\n", ward->device, name);
		memcpy(ward->device, name, sizeof ward->device);
		expect_step(ward);
	}
	if (named && named != ward->ifindex)
		begin_again(ward);
}

void sl_ward_look(struct sl_ward *ward)
{
	switch (ward->state) {
	case SL_WARD_WAITING:
		if (if_nametoindex(ward->config.device))
			begin(ward);
		return;
	case SL_WARD_RETRYING: /* it went, or another came */
		if (if_nametoindex(ward->config.device) != ward->ifindex)
			sl_ward_attach(ward);
		return;
	case SL_WARD_KEPT:
		follow(ward);
		return;
	case SL_WARD_STARTING: /* looks once it is attached */
	case SL_WARD_ENDING:
	case SL_WARD_OFF:
	case SL_WARD_GONE:
		return;
	}
}

static void check_step(struct sl_ward *ward)
{
	char name[IF_NAMESIZE];

	ward->due_ns = 0;
	if (!if_indextoname(ward->ifindex, name) || is_in_step(ward))
		return;
	say(ward, "its keeper does not follow the device: another is started");
	sl_ward_let_go(ward, SL_WARD_WAITING, false);
}

void sl_ward_tick(struct sl_ward *ward, u64 now_ns)
{
	if (!ward->due_ns || now_ns < ward->due_ns)
		return;
	switch (ward->state) {
	case SL_WARD_RETRYING:
		begin(ward);
		return;
	case SL_WARD_KEPT:
		check_step(ward);
		return;
	case SL_WARD_ENDING: /* it keeps nothing that is not pinned */
		ward->due_ns = now_ns + END_MS * MS;
		kill(ward->keeper, SIGKILL);
		return;
	case SL_WARD_WAITING:
	case SL_WARD_STARTING:
	case SL_WARD_OFF:
	case SL_WARD_GONE:
		return;
	}
}
