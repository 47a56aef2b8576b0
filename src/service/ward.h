/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ward: one configured device, and the keeper that sluiced starts for it.
 *
 *	            it appears            it is attached
 *	WAITING ───────────────▶ STARTING ───────────────▶ KEPT
 *	   ▲                      │    ▲                    │
 *	   │ it goes      refused ▼    │ in a while         │ the keeper died
 *	   └───────────────── RETRYING ◀────────────────────┘
 *
 *	ENDING  its keeper was asked to end; then it is what `next` says
 *	OFF     let go on request, or taken away by hand: until somebody asks for it again
 *	GONE    to be freed
 *
 * Enters: looks at the namespace's devices, the end of the keeper, time. Leaves: a device that is
 * attached whenever that is possible. Promised: nothing here waits; a keeper that dies again and
 * again is started again ever more slowly, a device without one passes what it cannot vouch for.
 *
 * A device that goes and comes back under its name is the keeper's business, which waits for it. A
 * device that is renamed stays its ward until another has the configured name.
 */
#ifndef SLUICE_SERVICE_WARD_H
#define SLUICE_SERVICE_WARD_H

#include <sys/types.h>

#include "info.h"
#include "service/config.h"
#include "service/waiter.h"

enum sl_ward_state {
	SL_WARD_WAITING,
	SL_WARD_STARTING,
	SL_WARD_KEPT,
	SL_WARD_RETRYING,
	SL_WARD_ENDING,
	SL_WARD_OFF,
	SL_WARD_GONE,
};

struct sl_ward {
	struct sl_device_config config;
	int epoll_fd;
	u64 net_cookie;

	enum sl_ward_state state, next;
	char device[IF_NAMESIZE]; /* its name now */
	u32 ifindex;              /* of the device that it has or had last; 0: none yet */
	pid_t keeper;             /* 0: none */
	struct sl_waiter outcome; /* while STARTING */
	enum sl_attach_mode mode; /* while KEPT */
	char ladder[SL_LADDER_TEXT];
	char why[2048];    /* what was wrong last; "" while nothing is */
	bool was_attached; /* something of ours may be on the device */
	bool detaches;     /* once its keeper has ended */
	u32 failures;      /* in a row */
	u64 started_ns, took_ns;
	u64 due_ns; /* when there is something to do next; 0: not by time */
};

struct sl_ward *sl_ward_new(int epoll_fd, u64 net_cookie, const struct sl_device_config *config);
void sl_ward_free(struct sl_ward *ward); /* NULL is fine */

/* Devices came, went or were renamed. */
void sl_ward_look(struct sl_ward *ward);
/* Time has passed. */
void sl_ward_tick(struct sl_ward *ward, u64 now_ns);
/* Its keeper was reaped with this status, waitpid(2)'s. */
void sl_ward_lost_keeper(struct sl_ward *ward, int status);

/* Attaches now, whatever it was waiting for. */
void sl_ward_attach(struct sl_ward *ward);
/* Ends the keeper, then is `next`: WAITING begins again, OFF, or GONE. */
void sl_ward_let_go(struct sl_ward *ward, enum sl_ward_state next, bool detaches);

const char *sl_ward_state_name(const struct sl_ward *ward);

#endif
