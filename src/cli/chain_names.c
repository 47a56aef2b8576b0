// SPDX-License-Identifier: GPL-2.0-only
#include "cli/chain_names.h"

#include <stdlib.h>

#include "cli/names.h"
#include "ir/ir.h"
#include "source/source.h"

/* Reading the chains while somebody writes them without a pause. */
#define PATIENCE_MS 1000

struct sl_chain_names {
	u32 count;
	struct sl_chain_name items[]; /* sorted by handles */
};

static int compare(const void *left, const void *right)
{
	const struct sl_chain_name *a = left, *b = right;

	if (a->table_handle != b->table_handle)
		return a->table_handle < b->table_handle ? -1 : 1;
	return (a->handle > b->handle) - (a->handle < b->handle);
}

static u32 count_chains(const struct sl_ruleset *rules)
{
	u32 count = 0;

	for (u32 t = 0; t < rules->tables.count; t++)
		count += rules->tables.items[t]->chains.count;
	return count;
}

static bool add_table(struct sl_chain_names *names, const struct sl_nft_table *table)
{
	for (u32 i = 0; i < table->chains.count; i++) {
		const struct sl_nft_chain *chain = table->chains.items[i];
		struct sl_chain_name *item = &names->items[names->count++];

		*item = (struct sl_chain_name){.table_handle = table->handle,
					       .handle = chain->handle,
					       .family = sl_family_name(table->family),
					       .table = sl_json_text(table->name),
					       .name = sl_json_text(chain->name)};
		if (!item->table || !item->name)
			return false;
	}
	return true;
}

static struct sl_chain_names *make_names(const struct sl_ruleset *rules)
{
	struct sl_chain_names *names =
		calloc(1, sizeof *names + count_chains(rules) * sizeof *names->items);
	bool is_whole = names;

	for (u32 t = 0; t < rules->tables.count && is_whole; t++)
		is_whole = add_table(names, rules->tables.items[t]);
	if (!is_whole) {
		sl_chain_names_free(names);
		return NULL;
	}
	qsort(names->items, names->count, sizeof *names->items, compare);
	return names;
}

int sl_chain_names_read(struct sl_chain_names **ret_names, struct sl_diag *diag)
{
	struct sl_ruleset *rules = NULL;
	struct sl_chain_names *names;
	int error = sl_source_read_chains(PATIENCE_MS, &rules, diag);

	if (error)
		return error;
	names = make_names(rules);
	sl_ruleset_free(rules);
	if (!names)
		return sl_fail_memory(diag);
	*ret_names = names;
	return 0;
}

void sl_chain_names_free(struct sl_chain_names *names)
{
	for (u32 i = 0; names && i < names->count; i++) {
		json_decref(names->items[i].table);
		json_decref(names->items[i].name);
	}
	free(names);
}

const struct sl_chain_name *sl_chain_names_find(const struct sl_chain_names *names, u64 table,
						u64 chain)
{
	const struct sl_chain_name key = {.table_handle = table, .handle = chain};

	return bsearch(&key, names->items, names->count, sizeof *names->items, compare);
}
