// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "cli/top_frame.h"

const char *sl_top_number(double value, char text[SL_TOP_NUMBER_SIZE])
{
	static const char units[] = " kMGTPE";
	u32 unit = 0;

	while (value >= 999.5 && units[unit + 1]) {
		value /= 1000;
		unit++;
	}
	/* whole packets stay whole */
	int decimals = value >= 99.95 || (!unit && value == floor(value)) ? 0 : 1;

	if (unit && value < 9.995)
		decimals = 2;
	snprintf(text, SL_TOP_NUMBER_SIZE, "%.*f%.*s", decimals, value, unit != 0, &units[unit]);
	return text;
}

/* One character: its bytes and its columns; '?' in `ret_safe` for what must not get through. */
static size_t next_character(const char *at, u32 *ret_columns, const char **ret_safe)
{
	mbstate_t state = {0};
	wchar_t wide;
	size_t bytes = mbrtowc(&wide, at, strlen(at), &state);
	int columns;

	*ret_safe = "?";
	*ret_columns = 1;
	if (bytes == (size_t)-1 || bytes == (size_t)-2 || !bytes)
		return 1;
	columns = wcwidth(wide);
	if (columns < 0 || !iswprint((wint_t)wide))
		return bytes;
	*ret_columns = (u32)columns;
	*ret_safe = at;
	return bytes;
}

/* Into `out`, which has room for all of the text. Returns where it ends. */
static char *copy(char *out, const char *text, u32 columns)
{
	u32 used = 0, width;
	const char *safe;

	while (*text) {
		size_t bytes = next_character(text, &width, &safe);
		size_t length = safe == text ? bytes : 1;

		if (columns && used + width > columns)
			break;
		memcpy(out, safe, length);
		out += length;
		used += width;
		text += bytes;
	}
	*out = '\0';
	return out;
}

static u32 count_columns(const char *text)
{
	u32 columns = 0, width;
	const char *safe;

	for (; *text; columns += width)
		text += next_character(text, &width, &safe);
	return columns;
}

const char *sl_top_fit(struct sl_arena *arena, const char *text, u32 columns, bool is_utf8)
{
	const char *mark = is_utf8 ? "…" : "~";
	char *fitted = sl_arena_alloc(arena, strlen(text) + strlen(mark) + 1);

	if (!fitted)
		return NULL;
	if (!columns || count_columns(text) <= columns) {
		copy(fitted, text, 0);
		return fitted;
	}
	memcpy(columns > 1 ? copy(fitted, text, columns - 1) : fitted, mark, strlen(mark) + 1);
	return fitted;
}
