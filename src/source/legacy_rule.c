/* SPDX-License-Identifier: GPL-2.0-only */
/* From a struct ipt_entry or ip6t_entry to the expressions that mean the same to nf_tables. */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <string.h>

#include "source/legacy_parts.h"

#define IP_SOURCE       12 /* offsets in the headers */
#define IP_DESTINATION  16
#define IP_FRAGMENT     6
#define IP6_SOURCE      8
#define IP6_DESTINATION 24

const struct sl_legacy_layout *sl_legacy_layout(u32 protocol)
{
	static const struct sl_legacy_layout ip = {
		.asks = sizeof(struct ipt_ip),
		.offsets = offsetof(struct ipt_entry, target_offset),
		.size = sizeof(struct ipt_entry),
	};
	static const struct sl_legacy_layout ip6 = {
		.asks = sizeof(struct ip6t_ip6),
		.offsets = offsetof(struct ip6t_entry, target_offset),
		.size = sizeof(struct ip6t_entry),
	};

	return protocol == NFPROTO_IPV4 ? &ip : &ip6;
}

u64 sl_legacy_hash(u64 hash, const void *bytes, size_t length)
{
	const u8 *at = bytes;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ at[i]) * 0x100000001b3;
	return (hash ^ hash >> 32) & UINT32_MAX;
}

/* A rule in the making. */
struct draft {
	struct sl_arena *arena;
	const struct sl_legacy_blob *blob;
	const struct sl_legacy_entry *entry;
	struct sl_nft_rule *rule;
};

static int add(struct draft *draft, const struct sl_expr *expr)
{
	struct sl_expr *slot = sl_list_push(draft->arena, &draft->rule->exprs);

	if (!slot)
		return -ENOMEM;
	*slot = *expr;
	return 0;
}

static int add_opaque(struct draft *draft, const char *name)
{
	return add(draft, &(struct sl_expr){.kind = SL_EXPR_OPAQUE, .name = name});
}

static int add_load(struct draft *draft, u32 base, u32 offset, u32 length)
{
	return add(draft, &(struct sl_expr){
				  .kind = SL_EXPR_PAYLOAD,
				  .name = "payload",
				  .payload = {.base = base, .offset = offset, .length = length}});
}

static int add_meta(struct draft *draft, u32 key)
{
	return add(draft,
		   &(struct sl_expr){.kind = SL_EXPR_META, .name = "meta", .meta = {.key = key}});
}

static int add_mask(struct draft *draft, const void *mask, u32 length)
{
	struct sl_expr expr = {
		.kind = SL_EXPR_BITWISE,
		.name = "bitwise",
		.bitwise = {.op = NFT_BITWISE_BOOL,
			    .mask = sl_arena_copy(draft->arena, mask, length),
			    .xor = sl_arena_alloc(draft->arena, length),
			    .length = length},
	};

	return expr.bitwise.mask && expr.bitwise.xor ? add(draft, &expr) : -ENOMEM;
}

static int add_compare(struct draft *draft, bool invert, const void *value, u32 length)
{
	struct sl_expr expr = {
		.kind = SL_EXPR_CMP,
		.name = "cmp",
		.cmp = {.op = invert ? NFT_CMP_NEQ : NFT_CMP_EQ,
			.data = sl_arena_copy(draft->arena, value, length),
			.length = length},
	};

	return expr.cmp.data ? add(draft, &expr) : -ENOMEM;
}

/* What a rule asks for by itself: ip_packet_match() and ip6_packet_match() */

static bool is_all(const u8 *bytes, u32 length, u8 value)
{
	for (u32 i = 0; i < length; i++)
		if (bytes[i] != value)
			return false;
	return true;
}

static int add_address(struct draft *draft, u32 offset, u32 length, const void *address,
		       const void *mask, bool invert)
{
	int error;

	if (is_all(mask, length, 0) && is_all(address, length, 0) && !invert)
		return 0;
	error = add_load(draft, NFT_PAYLOAD_NETWORK_HEADER, offset, length);
	if (!error && !is_all(mask, length, 0xff))
		error = add_mask(draft, mask, length);
	return error ? error : add_compare(draft, invert, address, length);
}

/*
 * The kernel compares what is in the mask of all 16 bytes, those behind the name's end as well;
 * nobody asks for those.
 */
