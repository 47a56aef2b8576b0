/* SPDX-License-Identifier: GPL-2.0-only */
/* Words for people and programs that several commands print. */
#ifndef SLUICE_CLI_NAMES_H
#define SLUICE_CLI_NAMES_H

#include <jansson.h>
#include <stdio.h>

#include "base/types.h"
#include "lib/words.h"

/* Prints a name from the kernel so that a terminal survives whatever it holds. */
void sl_print_name(const char *name);
void sl_name_print(const char *name, FILE *out);

/* A JSON string of bytes that may not be UTF-8: what is not becomes '?'. */
json_t *sl_json_text(const char *text);

/* Prints the document with a newline and frees it; −1 when it is NULL, out of memory. */
int sl_json_print(json_t *root);

#endif
