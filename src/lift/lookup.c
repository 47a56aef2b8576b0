// SPDX-License-Identifier: GPL-2.0-only
/* nft_lookup.c: is the key in a set, and what does the set say about it. */
#include "lift/expr.h"

/* A value looked up: its verdict stands in for the lookup. */
static int lift_known_verdict(struct sl_rule_lift *rule, const struct sl_set *set, const u8 *key)
{
	const struct sl_element *element = sl_set_find(set, key);

	if (element)
		return sl_emit_verdict(rule, &element->verdict);
	if (set->has_catchall)
		return sl_emit_verdict(rule, &set->catchall);
	return sl_emit_never(rule);
}

static int lift_known_member(struct sl_rule_lift *rule, const struct sl_set *set,
			     const struct sl_values *values, bool invert)
{
	u8 worlds = 0;

	for (u32 i = 0; i < SL_WORLD_COUNT; i++) {
		bool found = set->has_catchall || sl_set_find(set, values->bytes[i]);

		if (found != invert)
			worlds |= (u8)(1 << i);
	}
	return sl_emit_states(rule, worlds);
}

static int lift_value(struct sl_rule_lift *rule, const struct sl_expr *expr, struct sl_set *set,
		      const struct sl_values *values)
{
	if (set->has_timeouts)
		return sl_emit_unknown(rule, "a constant in a set with timeouts");
	if (!expr->lookup.is_verdict)
		return lift_known_member(rule, set, values, expr->lookup.invert);
	if (!sl_values_are_equal(values, set->key_length))
		return SL_LIFT_SPLIT;
	return lift_known_verdict(rule, set, values->bytes[0]);
}

static int lift_key(struct sl_rule_lift *rule, const struct sl_expr *expr, struct sl_set *set,
		    const struct sl_key_draft *key)
{
	return expr->lookup.is_verdict ? sl_emit_vmap(rule, key, set)
				       : sl_emit_set(rule, key, set, expr->lookup.invert);
}

static int lift_member(struct sl_rule_lift *rule, const struct sl_expr *expr, struct sl_set *set)
{
	struct sl_reading reading;

	sl_registers_read(&rule->registers, expr->lookup.sreg, set->key_length, &reading);
	switch (reading.kind) {
	case SL_READ_VALUE:
		return lift_value(rule, expr, set, &reading.values);
	case SL_READ_KEY:
		return lift_key(rule, expr, set, &reading.key);
	case SL_READ_SPLIT:
		return SL_LIFT_SPLIT;
	default:
		return sl_emit_unknown(rule, reading.reason);
	}
}

/* Whether the rule may go on behind a verdict map, or drop where only new connections walk. */
static const char *find_odd_verdict(const struct sl_rule_lift *rule, const struct sl_expr *expr,
				    const struct sl_set *set)
{
	const struct sl_nft_rule *source = rule->source;
	bool is_last = expr == &source->exprs.items[source->exprs.count - 1];
	bool in_nat = rule->chain->contexts & SL_FROM_NAT;

	for (u32 i = 0; i <= set->elements.count; i++) {
		const struct sl_verdict *verdict =
			i < set->elements.count ? &set->elements.items[i].verdict : &set->catchall;

		if (i == set->elements.count && !set->has_catchall)
			break;
		if (verdict->kind == SL_VERDICT_CONTINUE && !is_last)
			return "a verdict map behind which the rule goes on";
		if (verdict->kind == SL_VERDICT_DROP && in_nat)
			return "drop in a nat chain, which only new connections meet";
	}
	return NULL;
}

/* What a lookup becomes when it can't be made: any verdict of the map may be the packet's. */
static int lift_unknown(struct sl_rule_lift *rule, const struct sl_expr *expr, const char *reason)
{
	int error = sl_emit_unknown(rule, reason);

	if (error || !expr->lookup.is_verdict)
		return error;
	return sl_emit_kernel(rule, reason);
}

static int lift_verdict_map(struct sl_rule_lift *rule, const struct sl_expr *expr,
			    struct sl_set *set)
{
	const char *odd = find_odd_verdict(rule, expr, set);
	int error;

	if (odd)
		return sl_emit_kernel(rule, odd);
	error = lift_member(rule, expr, set);
	if (error || rule->ends)
		return error;
	/* It became an UNKNOWN: any verdict of the map may follow. */
	return sl_emit_kernel(rule, "a verdict map");
}

/* The value belongs to the key that was found: there is nothing to break on. */
static void load_result(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	if (expr->lookup.has_dreg && !expr->lookup.is_verdict)
		sl_registers_load_unknown(&rule->registers, expr->lookup.dreg,
					  expr->lookup.set->data_length, false,
					  "a value looked up in a map");
}

bool sl_lookup_is_of_filled(const struct sl_rule_lift *rule, const struct sl_expr *expr,
			    const struct sl_set_lift *set)
{
	u32 sreg = expr->kind == SL_EXPR_DYNSET ? expr->dynset.sreg : expr->lookup.sreg;
	u32 at = (u32)(expr - rule->source->exprs.items);

	return set->use == SL_SET_FILLED && !(rule->chain->contexts & SL_FROM_NAT) &&
	       sl_rule_asks_source(rule->chain->table->family, rule->source, at, sreg);
}

static int lift_filled(struct sl_rule_lift *rule, const struct sl_expr *expr,
		       const struct sl_set_lift *set)
{
	struct sl_reading reading;

	if (!sl_lookup_is_of_filled(rule, expr, set))
		return sl_emit_unknown(rule, set->reason);
	sl_registers_read(&rule->registers, expr->lookup.sreg, set->source->key_length, &reading);
	return reading.kind == SL_READ_KEY ? sl_emit_filled(rule, &reading.key, set->filled,
							    expr->lookup.invert, set->reason)
					   : sl_emit_unknown(rule, set->reason);
}

static int lift(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	const struct sl_set_lift *set;
	int error = sl_set_lift(rule, expr->lookup.set, &set);

	if (error)
		return error;
	if (set->use == SL_SET_EFFECT)
		error = sl_emit_kernel(rule, set->reason);
	else if (set->use == SL_SET_FILLED)
		error = lift_filled(rule, expr, set);
	else if (set->use == SL_SET_UNKNOWN)
		error = lift_unknown(rule, expr, set->reason);
	else if (expr->lookup.is_verdict)
		error = lift_verdict_map(rule, expr, set->set);
	else
		error = lift_member(rule, expr, set->set);
	if (!error)
		load_result(rule, expr);
	return error;
}

const struct sl_expr_ops sl_expr_lookup = {"lookup", SL_EXPR_LOOKUP, lift};
