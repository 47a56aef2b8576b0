// SPDX-License-Identifier: GPL-2.0-only
/* nft_compat.c: xtables' matches and targets in nf_tables' rules. */
#include "lift/xt.h"

#include <assert.h>
#include <linux/netfilter.h>
#include <stdalign.h>
#include <string.h>

#include "lift/expr.h"

#define INFO_MAX 512

static const struct sl_xt_match *const decoders[] = {
	&sl_xt_tcp,       &sl_xt_udp,        &sl_xt_icmp,       &sl_xt_icmp6,      &sl_xt_comment,
	&sl_xt_multiport, &sl_xt_conntrack1, &sl_xt_conntrack2, &sl_xt_conntrack3, &sl_xt_state,
	&sl_xt_iprange,   &sl_xt_mac,        &sl_xt_mark,       &sl_xt_addrtype0,  &sl_xt_addrtype1,
	&sl_xt_pkttype,   &sl_xt_rt,         &sl_xt_frag,       &sl_xt_hbh,        &sl_xt_dst,
	&sl_xt_rpfilter,  &sl_xt_connmark,   &sl_xt_recent0,    &sl_xt_recent1,
};

static const struct sl_xt_match *const targets[] = {&sl_xt_MARK, &sl_xt_CONNMARK1,
						    &sl_xt_CONNMARK2};

/*
 * Matches without state: whether they match or not, nobody will ever know that they were asked.
 * All that is neither here nor decoded keeps something (limit, hashlimit, quota …) or was never
 * heard of, and is left to the kernel.
 */
static const char *const pure[] = {
	"ah",   "bpf",      "cgroup",  "cluster", "connbytes",  "connlabel", "connmark", "cpu",
	"dccp", "devgroup", "dscp",    "dst",     "ecn",        "esp",       "eui64",    "frag",
	"hbh",  "helper",   "hl",      "ipcomp",  "ipv6header", "l2tp",      "length",   "mh",
	"osf",  "owner",    "physdev", "policy",  "realm",      "rpfilter",  "rt",       "sctp",
	"set",  "socket",   "string",  "tcpmss",  "time",       "tos",       "ttl",      "u32",
};

static u32 align(u32 size)
{
	return (size + 7) & ~7u;
}

static bool is_decoded_pure(const char *name)
{
	for (u32 i = 0; i < SL_ARRAY_SIZE(decoders); i++)
		if (!strcmp(decoders[i]->name, name))
			return !decoders[i]->has_state;
	return false;
}

static bool is_pure(const char *name)
{
	for (u32 i = 0; i < SL_ARRAY_SIZE(pure); i++)
		if (!strcmp(pure[i], name))
			return true;
	return is_decoded_pure(name);
}

static const struct sl_xt_match *find_decoder(const struct sl_rule_lift *rule,
					      const struct sl_expr *expr,
					      const struct sl_xt_match *const *known, u32 count)
{
	u32 family = rule->chain->table->family, length = expr->xt.length;

	if (family != NFPROTO_IPV4 && family != NFPROTO_IPV6)
		return NULL;
	for (u32 i = 0; i < count; i++) {
		const struct sl_xt_match *decoder = known[i];

		if (!strcmp(decoder->name, expr->name) && decoder->revision == expr->xt.revision &&
		    (length == decoder->size || length == align(decoder->size)))
			return decoder;
	}
	return NULL;
}

static int decode(struct sl_rule_lift *rule, const struct sl_expr *expr,
		  const struct sl_xt_match *decoder)
{
	alignas(max_align_t) u8 info[INFO_MAX];

	assert(decoder->size <= sizeof info);
	memcpy(info, expr->xt.info, decoder->size);
	return decoder->lift(rule, info);
}

static int lift_match(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	const struct sl_xt_match *decoder =
		find_decoder(rule, expr, decoders, SL_ARRAY_SIZE(decoders));

	if (decoder)
		return decode(rule, expr, decoder);
	if (is_pure(expr->name))
		return sl_emit_unknown_named(rule, "xt ", expr->name);
	return sl_emit_kernel_named(rule, "xt ", expr->name);
}

const struct sl_expr_ops sl_expr_xt_match = {"match", SL_EXPR_XT_MATCH, lift_match};

static int lift_target(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	const struct sl_xt_match *decoder =
		find_decoder(rule, expr, targets, SL_ARRAY_SIZE(targets));

	if (decoder)
		return decode(rule, expr, decoder);
	return sl_emit_kernel_named(rule, "xt ", expr->name);
}

const struct sl_expr_ops sl_expr_xt_target = {"target", SL_EXPR_XT_TARGET, lift_target};

/* Ports */

void sl_xt_port_bytes(u16 port, u8 ret_bytes[2])
{
	ret_bytes[0] = (u8)(port >> 8);
	ret_bytes[1] = (u8)port;
}

int sl_xt_port_range(struct sl_rule_lift *rule, u32 offset, u16 low, u16 high, bool invert)
{
	struct sl_key_draft key = sl_key_of(SL_TRANSPORT, offset, 2);
	u8 from[2], to[2];

	if (low == 0 && high == UINT16_MAX)
		return invert ? sl_emit_never(rule) : 0;
	sl_xt_port_bytes(low, from);
	sl_xt_port_bytes(high, to);
	return sl_emit_range(rule, &key, from, to, invert);
}
