// SPDX-License-Identifier: GPL-2.0-only
/* xt_mark.c: (mark & mask) == value, where packets arrive without a mark. */
#include "lift/xt.h"

#include <linux/netfilter/xt_mark.h>

static int lift(struct sl_rule_lift *rule, const void *data)
{
	static const u8 zeroes[sizeof(u32)];
	const struct xt_mark_mtinfo1 *info = data;
	struct sl_key_draft key = sl_key_of(SL_META, SL_META_MARK, sizeof info->mark);

	if (!rule->lifter->program->device.mark_is_zero)
		return sl_emit_unknown(rule, "mark: something may set it before the rules");
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

const struct sl_xt_match sl_xt_mark = {"mark", 1, sizeof(struct xt_mark_mtinfo1), lift};
