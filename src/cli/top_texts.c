// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top_texts.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/chain_names.h"
#include "lib/listing.h"
#include "load/observe.h"

struct sl_top_texts {
	struct sl_observer *observer;
	struct sl_arena *arena; /* of the listing */
	struct sl_listing listing;
	struct sl_chain_names *chains; /* NULL: not read yet */
	bool is_missed, was_read;
	u32 generation;    /* of the rules when they were read */
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
	sl_chain_names_free(texts->chains);
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

static const char *find_rule(struct sl_top_texts *texts, struct sl_arena *arena,
			     const struct sl_rule_entry *rule)
{
	const char *text;

	if (!rule->rule_handle)
		return "policy";
	text = sl_listing_find(&texts->listing, rule->table_handle, rule->rule_handle);
	if (text)
		return without_counts(arena, text);
	texts->is_missed = true;
	return sl_arena_printf(arena, "# handle %" PRIu64, (u64)rule->rule_handle);
}

const char *sl_top_texts_find(struct sl_top_texts *texts, struct sl_arena *arena,
			      const struct sl_rule_entry *rule)
{
	const struct sl_chain_name *chain =
		texts->chains
			? sl_chain_names_find(texts->chains, rule->table_handle, rule->chain_handle)
			: NULL;
	const char *text = find_rule(texts, arena, rule);

	texts->is_missed |= !chain;
	if (!chain || !text)
		return text;
	return sl_arena_printf(arena, "%s %s %s: %s", chain->family,
			       json_string_value(chain->table), json_string_value(chain->name),
			       text);
}

static void read_again(struct sl_top_texts *texts, bool with_rules)
{
	struct sl_diag without_text;

	forget(texts);
	sl_chain_names_read(&texts->chains, &without_text);
	texts->arena = with_rules ? sl_arena_new() : NULL;
	if (texts->arena)
		sl_listing_read(texts->arena, true, &texts->listing, &without_text);
}

bool sl_top_texts_renew(struct sl_top_texts *texts, u32 rules)
{
	u64 began_ns = sl_monotonic_ns();
	struct sl_snapshot now = {0};

	if (!texts->is_missed || began_ns < texts->not_before_ns)
		return false;
	texts->is_missed = false;
	/* every namespace has its loopback device, with index 1 */
	if (sl_observer_look(texts->observer, 1, &now, NULL) ||
	    (texts->was_read && texts->generation == now.generation))
		return false;
	read_again(texts, rules <= SL_LISTED_MAX);
	texts->was_read = true;
	texts->generation = now.generation;
	texts->not_before_ns = sl_monotonic_ns() + 9 * (sl_monotonic_ns() - began_ns);
	return true;
}
