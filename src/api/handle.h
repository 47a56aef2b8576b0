/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libsluice (include/sluice.h): thin functions over src/lib/, one file for each thing to do.
 *
 * Enters: a handle, and what of the caller's the header says. Leaves: copies or views, with an
 * owner each. Promised: what the header says of errors, threads and the process; only the symbols
 * of libsluice.map are seen from outside.
 */
#ifndef SLUICE_API_HANDLE_H
#define SLUICE_API_HANDLE_H

#include <sluice.h>

#include "base/arena.h"
#include "base/diag.h"
#include "daemon/ladder.h"
#include "info.h"
#include "lib/rollback.h"

struct sluice {
	int netns_fd;
	struct sl_diag diag;
	char now[SL_ROLLBACK_TEXT]; /* after a rollback */
};

/*
 * Has `work` done on a thread of its own, in the handle's network namespace; that thread may enter
 * what other namespaces it likes. 0 or -errno, with the handle's diag filled in.
 */
int sl_visit(struct sluice *sluice, int (*work)(struct sluice *sluice, void *context),
	     void *context);

/*
 * In a visit: has `work` done in a process between, and what it leaves in `result`, at most
 * PIPE_BUF bytes, brought back. 0, or -errno where there was no such process, or it died.
 */
int sl_depute(struct sluice *sluice, void (*work)(const void *context, void *result),
	      const void *context, void *result, size_t size);

/* What options mean here; NULL: nothing is asked for. */
struct sl_wishes {
	enum sl_wanted_mode mode;
	u64 memory_limit;
	u32 confirm_seconds;
	bool replaces;
};
int sl_wishes_read(struct sluice *sluice, const struct sluice_options *options,
		   struct sl_wishes *ret_wishes);

enum sluice_mode sl_mode_told(enum sl_attach_mode mode);

/* In the arena; NULL when out of memory. What it points to is not copied. */
const struct sluice_rule *sl_rule_told(struct sl_arena *arena, const struct sluice_rule *rule);

#endif
