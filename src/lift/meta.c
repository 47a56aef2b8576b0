// SPDX-License-Identifier: GPL-2.0-only
/* nft_meta.c: what the kernel knows of the packet besides its bytes. */
#include "lift/expr.h"

#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <string.h>

enum knowledge {
	NOT_KNOWN,
	FIELD,
	MARK,   /* a field where packets arrive without one, and another at a netfilter hook */
	LENGTH, /* a field at a netfilter hook */
	TYPE, /* a field ahead of it: there the device is known by address and index (bpf/hook.h) */
	OUT,  /* of the device that the packet leaves by: a field at a netfilter hook; zero while
		 there is none, … */
	OUT_OR, /* … or NFT_BREAK */
};

static const struct key {
	enum knowledge knowledge;
	u8 length;          /* bytes */
	u8 field;           /* FIELD, MARK, LENGTH, TYPE, OUT: enum sl_meta */
	const char *reason; /* NULL only for FIELD */
} keys[] = {
	[NFT_META_LEN] = {LENGTH, 4, SL_META_LENGTH, "length: GRO may have merged packets"},
	[NFT_META_PROTOCOL] = {FIELD, 2, SL_META_PROTOCOL, NULL},
	[NFT_META_PRIORITY] = {NOT_KNOWN, 4, 0, "meta priority"},
	[NFT_META_MARK] = {MARK, 4, SL_META_MARK, "mark: something may set it before the rules"},
	[NFT_META_IIF] = {FIELD, 4, SL_META_IIF, NULL},
	[NFT_META_OIF] = {OUT, 4, SL_META_OIF, "meta oif"},
	[NFT_META_IIFNAME] = {FIELD, IFNAMSIZ, SL_META_IIFNAME, NULL},
	[NFT_META_OIFNAME] = {OUT, IFNAMSIZ, SL_META_OIFNAME, "meta oifname"},
	[NFT_META_IIFTYPE] = {TYPE, 2, SL_META_IIFTYPE, "meta iiftype"},
	[NFT_META_OIFTYPE] = {OUT_OR, 2, 0, "meta oiftype"},
	[NFT_META_SKUID] = {NOT_KNOWN, 4, 0, "meta skuid"},
	[NFT_META_SKGID] = {NOT_KNOWN, 4, 0, "meta skgid"},
	[NFT_META_RTCLASSID] = {NOT_KNOWN, 4, 0, "meta rtclassid"},
	[NFT_META_SECMARK] = {NOT_KNOWN, 4, 0, "meta secmark"},
	[NFT_META_NFPROTO] = {FIELD, 1, SL_META_NFPROTO, NULL},
	[NFT_META_L4PROTO] = {FIELD, 1, SL_META_L4PROTO, NULL},
	[NFT_META_PKTTYPE] = {FIELD, 1, SL_META_PKTTYPE, NULL},
	[NFT_META_CPU] = {NOT_KNOWN, 4, 0, "meta cpu"},
	[NFT_META_IIFGROUP] = {FIELD, 4, SL_META_IIFGROUP, NULL},
	[NFT_META_OIFGROUP] = {OUT_OR, 4, 0, "meta oifgroup"},
	[NFT_META_CGROUP] = {NOT_KNOWN, 4, 0, "meta cgroup"},
	[NFT_META_PRANDOM] = {NOT_KNOWN, 4, 0, "meta random"},
	[NFT_META_SECPATH] = {NOT_KNOWN, 1, 0, "meta ipsec"},
	[NFT_META_IIFKIND] = {NOT_KNOWN, IFNAMSIZ, 0, "meta iifkind"},
	[NFT_META_OIFKIND] = {NOT_KNOWN, IFNAMSIZ, 0, "meta oifkind"},
	[NFT_META_TIME_NS] = {NOT_KNOWN, 8, 0, "meta time"},
	[NFT_META_TIME_DAY] = {NOT_KNOWN, 1, 0, "meta day"},
	[NFT_META_TIME_HOUR] = {NOT_KNOWN, 4, 0, "meta hour"},
	[NFT_META_SDIF] = {NOT_KNOWN, 4, 0, "meta sdif"},
	[NFT_META_SDIFNAME] = {NOT_KNOWN, IFNAMSIZ, 0, "meta sdifname"},
};

