// SPDX-License-Identifier: GPL-2.0-only
/*
 * nft_ct.c: what conntrack knows of the packet's connection. Its state is known in worlds, and its
 * status as far as the state says it. At a netfilter hook the connection is at hand.
 */
#include "lift/expr.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>

/* In the order of SL_WORLD_*. */
const u32 sl_world_states[SL_WORLD_COUNT] = {
	NF_CT_STATE_BIT(IP_CT_NEW),     NF_CT_STATE_BIT(IP_CT_ESTABLISHED),
	NF_CT_STATE_BIT(IP_CT_RELATED), NF_CT_STATE_INVALID_BIT,
	NF_CT_STATE_UNTRACKED_BIT,
};

static const struct key {
	u8 length; /* bytes; 0 where it depends on the family */
	const char *reason;
	u8 fact; /* enum sl_meta, at a netfilter hook; 0: not known there either */
} keys[] = {
	[NFT_CT_DIRECTION] = {1, "ct direction", SL_META_CT_DIRECTION},
	[NFT_CT_STATUS] = {4, "ct status", SL_META_CT_STATUS},
	[NFT_CT_MARK] = {4, "ct mark", SL_META_CT_MARK},
	[NFT_CT_SECMARK] = {4, "ct secmark", 0},
	[NFT_CT_EXPIRATION] = {4, "ct expiration", 0},
	[NFT_CT_HELPER] = {16, "ct helper", 0},
	[NFT_CT_L3PROTOCOL] = {1, "ct l3proto", 0},
	[NFT_CT_SRC] = {0, "ct saddr", 0},
	[NFT_CT_DST] = {0, "ct daddr", 0},
	[NFT_CT_PROTOCOL] = {1, "ct protocol", 0},
	[NFT_CT_PROTO_SRC] = {2, "ct proto-src", 0},
	[NFT_CT_PROTO_DST] = {2, "ct proto-dst", 0},
	[NFT_CT_LABELS] = {16, "ct label", 0},
	[NFT_CT_PKTS] = {8, "ct packets", 0},
	[NFT_CT_BYTES] = {8, "ct bytes", 0},
	[NFT_CT_AVGPKT] = {8, "ct avgpkt", 0},
	[NFT_CT_ZONE] = {2, "ct zone", 0},
	[NFT_CT_EVENTMASK] = {4, "ct event", 0},
	[NFT_CT_SRC_IP] = {4, "ct ip saddr", 0},
	[NFT_CT_DST_IP] = {4, "ct ip daddr", 0},
	[NFT_CT_SRC_IP6] = {16, "ct ip6 saddr", 0},
	[NFT_CT_DST_IP6] = {16, "ct ip6 daddr", 0},
	[NFT_CT_ID] = {4, "ct id", 0},
};

static void load_state(struct sl_rule_lift *rule, u32 dreg)
{
	u32 states[SL_WORLD_COUNT];

	for (u32 i = 0; i < SL_WORLD_COUNT; i++)
		states[i] = sl_world_states[rule->world < SL_WORLD_COUNT ? rule->world : i];
	sl_registers_load_words(&rule->registers, dreg, states);
}

/* At a netfilter hook; without a connection it is NFT_BREAK. */
static int load_fact(struct sl_rule_lift *rule, u32 dreg, const struct key *key)
{
	const struct sl_field field = {.base = SL_META, .length = key->length, .offset = key->fact};
	int error = sl_emit_states(rule, SL_WORLDS_CONNECTED);

	sl_registers_load_field(&rule->registers, dreg, field, false);
	return error;
}

/*
 * A connection that is only beginning was not expected and has no answer yet, nor is it in the
 * table; and nobody has rewritten where it goes, for a packet that met such a rule passes. Of the
 * other bits nothing is said here.
 */
#define NONE_OF_NEW (IPS_EXPECTED | IPS_SEEN_REPLY | IPS_CONFIRMED | IPS_DST_NAT)

static int load_status(struct sl_rule_lift *rule, u32 dreg)
{
	static const char reason[] = "ct status";

	if (rule->world == SL_WORLD_COUNT)
		return SL_LIFT_SPLIT;
	switch (1 << rule->world) {
	case SL_WORLD_NEW:
		sl_registers_load_bits(&rule->registers, dreg, 0, ~(u32)NONE_OF_NEW, reason);
		return 0;
	case SL_WORLD_INVALID:
	case SL_WORLD_UNTRACKED: /* no connection: NFT_BREAK */
		return sl_emit_never(rule);
	default:
		sl_registers_load_unknown(&rule->registers, dreg, sizeof(u32), true, reason);
		return 0;
	}
}

static int lift(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	u32 key = expr->ct.key;

	if (expr->ct.writes)
		return sl_emit_kernel(rule, "sets something of the connection");
	if (key < SL_ARRAY_SIZE(keys) && keys[key].fact && rule->lifter->front)
		return load_fact(rule, expr->ct.dreg, &keys[key]);
	if (key == NFT_CT_STATUS)
		return load_status(rule, expr->ct.dreg);
	if (key == NFT_CT_STATE)
		load_state(rule, expr->ct.dreg);
	else if (key < SL_ARRAY_SIZE(keys) && keys[key].length)
		sl_registers_load_unknown(&rule->registers, expr->ct.dreg, keys[key].length, true,
					  keys[key].reason);
	else
		sl_registers_forget(&rule->registers, key < SL_ARRAY_SIZE(keys)
							      ? keys[key].reason
							      : "ct key that sluice does not know");
	return 0;
}

const struct sl_expr_ops sl_expr_ct = {"ct", SL_EXPR_CT, lift};
