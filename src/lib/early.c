// SPDX-License-Identifier: GPL-2.0-only
#include "lib/early.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_u64(u64 a, u64 b)
{
	return (a > b) - (a < b);
}

static int compare_entries(const void *left, const void *right)
{
	const struct sl_rule_entry *a = left, *b = right;
	int order = compare_u64(a->table_handle, b->table_handle);

	if (!order)
		order = compare_u64(a->chain_handle, b->chain_handle);
	return order ? order : compare_u64(a->rule_handle, b->rule_handle);
}

/* Equal ones become one. */
static u32 fold(struct sl_rule_entry *entries, u32 count)
{
	u32 kept = 0;

	for (u32 i = 0; i < count; i++) {
		if (kept && !compare_entries(&entries[kept - 1], &entries[i])) {
			entries[kept - 1].packets += entries[i].packets;
			entries[kept - 1].bytes += entries[i].bytes;
		} else {
			entries[kept++] = entries[i];
		}
	}
	return kept;
}

int sl_early_sum(const struct sl_attachments *attachments, struct sl_early *ret_early)
{
	struct sl_early early = {0};
	u32 total = 0;

	for (u32 i = 0; i < attachments->count; i++)
		total += attachments->items[i].rule_count;
	early.entries = calloc((size_t)total + 1, sizeof *early.entries);
	if (!early.entries)
		return -ENOMEM;
	for (u32 i = 0; i < attachments->count; i++) {
		const struct sl_attachment *attachment = &attachments->items[i];

		if (attachment->rule_count)
			memcpy(early.entries + early.count, attachment->rules,
			       attachment->rule_count * sizeof *early.entries);
		early.count += attachment->rule_count;
	}
	qsort(early.entries, early.count, sizeof *early.entries, compare_entries);
	early.count = fold(early.entries, early.count);
	*ret_early = early;
	return 0;
}

void sl_early_free(struct sl_early *early)
{
	free(early->entries);
	*early = (struct sl_early){0};
}

struct sl_count sl_early_find(const struct sl_early *early, u64 table, u64 chain, u64 rule)
{
	const struct sl_rule_entry key = {
		.table_handle = table, .chain_handle = chain, .rule_handle = rule};
	const struct sl_rule_entry *found = NULL;

	if (early->count)
		found = bsearch(&key, early->entries, early->count, sizeof *early->entries,
				compare_entries);
	if (!found)
		return (struct sl_count){0};
	return (struct sl_count){found->packets, found->bytes};
}
