/* SPDX-License-Identifier: GPL-2.0-only */
/* Something that the service's one loop waits for: a file, and what to do when it is ready. */
#ifndef SLUICE_SERVICE_WAITER_H
#define SLUICE_SERVICE_WAITER_H

#include "base/types.h"

struct sl_waiter {
	int fd; /* −1: none */
	void (*ready)(void *context);
	void *context;
};

#define SL_NO_WAITER ((struct sl_waiter){.fd = -1})

/* `events` are epoll's. The waiter stays where it is until it is closed. 0 or -errno. */
int sl_waiter_add(int epoll_fd, struct sl_waiter *waiter, u32 events);
void sl_waiter_change(int epoll_fd, struct sl_waiter *waiter, u32 events);
/* Before its file is closed, which a child that has just been forked may hold as well. */
void sl_waiter_close(int epoll_fd, struct sl_waiter *waiter);

#endif
