// SPDX-License-Identifier: GPL-2.0-only
/*
 * xt_mark.c and xt_connmark.c: (mark & mask) == value. The packet's, where packets arrive without
 * one, and at a netfilter hook; its connection's at the hook only. And the targets that set the
 * packet's mark, or the connection's.
 */
#include "lift/xt.h"

#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_mark.h>

/* The struct is one and the same; so they say. */
_Static_assert(sizeof(struct xt_mark_mtinfo1) == sizeof(struct xt_connmark_mtinfo1), "one layout");

static int compare(struct sl_rule_lift *rule, enum sl_meta meta, const struct xt_mark_mtinfo1 *info)
{
	static const u8 zeroes[sizeof(u32)];
	struct sl_key_draft key = sl_key_of(SL_META, meta, sizeof info->mark);

	if (info->invert > 1)
		return sl_emit_unknown(rule, "xt mark");
	key.transform_count = 1;
	key.transforms[0] = (struct sl_transform){
		.kind = SL_MASK,
		.length = sizeof info->mask,
		.mask = (const u8 *)&info->mask,
		.xor = zeroes,
	};
	return sl_emit_compare(rule, &key, info->invert ? SL_NE : SL_EQ, (const u8 *)&info->mark);
}

static int lift(struct sl_rule_lift *rule, const void *data)
{
	if (rule->lifter->front)
		return compare(rule, SL_META_HOOK_MARK, data);
	if (!rule->lifter->program->device.mark_is_zero)
		return sl_emit_unknown(rule, "mark: something may set it before the rules");
	return compare(rule, SL_META_MARK, data);
}

const struct sl_xt_match sl_xt_mark = {"mark", 1, sizeof(struct xt_mark_mtinfo1), lift};

static int lift_connection(struct sl_rule_lift *rule, const void *data)
{
	int error;

	if (!rule->lifter->front)
		return sl_emit_unknown(rule, "xt connmark");
	error = sl_emit_states(rule, SL_WORLDS_CONNECTED);
	return error || rule->ends ? error : compare(rule, SL_META_CT_MARK, data);
}

const struct sl_xt_match sl_xt_connmark = {"connmark", 1, sizeof(struct xt_connmark_mtinfo1),
					   lift_connection};

static int set(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_mark_tginfo2 *info = data;

	return sl_emit_mark(rule, ~info->mask, info->mark, NULL);
}

const struct sl_xt_match sl_xt_MARK = {"MARK", 2, sizeof(struct xt_mark_tginfo2), set};

/* What is restored is the packet's alone; all else is the connection's. */
static int restore(struct sl_rule_lift *rule, u8 mode)
{
	if (mode != XT_CONNMARK_RESTORE)
		return sl_emit_kernel(rule, "xt CONNMARK");
	return sl_emit_mark(rule, 0, 0, "mark set to the connection's");
}

static int restore1(struct sl_rule_lift *rule, const void *data)
{
	return restore(rule, ((const struct xt_connmark_tginfo1 *)data)->mode);
}

static int restore2(struct sl_rule_lift *rule, const void *data)
{
	return restore(rule, ((const struct xt_connmark_tginfo2 *)data)->mode);
}

const struct sl_xt_match sl_xt_CONNMARK1 = {"CONNMARK", 1, sizeof(struct xt_connmark_tginfo1),
					    restore1};
const struct sl_xt_match sl_xt_CONNMARK2 = {"CONNMARK", 2, sizeof(struct xt_connmark_tginfo2),
					    restore2};
