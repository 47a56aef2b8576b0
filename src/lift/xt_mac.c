// SPDX-License-Identifier: GPL-2.0-only
/* xt_mac.c: the source address of the Ethernet header. */
#include "lift/xt.h"

#include <linux/if_ether.h>
#include <linux/netfilter/xt_mac.h>

static int lift(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_mac_info *info = data;
	struct sl_key_draft key = sl_key_of(SL_LINK, ETH_ALEN, ETH_ALEN);

	if (info->invert & ~1 || rule->lifter->front) /* at a netfilter hook it is gone */
		return sl_emit_unknown(rule, "xt mac");
	return sl_emit_compare(rule, &key, info->invert ? SL_NE : SL_EQ, info->srcaddr);
}

const struct sl_xt_match sl_xt_mac = {"mac", 0, sizeof(struct xt_mac_info), lift};
