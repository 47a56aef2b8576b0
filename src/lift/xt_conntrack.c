// SPDX-License-Identifier: GPL-2.0-only
/*
 * xt_conntrack.c and xt_state.c: the connection's state. The three revisions share the layout up
 * to the masks, which became wider.
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
	const u8 begins = rule->lifter->front ? 0 : SL_WORLD_NEW; /* behind NAT it may have been */
	const u8 known = worlds | begins | SL_WORLD_INVALID | SL_WORLD_UNTRACKED;

	if (known != SL_WORLDS_ALL && rule->world == SL_WORLD_COUNT)
		return SL_LIFT_SPLIT;
	if (known == SL_WORLDS_ALL)
		return sl_emit_states(rule, invert ? worlds ^ SL_WORLDS_ALL : worlds);
	if (!(known & 1 << rule->world))
		return sl_emit_unknown(rule, "xt conntrack: DNAT");
	return !(worlds & 1 << rule->world) == invert ? 0 : sl_emit_never(rule);
}

static int lift_state_mask(struct sl_rule_lift *rule, u16 match, u16 invert, u16 mask)
{
	u8 worlds = find_worlds(mask, XT_CONNTRACK_STATE_UNTRACKED);

	/* The alias flag only tells iptables-save to write "-m state". */
	if ((match & ~XT_CONNTRACK_STATE_ALIAS) != XT_CONNTRACK_STATE)
		return sl_emit_unknown(rule, "xt conntrack: more than the state");
	if (mask & XT_CONNTRACK_STATE_SNAT)
		return sl_emit_unknown(rule, "xt conntrack: SNAT");
	if (mask & XT_CONNTRACK_STATE_DNAT)
		return lift_dnat(rule, worlds, invert & XT_CONNTRACK_STATE);
	if (invert & XT_CONNTRACK_STATE)
		worlds ^= SL_WORLDS_ALL;
	return sl_emit_states(rule, worlds);
}

static int lift1(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_conntrack_mtinfo1 *info = data;

	return lift_state_mask(rule, info->match_flags, info->invert_flags, info->state_mask);
}

static int lift2(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_conntrack_mtinfo2 *info = data;

	return lift_state_mask(rule, info->match_flags, info->invert_flags, info->state_mask);
}

static int lift3(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_conntrack_mtinfo3 *info = data;

	return lift_state_mask(rule, info->match_flags, info->invert_flags, info->state_mask);
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
