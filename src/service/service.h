/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The service: one loop, that waits for signals, for notices of devices, for what becomes of
 * keepers, and for the control socket.
 *
 * Enters: a configuration, and the network namespace that it is started in. Leaves: each configured
 * device with a keeper of its own (ward.h), whatever happens to devices, keepers, or the loop.
 * Promised: there is one in a network namespace; a configuration is taken whole or not at all; what
 * is attached stays so when it ends, unless the configuration says otherwise.
 */
#ifndef SLUICE_SERVICE_SERVICE_H
#define SLUICE_SERVICE_SERVICE_H

#include "base/diag.h"
#include "base/types.h"
#include "service/config.h"
#include "service/endpoint.h"
#include "service/ward.h"

struct sl_service {
	const char *config_path;
	struct sl_config config;
	struct sl_endpoint endpoint;
	int epoll_fd, lock_fd;
	struct sl_waiter signals, links;
	struct sl_control *control;
	struct sl_ward **wards; /* malloc'd, each of them, too */
	u32 count;
	bool is_ending;
	u64 watchdog_ns, alive_ns; /* how often to tell that it lives; when it has last */
	char status[256];          /* what the service manager was told last */
};

/* Reads the configuration; opens everything. -EALREADY: another one runs here. */
int sl_service_open(const char *config_path, struct sl_service *ret_service, struct sl_diag *diag);
/* Until SIGTERM or SIGINT. */
int sl_service_run(struct sl_service *service, struct sl_diag *diag);
void sl_service_close(struct sl_service *service);

/* The old configuration stands until the new one is known to be good. */
int sl_service_reload(struct sl_service *service, struct sl_diag *diag);
/* By its configured name, else by the one that the device has now; NULL: not configured. */
struct sl_ward *sl_service_find(const struct sl_service *service, const char *device);

/* Answers a line of the control socket (control.h). `context` is the service. */
char *sl_service_answer(void *context, const char *line, bool is_new);

#endif
