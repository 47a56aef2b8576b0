/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Appending ops to the rule under way. Data and keys are copied into the program. All return 0 or
 * -ENOMEM. An op with an effect is preceded by an UNKNOWN where a load that nobody looked at may
 * have broken the rule before.
 */
#ifndef SLUICE_LIFT_EMIT_H
#define SLUICE_LIFT_EMIT_H

#include "lift/lifter.h"

int sl_emit_unknown(struct sl_rule_lift *rule, const char *reason);
/* What the kernel must do; nothing behind it in the rule is left to decide. */
int sl_emit_kernel(struct sl_rule_lift *rule, const char *reason);
/* The same with a reason built from a name: "xt string". */
int sl_emit_unknown_named(struct sl_rule_lift *rule, const char *prefix, const char *name);
int sl_emit_kernel_named(struct sl_rule_lift *rule, const char *prefix, const char *name);

/* A rate that the kernel keeps (ir.h). */
int sl_emit_limit(struct sl_rule_lift *rule, u32 limit, bool is_over, const char *reason);

/* A set that packets fill is asked; or the packet is to be in it (ir.h). */
int sl_emit_filled(struct sl_rule_lift *rule, const struct sl_key_draft *key, u32 filled,
		   bool invert, const char *reason);
int sl_emit_fill(struct sl_rule_lift *rule, const struct sl_key_draft *key, u32 filled,
		 const char *reason);

/* The rule ends here without a match. */
int sl_emit_never(struct sl_rule_lift *rule);
/* Matches in `worlds`: nothing is emitted for all of them, and the rule ends for none. */
int sl_emit_states(struct sl_rule_lift *rule, u8 worlds);

int sl_emit_compare(struct sl_rule_lift *rule, const struct sl_key_draft *key,
		    enum sl_compare compare, const u8 *data);
int sl_emit_range(struct sl_rule_lift *rule, const struct sl_key_draft *key, const u8 *from,
		  const u8 *to, bool invert);
/* One of `count` alternatives (of sl_range_op) matches, or with `invert` none. */
int sl_emit_any(struct sl_rule_lift *rule, const struct sl_op *alternatives, u32 count,
		bool invert);
int sl_emit_set(struct sl_rule_lift *rule, const struct sl_key_draft *key, struct sl_set *set,
		bool invert);
int sl_emit_vmap(struct sl_rule_lift *rule, const struct sl_key_draft *key, struct sl_set *set);

int sl_emit_counter(struct sl_rule_lift *rule, u32 counter);
/* mark = (mark & keep) ^ flip; with a `reason` nobody knows (ir.h). At hooks it is the kernel's. */
int sl_emit_mark(struct sl_rule_lift *rule, u32 keep, u32 flip, const char *reason);
int sl_emit_verdict(struct sl_rule_lift *rule, const struct sl_verdict *verdict);

/* A key of one field, and its comparison ready for sl_emit_any. */
struct sl_key_draft sl_key_of(enum sl_field_base base, u32 offset, u32 length);
int sl_range_op(struct sl_rule_lift *rule, const struct sl_key_draft *key, const u8 *from,
		const u8 *to, struct sl_op *ret_op);

#endif
