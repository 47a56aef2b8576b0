/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What connections there are, and what they can still bring, besides what the rules say: RELATED
 * packets come of expectations, and those come of connections that were given a helper, perhaps by
 * rules that are long gone.
 */
#ifndef SLUICE_SOURCE_CONNTRACK_H
#define SLUICE_SOURCE_CONNTRACK_H

#include "base/types.h"
#include "known.h"
#include "source/netlink.h"

/*
 * Who asks again and again brings a socket, of NETLINK_NETFILTER: with NULL, one is opened and
 * closed for the question, and nf_tables makes whoever closes such a socket wait until what the
 * last transactions deleted is freed, 10 ms or so.
 */

/* An expectation waits in the socket's network namespace; true when in doubt. */
bool sl_conntrack_expects(struct sl_netlink *netlink);

/* Some connection has a helper; walks the whole table. True when in doubt. */
bool sl_conntrack_has_helpers(struct sl_netlink *netlink);

typedef void sl_conntrack_tuple_fn(void *context, const struct sl_known_tuple *tuple);

/*
 * Every TCP or UDP connection's tuples, of both directions. 0; or -errno, also where one of them
 * cannot be understood. What comes or goes meanwhile may be left out.
 */
int sl_conntrack_each(struct sl_netlink *netlink, sl_conntrack_tuple_fn *each, void *context);

#endif
