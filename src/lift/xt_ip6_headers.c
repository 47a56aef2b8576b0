// SPDX-License-Identifier: GPL-2.0-only
/*
 * ip6t_rt.c, ip6t_frag.c, ip6t_hbh.c: extension headers of IPv6, which an ordinary frame
 * (ir/packet.h) does not have. Without its header none of them matches, inverted or not.
 */
#include "lift/xt.h"

#include <linux/netfilter.h>
#include <linux/netfilter_ipv6/ip6t_frag.h>
#include <linux/netfilter_ipv6/ip6t_opts.h>
#include <linux/netfilter_ipv6/ip6t_rt.h>

static int lift(struct sl_rule_lift *rule, const void *data)
{
	(void)data;
	if (rule->chain->table->family != NFPROTO_IPV6)
		return sl_emit_unknown(rule, "xt match on a header of IPv6");
	return sl_emit_never(rule);
}

const struct sl_xt_match sl_xt_rt = {"rt", 0, sizeof(struct ip6t_rt), lift};
const struct sl_xt_match sl_xt_frag = {"frag", 0, sizeof(struct ip6t_frag), lift};
const struct sl_xt_match sl_xt_hbh = {"hbh", 0, sizeof(struct ip6t_opts), lift};
const struct sl_xt_match sl_xt_dst = {"dst", 0, sizeof(struct ip6t_opts), lift};
