// SPDX-License-Identifier: GPL-2.0-only
#include "lib/listing.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "source/command.h"

#define PATIENCE_MS 60000

static const char handle_mark[] = "# handle ";

/* The handle that ends the line, and where it begins; 0: none. A comment can only look like one
 * inside quotes, which are then what ends the line. */
static u64 find_handle(const char *line, size_t *ret_start)
{
	size_t end = strlen(line), start = end;
	const size_t mark = sizeof handle_mark - 1;

	while (start && isdigit((unsigned char)line[start - 1]))
		start--;
	if (start == end || start < mark || strncmp(line + start - mark, handle_mark, mark) != 0)
		return 0;
	*ret_start = start - mark;
	return strtoull(line + start, NULL, 10);
}

static bool begins(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

static char *copy_rule(struct sl_arena *arena, const char *line, size_t length)
{
	while (*line == '\t' && length) {
		line++;
		length--;
	}
	while (length && line[length - 1] == ' ')
		length--;
	return sl_arena_printf(arena, "%.*s", (int)length, line);
}

/* Where the reader is: nft indents tables by nothing, what they hold by one tab, rules by two. */
struct place {
	u64 table, chain;
};

static int add_line(struct sl_arena *arena, struct sl_listing *listing, const char *text,
		    struct place *place)
{
	struct sl_listing_line line = {.text = text}, *slot;
	size_t start = 0;
	u64 handle = find_handle(text, &start);

	if (begins(text, "table "))
		*place = (struct place){.table = handle};
	else if (begins(text, "\tchain "))
		place->chain = handle;
	line.table = place->table;
	line.chain = place->chain;
	if (place->chain && handle && begins(text, "\t\t")) {
		line.rule = handle;
		line.rule_text = copy_rule(arena, text, start);
		if (!line.rule_text)
			return -ENOMEM;
	}
	if (begins(text, "\t}"))
		place->chain = 0;
	slot = sl_list_push(arena, &listing->lines);
	if (!slot)
		return -ENOMEM;
	*slot = line;
	return 0;
}

static int compare_rules(const void *left, const void *right)
{
	const struct sl_listing_line *a = *(const struct sl_listing_line *const *)left;
	const struct sl_listing_line *b = *(const struct sl_listing_line *const *)right;

	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

static int index_rules(struct sl_arena *arena, struct sl_listing *listing)
{
	listing->rules = sl_arena_alloc(arena, (listing->lines.count + 1) * sizeof *listing->rules);
	if (!listing->rules)
		return -ENOMEM;
	for (u32 i = 0; i < listing->lines.count; i++)
		if (listing->lines.items[i].rule)
			listing->rules[listing->rule_count++] = &listing->lines.items[i];
	qsort(listing->rules, listing->rule_count, sizeof *listing->rules, compare_rules);
	return 0;
}

int sl_listing_parse(struct sl_arena *arena, char *text, struct sl_listing *ret_listing)
{
	struct sl_listing listing = {0};
	struct place place = {0};
	int error = 0;

	while (*text && !error) {
		char *end = strchrnul(text, '\n');
		bool is_last = !*end;

		*end = '\0';
		error = add_line(arena, &listing, text, &place);
		text = is_last ? end : end + 1;
	}
	if (!error)
		error = index_rules(arena, &listing);
	if (!error)
		*ret_listing = listing;
	return error;
}

int sl_listing_read(struct sl_arena *arena, bool is_terse, struct sl_listing *ret_listing,
		    struct sl_diag *diag)
{
	const char *const argv[] = {"nft", is_terse ? "-at" : "-a", "list", "ruleset", NULL};
	const struct sl_command command = {.argv = argv, .input_fd = -1, .timeout_ms = PATIENCE_MS};
	SL_CLEANUP(sl_command_result_free) struct sl_command_result result = {0};
	int error = sl_command_run(&command, &result, diag);
	char *text;

	if (error)
		return error;
	if (result.status)
		return sl_fail(diag, EIO, "nft -a list ruleset failed: %.1500s", result.errors);
	text = sl_arena_strdup(arena, result.output);
	if (!text || sl_listing_parse(arena, text, ret_listing))
		return sl_fail_memory(diag);
	return 0;
}

const char *sl_listing_find(const struct sl_listing *listing, u64 table, u64 rule)
{
	const struct sl_listing_line wanted = {.table = table, .rule = rule}, *key = &wanted;
	const struct sl_listing_line **found;

	if (!listing->rule_count)
		return NULL;
	found = bsearch(&key, listing->rules, listing->rule_count, sizeof *listing->rules,
			compare_rules);
	return found ? (*found)->rule_text : NULL;
}

static size_t match_counter(const char *at, u64 *ret_packets, u64 *ret_bytes)
{
	unsigned long long packets, bytes;
	int length = 0;

	if (!begins(at, "counter packets ") ||
	    sscanf(at, "counter packets %llu bytes %llu%n", &packets, &bytes, &length) != 2)
		return 0;
	*ret_packets = packets;
	*ret_bytes = bytes;
	return (size_t)length;
}

/* Quoted text may say anything, and set elements have counters of their own. */
const char *sl_listing_find_counter(const char *rule, u64 *ret_packets, u64 *ret_bytes,
				    size_t *ret_length)
{
	bool is_quoted = false;
	int depth = 0;

	for (const char *at = rule; *at; at++) {
		bool is_word = at == rule || isspace((unsigned char)at[-1]);

		if (*at == '"')
			is_quoted = !is_quoted;
		if (!is_quoted)
			depth += (*at == '{') - (*at == '}');
		if (is_quoted || depth || !is_word)
			continue;
		*ret_length = match_counter(at, ret_packets, ret_bytes);
		if (*ret_length)
			return at;
	}
	return NULL;
}
