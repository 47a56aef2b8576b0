// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/list.h"
#include "lib/listing.h"

static void print_line(const struct sl_listing_line *line, const struct sl_early *early)
{
	struct sl_count count = {0};
	const char *counter = NULL;
	u64 packets, bytes;
	size_t length;

	if (line->rule) {
		count = sl_early_find(early, line->table, line->chain, line->rule);
		counter = sl_listing_find_counter(line->text, &packets, &bytes, &length);
	}
	if (!counter || !count.packets) {
		printf("%s\n", line->text);
		return;
	}
	printf("%.*scounter packets %" PRIu64 " bytes %" PRIu64 "%s\n", (int)(counter - line->text),
	       line->text, packets + (u64)count.packets, bytes + (u64)count.bytes,
	       counter + length);
}

int sl_list_nft(const struct sl_early *early, struct sl_diag *diag)
{
	struct sl_arena *arena = sl_arena_new();
	struct sl_listing listing;
	int error = arena ? sl_listing_read(arena, false, &listing, diag) : sl_fail_memory(diag);

	for (u32 i = 0; !error && i < listing.lines.count; i++)
		print_line(&listing.lines.items[i], early);
	sl_arena_free(arena);
	return error;
}
