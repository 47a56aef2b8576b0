/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `sluice top` as lines of text, for a terminal of any size or for none.
 *
 * Enters: the model. Leaves: lines, top to bottom, each no wider than asked for and with nothing in
 * it that a terminal would obey. Promised: never more rows than there are; what matters less is
 * left out first.
 */
#ifndef SLUICE_CLI_TOP_FRAME_H
#define SLUICE_CLI_TOP_FRAME_H

#include "base/arena.h"
#include "cli/top_model.h"
#include "cli/top_sources.h"

/* What kinds of lines there are; without colours some look the same. */
enum sl_top_style {
	SL_TOP_PLAIN,
	SL_TOP_TITLE,
	SL_TOP_HEADING,
	SL_TOP_SELECTED,
	SL_TOP_WARNING,
	SL_TOP_EARLY,
	SL_TOP_PASSED,
	SL_TOP_STYLES,
};

struct sl_top_line {
	enum sl_top_style style;
	const char *text; /* in the locale's encoding */
};

struct sl_top_frame {
	struct sl_arena *arena;
	SL_LIST(struct sl_top_line) lines;
	bool is_lost; /* out of memory: some are missing */
};

/* The line for a rule, in `arena`; NULL when out of memory. */
typedef const char *sl_top_describe_fn(void *context, struct sl_arena *arena,
				       const struct sl_rule_entry *rule);

/* The device's sources, sorted; `*ret_why`: why they are not known, or NULL. NULL: not asked for.
 */
typedef const struct sl_top_sources *sl_top_sources_fn(void *context, const char *device,
						       const char **ret_why);

struct sl_top_view {
	u32 rows, columns;  /* of the terminal; 0: none, all devices are told of, and in full */
	const char *device; /* the only one that is watched, or NULL */
	const char *clock;  /* "12:34:56" */
	double interval_s;
	bool is_utf8, is_paused, shows_help;
	sl_top_describe_fn *describe;
	sl_top_sources_fn *sources;
	void *context;
};

/* All in `arena`. */
struct sl_top_frame sl_top_frame_make(struct sl_arena *arena, const struct sl_top_model *model,
				      const struct sl_top_view *view);

/* 12.3k, 4.56M: three digits that count. */
#define SL_TOP_NUMBER_SIZE 16
const char *sl_top_number(double value, char text[SL_TOP_NUMBER_SIZE]);

/* The text in no more than `columns` (0: any number); what a terminal would obey becomes '?'. */
const char *sl_top_fit(struct sl_arena *arena, const char *text, u32 columns, bool is_utf8);

#endif