static int add_device(struct draft *draft, u32 key, const char name[IFNAMSIZ],
		      const u8 mask[IFNAMSIZ], bool invert)
{
	u32 length = 0;
	int error;

	while (length < IFNAMSIZ && mask[length] == 0xff)
		length++;
	if (!is_all(mask + length, IFNAMSIZ - length, 0) || length > strnlen(name, IFNAMSIZ) + 1 ||
	    (!length && invert))
		return add_opaque(draft, "interface");
	if (!length)
		return 0;
	error = add_meta(draft, key);
	return error ? error : add_compare(draft, invert, name, length);
}

static int add_protocol(struct draft *draft, u16 protocol, bool invert)
{
	u8 byte = (u8)protocol;
	int error;

	if (protocol > UINT8_MAX)
		return add_opaque(draft, "protocol");
	error = add_meta(draft, NFT_META_L4PROTO);
	return error ? error : add_compare(draft, invert, &byte, sizeof byte);
}

/* -f: fragments but the first. */
static int add_fragment(struct draft *draft, bool invert)
{
	static const u8 offset[2] = {0x1f, 0xff}, none[2];
	int error = add_load(draft, NFT_PAYLOAD_NETWORK_HEADER, IP_FRAGMENT, sizeof offset);

	if (!error)
		error = add_mask(draft, offset, sizeof offset);
	return error ? error : add_compare(draft, !invert, none, sizeof none);
}

static int add_ip(struct draft *draft)
{
	struct ipt_ip ip;
	bool is_fragment;
	int error;

	memcpy(&ip, draft->entry->bytes, sizeof ip);
	is_fragment = ip.flags & IPT_F_FRAG;
	if (ip.flags & ~IPT_F_MASK || ip.invflags & ~IPT_INV_MASK ||
	    (!is_fragment && ip.invflags & IPT_INV_FRAG))
		return add_opaque(draft, "flags");
	error = add_address(draft, IP_SOURCE, sizeof ip.src, &ip.src, &ip.smsk,
			    ip.invflags & IPT_INV_SRCIP);
	if (!error)
		error = add_address(draft, IP_DESTINATION, sizeof ip.dst, &ip.dst, &ip.dmsk,
				    ip.invflags & IPT_INV_DSTIP);
	if (!error)
		error = add_device(draft, NFT_META_IIFNAME, ip.iniface, ip.iniface_mask,
				   ip.invflags & IPT_INV_VIA_IN);
	if (!error)
		error = add_device(draft, NFT_META_OIFNAME, ip.outiface, ip.outiface_mask,
				   ip.invflags & IPT_INV_VIA_OUT);
	if (!error && ip.proto)
		error = add_protocol(draft, ip.proto, ip.invflags & IPT_INV_PROTO);
	if (!error && is_fragment)
		error = add_fragment(draft, ip.invflags & IPT_INV_FRAG);
	return error;
}

static int add_ip6(struct draft *draft)
{
	struct ip6t_ip6 ip6;
	int error;

	memcpy(&ip6, draft->entry->bytes, sizeof ip6);
	if (ip6.flags & ~IP6T_F_MASK || ip6.invflags & ~IP6T_INV_MASK)
		return add_opaque(draft, "flags");
	error = add_address(draft, IP6_SOURCE, sizeof ip6.src, &ip6.src, &ip6.smsk,
			    ip6.invflags & IP6T_INV_SRCIP);
	if (!error)
		error = add_address(draft, IP6_DESTINATION, sizeof ip6.dst, &ip6.dst, &ip6.dmsk,
				    ip6.invflags & IP6T_INV_DSTIP);
	if (!error)
		error = add_device(draft, NFT_META_IIFNAME, ip6.iniface, ip6.iniface_mask,
				   ip6.invflags & IP6T_INV_VIA_IN);
	if (!error)
		error = add_device(draft, NFT_META_OIFNAME, ip6.outiface, ip6.outiface_mask,
				   ip6.invflags & IP6T_INV_VIA_OUT);
	if (!error && ip6.flags & IP6T_F_PROTO && ip6.proto)
		error = add_protocol(draft, ip6.proto, ip6.invflags & IP6T_INV_PROTO);
	return error;
}

/* Extensions */

static u32 info_length(const struct sl_legacy_extension *extension)
{
	return extension->size - EXTENSION_HEAD;
}

