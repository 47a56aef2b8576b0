/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Places and steps: what path.c, for packets that come to the device, and hook.c, for those that
 * have come as far as a netfilter hook, have in common. All that returns int returns 0 or -ENOMEM.
 */
#ifndef SLUICE_LIFT_PATH_H
#define SLUICE_LIFT_PATH_H

#include "lift/lifter.h"

/* A base chain's place on the path. Nat chains share one hook and are sorted among themselves. */
struct sl_place_lift {
	struct sl_chain_lift *chain;
	u8 families;
	enum sl_hook hook;
	s32 priority, among_nat;
	bool is_nat;
	s32 rank;  /* of a legacy table's among all of the same priority, as in struct
		      sl_legacy_hook; 0 for others */
	u32 order; /* in the ruleset */
	bool has_effects, may_drop;
	bool sets_mark, reads_mark; /* of the packet */
	const char *foreign;        /* no chain, but somebody else's hook: its name */
};

struct sl_places_lift {
	SL_LIST(struct sl_place_lift) list; /* by hook and priority */
};

int sl_path_find_places(struct sl_lifter *lifter, struct sl_places_lift *places);

/* Whether some base chain is at a hook that is not understood. */
bool sl_path_has_opaque_hook(const struct sl_lifter *lifter);

int sl_path_add_step(struct sl_lifter *lifter, const struct sl_step *step);
/* A KERNEL step, unless there are no families. */
int sl_path_add_kernel(struct sl_lifter *lifter, u8 families, enum sl_hook hook, s32 priority,
		       const char *reason);
/* Adds the chains from `next` on up to a place on the path; *next is where it stopped. */
int sl_path_add_groups(struct sl_lifter *lifter, const struct sl_places_lift *places, u32 *next,
		       enum sl_hook hook, s64 end);

/* hook.c: sl_path_lay() of a lifter that is at a hook. */
int sl_path_lay_hooks(struct sl_lifter *lifter);

#endif
