// SPDX-License-Identifier: GPL-2.0-only
/* nft_payload.c: bytes of the packet. */
#include "lift/expr.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "config.h"

#define ETHERTYPE     12 /* offsets and lengths of the Ethernet header */
#define LINK_HEADER   14
#define IP_HEADER     20
#define TRANSPORT_MIN 8 /* what ir/packet.h promises to be there */

/* Half-open byte ranges. */
static bool overlaps(u32 from, u32 to, u32 other_from, u32 other_to)
{
	return from < other_to && other_from < to;
}

/*
 * GRO may have merged packets before the rules look: the length that they then see is not that of
 * the packet at XDP. IPv4 keeps its length in bytes 2–3, IPv6 in 4–5, UDP in 4–5.
 */
static bool has_length(u32 family, u32 base, u32 from, u32 to)
{
	if (base == NFT_PAYLOAD_TRANSPORT_HEADER)
		return overlaps(from, to, 4, 6);
	if (base != NFT_PAYLOAD_NETWORK_HEADER)
		return false;
	return (family != NFPROTO_IPV6 && overlaps(from, to, 2, 4)) ||
	       (family != NFPROTO_IPV4 && overlaps(from, to, 4, 6));
}

/*
 * Forwarding takes a hop off before the rules of forward look: in IPv4 that changes byte 8, and the
 * header's checksum in 10–11; in IPv6 byte 7.
 */
static bool has_hops(const struct sl_chain_lift *chain, u32 base, u32 from, u32 to)
{
	u32 family = chain->table->family;

	if (!(chain->contexts & SL_FROM_FORWARD) || base != NFT_PAYLOAD_NETWORK_HEADER)
		return false;
	return (family != NFPROTO_IPV6 &&
		(overlaps(from, to, 8, 9) || overlaps(from, to, 10, 12))) ||
	       (family != NFPROTO_IPV4 && overlaps(from, to, 7, 8));
}

/* Why these bytes are not known at XDP, or at a netfilter hook; or NULL. */
static const char *find_obstacle(const struct sl_rule_lift *rule, u32 base, u32 from, u32 to)
{
	if (base > NFT_PAYLOAD_TRANSPORT_HEADER)
		return "inner header";
	if (base == NFT_PAYLOAD_LL_HEADER && rule->lifter->front)
		return "the Ethernet header, which is gone at a netfilter hook";
	if (base == NFT_PAYLOAD_LL_HEADER && to > LINK_HEADER)
		return "bytes behind the Ethernet header";
	if (base == NFT_PAYLOAD_LL_HEADER && to > ETHERTYPE &&
	    rule->lifter->program->device.hides_vlan)
		return "ethertype: the device may have stripped a VLAN tag";
	if (rule->lifter->front)
		return to > (base == NFT_PAYLOAD_NETWORK_HEADER ? IP_HEADER : 0) + SL_HOOK_REACH
			       ? "bytes too far behind the headers"
			       : NULL;
	if (has_length(rule->chain->table->family, base, from, to))
		return "length: GRO may have merged packets";
	if (has_hops(rule->chain, base, from, to))
		return "hops: forwarding takes one off";
	return NULL;
}

/* Beyond what every ordinary frame has. */
static bool may_break(u32 base, u32 to)
{
	switch (base) {
	case NFT_PAYLOAD_NETWORK_HEADER:
		return to > IP_HEADER + TRANSPORT_MIN;
	case NFT_PAYLOAD_TRANSPORT_HEADER:
		return to > TRANSPORT_MIN;
	default:
		return false;
	}
}

static int lift(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	static const u8 bases[] = {
		[NFT_PAYLOAD_LL_HEADER] = SL_LINK,
		[NFT_PAYLOAD_NETWORK_HEADER] = SL_NETWORK,
		[NFT_PAYLOAD_TRANSPORT_HEADER] = SL_TRANSPORT,
	};
	u32 base = expr->payload.base, from = expr->payload.offset;
	u32 length = expr->payload.length, to = from + length;
	const char *obstacle;

	if (expr->payload.writes)
		return sl_emit_kernel(rule, "sets bytes of the packet");
	obstacle = find_obstacle(rule, base, from, to);
	if (!obstacle && (length > SL_KEY_MAX || from > UINT16_MAX))
		obstacle = "payload out of reach";
	if (obstacle) {
		sl_registers_load_unknown(&rule->registers, expr->payload.dreg, length, true,
					  obstacle);
		return 0;
	}

	struct sl_field field = {.base = bases[base], .length = (u8)length, .offset = (u16)from};

	sl_registers_load_field(&rule->registers, expr->payload.dreg, field, may_break(base, to));
	return 0;
}

const struct sl_expr_ops sl_expr_payload = {"payload", SL_EXPR_PAYLOAD, lift};
