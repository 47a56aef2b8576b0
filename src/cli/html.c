// SPDX-License-Identifier: GPL-2.0-only
#include "cli/html.h"

#include <inttypes.h>

/* The character at `at` and its length; 0: it is no UTF-8 (RFC 3629). */
static u32 decode(const u8 *at, u32 *ret_code)
{
	static const u32 least[] = {0, 0, 0x80, 0x800, 0x10000};
	u32 length = at[0] < 0x80 ? 1 : at[0] < 0xc0 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	u32 code = length == 1 ? at[0] : at[0] & (0x7fu >> length);

	for (u32 i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80) /* the end of the text, too */
			return 0;
		code = code << 6 | (at[i] & 0x3f);
	}
	if (at[0] >= 0xf8 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ||
	    code < least[length])
		return 0;
	*ret_code = code;
	return length;
}

/* Controls, and what has no look of its own but changes that of others: marks and overrides of
 * direction, separators of lines, joiners. */
static bool is_shown_by_number(u32 code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x61c ||
	       (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x206f) || code == 0xfeff || (code & 0xfffe) == 0xfffe;
}

static void put(FILE *out, const u8 *at, u32 length, u32 code)
{
	if (!length)
		fprintf(out, "\\x%02x", *at);
	else if (code == '\t' || code == '\n')
		fputc(' ', out);
	else if (is_shown_by_number(code))
		fprintf(out, "\\u{%" PRIx32 "}", code);
	else if (code == '<')
		fputs("&lt;", out);
	else if (code == '>')
		fputs("&gt;", out);
	else if (code == '&')
		fputs("&amp;", out);
	else if (code == '"')
		fputs("&quot;", out);
	else if (code == '\'')
		fputs("&#39;", out);
	else
		fwrite(at, 1, length, out);
}

void sl_html_clip(FILE *out, const char *text, u32 most)
{
	const u8 *at = (const u8 *)text;

	for (u32 i = 0; *at; i++) {
		u32 code = 0, length = decode(at, &code);

		if (i == most) {
			fputs("…", out);
			return;
		}
		put(out, at, length, code);
		at += length ? length : 1;
	}
}

void sl_html_text(FILE *out, const char *text)
{
	sl_html_clip(out, text, UINT32_MAX);
}

void sl_html_count(FILE *out, u64 count)
{
	if (count >= 1000) {
		sl_html_count(out, count / 1000);
		fprintf(out, ",%03u", (unsigned)(count % 1000));
	} else {
		fprintf(out, "%u", (unsigned)count);
	}
}

void sl_html_bytes(FILE *out, u64 bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
	double value = (double)bytes;
	u32 unit = 0;

	for (; value >= 999.95 && unit + 1 < SL_ARRAY_SIZE(units); unit++)
		value /= 1000;
	fprintf(out, unit && value < 99.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}
