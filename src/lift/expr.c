// SPDX-License-Identifier: GPL-2.0-only
#include "lift/expr.h"

#include <errno.h>
#include <string.h>

static const struct sl_expr_ops *const ops[] = {
	&sl_expr_payload,   &sl_expr_meta,    &sl_expr_ct,        &sl_expr_cmp,
	&sl_expr_range,     &sl_expr_bitwise, &sl_expr_byteorder, &sl_expr_immediate,
	&sl_expr_lookup,    &sl_expr_counter, &sl_expr_objref,    &sl_expr_fib,
	&sl_expr_exthdr,    &sl_expr_limit,   &sl_expr_dynset,    &sl_expr_xt_match,
	&sl_expr_xt_target,
};

/*
 * Expressions known by name only: because sluice does not decode them, or because the reader did
 * not understand their attributes. LOAD and MATCH have no effect but on the rule's own fate. All
 * others, and all that are not listed, do something that only the kernel can do, or might.
 */
static const struct opaque {
	const char *name;
	enum { EFFECT, LOAD, MATCH } what;
	bool tracks;
} opaques[] = {
	{"bitwise", LOAD, false},     {"byteorder", LOAD, false},
	{"cmp", MATCH, false},        {"connlimit", EFFECT, true},
	{"counter", EFFECT, false},   {"ct", EFFECT, true}, /* may set zone, mark, helper … */
	{"dup", EFFECT, false},       {"dynset", EFFECT, false},
	{"exthdr", EFFECT, false}, /* reads options, or rewrites them */
	{"fib", LOAD, false},         {"flow_offload", EFFECT, true},
	{"fwd", EFFECT, false},       {"hash", LOAD, false}, /* jhash, symhash: no state */
	{"immediate", EFFECT, false}, {"inner", LOAD, false},
	{"last", EFFECT, false}, /* its time is printed by nft list */
	{"limit", EFFECT, false},     {"log", EFFECT, false},
	{"lookup", EFFECT, false}, /* may be a verdict map */
	{"masq", EFFECT, true},       {"meta", EFFECT, false},
	{"nat", EFFECT, true},        {"notrack", EFFECT, false},
	{"numgen", EFFECT, false}, /* inc is state that the next packet sees */
	{"objref", EFFECT, true},     {"osf", LOAD, false},
	{"payload", EFFECT, false},   {"queue", EFFECT, false},
	{"quota", EFFECT, false},     {"range", MATCH, false},
	{"redir", EFFECT, true},      {"reject", EFFECT, false},
	{"rt", LOAD, false},          {"secmark", EFFECT, false},
	{"socket", LOAD, false},      {"synproxy", EFFECT, true},
	{"tproxy", EFFECT, false},    {"tunnel", LOAD, false},
	{"xfrm", LOAD, false},
};

static const struct opaque *find_opaque(const char *name)
{
	for (u32 i = 0; i < SL_ARRAY_SIZE(opaques); i++)
		if (!strcmp(opaques[i].name, name))
			return &opaques[i];
	return NULL;
}

bool sl_expr_name_tracks(const char *name)
{
	const struct opaque *opaque = find_opaque(name);

	return !opaque || opaque->tracks;
}

static int lift_opaque(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	const struct opaque *opaque = find_opaque(expr->name);
	const char *reason;

	if (!opaque || opaque->what == EFFECT)
		return sl_emit_kernel_named(rule, "", expr->name);
	if (opaque->what == MATCH)
		return sl_emit_unknown_named(rule, "", expr->name);
	reason = sl_arena_strdup(rule->lifter->program->arena, expr->name);
	if (!reason)
		return -ENOMEM;
	sl_registers_forget(&rule->registers, reason);
	return 0;
}

int sl_expr_lift(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	if (expr->kind != SL_EXPR_OPAQUE && !expr->opaque)
		for (u32 i = 0; i < SL_ARRAY_SIZE(ops); i++)
			if (ops[i]->kind == expr->kind)
				return ops[i]->lift(rule, expr);
	return lift_opaque(rule, expr);
}
