/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sluiced, asked from outside (endpoint.h). It has a say in the devices that its configuration
 * names, in its network namespace; where it does not run, or has no say, others do what they do by
 * themselves.
 */
#ifndef SLUICE_SERVICE_CLIENT_H
#define SLUICE_SERVICE_CLIENT_H

#include <jansson.h>

#include "base/diag.h"
#include "daemon/child.h"

/*
 * 1 with the answer (docs/json.md, "sluiced"); 0 where no sluiced runs; else -errno, when it runs
 * and does not answer in time, or answers with an error of its own: -EPROTO.
 */
int sl_service_ask(const char *verb, const char *device, json_t **ret_answer, struct sl_diag *diag);

/* What it says of all its devices; NULL where none runs, or why not is in `diag`. */
json_t *sl_service_status(struct sl_diag *diag);
/* One of them, borrowed; NULL: not configured. */
const json_t *sl_service_find(const json_t *status, const char *device);

/* True where it was sluiced's to attach; what became of that is in the outcome. */
bool sl_service_attach(const struct sl_child_wish *wish, struct sl_child_outcome *ret_outcome);
/* Lets it let go of a device (NULL: of all). The devices; NULL where none was sluiced's. */
json_t *sl_service_release(const char *device, struct sl_diag *diag);

#endif
