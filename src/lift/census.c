// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the ruleset as a whole says about conntrack: where it looks at packets, whether it may
 * expect connections, and whether it keeps them in zones. Whenever in doubt it does.
 *
 * Dormant tables count: their hooks are gone, but their expressions still hold conntrack, and
 * connections that they gave a helper live on.
 *
 * `notrack` needs no mention. A packet that met it has met a KERNEL op and passes, so that what is
 * still to be judged behind conntrack is never untracked by a rule. Nor do legacy tables that could
 * not be read: all packets of their family pass before conntrack (path.c).
 */
#include "lift/expr.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_CT.h>
#include <string.h>

static u8 families_of(u32 family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return SL_IP;
	case NFPROTO_IPV6:
		return SL_IP6;
	case NFPROTO_ARP:
		return 0;
	default: /* inet, and bridge and netdev, which bring in both */
		return SL_IP | SL_IP6;
	}
}

/* xtables extensions that do not hold conntrack. Those not listed are taken to. */
static bool xt_tracks(const char *name)
{
	static const char *const others[] = {
		"addrtype",  "AUDIT",  "bpf",       "cgroup",      "CHECKSUM",  "CLASSIFY",
		"comment",   "cpu",    "dccp",      "devgroup",    "dscp",      "DSCP",
		"ecn",       "esp",    "hashlimit", "icmp",        "icmp6",     "iprange",
		"length",    "limit",  "LOG",       "mac",         "mark",      "MARK",
		"multiport", "NFLOG",  "NFQUEUE",   "osf",         "owner",     "physdev",
		"pkttype",   "policy", "quota",     "recent",      "REJECT",    "rpfilter",
		"sctp",      "set",    "SET",       "socket",      "statistic", "string",
		"tcp",       "tcpmss", "TCPMSS",    "TCPOPTSTRIP", "TEE",       "time",
		"TOS",       "tos",    "TPROXY",    "TRACE",       "ttl",       "TTL",
		"hl",        "HL",     "u32",       "udp",
	};

	for (u32 i = 0; i < SL_ARRAY_SIZE(others); i++)
		if (!strcmp(others[i], name))
			return false;
	return true;
}

/* The CT target: -j CT --zone, --helper, --notrack. Revisions 1 and 2 share one layout. */
static void count_ct_target(struct sl_census *census, const struct sl_expr *expr)
{
	struct xt_ct_target_info info;

	if (expr->xt.revision > 2 || expr->xt.length < sizeof info) {
		census->assigns_helper = census->sets_zone = true;
		return;
	}
	memcpy(&info, expr->xt.info, sizeof info);
	if (info.helper[0])
		census->assigns_helper = true;
	if (info.zone || info.flags & (u16) ~(XT_CT_NOTRACK | XT_CT_NOTRACK_ALIAS))
		census->sets_zone = true;
}

static void count_ct(struct sl_census *census, const struct sl_expr *expr)
{
	if (expr->ct.writes && expr->ct.key == NFT_CT_ZONE)
		census->sets_zone = true;
	if (expr->ct.writes && expr->ct.key == NFT_CT_HELPER)
		census->assigns_helper = true;
}

static bool is_ct_object(u32 type)
{
	return type != NFT_OBJECT_COUNTER && type != NFT_OBJECT_QUOTA && type != NFT_OBJECT_LIMIT &&
	       type != NFT_OBJECT_SECMARK && type != NFT_OBJECT_TUNNEL;
}

static bool expects(u32 type)
{
	return is_ct_object(type) && type != NFT_OBJECT_CT_TIMEOUT &&
	       type != NFT_OBJECT_CONNLIMIT && type != NFT_OBJECT_SYNPROXY;
}

static void count_opaque(struct sl_census *census, const struct sl_expr *expr, u8 families)
{
	if (sl_expr_name_tracks(expr->name))
		census->tracked |= families;
	if (!strcmp(expr->name, "ct"))
		census->assigns_helper = census->sets_zone = true;
}

static void count_expr(struct sl_census *census, const struct sl_expr *expr, u8 families)
{
	if (expr->opaque)
		return count_opaque(census, expr, families);
	switch (expr->kind) {
	case SL_EXPR_OPAQUE:
		count_opaque(census, expr, families);
		break;
	case SL_EXPR_CT:
		census->tracked |= families;
		count_ct(census, expr);
		break;
	case SL_EXPR_OBJREF:
		break; /* its table's objects are counted */
	case SL_EXPR_XT_MATCH:
	case SL_EXPR_XT_TARGET:
		if (xt_tracks(expr->name))
			census->tracked |= families;
		if (expr->kind == SL_EXPR_XT_TARGET && !strcmp(expr->name, "CT"))
			count_ct_target(census, expr);
		break;
	default:
		break;
	}
}

static void count_chain(struct sl_census *census, const struct sl_nft_chain *chain, u8 families)
{
	if (chain->is_base && (chain->opaque_hook || !chain->type || !strcmp(chain->type, "nat")))
		census->tracked |= families;
	for (u32 i = 0; i < chain->rules.count; i++) {
		const struct sl_nft_rule *rule = &chain->rules.items[i];

		for (u32 k = 0; k < rule->exprs.count; k++)
			count_expr(census, &rule->exprs.items[k], families);
	}
}

static void count_table(struct sl_census *census, const struct sl_nft_table *table)
{
	u8 families = families_of(table->family);

	for (u32 i = 0; i < table->chains.count; i++)
		count_chain(census, table->chains.items[i], families);
	for (u32 i = 0; i < table->objects.count; i++) {
		if (is_ct_object(table->objects.items[i].type))
			census->tracked |= families;
		if (expects(table->objects.items[i].type))
			census->assigns_helper = true;
	}
	if (table->flowtables.count)
		census->tracked |= families;
}

void sl_census_take(struct sl_lifter *lifter)
{
	lifter->census.tracked = (u8)((lifter->host->tracks_ip ? SL_IP : 0) |
				      (lifter->host->tracks_ip6 ? SL_IP6 : 0));
	for (u32 i = 0; i < lifter->rules->tables.count; i++)
		count_table(&lifter->census, lifter->rules->tables.items[i]);
}
