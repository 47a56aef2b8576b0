/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host's own `nft -a list ruleset` says, line by line, with the handles that tie a line to
 * a rule. Handles are unique within a table, so no name ever has to be parsed.
 */
#ifndef SLUICE_LIB_LISTING_H
#define SLUICE_LIB_LISTING_H

#include "base/arena.h"
#include "base/diag.h"

struct sl_listing_line {
	const char *text;      /* as nft wrote it, with its handle, without a newline */
	u64 table, chain;      /* handles of what it stands in; 0 outside */
	u64 rule;              /* 0 where the line is not a rule */
	const char *rule_text; /* the rule alone: no indentation, no handle */
};

struct sl_listing {
	SL_LIST(struct sl_listing_line) lines;
	const struct sl_listing_line **rules; /* sorted by table and handle */
	u32 rule_count;
};

/* For more rules nft would take tens of seconds: the kernel walks all of them for each 32 kB. */
#define SL_LISTED_MAX 20000

/*
 * Of the calling thread's network namespace, all in `arena`; `is_terse`: without the elements of
 * named sets, which may be many more lines than the rules. -ENOENT when nft is not installed; what
 * it complains about is in `diag`.
 */
int sl_listing_read(struct sl_arena *arena, bool is_terse, struct sl_listing *ret_listing,
		    struct sl_diag *diag);

/* The rule as nft writes it; NULL when it is not there. */
const char *sl_listing_find(const struct sl_listing *listing, u64 table, u64 rule);

/* Where "counter packets N bytes M" begins in a rule, and how long it is; NULL: it has none. */
const char *sl_listing_find_counter(const char *rule, u64 *ret_packets, u64 *ret_bytes,
				    size_t *ret_length);

/* Takes the text apart; for sl_listing_read() and its tests. `text` is changed. */
int sl_listing_parse(struct sl_arena *arena, char *text, struct sl_listing *ret_listing);

#endif
