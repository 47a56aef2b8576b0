// SPDX-License-Identifier: GPL-2.0-only
/*
 * xt_addrtype.c: what kind of address a packet is for. Only the destination is known (the source
 * asks the routing tables), and only as any device of the namespace sees it.
 *
 * For IPv4 the mask is a set of types of which the address must have one. For IPv6 each bit is a
 * question of its own; only a mask of one bit means the same.
 */
#include "lift/xt.h"

#include <linux/netfilter.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/rtnetlink.h>

#define KNOWN4                                                                                     \
	(XT_ADDRTYPE_UNICAST | XT_ADDRTYPE_LOCAL | XT_ADDRTYPE_BROADCAST | XT_ADDRTYPE_MULTICAST)

static const u32 types[] = {RTN_UNICAST, RTN_LOCAL, RTN_BROADCAST, RTN_MULTICAST};

static bool is_known(const struct sl_rule_lift *rule, u16 mask)
{
	if (rule->chain->table->family == NFPROTO_IPV6)
		return mask == XT_ADDRTYPE_LOCAL || mask == XT_ADDRTYPE_MULTICAST;
	return !(mask & ~KNOWN4);
}

static int lift_destination(struct sl_rule_lift *rule, u16 mask, bool invert)
{
	struct sl_key_draft key = sl_key_of(SL_META, SL_META_DADDR_TYPE, sizeof(u32));
	struct sl_op ops[SL_ARRAY_SIZE(types)];
	u32 count = 0;

	for (u32 i = 0; i < SL_ARRAY_SIZE(types); i++) {
		const u8 *type = (const u8 *)&types[i];
		int error;

		if (!(mask & 1 << types[i]))
			continue;
		error = sl_range_op(rule, &key, type, type, &ops[count++]);
		if (error)
			return error;
	}
	return sl_emit_any(rule, ops, count, invert);
}

static int lift(struct sl_rule_lift *rule, u16 source, u16 destination, bool invert)
{
	if (source)
		return sl_emit_unknown(rule, "xt addrtype: type of the source address");
	if (!destination)
		return 0;
	if (!is_known(rule, destination))
		return sl_emit_unknown(rule, "xt addrtype");
	return lift_destination(rule, destination, invert);
}

static int lift0(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_addrtype_info *info = data;

	if (info->invert_dest > 1 || rule->chain->table->family != NFPROTO_IPV4)
		return sl_emit_unknown(rule, "xt addrtype");
	return lift(rule, info->source, info->dest, info->invert_dest);
}

static int lift1(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_addrtype_info_v1 *info = data;

	if (info->flags & ~(u32)(XT_ADDRTYPE_INVERT_SOURCE | XT_ADDRTYPE_INVERT_DEST))
		return sl_emit_unknown(rule, "xt addrtype: limited to a device");
	return lift(rule, info->source, info->dest, info->flags & XT_ADDRTYPE_INVERT_DEST);
}

const struct sl_xt_match sl_xt_addrtype0 = {"addrtype", 0, sizeof(struct xt_addrtype_info), lift0};
const struct sl_xt_match sl_xt_addrtype1 = {"addrtype", 1, sizeof(struct xt_addrtype_info_v1),
					    lift1};
