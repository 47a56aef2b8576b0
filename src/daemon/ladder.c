/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ladder.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "load/attach.h"

bool sl_wanted_mode_parse(const char *text, enum sl_wanted_mode *ret_wanted)
{
	static const char *const names[] = {
		[SL_WANT_AUTO] = "auto", [SL_WANT_OFFLOAD] = "offload", [SL_WANT_NATIVE] = "native",
		[SL_WANT_TC] = "tc",     [SL_WANT_GENERIC] = "generic",
	};

	for (size_t i = 0; i < SL_ARRAY_SIZE(names); i++) {
		if (!strcmp(text, names[i])) {
			*ret_wanted = (enum sl_wanted_mode)i;
			return true;
		}
	}
	return false;
}

void sl_ladder_note(struct sl_ladder *ladder, const char *rung, const char *format, ...)
{
	size_t used = strlen(ladder->text);
	va_list args;

	used += (size_t)snprintf(ladder->text + used, sizeof ladder->text - used,
				 "%s%s: ", used ? "\n" : "", rung);
	if (used >= sizeof ladder->text)
		return;
	va_start(args, format);
	vsnprintf(ladder->text + used, sizeof ladder->text - used, format, args);
	va_end(args);
}

/* IPv4's total length and identification, IPv6's payload length; UDP's. */
static bool reads_length(const struct sl_expr *expr)
{
	u32 first = expr->payload.offset, end = first + expr->payload.length;

	switch (expr->payload.base) {
	case NFT_PAYLOAD_NETWORK_HEADER:
		return first < 6 && end > 2;
	case NFT_PAYLOAD_TRANSPORT_HEADER:
		return first < 6 && end > 4 && expr->payload.length == 2;
	default:
		return false;
	}
}

/* Rules whose verdict depends on how many packets carry the same bytes, or on their size. */
static bool measures_packets(const struct sl_expr *expr)
{
	static const char *const names[] = {"limit",     "quota",   "hashlimit", "connbytes",
					    "length",    "rateest", "dynset",    "recent",
					    "statistic", "numgen"};

	if (expr->kind == SL_EXPR_META && !expr->meta.writes)
		return expr->meta.key == NFT_META_LEN;
	if (expr->kind == SL_EXPR_PAYLOAD && !expr->payload.writes)
		return reads_length(expr);
	if (expr->kind == SL_EXPR_OBJREF)
		return expr->objref.type == NFT_OBJECT_LIMIT ||
		       expr->objref.type == NFT_OBJECT_QUOTA;
	for (size_t i = 0; i < SL_ARRAY_SIZE(names); i++)
		if (!strcmp(expr->name, names[i]))
			return true;
	return false;
}

static const struct sl_nft_rule *find_measuring_rule(const struct sl_ruleset *rules,
						     const struct sl_nft_chain **ret_chain,
						     const char **ret_name)
{
	for (u32 t = 0; t < rules->tables.count; t++) {
		const struct sl_nft_table *table = rules->tables.items[t];

		for (u32 c = 0; c < table->chains.count; c++) {
			const struct sl_nft_chain *chain = table->chains.items[c];

			for (u32 r = 0; r < chain->rules.count; r++) {
				const struct sl_nft_rule *rule = &chain->rules.items[r];

				for (u32 e = 0; e < rule->exprs.count; e++) {
					if (!measures_packets(&rule->exprs.items[e]))
						continue;
					*ret_chain = chain;
					*ret_name = rule->exprs.items[e].name;
					return rule;
				}
			}
		}
	}
	return NULL;
}

/* Native XDP makes these give up their aggregates: 64 kB that were one packet become 45. */
static bool splits_aggregates(const struct sl_link *link)
{
	return !strcmp(link->driver, "veth") || !strcmp(link->driver, "virtio_net");
}

const char *sl_ladder_objection(const struct sl_compiled *compiled, const struct sl_link *link,
				enum sl_attach_mode mode, char ret_reason[256])
{
	const struct sl_nft_chain *chain;
	const struct sl_nft_rule *rule;
	const char *name;

	if (mode != SL_MODE_NATIVE && mode != SL_MODE_GENERIC)
		return NULL;
	link = sl_ladder_place(compiled, link, mode);
	if (!link || !splits_aggregates(link))
		return NULL;
	rule = find_measuring_rule(compiled->rules, &chain, &name);
	if (!rule)
		return NULL;
	snprintf(ret_reason, 256,
		 "rule %llu of chain %s (%s) counts or measures packets, and XDP on a %s device "
		 "splits the large ones that it sees today",
		 (unsigned long long)rule->handle, chain->name, name, link->driver);
	return ret_reason;
}

