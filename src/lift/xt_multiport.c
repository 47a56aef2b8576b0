// SPDX-License-Identifier: GPL-2.0-only
/* xt_multiport.c: up to 15 ports, two of which make a range. It looks at no protocol. */
#include "lift/xt.h"

#include <linux/netfilter/xt_multiport.h>

/* Each port or range, twice where either end may match. */
struct choice {
	struct sl_op ops[2 * XT_MULTI_PORTS];
	u32 count;
};

static int add_port(struct sl_rule_lift *rule, struct choice *choice, u32 offset, u16 low, u16 high)
{
	struct sl_key_draft key = sl_key_of(SL_TRANSPORT, offset, 2);
	u8 from[2], to[2];

	if (low > high) /* nothing is in it */
		return 0;
	sl_xt_port_bytes(low, from);
	sl_xt_port_bytes(high, to);
	return sl_range_op(rule, &key, from, to, &choice->ops[choice->count++]);
}

static int add_ports(struct sl_rule_lift *rule, struct choice *choice, u8 flags, u16 low, u16 high)
{
	int error = 0;

	if (flags != XT_MULTIPORT_DESTINATION)
		error = add_port(rule, choice, SL_SOURCE_PORT, low, high);
	if (!error && flags != XT_MULTIPORT_SOURCE)
		error = add_port(rule, choice, SL_DESTINATION_PORT, low, high);
	return error;
}

/* What iptables never writes, and the kernel would make something of. */
static bool is_odd(const struct xt_multiport_v1 *info)
{
	return info->flags > XT_MULTIPORT_EITHER || info->invert > 1 ||
	       info->count > XT_MULTI_PORTS ||
	       (info->count && info->pflags[info->count - 1]); /* a range without an end */
}

static int lift(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_multiport_v1 *info = data;
	struct choice choice = {.count = 0};
	int error = 0;

	if (is_odd(info))
		return sl_emit_unknown(rule, "xt multiport");
	for (u32 i = 0; !error && i < info->count; i++) {
		u16 low = info->ports[i];

		if (info->pflags[i])
			i++;
		error = add_ports(rule, &choice, info->flags, low, info->ports[i]);
	}
	return error ? error : sl_emit_any(rule, choice.ops, choice.count, info->invert);
}

const struct sl_xt_match sl_xt_multiport = {"multiport", 1, sizeof(struct xt_multiport_v1), lift};
