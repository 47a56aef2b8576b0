/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket's server (endpoint.h says what is spoken).
 *
 * Enters: connections of root's. Leaves: whole lines, for whoever answers them. Promised: no client
 * makes the service wait: they are few at a time, a request is short and comes within seconds, an
 * answer that is not taken within seconds is dropped. More clients wait in the socket's backlog.
 */
#ifndef SLUICE_SERVICE_CONTROL_H
#define SLUICE_SERVICE_CONTROL_H

#include "base/diag.h"
#include "base/types.h"

struct sl_control;

/*
 * The answer to a line, malloc'd; or NULL as long as there is none, then it is asked for again with
 * `is_new` false.
 */
typedef char *sl_control_answer_fn(void *context, const char *line, bool is_new);

/* Takes over `fd`, which listens. NULL when out of memory, and the file is closed then, too. */
struct sl_control *sl_control_new(int epoll_fd, int fd, sl_control_answer_fn *answer,
				  void *context);
void sl_control_free(struct sl_control *control); /* NULL is fine */

/* Asks again for the answers that are owed, ends who took too long. */
void sl_control_settle(struct sl_control *control, u64 now_ns);
/* When the next takes too long; 0: none will. */
u64 sl_control_due_ns(const struct sl_control *control);

#endif