const struct sl_link *sl_ladder_place(const struct sl_compiled *compiled,
				      const struct sl_link *link, enum sl_attach_mode mode)
{
	return mode == SL_MODE_NATIVE && link->is_below ? sl_host_find_below(compiled->host, link)
							: link;
}

static const char *blame_stripping(const struct sl_link *link, char ret_reason[256])
{
	snprintf(ret_reason, 256,
		 "VLAN devices are on %s, and XDP would not see the tags of their packets",
		 link->name);
	if (strcmp(link->kind, "veth") != 0)
		snprintf(ret_reason + strlen(ret_reason), 256 - strlen(ret_reason),
			 " (it would behind `ethtool -K %s rxvlan off`)", link->name);
	return ret_reason;
}

/* The same of a VLAN device, natively, on the one below it. */
static const char *find_blindness_below(const struct sl_ladder *ladder, char ret_reason[256])
{
	const struct sl_link *link = ladder->link,
			     *below = sl_host_find_below(ladder->compiled->host, link);

	if (!below)
		return "the device below is in another network namespace";
	if (!sl_link_has_own_driver(below)) {
		snprintf(ret_reason, 256, "%s below has no driver of its own, nor has %s",
			 below->name, link->name);
		return ret_reason;
	}
	if (below->strips_vlan)
		return blame_stripping(below, ret_reason);
	if (link->is_tagged_otherwise)
		return "its tags are not those of 802.1Q";
	if (link->is_crowded_below)
		return "filters or hooks on the device below see its packets before";
	if (link->is_below)
		return NULL;
	snprintf(ret_reason, 256,
		 "it would be on %s, whose other packets would pass it too (ask "
		 "for mode native to have it all the same)",
		 below->name);
	return ret_reason;
}

/* Why XDP could drop nothing on the device, not even when asked for; or NULL. */
static const char *find_blindness(const struct sl_ladder *ladder, enum sl_attach_mode mode,
				  char ret_reason[256])
{
	const struct sl_link *link = ladder->link;

	if (!strcmp(link->kind, "bond"))
		return "XDP on a bond runs on its members, before the bond has chosen which of "
		       "them it listens to, and has seen that they are alive";
	if (!strcmp(link->kind, "vlan") && mode == SL_MODE_NATIVE)
		return find_blindness_below(ladder, ret_reason);
	return link->has_vlans && link->strips_vlan ? blame_stripping(link, ret_reason) : NULL;
}

/* Adds a mode, if it is one. */
static void offer(struct sl_ladder *ladder, enum sl_attach_mode mode,
		  enum sl_attach_mode ret_modes[4], u32 *count)
{
	char reason[256];
	const char *why = mode == SL_MODE_TC ? NULL : find_blindness(ladder, mode, reason);

	if (why)
		sl_ladder_note(ladder, sl_mode_name(mode), "refused: %s", why);
	else
		ret_modes[(*count)++] = mode;
}

void sl_ladder_plan(struct sl_ladder *ladder, enum sl_attach_mode ret_modes[4])
{
	char reason[256];
	u32 count = 0;

	switch (ladder->wanted) {
	case SL_WANT_OFFLOAD:
	case SL_WANT_AUTO:
		sl_ladder_note(ladder, "offload",
			       "refused: before each drop the program compares the kernel's state, "
			       "which a network card cannot read");
		if (ladder->wanted == SL_WANT_OFFLOAD)
			break;
		if (sl_ladder_objection(ladder->compiled, ladder->link, SL_MODE_NATIVE, reason))
			sl_ladder_note(ladder, "native",
				       "refused: %s (ask for mode native to have it all the same)",
				       reason);
		else
			offer(ladder, SL_MODE_NATIVE, ret_modes, &count);
		offer(ladder, SL_MODE_TC, ret_modes, &count);
		break;
	case SL_WANT_NATIVE:
		offer(ladder, SL_MODE_NATIVE, ret_modes, &count);
		break;
	case SL_WANT_TC:
		offer(ladder, SL_MODE_TC, ret_modes, &count);
		break;
	case SL_WANT_GENERIC:
		offer(ladder, SL_MODE_GENERIC, ret_modes, &count);
		break;
	}
	ret_modes[count] = SL_MODE_NONE;
}