/* Reached only from hooks where no device to leave by has been chosen. */
static bool has_no_out(const struct sl_rule_lift *rule)
{
	return !(rule->chain->contexts & SL_FROM_FORWARD);
}

static bool is_field(const struct sl_rule_lift *rule, const struct key *key)
{
	switch (key->knowledge) {
	case FIELD:
		return true;
	case MARK:
		return rule->lifter->front || rule->lifter->program->device.mark_is_zero;
	case OUT:
		return rule->lifter->front && !has_no_out(rule);
	case LENGTH:
		return rule->lifter->front;
	case TYPE:
		return !rule->lifter->front;
	default:
		return false;
	}
}

static int load(struct sl_rule_lift *rule, const struct key *key, u32 dreg)
{
	static const u8 zeroes[IFNAMSIZ];
	struct sl_field field = {.base = SL_META, .length = key->length, .offset = key->field};

	if (key->knowledge == MARK && rule->lifter->front)
		field.offset = SL_META_HOOK_MARK;
	if (key->field == SL_META_IIFNAME || key->field == SL_META_IIFGROUP)
		rule->lifter->program->device.is_asked_for = true;
	if (is_field(rule, key))
		sl_registers_load_field(&rule->registers, dreg, field, false);
	else if (key->knowledge == OUT && has_no_out(rule))
		sl_registers_load_value(&rule->registers, dreg, zeroes, key->length);
	else if (key->knowledge == OUT_OR && has_no_out(rule))
		return sl_emit_never(rule);
	else
		sl_registers_load_unknown(&rule->registers, dreg, key->length, true, key->reason);
	return 0;
}

/* What a key of the mark alone keeps and flips of it; false for any other. */
static bool find_bits(const struct sl_key_draft *key, u32 *ret_keep, u32 *ret_flip)
{
	const struct sl_field *field = &key->parts[0].field;
	u32 keep = ~0u, flip = 0, mask, xor;

	if (key->part_count != 1 || key->parts[0].at || field->base != SL_META ||
	    field->offset != SL_META_MARK || field->length != sizeof keep)
		return false;
	for (u32 i = 0; i < key->transform_count; i++) {
		const struct sl_transform *transform = &key->transforms[i];

		if (transform->kind != SL_MASK || transform->at || transform->length != sizeof mask)
			return false;
		memcpy(&mask, transform->mask, sizeof mask);
		memcpy(&xor, transform->xor, sizeof xor);
		keep &= mask;
		flip = (flip & mask) ^ xor;
	}
	*ret_keep = keep;
	*ret_flip = flip;
	return true;
}

static int set_mark(struct sl_rule_lift *rule, u32 sreg)
{
	const char *reason = "mark set to what sluice does not know";
	struct sl_reading reading;
	u32 keep = 0, flip = 0;

	sl_registers_read(&rule->registers, sreg, sizeof flip, &reading);
	if (reading.kind == SL_READ_VALUE && sl_values_are_equal(&reading.values, sizeof flip)) {
		memcpy(&flip, reading.values.bytes[0], sizeof flip);
		reason = NULL;
	} else if (reading.kind == SL_READ_KEY && find_bits(&reading.key, &keep, &flip)) {
		reason = NULL;
	}
	return sl_emit_mark(rule, keep, flip, reason);
}

static int lift(struct sl_rule_lift *rule, const struct sl_expr *expr)
{
	u32 key = expr->meta.key;

	if (expr->meta.writes && key == NFT_META_MARK)
		return set_mark(rule, expr->meta.dreg);
	if (expr->meta.writes)
		return sl_emit_kernel(rule, "sets metadata of the packet");
	if (key < SL_ARRAY_SIZE(keys) && keys[key].length)
		return load(rule, &keys[key], expr->meta.dreg);
	sl_registers_forget(&rule->registers, "meta key that sluice does not know");
	return 0;
}

const struct sl_expr_ops sl_expr_meta = {"meta", SL_EXPR_META, lift};
