/* SPDX-License-Identifier: GPL-2.0-only */
/* The two tables that make up the command line: verbs.c has the commands, options.c the options. */
#ifndef SLUICE_CLI_VERBS_H
#define SLUICE_CLI_VERBS_H

#include <stdio.h>

#include "cli/cli.h"

enum sl_option_id {
	SL_OPTION_DEVICE,
	SL_OPTION_MODE,
	SL_OPTION_NETNS,
	SL_OPTION_FORMAT,
	SL_OPTION_CONFIRM,
	SL_OPTION_FOR,
	SL_OPTION_CHECK,
	SL_OPTION_JSON,
	SL_OPTION_VERBOSE,
	SL_OPTION_YES,
	SL_OPTION_REPLACE,
	SL_OPTION_MEMORY,
	SL_OPTION_LISTEN,
	SL_OPTION_BRIEF,
	SL_OPTION_HTML,
	SL_OPTION_INTERVAL,
	SL_OPTION_BATCH,
	SL_OPTION_ONCE,
	SL_OPTION_NO_COLOUR,
	SL_OPTION_EVERY,
	SL_OPTION_COUNT,
	SL_OPTION_PCAP,
	SL_OPTION_HELP,
	SL_OPTION_VERSION,
};

struct sl_verb {
	const char *name, *alias, *arguments, *summary;
	const char *details; /* for `sluice VERB --help`; ends in a newline */
	u32 options;         /* a bit for each sl_option_id besides those that all take */
	int (*run)(const struct sl_cli *cli);
};

/* An exact name or alias, else the only one that begins so; NULL otherwise. */
const struct sl_verb *sl_verb_find(const char *word, bool *ret_ambiguous);

/* `verb` NULL: of all of sluice. */
void sl_verb_print_help(const struct sl_verb *verb, FILE *out);
void sl_options_print_help(const struct sl_verb *verb, FILE *out);

/*
 * Reads the command line. −1 to go on with *ret_verb (NULL: none was given), else the exit status;
 * what there is to say has been said.
 */
int sl_options_parse(int argc, char **argv, struct sl_cli *ret_cli,
		     const struct sl_verb **ret_verb);

#endif
