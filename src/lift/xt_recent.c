// SPDX-License-Identifier: GPL-2.0-only
/*
 * xt_recent.c: lists of addresses, and when packets of theirs came. Who is in one is the kernel's
 * to know, and the data plane looks there (bpf/recent.h), if all that rules do is to add a packet's
 * own source. To ask changes nothing; `--update` changes those that it finds, and no others.
 */
#include "lift/xt.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/xt_recent.h>
#include <string.h>

#include "recent.h"

/* Both revisions begin alike. The mask of the second is that of the list's first rule. */
static bool read_info(const struct sl_expr *expr, struct xt_recent_mtinfo *ret_info)
{
	if (expr->kind != SL_EXPR_XT_MATCH || expr->xt.revision > 1 ||
	    expr->xt.length < sizeof *ret_info)
		return false;
	memcpy(ret_info, expr->xt.info, sizeof *ret_info);
	return true;
}

static bool is_recent(const struct sl_expr *expr)
{
	return !strcmp(expr->name, "recent");
}

/* What cannot be read may be anything. */
static bool may_be_recent(const struct sl_expr *expr)
{
	return is_recent(expr) || (expr->kind == SL_EXPR_OPAQUE &&
				   (!strcmp(expr->name, "match") || !strcmp(expr->name, "rule")));
}

/* It takes nobody out of the list, and puts in none but the source that the packet came with. */
static bool only_adds_source(const struct sl_chain_lift *chain, const struct sl_expr *expr,
			     const char *list)
{
	struct xt_recent_mtinfo info;

	if (!may_be_recent(expr))
		return true;
	if (!read_info(expr, &info))
		return false;
	if (strncmp(info.name, list, sizeof info.name) != 0)
		return true;
	if (info.check_set & (XT_RECENT_REMOVE | XT_RECENT_REAP))
		return false;
	return info.check_set & XT_RECENT_CHECK ||
	       (info.side == XT_RECENT_SOURCE &&
		!sl_chain_may_be_behind_nat(chain->table, chain->source));
}

/* By all rules of the namespace, in whatever table: lists are its own. */
static bool is_filled_by_source(const struct sl_lifter *lifter, const char *list)
{
	for (u32 i = 0; i < lifter->chains.count; i++) {
		const struct sl_chain_lift *chain = &lifter->chains.items[i];

		for (u32 k = 0; k < chain->source->rules.count; k++) {
			const struct sl_nft_rule *rule = &chain->source->rules.items[k];

			for (u32 e = 0; e < rule->exprs.count; e++)
				if (!only_adds_source(chain, &rule->exprs.items[e], list))
					return false;
		}
	}
	return true;
}

/* The program's list for this question, or its number of them. */
static u32 find_list(const struct sl_rule_lift *rule, const struct xt_recent_mtinfo *info)
{
	const struct sl_program *program = rule->lifter->program;
	u32 i = 0;

	for (; i < program->filled.count; i++) {
		const struct sl_filled *filled = &program->filled.items[i];

		if (filled->is_recent && filled->family == rule->chain->table->family &&
		    filled->seconds == info->seconds && filled->hits == info->hit_count &&
		    !strcmp(filled->name, info->name))
			break;
	}
	return i;
}

/* There are legacy tables that could not be read. */
static bool hides_rules(const struct sl_lifter *lifter)
{
	return (lifter->host->has_legacy_ip && !lifter->rules->holds_legacy[0]) ||
	       (lifter->host->has_legacy_ip6 && !lifter->rules->holds_legacy[1]);
}

/* With the TTL asked for, whose it was decides too. */
static bool can_be_asked(const struct sl_rule_lift *rule, const struct xt_recent_mtinfo *info)
{
	const struct sl_lifter *lifter = rule->lifter;

	return lifter->host->knows_recent && info->side == XT_RECENT_SOURCE &&
	       !(info->check_set & XT_RECENT_MODIFIERS) && info->hit_count <= SL_RECENT_STAMPS &&
	       !(rule->chain->contexts & SL_FROM_NAT) && !rule->chain->table->is_legacy &&
	       !hides_rules(lifter) && find_list(rule, info) < SL_FILLED_MAX &&
	       is_filled_by_source(lifter, info->name);
}

/* Any of the rule's expressions of the kind will do to find the kind by. */
static u32 find_expression(const struct sl_nft_rule *rule)
{
	u32 i = 0;

	while (i < rule->exprs.count && !is_recent(&rule->exprs.items[i]))
		i++;
	return i;
}

static int add_list(struct sl_rule_lift *rule, const struct xt_recent_mtinfo *info)
{
	struct sl_program *program = rule->lifter->program;
	struct sl_filled *filled = sl_list_push(program->arena, &program->filled);
	u32 family = rule->chain->table->family;

	if (!filled)
		return -ENOMEM;
	*filled = (struct sl_filled){
		.name = sl_arena_strdup(program->arena, info->name),
		.table_name = "",
		.family = family,
		.key_length = family == NFPROTO_IPV6 ? 16 : 4,
		.is_recent = true,
		.seconds = info->seconds,
		.hits = info->hit_count,
		.asked_by = {.table = rule->chain->table->handle,
			     .chain = rule->chain->source->handle,
			     .rule = rule->source->handle,
			     .expression = find_expression(rule->source)},
	};
	return filled->name ? 0 : -ENOMEM;
}

static int emit_asked(struct sl_rule_lift *rule, const struct xt_recent_mtinfo *info)
{
	bool is_ip6 = rule->chain->table->family == NFPROTO_IPV6;
	struct sl_key_draft source = sl_key_of(SL_NETWORK, is_ip6 ? 8 : 12, is_ip6 ? 16 : 4);
	u32 list = find_list(rule, info);
	int error = list == rule->lifter->program->filled.count ? add_list(rule, info) : 0;

	return error ? error : sl_emit_filled(rule, &source, list, info->invert, "xt recent");
}

static int lift(struct sl_rule_lift *rule, const void *data)
{
	const struct xt_recent_mtinfo *info = data;
	u8 what = info->check_set & (u8)~XT_RECENT_MODIFIERS;
	bool is_asked = can_be_asked(rule, info);
	int error;

	if (what == XT_RECENT_CHECK && !(info->check_set & XT_RECENT_REAP))
		return is_asked ? emit_asked(rule, info) : sl_emit_unknown(rule, "xt recent");
	/* Inverted, it changes those that are there and do not match. */
	if (what == XT_RECENT_UPDATE && is_asked && !info->invert) {
		error = emit_asked(rule, info);
		if (error)
			return error;
	}
	return sl_emit_kernel(rule, "xt recent");
}

const struct sl_xt_match sl_xt_recent0 = {"recent", 0, sizeof(struct xt_recent_mtinfo), lift, true};
const struct sl_xt_match sl_xt_recent1 = {"recent", 1, sizeof(struct xt_recent_mtinfo_v1), lift,
					  true};
