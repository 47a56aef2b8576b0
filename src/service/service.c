/* SPDX-License-Identifier: GPL-2.0-only */
#include "service/service.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/lock.h"
#include "load/pins.h"
#include "service/control.h"
#include "service/notify.h"

/* Devices */

/* A renamed device that another section names by now is that one's. */
static bool is_claimed(const struct sl_service *service, const struct sl_ward *ward)
{
	return ward->state == SL_WARD_KEPT && strcmp(ward->device, ward->config.device) != 0 &&
	       sl_config_find(&service->config, ward->device);
}

static void look(struct sl_service *service)
{
	for (u32 i = 0; i < service->count && !service->is_ending; i++) {
		struct sl_ward *ward = service->wards[i];

		sl_ward_look(ward);
		if (is_claimed(service, ward))
			sl_ward_let_go(ward, SL_WARD_WAITING, true);
	}
}

/*
 * What notices say is not read: each, and each that was lost (ENOBUFS), is a reason to look at all
 * configured devices, which are few.
 */
static void links_ready(void *context)
{
	struct sl_service *service = context;
	char notice[8192];

	while (recv(service->links.fd, notice, sizeof notice, MSG_DONTWAIT) >= 0 ||
	       errno == ENOBUFS || errno == EINTR)
		;
	look(service);
}

static int open_links(struct sl_service *service, struct sl_diag *diag)
{
	struct sockaddr_nl self = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	SL_CLEANUP(sl_close)
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&self, sizeof self))
		return sl_fail(diag, errno, "cannot hear of devices: %s", strerror(errno));
	service->links =
		(struct sl_waiter){.fd = sl_take_fd(&fd), .ready = links_ready, .context = service};
	return sl_waiter_add(service->epoll_fd, &service->links, EPOLLIN);
}

/* Wards */

struct sl_ward *sl_service_find(const struct sl_service *service, const char *device)
{
	for (u32 i = 0; i < service->count; i++)
		if (!strcmp(service->wards[i]->config.device, device))
			return service->wards[i];
	for (u32 i = 0; i < service->count; i++)
		if (!strcmp(service->wards[i]->device, device))
			return service->wards[i];
	return NULL;
}

static int add_ward(struct sl_service *service, const struct sl_device_config *config)
{
	struct sl_ward **wards =
		realloc(service->wards, (service->count + 1) * sizeof(struct sl_ward *));

	if (!wards)
		return -ENOMEM;
	service->wards = wards;
	wards[service->count] =
		sl_ward_new(service->epoll_fd, service->endpoint.net_cookie, config);
	if (!wards[service->count])
		return -ENOMEM;
	service->count++;
	return 0;
}

static struct sl_ward *find_configured(const struct sl_service *service, const char *device)
{
	struct sl_ward *ward = sl_service_find(service, device);

	return ward && !strcmp(ward->config.device, device) ? ward : NULL;
}

static int add_wards(struct sl_service *service, const struct sl_config *config)
{
	for (u32 i = 0; i < config->count; i++) {
		const struct sl_device_config *device = &config->devices[i];

		if (!find_configured(service, device->device) && add_ward(service, device))
			return -ENOMEM;
	}
	return 0;
}

static void remove_gone(struct sl_service *service)
{
	u32 kept = 0;

	for (u32 i = 0; i < service->count; i++) {
		struct sl_ward *ward = service->wards[i];

		if (ward->state == SL_WARD_GONE)
			sl_ward_free(ward);
		else
			service->wards[kept++] = ward;
	}
	service->count = kept;
}

/* Configuration */

static bool is_same(const struct sl_device_config *a, const struct sl_device_config *b)
{
	return a->mode == b->mode && a->memory_limit == b->memory_limit &&
	       a->replaces == b->replaces;
}

/* What is configured as before goes on untouched, or tries again. */
static void renew(struct sl_ward *ward, const struct sl_device_config *config)
{
	bool same = is_same(&ward->config, config);

	ward->config = *config;
	if (same && ward->state != SL_WARD_ENDING)
		sl_ward_attach(ward);
	else
		sl_ward_let_go(ward, SL_WARD_WAITING, false);
}

