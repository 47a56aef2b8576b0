// SPDX-License-Identifier: GPL-2.0-only
/*
 * xt_conntrack.c and xt_state.c: the connection's state; at a netfilter hook its status and
 * direction too. The three revisions share the layout up to the masks, which became wider.
 */
#include "lift/xt.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_state.h>
#include <stddef.h>

_Static_assert(offsetof(struct xt_conntrack_mtinfo1, match_flags) ==
		       offsetof(struct xt_conntrack_mtinfo3, match_flags),
	       "revision 1 has another layout");

/* Whether a world's state is in the mask. The two modules disagree on UNTRACKED's bit. */
static u8 find_worlds(u32 mask, u32 untracked)
{
	u8 worlds = 0;

	for (u32 i = 0; i < SL_WORLD_COUNT; i++) {
		u32 state = sl_world_states[i];

		if (state == NF_CT_STATE_UNTRACKED_BIT)
			state = untracked;
		if (mask & state)
			worlds |= (u8)(1 << i);
	}
	return worlds;
}

/*
 * DNAT among the states: whether a connection was sent elsewhere is known of those that are only
 * beginning. They were not, for a packet that met such a rule passes (ct.c says the same of its
 * status); without a connection nothing was.
 */
static int lift_dnat(struct sl_rule_lift *rule, u8 worlds, bool invert)
{
	const u8 known = worlds | SL_WORLD_NEW | SL_WORLD_INVALID | SL_WORLD_UNTRACKED;

	if (known != SL_WORLDS_ALL && rule->world == SL_WORLD_COUNT)
		return SL_LIFT_SPLIT;
	if (known == SL_WORLDS_ALL)
		return sl_emit_states(rule, invert ? worlds ^ SL_WORLDS_ALL : worlds);
	if (!(known & 1 << rule->world))
		return sl_emit_unknown(rule, "xt conntrack: DNAT");
	return !(worlds & 1 << rule->world) == invert ? 0 : sl_emit_never(rule);
}

/* What a rule asks; the masks of whichever revision. */
struct question {
	u16 match, invert; /* XT_CONNTRACK_* */
	u16 state, status;
};

/* One of the bits is set, or with `invert` none. */
static int match_status(struct sl_rule_lift *rule, u32 bits, bool invert)
{
	static const u8 zeroes[sizeof(u32)];
	struct sl_key_draft key = sl_key_of(SL_META, SL_META_CT_STATUS, sizeof bits);

	key.transform_count = 1;
	key.transforms[0] = (struct sl_transform){
		.kind = SL_MASK, .length = sizeof bits, .mask = (const u8 *)&bits, .xor = zeroes};
	return sl_emit_compare(rule, &key, invert ? SL_EQ : SL_NE, zeroes);
}

/* NAT among the states, behind NAT: of a connection in no such state its status tells. */
static int match_nat(struct sl_rule_lift *rule, u8 worlds, u16 states, bool invert)
{
	const u32 bits = (states & XT_CONNTRACK_STATE_SNAT ? (u32)IPS_SRC_NAT : 0) |
			 (states & XT_CONNTRACK_STATE_DNAT ? (u32)IPS_DST_NAT : 0);

	if (SL_WORLDS_CONNECTED & ~worlds & 1 << rule->world)
		return match_status(rule, bits, invert);
	return !(worlds & 1 << rule->world) == invert ? 0 : sl_emit_never(rule);
}

