/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A netlink socket and the one thing that is done with it: ask, and hear the answer to its end.
 *
 * Enters: a request built with libmnl. Leaves: the messages of the answer, one call each.
 * Promised: only whole messages of this very request are handed over; a truncated datagram, a
 * message that overruns it, an answer that was interrupted by a writer and a kernel that falls
 * silent are errors, never half an answer that looks whole.
 *
 * The socket stays bound to the network namespace that it was opened in, whoever uses it.
 */
#ifndef SLUICE_SOURCE_NETLINK_H
#define SLUICE_SOURCE_NETLINK_H

#include <linux/netlink.h>

#include "base/diag.h"
#include "base/types.h"

struct sl_netlink;

/* `bus` is NETLINK_NETFILTER, NETLINK_ROUTE … */
int sl_netlink_open(int bus, struct sl_netlink **ret_netlink, struct sl_diag *diag);
/* Takes over *fd, which becomes −1; such a socket comes from another namespace. */
int sl_netlink_adopt(int *fd, struct sl_netlink **ret_netlink, struct sl_diag *diag);
void sl_netlink_close(struct sl_netlink *netlink); /* NULL is fine */
void sl_netlink_cleanup(struct sl_netlink **netlink);

/* 0, or a negative errno that ends the request. */
typedef int sl_netlink_message_fn(void *context, const struct nlmsghdr *message);

/*
 * Sends `request` (NLM_F_REQUEST and a sequence number are filled in, and NLM_F_ACK where it is
 * not a dump) and hands every message of the answer to `take`, which may be NULL.
 * 0; -EINTR when a dump was inconsistent; the callback's or the kernel's own error otherwise.
 */
int sl_netlink_ask(struct sl_netlink *netlink, struct nlmsghdr *request,
		   sl_netlink_message_fn *take, void *context, struct sl_diag *diag);

/*
 * Whether a whole message lies in `left` bytes. libmnl's own test takes a length beyond INT_MAX for
 * a negative number, and so for good.
 */
bool sl_netlink_is_message(const struct nlmsghdr *message, int left);

/* One answer as it comes in; what sl_netlink_ask keeps, open to tests. */
struct sl_netlink_answer {
	u32 sequence;
	sl_netlink_message_fn *take;
	void *context;
	bool is_done, was_interrupted;
	int error; /* the kernel's where `is_refused`, else the callback's */
	bool is_refused;
};

/* Hands over the messages of one datagram. 0, or -EBADMSG where it is malformed. */
int sl_netlink_answer_read(struct sl_netlink_answer *answer, const void *datagram, size_t length);

#endif
