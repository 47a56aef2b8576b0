/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A loaded data plane: one generation of one device's rules in the kernel, not yet attached.
 *
 * Enters: an optimised program and its code. Leaves: a verified BPF program with its maps. It
 * drops nothing until sl_dataplane_publish() vouches for the state that it was compiled from.
 */
#ifndef SLUICE_LOAD_DATAPLANE_H
#define SLUICE_LOAD_DATAPLANE_H

#include "base/diag.h"
#include "codegen/codegen.h"
#include "filled.h"
#include "ir/ir.h"
#include "limit.h"
#include "load/known_filter.h"
#include "load/legacy_tables.h"
#include "load/maps.h"
#include "load/samples.h"
#include "load/template.h"
#include "load/witness.h"
#include "recent.h"
#include "state.h"

struct sl_dataplane;

/* What a data plane has from others; NULL in a call: nothing. */
struct sl_handover {
	/* Whose place it will take, at once and on the same device; NULL where that is somebody
	 * else's, or nobody's. */
	const struct sl_dataplane *last;
	/* It is audited: drops nothing, and lets this one know what it would have; or NULL. */
	const struct sl_witness *witness;
	/*
	 * At netfilter's hooks: the one ahead of them, from the same rules. Both count in the same
	 * maps, and what vouches for one vouches for both.
	 */
	const struct sl_dataplane *front;
	/* It goes by this filter where it tracks connections; or NULL. */
	const struct sl_known *known;
	/* Where its samples go; NULL: nobody can watch. */
	const struct sl_sampling *sampling;
	/* What it compares before a drop besides what a snapshot has; NULL: nothing. */
	const struct sl_legacy_tables *legacy;
};

/*
 * Loads. -E2BIG: the code is too long for one program, or too
 * complex for the verifier; compile with a lower limit. Other errors carry what the verifier said,
 * cut to what a person can use.
 */
int sl_dataplane_load(const struct sl_program *program, const struct sl_code *code,
		      enum sl_hook_point point, const struct sl_handover *handover,
		      struct sl_dataplane **ret_dataplane, struct sl_diag *diag);
/* Where the kernel keeps the program's rates; before the first publication. 0 or -errno. */
int sl_dataplane_place_limits(struct sl_dataplane *dataplane,
			      const struct sl_limit_place places[SL_LIMITS_MAX]);
/* The same of its sets that packets fill. */
int sl_dataplane_place_filled(struct sl_dataplane *dataplane,
			      const struct sl_filled_place places[SL_FILLED_MAX],
			      const struct sl_recent_place recents[SL_FILLED_MAX]);
void sl_dataplane_free(struct sl_dataplane *dataplane); /* NULL is fine */

int sl_dataplane_program_fd(const struct sl_dataplane *dataplane);
u32 sl_dataplane_program_id(const struct sl_dataplane *dataplane); /* 0: not to be known */

/* Maps that outlive the process once pinned; borrowed. */
struct sl_dataplane_maps {
	int live, fates, rule_counters, local, batch_notes;
};

struct sl_dataplane_maps sl_dataplane_maps(const struct sl_dataplane *dataplane);
struct sl_set_maps *sl_dataplane_sets(struct sl_dataplane *dataplane); /* to change them */

/*
 * It has the device's packets from now on. For a moment others may be under way of which it knows
 * nothing, unless `last` noted them (bpf/batch.h). Before the first publication.
 */
void sl_dataplane_begin(struct sl_dataplane *dataplane);

/*
 * Withdraw before anything that the data plane looks at is changed; publish after, with the
 * snapshot that was the same before and after the rules were read.
 */
void sl_dataplane_withdraw(struct sl_dataplane *dataplane);
void sl_dataplane_publish(struct sl_dataplane *dataplane, const struct sl_snapshot *snapshot,
			  bool related_possible);

/* Conntrack expects connections, or no longer does; takes effect without a new publication. */
void sl_dataplane_set_related(struct sl_dataplane *dataplane, bool related_possible);

#endif