static int add_extension(struct draft *draft, enum sl_expr_kind kind,
			 const struct sl_legacy_extension *extension)
{
	struct sl_expr expr = {.kind = kind};
	const char *name = sl_legacy_name(draft->blob->source, extension, &expr.xt.revision);

	if (!name)
		return -EINVAL;
	expr.name = sl_arena_strdup(draft->arena, name);
	expr.xt.length = info_length(extension);
	expr.xt.info = sl_arena_copy(draft->arena, extension->info, expr.xt.length);
	if (!expr.name || !expr.xt.info)
		return -ENOMEM;
	draft->rule->handle = sl_legacy_hash(draft->rule->handle, name, strlen(name));
	draft->rule->handle = sl_legacy_hash(draft->rule->handle, expr.xt.info, expr.xt.length);
	return add(draft, &expr);
}

static int add_matches(struct draft *draft)
{
	u32 at = draft->entry->layout->size;
	struct sl_legacy_extension match;
	int error = 0;

	while (!error && sl_legacy_next_match(draft->entry, &at, &match))
		error = add_extension(draft, SL_EXPR_XT_MATCH, &match);
	return error;
}

/* Verdicts */

static bool is_goto(const struct sl_legacy_entry *entry)
{
	struct ip6t_ip6 ip6;
	struct ipt_ip ip;

	if (entry->layout->asks == sizeof ip) {
		memcpy(&ip, entry->bytes, sizeof ip);
		return ip.flags & IPT_F_GOTO;
	}
	memcpy(&ip6, entry->bytes, sizeof ip6);
	return ip6.flags & IP6T_F_GOTO;
}

static int add_verdict(struct draft *draft, s32 code, const char *chain)
{
	struct sl_expr expr = {
		.kind = SL_EXPR_IMMEDIATE,
		.name = "immediate",
		.immediate = {.is_verdict = true, .verdict = {.code = code, .chain = chain}},
	};

	if (chain)
		draft->rule->handle = sl_legacy_hash(draft->rule->handle, chain, strlen(chain));
	draft->rule->handle = sl_legacy_hash(draft->rule->handle, &code, sizeof code);
	return add(draft, &expr);
}

static int add_jump(struct draft *draft, u32 to)
{
	const struct sl_legacy_chain *chain;

	if (to == draft->entry->at + draft->entry->length) /* no verdict at all */
		return 0;
	chain = sl_legacy_find_chain(draft->blob, to);
	if (!chain)
		return -EINVAL;
	return add_verdict(draft, is_goto(draft->entry) ? NFT_GOTO : NFT_JUMP, chain->chain->name);
}

static int add_standard(struct draft *draft)
{
	s32 verdict;

	memcpy(&verdict, draft->entry->target.info, sizeof verdict);
	if (verdict >= 0)
		return add_jump(draft, (u32)verdict);
	if (verdict == XT_RETURN)
		return add_verdict(draft, NFT_RETURN, NULL);
	if (verdict == -NF_ACCEPT - 1 || verdict == -NF_DROP - 1)
		return add_verdict(draft, -verdict - 1, NULL);
	return add_opaque(draft, "queue");
}

static int add_target(struct draft *draft)
{
	const struct sl_legacy_extension *target = &draft->entry->target;
	u32 revision;
	const char *name = sl_legacy_name(draft->blob->source, target, &revision);

	if (!name)
		return -EINVAL;
	return *name ? add_extension(draft, SL_EXPR_XT_TARGET, target) : add_standard(draft);
}

int sl_legacy_read_rule(struct sl_arena *arena, const struct sl_legacy_blob *blob,
			const struct sl_legacy_entry *entry, struct sl_nft_rule *rule)
{
	struct draft draft = {.arena = arena, .blob = blob, .entry = entry, .rule = rule};
	static const struct sl_expr counter = {.kind = SL_EXPR_COUNTER, .name = "counter"};
	int error = entry->layout->asks == sizeof(struct ipt_ip) ? add_ip(&draft) : add_ip6(&draft);

	rule->handle = sl_legacy_hash(blob->source->protocol, entry->bytes, entry->layout->asks);
	if (!error)
		error = add_matches(&draft);
	if (!error)
		error = add(&draft, &counter);
	return error ? error : add_target(&draft);
}
