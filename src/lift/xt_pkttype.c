// SPDX-License-Identifier: GPL-2.0-only
/* xt_pkttype.c: how the link layer addressed the packet. */
#include "lift/xt.h"

#include <linux/netfilter/xt_pkttype.h>

static int lift(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_pkttype_info *info = data;
	struct sl_key_draft key = sl_key_of(SL_META, SL_META_PKTTYPE, 1);
	u8 type = (u8)info->pkttype;

	if (info->invert & ~1 || info->pkttype != type)
		return sl_emit_unknown(rule, "xt pkttype");
	return sl_emit_compare(rule, &key, info->invert ? SL_NE : SL_EQ, &type);
}

const struct sl_xt_match sl_xt_pkttype = {"pkttype", 0, sizeof(struct xt_pkttype_info), lift};