static int match_state(struct sl_rule_lift *rule, const struct question *question)
{
	const u16 nat = XT_CONNTRACK_STATE_SNAT | XT_CONNTRACK_STATE_DNAT;
	u8 worlds = find_worlds(question->state, XT_CONNTRACK_STATE_UNTRACKED);
	bool invert = question->invert & XT_CONNTRACK_STATE;

	if (rule->lifter->front && question->state & nat)
		return rule->world == SL_WORLD_COUNT
			       ? SL_LIFT_SPLIT
			       : match_nat(rule, worlds, question->state, invert);
	if (question->state & XT_CONNTRACK_STATE_SNAT)
		return sl_emit_unknown(rule, "xt conntrack: SNAT");
	if (question->state & XT_CONNTRACK_STATE_DNAT)
		return lift_dnat(rule, worlds, invert);
	if (invert)
		worlds ^= SL_WORLDS_ALL;
	if (rule->world == SL_WORLD_COUNT)
		return sl_emit_states(rule, worlds);
	return worlds & 1 << rule->world ? 0 : sl_emit_never(rule);
}

static int match_direction(struct sl_rule_lift *rule, bool is_reply)
{
	const struct sl_key_draft key = sl_key_of(SL_META, SL_META_CT_DIRECTION, 1);

	return sl_emit_compare(rule, &key, SL_EQ, is_reply ? (const u8 *)"\1" : (const u8 *)"\0");
}

/* Behind the state, and only of a connection; without one the state alone decides. */
static int match_rest(struct sl_rule_lift *rule, const struct question *question)
{
	int error = 0;

	if (!(question->match & XT_CONNTRACK_STATE))
		error = sl_emit_states(rule, SL_WORLDS_CONNECTED);
	else if (!(SL_WORLDS_CONNECTED & 1 << rule->world))
		return 0;
	if (!error && !rule->ends && question->match & XT_CONNTRACK_DIRECTION)
		error = match_direction(rule, question->invert & XT_CONNTRACK_DIRECTION);
	if (!error && !rule->ends && question->match & XT_CONNTRACK_STATUS)
		error = match_status(rule, question->status,
				     question->invert & XT_CONNTRACK_STATUS);
	return error;
}

static int lift_question(struct sl_rule_lift *rule, const struct question *question)
{
	const u16 rest = XT_CONNTRACK_STATUS | XT_CONNTRACK_DIRECTION;
	/* The alias flag only tells iptables-save to write "-m state". */
	const u16 asked = question->match & ~XT_CONNTRACK_STATE_ALIAS;
	int error = 0;

	if (asked != XT_CONNTRACK_STATE &&
	    (!rule->lifter->front || asked & ~(XT_CONNTRACK_STATE | rest)))
		return sl_emit_unknown(rule, "xt conntrack: more than the state");
	if (asked & XT_CONNTRACK_STATE && asked & rest && rule->world == SL_WORLD_COUNT)
		return SL_LIFT_SPLIT;
	if (asked & XT_CONNTRACK_STATE)
		error = match_state(rule, question);
	return error || rule->ends || !(asked & rest) ? error : match_rest(rule, question);
}

/* The three differ in name and width. */
#define ASK(info)                                                                                  \
	&(struct question)                                                                         \
	{                                                                                          \
		(info)->match_flags, (info)->invert_flags, (info)->state_mask, (info)->status_mask \
	}

static int lift1(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_conntrack_mtinfo1 *info = data;

	return lift_question(rule, ASK(info));
}

static int lift2(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_conntrack_mtinfo2 *info = data;

	return lift_question(rule, ASK(info));
}

static int lift3(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_conntrack_mtinfo3 *info = data;

	return lift_question(rule, ASK(info));
}

static int lift_state(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_state_info *info = data;

	return sl_emit_states(rule, find_worlds(info->statemask, XT_STATE_UNTRACKED));
}

const struct sl_xt_match sl_xt_conntrack1 = {"conntrack", 1, sizeof(struct xt_conntrack_mtinfo1),
					     lift1};
const struct sl_xt_match sl_xt_conntrack2 = {"conntrack", 2, sizeof(struct xt_conntrack_mtinfo2),
					     lift2};
const struct sl_xt_match sl_xt_conntrack3 = {"conntrack", 3, sizeof(struct xt_conntrack_mtinfo3),
					     lift3};
const struct sl_xt_match sl_xt_state = {"state", 0, sizeof(struct xt_state_info), lift_state};
