// SPDX-License-Identifier: GPL-2.0-only
#include "cli/names.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void sl_name_print(const char *name, FILE *out)
{
	for (; *name; name++) {
		unsigned char byte = (unsigned char)*name;

		if (byte < 0x20 || byte == 0x7f)
			fprintf(out, "\\x%02x", byte);
		else
			fputc(byte, out);
	}
}

void sl_print_name(const char *name)
{
	sl_name_print(name, stdout);
}

json_t *sl_json_text(const char *text)
{
	json_t *string = json_string(text);
	SL_CLEANUP(sl_free) char *copy = NULL;

	if (string)
		return string;
	copy = strdup(text);
	for (char *at = copy; at && *at; at++)
		if (!isascii((unsigned char)*at))
			*at = '?';
	return copy ? json_string(copy) : NULL;
}

int sl_json_print(json_t *root)
{
	if (!root)
		return -1;
	json_dumpf(root, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(root);
	return 0;
}
