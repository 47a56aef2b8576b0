/* SPDX-License-Identifier: GPL-2.0-only */
#include "rulesets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "source/source.h"

#define PATIENCE_MS 2000

struct sl_rules sl_rules_draw(struct sl_arena *arena, u64 seed)
{
	struct sl_random random = {seed};
	u32 dice = sl_random_below(&random, 100);
	struct sl_rules rules = {.format = dice < 60   ? SL_RULES_NFT
					   : dice < 85 ? SL_RULES_IPTABLES
						       : SL_RULES_IP6TABLES};
	SL_CLEANUP(sl_free) char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return rules;
	if (rules.format == SL_RULES_NFT)
		sl_nft_rules_write(out, &random);
	else
		sl_xt_rules_write(out, &random, rules.format == SL_RULES_IP6TABLES);
	if (!fclose(out))
		rules.text = sl_arena_strdup(arena, text);
	return rules;
}

/* iptables-save starts a table with "*filter"; IPv6 shows by its addresses and ICMP. */
static enum sl_rules_format tell_format(const char *text)
{
	bool has_table = text[0] == '*' || strstr(text, "\n*");

	if (!has_table)
		return SL_RULES_NFT;
	if (strstr(text, "ip6tables") || strstr(text, "ipv6-icmp") || strstr(text, "icmpv6") ||
	    strstr(text, "icmp6-") || strstr(text, "::"))
		return SL_RULES_IP6TABLES;
	return SL_RULES_IPTABLES;
}

int sl_rules_read(const char *path, struct sl_arena *arena, struct sl_rules *ret_rules,
		  struct sl_diag *diag)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen(path, "re");
	SL_CLEANUP(sl_free) char *text = NULL;
	size_t size = 0;

	if (!file)
		return sl_fail(diag, errno, "%s: %s", path, strerror(errno));
	if (getdelim(&text, &size, '\0', file) < 0)
		return sl_fail(diag, EINVAL, "%s: there is nothing in it", path);
	struct sl_rules rules = {tell_format(text), sl_arena_strdup(arena, text)};
	if (!rules.text)
		return sl_fail_memory(diag);
	*ret_rules = rules;
	return 0;
}

int sl_rules_load(const struct sl_lab *lab, const struct sl_rules *rules, struct sl_diag *diag)
{
	static const char *const loaders[][4] = {
		[SL_RULES_NFT] = {"nft", "-f", "-", NULL},
		[SL_RULES_IPTABLES] = {"iptables-nft-restore", NULL},
		[SL_RULES_IP6TABLES] = {"ip6tables-nft-restore", NULL},
	};

	return sl_lab_run(lab, SL_DUT, loaders[rules->format], rules->text, NULL, diag);
}

/* Both in one transaction. */
int sl_rules_replace(const struct sl_lab *lab, const char *text, struct sl_diag *diag)
{
	static const char *const argv[] = {"nft", "-f", "-", NULL};
	SL_CLEANUP(sl_free) char *both = NULL;

	if (asprintf(&both, "flush ruleset\n%s", text) < 0)
		return sl_fail_memory(diag);
	return sl_lab_run(lab, SL_DUT, argv, both, NULL, diag);
}

static bool add_rule(const struct sl_nft_table *table, const struct sl_nft_rule *rule,
		     struct sl_arena *arena, struct sl_rule_counts *counts)
{
	struct sl_rule_count count = {.table = table->handle, .rule = rule->handle};
	bool counts_any = false;

	for (u32 i = 0; i < rule->exprs.count; i++) {
		if (rule->exprs.items[i].kind != SL_EXPR_COUNTER)
			continue;
		counts_any = true;
		count.packets += rule->exprs.items[i].counter.packets;
	}
	if (!counts_any)
		return true;
	struct sl_rule_count *slot = sl_list_push(arena, counts);
	if (slot)
		*slot = count;
	return slot;
}

static bool add_rules(const struct sl_ruleset *ruleset, struct sl_arena *arena,
		      struct sl_rule_counts *counts)
{
	for (u32 t = 0; t < ruleset->tables.count; t++) {
		const struct sl_nft_table *table = ruleset->tables.items[t];

		for (u32 c = 0; c < table->chains.count; c++)
			for (u32 r = 0; r < table->chains.items[c]->rules.count; r++)
				if (!add_rule(table, &table->chains.items[c]->rules.items[r], arena,
					      counts))
					return false;
	}
	return true;
}

int sl_rules_read_counts(const struct sl_lab *lab, struct sl_arena *arena,
			 struct sl_rule_counts *ret_counts, struct sl_diag *diag)
{
	struct sl_rule_counts counts = {0};
	struct sl_ruleset *ruleset = NULL;
	int error = sl_lab_enter(lab, SL_DUT, diag);

	if (error)
		return error;
	error = sl_source_read_live(PATIENCE_MS, &ruleset, diag);
	sl_lab_leave(lab);
	if (error)
		return error;
	if (add_rules(ruleset, arena, &counts))
		*ret_counts = counts;
	else
		error = sl_fail_memory(diag);
	sl_ruleset_free(ruleset);
	return error;
}
