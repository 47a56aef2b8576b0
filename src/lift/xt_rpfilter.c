// SPDX-License-Identifier: GPL-2.0-only
/*
 * ipt_rpfilter.c and ip6t_rpfilter.c: whether the way back to the source leads through the device
 * that the packet came by. A mark matters to rules of routing policy alone, and with such nothing
 * is known.
 */
#include "lift/xt.h"

#include <linux/netfilter/xt_rpfilter.h>

static int lift(struct sl_rule_lift *rule, const void *data)
{
	static const u32 found = 1;
	const struct xt_rpfilter_info *info = data;
	struct sl_key_draft key = sl_key_of(SL_META, SL_META_WAY_BACK, sizeof found);

	if (rule->chain->contexts != SL_FROM_PREROUTING ||
	    info->flags & ~(XT_RPFILTER_VALID_MARK | XT_RPFILTER_INVERT))
		return sl_emit_unknown(rule, "xt rpfilter");
	return sl_emit_compare(rule, &key, info->flags & XT_RPFILTER_INVERT ? SL_NE : SL_EQ,
			       (const u8 *)&found);
}

const struct sl_xt_match sl_xt_rpfilter = {"rpfilter", 0, sizeof(struct xt_rpfilter_info), lift};
