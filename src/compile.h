/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pipeline: rules → source → lift → ir → optimise → codegen → load. compile.c tells it in a
 * page; src/daemon/ takes over from here.
 */
#ifndef SLUICE_COMPILE_H
#define SLUICE_COMPILE_H

#include "base/diag.h"
#include "codegen/codegen.h"
#include "ir/ir.h"
#include "load/dataplane.h"
#include "load/legacy_tables.h"
#include "load/observe.h"
#include "source/source.h"

/* Everything that is known of one device and its rules at one moment. */
struct sl_compiled {
	struct sl_ruleset *rules;
	struct sl_host *host;
	struct sl_program *meaning;     /* as lifted: what `plan` and `trace` speak of */
	struct sl_program *program;     /* optimised: what runs */
	struct sl_code code;            /* of `program` */
	struct sl_snapshot snapshot;    /* the state of the kernel that all this holds for */
	struct sl_legacy_tables legacy; /* likewise; they are among `rules` */
	struct sl_limit_place limits[SL_LIMITS_MAX]; /* of `program` */
	struct sl_filled_place filled[SL_FILLED_MAX];
	struct sl_recent_place recents[SL_FILLED_MAX];
	u64 began_ns, read_ns; /* monotonic: of a live compile, and when all had been read */
	bool code_is_cut;      /* rules were left to the kernel because code ran long */
	/* Of what is left for netfilter's hooks; NULL: nothing, or not asked for. */
	struct sl_program *hook_program;
	struct sl_code hook_code;
};

/*
 * The live rules of the calling thread's network namespace, for one device. The snapshot was the
 * same before and after everything was read, but for the generation, which is that of the rules;
 * others may have come since. -EAGAIN when somebody kept changing the rules for
 * `patience_ms`.
 * `memory_limit`: bytes of the kernel's that the maps may take (load/memory.h); -ENOSPC.
 * `own_program` is the id of our program that is attached, which is no stranger; or 0. `is_below`:
 * if it is a VLAN device, for XDP on the device below it; else for the device itself.
 */
int sl_compile_live(struct sl_observer *observer, const char *device, u32 own_program,
		    bool is_below, u32 patience_ms, u64 memory_limit,
		    struct sl_compiled **ret_compiled, struct sl_diag *diag);

/*
 * Takes the state of the kernel as it is now for what `compiled` holds for, if a compile would
 * start from the same host; false if not, or when in doubt. Of the rules nothing is asked: their
 * generation stays the one that was compiled.
 */
bool sl_compiled_renew(struct sl_compiled *compiled, struct sl_observer *observer,
		       const char *device, u32 own_program);

/*
 * A rules file, for a device of this host, or for one that stands for any (`device` NULL: an
 * Ethernet device "eth0" with a made-up address). Needs no privileges; there is no snapshot. What
 * of this host only root may read (IPsec, legacy tables, TC filters) is then taken as absent: these
 * rules are looked at, not run.
 */
int sl_compile_file(const char *path, const char *device, u64 memory_limit,
		    struct sl_compiled **ret_compiled, struct sl_diag *diag);

/*
 * Loads the code. Where it is too long for one program, or too complex for the verifier, it is made
 * again with half the room until it loads: the rules that are left out stay the kernel's, and
 * code_is_cut says so. `handover` as in load/dataplane.h. The caller frees the data plane.
 */
int sl_compiled_load(struct sl_compiled *compiled, enum sl_hook_point point,
		     const struct sl_handover *handover, struct sl_dataplane **ret_dataplane,
		     struct sl_diag *diag);

/*
 * Makes hook_program and its code, if there is anything to be decided at netfilter's hooks that was
 * not before. `memory_limit`: of both. What fails leaves the rest as it was.
 */
int sl_compiled_make_hooks(struct sl_compiled *compiled, u64 memory_limit, struct sl_diag *diag);

/* Loads it beside the data plane that was loaded of the same. */
int sl_compiled_load_hooks(struct sl_compiled *compiled, const struct sl_dataplane *front,
			   struct sl_dataplane **ret_dataplane, struct sl_diag *diag);

/*
 * Lets go of all that only a compile needs: rules, elements and code, which are nearly all of the
 * memory. What remains follows changes: outlines of `rules` and of both programs, the host, the
 * snapshot. It can be loaded no more, and `meaning` is NULL. Out of memory, it stays whole.
 */
void sl_compiled_trim(struct sl_compiled *compiled);

void sl_compiled_free(struct sl_compiled *compiled); /* NULL is fine */

#endif
