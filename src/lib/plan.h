/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What attaching to one device would do: gathered here, printed by the command line as text or
 * JSON. Nothing is attached for it.
 */
#ifndef SLUICE_LIB_PLAN_H
#define SLUICE_LIB_PLAN_H

#include "compile.h"
#include "daemon/ladder.h"
#include "lib/decided.h"
#include "lib/rule_text.h"
#include "load/memory.h"

/* Something about a device that changes when a program is attached to it. */
struct sl_side_effect {
	const char *device, *feature, *before, *after;
};

struct sl_plan {
	const char *device;
	bool is_live; /* of the loaded rules, not of a file */
	struct sl_compiled *compiled;
	struct sl_program *legal; /* owns what follows, too; not merged, so that rules are rules */
	struct sl_decisions decisions;
	struct sl_program *hook_legal;      /* the same at netfilter's hooks; NULL: nothing is */
	struct sl_decisions hook_decisions; /* in its memory */
	bool lacks_hooks;                   /* something would be, but this kernel has none */
	struct sl_late_listing loaded;
	struct sl_rule_texts texts;

	/* plan_device.c; live only */
	enum sl_attach_mode attached; /* now; NONE: not */
	enum sl_attach_mode mode; /* the first that nothing speaks against; NONE: none is left */
	struct sl_ladder ladder;  /* its text: why not the others */
	SL_LIST(struct sl_side_effect) side_effects; /* of `mode` */
	struct sl_listeners listeners;

	struct sl_memory memory;
	u32 insns; /* made of the rules, for the hooks too */
};

struct sl_plan_wish {
	const char *device; /* of a file's rules, NULL: one that stands for any */
	enum sl_wanted_mode mode;
	u64 memory_limit;
};

/* Of a device and the live rules; of the rules in a file. 0 or -errno with `diag` filled in; free
 * `plan`, all zero before, in any case. `observer` is of this network namespace. */
int sl_plan_live(const struct sl_plan_wish *wish, struct sl_observer *observer,
		 struct sl_plan *plan, struct sl_diag *diag);
int sl_plan_file(const struct sl_plan_wish *wish, const char *path, struct sl_plan *plan,
		 struct sl_diag *diag);
void sl_plan_free(struct sl_plan *plan);

/* plan_device.c: what does not depend on the rules. 0 or -errno with `diag` filled in. */
int sl_plan_device(struct sl_plan *plan, enum sl_wanted_mode wanted, struct sl_diag *diag);

/* plan_words.c: what is not constant of it lives as long as the plan. */
const char *sl_plan_tier(const struct sl_plan *plan);        /* "XDP", "TC" */
u32 sl_plan_rules_met(const struct sl_decisions *decisions); /* by some packets */
const char *sl_plan_obstacle_place(const struct sl_plan *plan, const struct sl_obstacle *obstacle);
/* Copies of one rule, lifted for several worlds, are one to a reader. */
bool sl_plan_obstacle_is_copy(const struct sl_decisions *decisions, u32 index);
const char *sl_plan_idle_reason(const struct sl_plan *plan, const struct sl_idle *idle);
#define SL_PLAN_COSTS 3
u32 sl_plan_costs(const struct sl_plan *plan, const char *ret_costs[SL_PLAN_COSTS]);

#endif
