// SPDX-License-Identifier: GPL-2.0-only
#include "service/waiter.h"

#include <errno.h>
#include <sys/epoll.h>

#include "base/cleanup.h"

static int control(int epoll_fd, int operation, struct sl_waiter *waiter, u32 events)
{
	struct epoll_event event = {.events = events, .data.ptr = waiter};

	return epoll_ctl(epoll_fd, operation, waiter->fd, &event) ? -errno : 0;
}

int sl_waiter_add(int epoll_fd, struct sl_waiter *waiter, u32 events)
{
	return control(epoll_fd, EPOLL_CTL_ADD, waiter, events);
}

void sl_waiter_change(int epoll_fd, struct sl_waiter *waiter, u32 events)
{
	control(epoll_fd, EPOLL_CTL_MOD, waiter, events);
}

void sl_waiter_close(int epoll_fd, struct sl_waiter *waiter)
{
	if (waiter->fd >= 0)
		control(epoll_fd, EPOLL_CTL_DEL, waiter, 0);
	sl_close(&waiter->fd);
}
