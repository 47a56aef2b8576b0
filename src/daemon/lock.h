/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One keeper a device: a lock file below /run/sluice, held as long as the keeper lives, whatever
 * ends it. It holds the keeper's process id for others to read.
 */
#ifndef SLUICE_DAEMON_LOCK_H
#define SLUICE_DAEMON_LOCK_H

#include <sys/types.h>

#include "base/diag.h"
#include "base/types.h"

/* In place of a device's name, which it is not: there is one sluiced in a network namespace. */
#define SL_LOCK_SERVICE ""

/* 0 and a file descriptor that holds the lock (over fork, too), or -EALREADY when it is taken. */
int sl_lock_take(u64 net_cookie, const char *device, int *ret_fd, struct sl_diag *diag);

/* Writes the calling process's id into the lock. */
int sl_lock_sign(int fd);

#define SL_LOCK_PATH_MAX 96

/* A file of the device beside its lock, by what it is: "lock", "confirm" (confirm.h). */
void sl_lock_path(char ret_path[SL_LOCK_PATH_MAX], u64 net_cookie, const char *device,
		  const char *what);

/* Who holds it; 0: nobody. */
pid_t sl_lock_holder(u64 net_cookie, const char *device);

/* The device has another name now, and all its files; a lock that is held stays held. */
void sl_lock_rename(u64 net_cookie, const char *device, const char *new_name);
void sl_lock_remove(u64 net_cookie, const char *device);

#endif