/* Those that no section names (any more). */
static void forget(struct sl_service *service)
{
	for (u32 i = 0; i < service->count; i++)
		if (!sl_config_find(&service->config, service->wards[i]->config.device))
			sl_ward_let_go(service->wards[i], SL_WARD_GONE, true);
}

static void apply(struct sl_service *service)
{
	forget(service);
	for (u32 i = 0; i < service->count; i++) {
		struct sl_ward *ward = service->wards[i];
		const struct sl_device_config *config =
			sl_config_find(&service->config, ward->config.device);

		if (config)
			renew(ward, config);
	}
}

int sl_service_reload(struct sl_service *service, struct sl_diag *diag)
{
	struct sl_config config = {0};
	int error;

	sl_notify_reloading();
	error = sl_config_read(service->config_path, &config, diag);
	if (!error && add_wards(service, &config))
		error = sl_fail_memory(diag);
	if (error) {
		sl_config_free(&config);
		forget(service); /* what was added in vain */
		fprintf(stderr, "sluiced: %s; the configuration stays as it was\n", diag->text);
	} else {
		sl_config_free(&service->config);
		service->config = config;
		apply(service);
		fprintf(stderr, "sluiced: %s was read again\n", service->config_path);
	}
	sl_notify("READY=1");
	return error;
}

/* Signals */

static void reap(struct sl_service *service)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (u32 i = 0; i < service->count; i++)
			if (service->wards[i]->keeper == pid)
				sl_ward_lost_keeper(service->wards[i], status);
}

static void stop(struct sl_service *service)
{
	service->is_ending = true;
	sl_notify("STOPPING=1");
	for (u32 i = 0; i < service->count; i++)
		sl_ward_let_go(service->wards[i], SL_WARD_GONE, service->config.detaches_on_stop);
}

static void signals_ready(void *context)
{
	struct sl_service *service = context;
	struct signalfd_siginfo signal;
	struct sl_diag diag;

	if (read(service->signals.fd, &signal, sizeof signal) != sizeof signal)
		return;
	switch (signal.ssi_signo) {
	case SIGCHLD:
		reap(service);
		return;
	case SIGHUP:
		if (!service->is_ending)
			sl_service_reload(service, &diag);
		return;
	default:
		stop(service);
	}
}

static int open_signals(struct sl_service *service, struct sl_diag *diag)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
	sigset_t signals;

	sigemptyset(&signals);
	for (size_t i = 0; i < SL_ARRAY_SIZE(numbers); i++)
		sigaddset(&signals, numbers[i]);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	service->signals =
		(struct sl_waiter){.fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK),
				   .ready = signals_ready,
				   .context = service};
	if (service->signals.fd < 0)
		return sl_fail(diag, errno, "cannot wait for signals: %s", strerror(errno));
	return sl_waiter_add(service->epoll_fd, &service->signals, EPOLLIN);
}

/* The loop */

/* "2 of 3 devices attached" */
static void tell_status(struct sl_service *service)
{
	char status[sizeof service->status];
	u32 kept = 0;

	for (u32 i = 0; i < service->count; i++)
		kept += service->wards[i]->state == SL_WARD_KEPT;
	snprintf(status, sizeof status, "%u of %u devices attached", kept, service->count);
	if (!strcmp(status, service->status))
		return;
	memcpy(service->status, status, sizeof status);
	sl_notify("STATUS=%s", status);
}

static u64 earlier(u64 a, u64 b)
{
	return !a || (b && b < a) ? b : a;
}

static int next_timeout_ms(const struct sl_service *service)
{
	u64 due_ns = sl_control_due_ns(service->control), now_ns = sl_monotonic_ns();

	for (u32 i = 0; i < service->count; i++)
		due_ns = earlier(due_ns, service->wards[i]->due_ns);
	if (service->watchdog_ns)
		due_ns = earlier(due_ns, service->alive_ns + service->watchdog_ns / 2);
	if (!due_ns)
		return -1;
	return due_ns <= now_ns ? 0 : (int)((due_ns - now_ns) / SL_NS_PER_MS) + 1;
}

