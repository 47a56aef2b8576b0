/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * HTML of bytes that anybody may have chosen.
 *
 * Promised: whatever comes in, what goes out is valid UTF-8 that opens and closes no tag, ends no
 * attribute in double quotes, and neither hides nor reorders what is written around it: bytes and
 * characters that could are shown by their number.
 */
#ifndef SLUICE_CLI_HTML_H
#define SLUICE_CLI_HTML_H

#include <stdio.h>

#include "base/types.h"

void sl_html_text(FILE *out, const char *text);
/* At most so many characters of it, and an ellipsis where there are more. */
void sl_html_clip(FILE *out, const char *text, u32 most);

void sl_html_count(FILE *out, u64 count); /* 1,234,567 */
void sl_html_bytes(FILE *out, u64 bytes); /* 1.2 MB */

#endif
