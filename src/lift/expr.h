/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The nf_tables expressions that sluice understands: one file each, which ends in its ops. What is
 * not among them is classified by name in expr.c.
 */
#ifndef SLUICE_LIFT_EXPR_H
#define SLUICE_LIFT_EXPR_H

#include "lift/emit.h"

struct sl_expr_ops {
	const char *name;
	enum sl_expr_kind kind;
	/* 0, -errno or SL_LIFT_SPLIT; may end the rule. */
	int (*lift)(struct sl_rule_lift *rule, const struct sl_expr *expr);
};

extern const struct sl_expr_ops sl_expr_payload, sl_expr_meta, sl_expr_ct, sl_expr_cmp,
	sl_expr_range, sl_expr_bitwise, sl_expr_byteorder, sl_expr_immediate, sl_expr_lookup,
	sl_expr_counter, sl_expr_objref, sl_expr_fib, sl_expr_exthdr, sl_expr_limit, sl_expr_dynset,
	sl_expr_xt_match, sl_expr_xt_target;

int sl_expr_lift(struct sl_rule_lift *rule, const struct sl_expr *expr);

/*
 * Whether the rule's lookup or dynset can ask a set that packets fill as it is: by the source, in a
 * chain whose table can be found.
 */
bool sl_lookup_is_of_filled(const struct sl_rule_lift *rule, const struct sl_expr *expr,
			    const struct sl_set_lift *set);

/* Whether an expression that is only known by its name may make conntrack look at packets. */
bool sl_expr_name_tracks(const char *name);

/* A vmap element's or an immediate's verdict. A chain that does not exist is the kernel's. */
struct sl_verdict sl_verdict_lift(const struct sl_lifter *lifter, const struct sl_nft_table *table,
				  const struct sl_nft_verdict *verdict);

#endif