static void do_what_is_due(struct sl_service *service)
{
	u64 now_ns = sl_monotonic_ns();

	for (u32 i = 0; i < service->count; i++)
		sl_ward_tick(service->wards[i], now_ns);
	sl_control_settle(service->control, now_ns);
	remove_gone(service);
	tell_status(service);
	if (service->watchdog_ns && now_ns - service->alive_ns >= service->watchdog_ns / 2) {
		service->alive_ns = now_ns;
		sl_notify("WATCHDOG=1");
	}
}

int sl_service_run(struct sl_service *service, struct sl_diag *diag)
{
	look(service);
	sl_notify("READY=1");
	while (!service->is_ending || service->count) {
		struct epoll_event event; /* one: what it does may close others */
		int ready = epoll_wait(service->epoll_fd, &event, 1, next_timeout_ms(service));

		if (ready < 0 && errno != EINTR)
			return sl_fail(diag, errno, "cannot wait for events: %s", strerror(errno));
		if (ready > 0) {
			const struct sl_waiter *waiter = event.data.ptr;

			waiter->ready(waiter->context);
		}
		do_what_is_due(service);
	}
	return 0;
}

/* Opening and closing */

static int take_lock(struct sl_service *service, struct sl_diag *diag)
{
	u64 net_cookie = service->endpoint.net_cookie;
	int error = sl_lock_take(net_cookie, SL_LOCK_SERVICE, &service->lock_fd, diag);

	if (error == -EALREADY)
		return sl_fail(diag, EALREADY,
			       "sluiced runs in this network namespace already, as process %d",
			       (int)sl_lock_holder(net_cookie, SL_LOCK_SERVICE));
	return error ? error : sl_lock_sign(service->lock_fd);
}

static int open_control(struct sl_service *service, struct sl_diag *diag)
{
	int fd = sl_endpoint_listen(&service->endpoint, diag);

	if (fd < 0)
		return fd;
	service->control = sl_control_new(service->epoll_fd, fd, sl_service_answer, service);
	return service->control ? 0 : sl_fail_memory(diag);
}

static int open_parts(struct sl_service *service, struct sl_diag *diag)
{
	int error = sl_config_read(service->config_path, &service->config, diag);

	if (!error)
		error = sl_pins_init(diag);
	if (!error)
		error = sl_endpoint_find(&service->endpoint, diag);
	if (!error)
		error = take_lock(service, diag);
	service->epoll_fd = error ? -1 : epoll_create1(EPOLL_CLOEXEC);
	if (!error && service->epoll_fd < 0)
		error = sl_fail(diag, errno, "epoll: %s", strerror(errno));
	if (!error)
		error = open_signals(service, diag);
	if (!error)
		error = open_links(service, diag);
	if (!error)
		error = open_control(service, diag);
	if (!error && add_wards(service, &service->config))
		error = sl_fail_memory(diag);
	return error;
}

int sl_service_open(const char *config_path, struct sl_service *ret_service, struct sl_diag *diag)
{
	struct sl_service *service = ret_service;
	int error;

	*service = (struct sl_service){.config_path = config_path,
				       .epoll_fd = -1,
				       .lock_fd = -1,
				       .signals = SL_NO_WAITER,
				       .links = SL_NO_WAITER,
				       .watchdog_ns = sl_notify_watchdog_ns()};
	error = open_parts(service, diag);
	if (error)
		sl_service_close(service);
	return error;
}

void sl_service_close(struct sl_service *service)
{
	if (service->control) {
		unlink(service->endpoint.path);
		sl_control_free(service->control);
	}
	for (u32 i = 0; i < service->count; i++)
		sl_ward_free(service->wards[i]);
	free(service->wards);
	sl_config_free(&service->config);
	sl_waiter_close(service->epoll_fd, &service->links);
	sl_waiter_close(service->epoll_fd, &service->signals);
	sl_close(&service->epoll_fd);
	if (service->lock_fd >= 0)
		sl_lock_remove(service->endpoint.net_cookie, SL_LOCK_SERVICE);
	sl_close(&service->lock_fd);
}
