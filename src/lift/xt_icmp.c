// SPDX-License-Identifier: GPL-2.0-only
/*
 * icmp_match() and icmp6_match(), in ip_tables.c and ip6_tables.c until they moved to xt_tcpudp.c:
 * a type, and a range of its codes. Type and code are neighbours, so that one range says both.
 */
#include "lift/xt.h"

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#define ANY_TYPE 0xff /* in IPv4 only */

static int lift_range(struct sl_rule_lift *rule, u8 type, const u8 codes[2], bool invert)
{
	struct sl_key_draft key = sl_key_of(SL_TRANSPORT, 0, 2);
	u8 from[2] = {type, codes[0]}, to[2] = {type, codes[1]};

	return sl_emit_range(rule, &key, from, to, invert);
}

static int lift_icmp(struct sl_rule_lift *rule, const void *data)
{
	const struct ipt_icmp *info = data;
	bool invert = info->invflags & IPT_ICMP_INV;

	if (info->invflags & ~IPT_ICMP_INV)
		return sl_emit_unknown(rule, "xt icmp");
	if (info->type == ANY_TYPE)
		return invert ? sl_emit_never(rule) : 0;
	return lift_range(rule, info->type, info->code, invert);
}

const struct sl_xt_match sl_xt_icmp = {"icmp", 0, sizeof(struct ipt_icmp), lift_icmp};

static int lift_icmp6(struct sl_rule_lift *rule, const void *data)
{
	const struct ip6t_icmp *info = data;

	if (info->invflags & ~IP6T_ICMP_INV)
		return sl_emit_unknown(rule, "xt icmp6");
	return lift_range(rule, info->type, info->code, info->invflags & IP6T_ICMP_INV);
}

const struct sl_xt_match sl_xt_icmp6 = {"icmp6", 0, sizeof(struct ip6t_icmp), lift_icmp6};
