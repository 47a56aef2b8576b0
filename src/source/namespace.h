/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A private network namespace, in which the host's own tools may load rules that must not touch
 * anything. It exists as long as this structure and what is opened through it.
 *
 * Where the caller may not create a network namespace, a user namespace around it makes them root
 * in there, and only there: no privileges are needed.
 */
#ifndef SLUICE_SOURCE_NAMESPACE_H
#define SLUICE_SOURCE_NAMESPACE_H

#include "base/diag.h"
#include "base/types.h"
#include "source/netlink.h"

struct sl_namespace;

int sl_namespace_new(struct sl_namespace **ret_namespace, struct sl_diag *diag);
void sl_namespace_free(struct sl_namespace *namespace); /* NULL is fine */
void sl_namespace_cleanup(struct sl_namespace **namespace);

/* Moves the calling process there for good. Safe between fork and exec. 0 or −errno. */
int sl_namespace_enter(const struct sl_namespace *namespace);

/* A netlink socket that works there, for a caller that stays here. */
int sl_namespace_open_netlink(const struct sl_namespace *namespace, int bus,
			      struct sl_netlink **ret_netlink, struct sl_diag *diag);

/* Opens a file as it is seen from there, in /proc/self/net; `flags` are open()'s. 0 or −errno. */
int sl_namespace_open_file(const struct sl_namespace *namespace, const char *path, int flags,
			   int *ret_fd);

/*
 * Adds a device that only stands for its name and index. It is a dummy, or where the kernel has
 * none a bridge or veth.
 */
int sl_namespace_add_device(struct sl_namespace *namespace, const char *name, u32 ifindex,
			    struct sl_diag *diag);

#endif
