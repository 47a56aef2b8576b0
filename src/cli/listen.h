/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a server listens, as a person writes it. */
#ifndef SLUICE_CLI_LISTEN_H
#define SLUICE_CLI_LISTEN_H

#include "base/diag.h"

#define SL_LISTEN_TEXT 160

/*
 * "9469" (127.0.0.1 alone), "127.0.0.1:9469", "[::1]:9469", port 0 for any, or "unix:PATH": a
 * socket that only its owner and group can open, in place of one that nobody listens at any more.
 * `ret_text` is where it came to be. 0, or -errno: -EINVAL where it cannot be read.
 */
int sl_listen(const char *where, int *ret_fd, char ret_text[SL_LISTEN_TEXT], struct sl_diag *diag);

/* The path of "unix:PATH"; NULL for others. */
const char *sl_listen_path(const char *where);

#endif
