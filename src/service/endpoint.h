/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where sluiced listens: one control socket a network namespace, beside the locks of keepers.
 *
 * A request is a line of words, an answer a line of JSON; then the connection is closed.
 *
 *	status              how all wards are
 *	reload              read the configuration again
 *	attach DEVICE       now, whatever it was waiting for; answered when that has worked or not
 *	release DEVICE      end its keeper, and leave the device alone until it is asked for again;
 *	release             all of them
 */
#ifndef SLUICE_SERVICE_ENDPOINT_H
#define SLUICE_SERVICE_ENDPOINT_H

#include "base/diag.h"
#include "base/types.h"

#define SL_ENDPOINT_DIRECTORY "/run/sluice"

struct sl_endpoint {
	u64 net_cookie; /* of the calling thread's network namespace */
	char path[64];
};

int sl_endpoint_find(struct sl_endpoint *ret_endpoint, struct sl_diag *diag);

/* A socket, connected, within seconds; -ENOENT or -ECONNREFUSED where nobody listens. */
int sl_endpoint_connect(const struct sl_endpoint *endpoint);
/* A socket that only root may connect to; in place of one that was left behind. */
int sl_endpoint_listen(const struct sl_endpoint *endpoint, struct sl_diag *diag);

#endif
