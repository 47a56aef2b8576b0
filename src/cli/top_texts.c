// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top_texts.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lib/listing.h"
#include "load/legacy_tables.h"
#include "load/observe.h"
#include "source/source.h"

/* Reading the chains while somebody writes them without a pause. */
#define PATIENCE_MS 1000

struct sl_top_texts {
	struct sl_observer *observer;
	struct sl_arena *arena; /* of the listing */
	struct sl_listing listing;
	struct sl_ruleset *chains;  /* with their rules only where they are iptables-legacy's */
	bool is_missed, has_legacy; /* since the last renewal, among those asked for */
	bool was_read;
	u32 generation;    /* of the rules when they were read */
	u64 legacy_hash;   /* likewise, of iptables-legacy's */
	u64 not_before_ns; /* they are not read again */
};

struct sl_top_texts *sl_top_texts_new(struct sl_observer *observer)
{
	struct sl_top_texts *texts = calloc(1, sizeof *texts);

	if (texts)
		texts->observer = observer;
	return texts;
}

static void forget(struct sl_top_texts *texts)
{
	sl_ruleset_free(texts->chains);
	sl_arena_free(texts->arena);
	texts->chains = NULL;
	texts->arena = NULL;
	texts->listing = (struct sl_listing){0};
}

void sl_top_texts_free(struct sl_top_texts *texts)
{
	if (!texts)
		return;
	forget(texts);
	free(texts);
}

/* What the kernel's own counter said when nft was asked is no news. */
static const char *without_counts(struct sl_arena *arena, const char *rule)
{
	static const char word[] = "counter";
	u64 packets, bytes;
	size_t length;
	const char *counter = sl_listing_find_counter(rule, &packets, &bytes, &length);

	if (!counter)
		return rule;
	return sl_arena_printf(arena, "%.*s%s%s", (int)(counter - rule), rule, word,
			       counter + length);
}

/* The chain, and its table. */
static const struct sl_nft_chain *find_chain(const struct sl_ruleset *rules,
					     const struct sl_rule_entry *rule,
					     const struct sl_nft_table **ret_table)
{
	for (u32 t = 0; rules && t < rules->tables.count; t++) {
		const struct sl_nft_table *table = rules->tables.items[t];

		if (table->handle != rule->table_handle)
			continue;
		*ret_table = table;
		for (u32 c = 0; c < table->chains.count; c++)
			if (table->chains.items[c]->handle == rule->chain_handle)
				return table->chains.items[c];
	}
	return NULL;
}

/* As `iptables-legacy -L --line-numbers` counts them. */
static const char *find_legacy(struct sl_arena *arena, const struct sl_nft_chain *chain, u64 handle)
{
	for (u32 i = 0; i < chain->rules.count; i++)
		if (chain->rules.items[i].handle == handle)
			return sl_arena_printf(arena, "rule %u", i + 1);
	return NULL;
}

static const char *find_rule(struct sl_top_texts *texts, struct sl_arena *arena,
			     const struct sl_nft_chain *chain, const struct sl_rule_entry *rule)
{
	const char *text = NULL;

	if (!rule->rule_handle)
		return "policy";
	if (chain && chain->rules.count)
		text = find_legacy(arena, chain, rule->rule_handle);
	if (text)
		return text;
	text = sl_listing_find(&texts->listing, rule->table_handle, rule->rule_handle);
	if (text)
		return without_counts(arena, text);
	texts->is_missed = true;
	return sl_arena_printf(arena, "# handle %" PRIu64, (u64)rule->rule_handle);
}

const char *sl_top_texts_find(struct sl_top_texts *texts, struct sl_arena *arena,
			      const struct sl_rule_entry *rule)
{
	const struct sl_nft_table *table = NULL;
	const struct sl_nft_chain *chain = find_chain(texts->chains, rule, &table);
	const char *text = find_rule(texts, arena, chain, rule);

	texts->is_missed |= !chain;
	if (!chain || !text)
		return text;
	texts->has_legacy |= table->is_legacy;
	return sl_arena_printf(arena, "%s %s %s: %s", sl_family_name(table->family), table->name,
			       chain->name, text);
}

static void read_chains(struct sl_top_texts *texts, struct sl_diag *diag)
{
	static const struct sl_host nobody; /* asks how they are watched */
	struct sl_legacy_tables tables;

	if (!sl_source_read_chains(PATIENCE_MS, &texts->chains, diag))
		sl_legacy_tables_take(texts->observer, &nobody, texts->chains, &tables, diag);
}

static void read_again(struct sl_top_texts *texts, bool with_rules)
{
	struct sl_diag without_text;

	forget(texts);
	read_chains(texts, &without_text);
	texts->arena = with_rules ? sl_arena_new() : NULL;
	if (texts->arena)
		sl_listing_read(texts->arena, true, &texts->listing, &without_text);
}

/* A rule of iptables-legacy is called by its place, which another one may have taken. */
static bool may_be_otherwise(const struct sl_top_texts *texts, const struct sl_snapshot *now)
{
	return !texts->was_read || texts->legacy_hash != now->legacy_hash ||
	       (texts->is_missed && texts->generation != now->generation);
}

bool sl_top_texts_renew(struct sl_top_texts *texts, u32 rules)
{
	u64 began_ns = sl_monotonic_ns();
	struct sl_snapshot now = {0};
	bool is_due;

	if (!(texts->is_missed || texts->has_legacy) || began_ns < texts->not_before_ns)
		return false;
	/* every namespace has its loopback device, with index 1 */
	is_due = !sl_observer_look(texts->observer, 1, &now, NULL) && may_be_otherwise(texts, &now);
	texts->is_missed = texts->has_legacy = false;
	if (!is_due)
		return false;
	read_again(texts, rules <= SL_LISTED_MAX);
	texts->was_read = true;
	texts->generation = now.generation;
	texts->legacy_hash = now.legacy_hash;
	texts->not_before_ns = sl_monotonic_ns() + 9 * (sl_monotonic_ns() - began_ns);
	return true;
}
