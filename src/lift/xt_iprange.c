// SPDX-License-Identifier: GPL-2.0-only
/* xt_iprange.c: ranges of addresses, in the order of memcmp() for both families. */
#include "lift/xt.h"

#include <linux/netfilter.h>
#include <linux/netfilter/xt_iprange.h>

#define KNOWN_FLAGS (IPRANGE_SRC | IPRANGE_DST | IPRANGE_SRC_INV | IPRANGE_DST_INV)

static int lift_range(struct sl_rule_lift *rule, u32 offset, u32 length,
		      const union nf_inet_addr *low, const union nf_inet_addr *high, bool invert)
{
	struct sl_key_draft key = sl_key_of(SL_NETWORK, offset, length);

	return sl_emit_range(rule, &key, (const u8 *)low, (const u8 *)high, invert);
}

static int lift(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_iprange_mtinfo *info = data;
	bool is_ip6 = rule->chain->table->family == NFPROTO_IPV6;
	u32 source = is_ip6 ? 8 : 12, length = is_ip6 ? 16 : 4;
	int error = 0;

	if (info->flags & ~KNOWN_FLAGS)
		return sl_emit_unknown(rule, "xt iprange");
	if (info->flags & IPRANGE_SRC)
		error = lift_range(rule, source, length, &info->src_min, &info->src_max,
				   info->flags & IPRANGE_SRC_INV);
	if (!error && info->flags & IPRANGE_DST)
		error = lift_range(rule, source + length, length, &info->dst_min, &info->dst_max,
				   info->flags & IPRANGE_DST_INV);
	return error;
}

const struct sl_xt_match sl_xt_iprange = {"iprange", 1, sizeof(struct xt_iprange_mtinfo), lift};
