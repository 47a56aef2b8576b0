// SPDX-License-Identifier: GPL-2.0-only
#include "shrink.h"

#include <errno.h>
#include <string.h>

#define RUNS_MAX 200

struct shrinker {
	struct sl_trial *trial;
	const struct sl_sides *sides;
	u32 runs;
};

static bool is_tired(const struct shrinker *shrinker)
{
	return shrinker->runs >= RUNS_MAX;
}

/* A trial that no longer runs, say because a chain is gone that a rule jumps to, shows nothing. */
static bool still_differs(struct shrinker *shrinker)
{
	shrinker->runs++;
	return sl_trial_differs(shrinker->trial, shrinker->sides);
}

/* Acts */

static bool try_without_acts(struct shrinker *shrinker, u32 from, u32 count)
{
	struct sl_script *script = shrinker->trial->script;
	struct sl_script whole = *script;
	u32 rest = whole.acts.count - from - count;
	struct sl_act *fewer = sl_arena_alloc(shrinker->trial->arena,
					      (whole.acts.count - count + 1) * sizeof *fewer);

	if (!fewer)
		return false;
	memcpy(fewer, whole.acts.items, from * sizeof *fewer);
	memcpy(fewer + from, whole.acts.items + from + count, rest * sizeof *fewer);
	script->acts.items = fewer;
	script->acts.count = from + rest;
	if (still_differs(shrinker))
		return true;
	*script = whole;
	return false;
}

/* Rules: lines of text; the tools tell whether what is left of them still makes sense. */

static u32 count_lines(const char *text)
{
	u32 lines = 0;

	for (; (text = strchr(text, '\n')); text++)
		lines++;
	return lines;
}

static const char *find_line(const char *text, u32 number)
{
	while (number--)
		text = strchr(text, '\n') + 1;
	return text;
}

static bool try_without_lines(struct shrinker *shrinker, u32 from, u32 count)
{
	const char *whole = shrinker->trial->rules.text;
	const char *begin = find_line(whole, from), *end = find_line(begin, count);

	shrinker->trial->rules.text =
		sl_arena_printf(shrinker->trial->arena, "%.*s%s", (int)(begin - whole), whole, end);
	if (shrinker->trial->rules.text && still_differs(shrinker))
		return true;
	shrinker->trial->rules.text = whole;
	return false;
}

static s32 depth_change(const char *line)
{
	s32 change = 0;

	for (; *line && *line != '\n'; line++)
		change += (*line == '{') - (*line == '}');
	return change;
}

/* How many lines the block that opens in this one has; 0 where none does. */
static u32 block_length(const char *text, u32 from, u32 lines)
{
	s32 depth = 0;

	for (u32 i = from; i < lines; i++) {
		depth += depth_change(find_line(text, i));
		if (depth <= 0)
			return i > from ? i - from + 1 : 0;
	}
	return 0;
}

/* Whole tables, chains and sets: tables come before what they hold. */
static void shrink_blocks(struct shrinker *shrinker)
{
	for (u32 from = 0; !is_tired(shrinker);) {
		const char *text = shrinker->trial->rules.text;
		u32 lines = count_lines(text), length;

		if (from >= lines)
			return;
		length = block_length(text, from, lines);
		if (!length || !try_without_lines(shrinker, from, length))
			from++;
	}
}

/* Halves, quarters, … single pieces, from the end to the beginning. */
static void shrink_by(struct shrinker *shrinker, u32 count,
		      bool (*try_without)(struct shrinker *shrinker, u32 from, u32 count))
{
	for (u32 size = count; size; size /= 2) {
		for (u32 end = count; end && !is_tired(shrinker);) {
			u32 from = end > size ? end - size : 0;

			if (try_without(shrinker, from, end - from))
				count -= end - from;
			end = from;
		}
	}
}

/* The host */

/* One setting after the other as it mostly is. */
static void shrink_host(struct shrinker *shrinker)
{
	struct sl_trial *trial = shrinker->trial;
	const struct sl_lab_config plain = {.out_mtu = 1500};

	for (u32 i = 0; i < sl_lab_setting_count && !is_tired(shrinker); i++) {
		u32 value = sl_lab_get_setting(&trial->config, i);
		u32 usual = sl_lab_get_setting(&plain, i);

		sl_lab_put_setting(&trial->config, i, usual);
		if (value != usual && !still_differs(shrinker))
			sl_lab_put_setting(&trial->config, i, value);
	}
}

int sl_trial_shrink(struct sl_trial *trial, const struct sl_sides *sides, struct sl_diag *diag)
{
	struct shrinker shrinker = {.trial = trial, .sides = sides};

	if (!still_differs(&shrinker))
		return sl_fail(diag, EAGAIN, "the difference did not come again");
	shrink_by(&shrinker, trial->script->acts.count, try_without_acts);
	shrink_blocks(&shrinker);
	shrink_by(&shrinker, count_lines(trial->rules.text), try_without_lines);
	shrink_by(&shrinker, trial->script->acts.count, try_without_acts);
	shrink_host(&shrinker);
	return 0;
}
