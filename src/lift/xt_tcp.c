// SPDX-License-Identifier: GPL-2.0-only
/* xt_tcpudp.c, tcp_mt(): ports, flags; options are not decoded. */
#include "lift/xt.h"

#include <linux/netfilter/xt_tcpudp.h>

#define FLAGS_OFFSET 13

static int lift_flags(struct sl_rule_lift *rule, const struct xt_tcp *info)
{
	static const u8 zero;
	struct sl_key_draft key = sl_key_of(SL_TRANSPORT, FLAGS_OFFSET, 1);
	bool invert = info->invflags & XT_TCP_INV_FLAGS;

	if (!info->flg_mask) /* nothing is looked at: zero is what there is */
		return (info->flg_cmp == 0) != invert ? 0 : sl_emit_never(rule);
	key.transform_count = 1;
	key.transforms[0] = (struct sl_transform){
		.kind = SL_MASK, .length = 1, .mask = &info->flg_mask, .xor = &zero};
	return sl_emit_compare(rule, &key, invert ? SL_NE : SL_EQ, &info->flg_cmp);
}

static int lift(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_tcp *info = data;
	int error = 0;

	if (info->invflags & ~XT_TCP_INV_MASK)
		return sl_emit_unknown(rule, "xt tcp");
	if (info->option)
		error = sl_emit_unknown(rule, "xt tcp: TCP option");
	if (!error)
		error = sl_xt_port_range(rule, SL_SOURCE_PORT, info->spts[0], info->spts[1],
					 info->invflags & XT_TCP_INV_SRCPT);
	if (!error)
		error = sl_xt_port_range(rule, SL_DESTINATION_PORT, info->dpts[0], info->dpts[1],
					 info->invflags & XT_TCP_INV_DSTPT);
	return error ? error : lift_flags(rule, info);
}

const struct sl_xt_match sl_xt_tcp = {"tcp", 0, sizeof(struct xt_tcp), lift};
