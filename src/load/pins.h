/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pins: what keeps an attachment in the kernel while nobody runs. One directory per network
 * namespace and device below /sys/fs/bpf/sluice:
 *
 *	<net cookie>/<device>/link      the attachment; removing it detaches, whatever else fails;
 *	                                a dot in the device's name is written %2e
 *	                      program   instead of it where a TC filter holds the program (hold.h)
 *	                      info      struct sl_info
 *	                      rules     struct sl_rule_entry by counter
 *	                      live, fates, rule_counters, local    the data plane's maps
 *	                      sampling, samples   samples of drops, and who watches (samples.h)
 *	                      hook_ip_input, …    links at netfilter's hooks (hook_links.h)
 *	                      hook_generation     the map that they go on by
 *	                      known, known_words    the filter of known connections (bpf/known.h)
 *	                      known_in, known_out, known_in6, known_out6    links of its hooks
 */
#ifndef SLUICE_LOAD_PINS_H
#define SLUICE_LOAD_PINS_H

#include "base/diag.h"
#include "base/types.h"
#include "info.h"

#define SL_PINS_ROOT    "/sys/fs/bpf/sluice"
#define SL_PIN_PATH_MAX 128

/*
 * Enters the mount namespace of process 1 (`ip netns exec` hides bpffs in one that dies with the
 * command, and the pins with it) and mounts bpffs if nobody has. Once per process, before threads.
 */
int sl_pins_init(struct sl_diag *diag);

/* <root>/<cookie>/<device>/<name>; `name` may be NULL for the directory. */
void sl_pins_path(char ret_path[SL_PIN_PATH_MAX], u64 net_cookie, const char *device,
		  const char *name);
int sl_pins_make_directory(u64 net_cookie, const char *device, struct sl_diag *diag);

/* Pins under a temporary name and renames, so that a reader sees the old or the new. */
int sl_pins_put(u64 net_cookie, const char *device, const char *name, int fd, struct sl_diag *diag);
int sl_pins_get(u64 net_cookie, const char *device, const char *name); /* fd or -errno */

/* What `info` says; 0, -errno, or -EPROTO when another version of sluice wrote it. */
int sl_pins_read_info(u64 net_cookie, const char *device, struct sl_info *ret_info);

/* Removes one. */
void sl_pins_drop(u64 net_cookie, const char *device, const char *name);

/* The device has another name now. */
int sl_pins_rename(u64 net_cookie, const char *device, const char *new_name);

/* Removes the directory and all in it, the link first; -ENOENT when there is none. */
int sl_pins_remove(u64 net_cookie, const char *device);

/* Calls `each` for every attachment of the namespace; stops and returns what is not 0. */
int sl_pins_each(u64 net_cookie, int (*each)(void *context, const char *device), void *context);

#endif
