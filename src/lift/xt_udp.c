// SPDX-License-Identifier: GPL-2.0-only
/* xt_tcpudp.c, udp_mt(): ports. */
#include "lift/xt.h"

#include <linux/netfilter/xt_tcpudp.h>

static int lift(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_udp *info = data;
	int error;

	if (info->invflags & ~XT_UDP_INV_MASK)
		return sl_emit_unknown(rule, "xt udp");
	error = sl_xt_port_range(rule, SL_SOURCE_PORT, info->spts[0], info->spts[1],
				 info->invflags & XT_UDP_INV_SRCPT);
	if (error)
		return error;
	return sl_xt_port_range(rule, SL_DESTINATION_PORT, info->dpts[0], info->dpts[1],
				info->invflags & XT_UDP_INV_DSTPT);
}

const struct sl_xt_match sl_xt_udp = {"udp", 0, sizeof(struct xt_udp), lift};
