/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line: one table of commands, one of options; a file for each command.
 *
 * Promised: exit status 0 done, 1 refused (with a message that says what, where, why and what to
 * do), 2 usage. Text for people goes to standard output, messages to standard error; --json prints
 * one JSON document.
 */
#ifndef SLUICE_CLI_CLI_H
#define SLUICE_CLI_CLI_H

#include <sluice.h>

#include "base/diag.h"
#include "base/types.h"
#include "daemon/ladder.h"

#ifndef SLUICE_VERSION
#define SLUICE_VERSION "0.1.0"
#endif

enum { SL_EXIT_DONE = 0, SL_EXIT_REFUSED = 1, SL_EXIT_USAGE = 2 };

struct sl_cli {
	const char *device; /* dev D */
	enum sl_wanted_mode mode;
	bool json, verbose, yes, replace, check, brief, no_colour;
	u64 memory_limit;          /* --memory SIZE, bytes */
	u32 confirm_seconds;       /* --confirm N; 0: not given */
	u32 for_seconds;           /* --for 24h; 0: not given */
	double check_percent;      /* plan --check N%; negative: not given */
	u32 given;                 /* options that were, by bit of enum sl_option_id (verbs.h) */
	const char *format;        /* list --format */
	const char *listen;        /* metrics --listen; NULL: not given */
	u32 batch;                 /* top --batch N, --once; 0: not given */
	double interval_seconds;   /* top --interval S */
	u32 every, count;          /* monitor; 0: not given */
	const char *pcap;          /* monitor --pcap; NULL: not given */
	const char *html;          /* report --html; NULL: not given */
	const char *arguments[64]; /* what is left, in order */
	u32 argument_count;
};

/* Prints "sluice: " and the message; returns SL_EXIT_REFUSED. */
int sl_cli_refuse(const struct sl_diag *diag);
/* A handle of libsluice for this network namespace; NULL: it has been said why not. */
struct sluice *sl_cli_library(void);
/* Prints what the handle's last call had to say, and closes it; returns SL_EXIT_REFUSED. */
int sl_cli_refuse_library(struct sluice *sluice);
/* Prints "sluice COMMAND: " and the message, and where help is; returns SL_EXIT_USAGE. */
int sl_cli_usage(const char *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* People who wait for an attach shall know for what. */
void sl_cli_say_slow(const char *device);

/*
 * The device that a command is for. Without one given, lists the candidates and returns NULL;
 * the command then returns SL_EXIT_USAGE.
 */
const char *sl_cli_need_device(const struct sl_cli *cli, const char *command);

/* One file each. */
int sl_command_plan(const struct sl_cli *cli);
int sl_command_attach(const struct sl_cli *cli);
int sl_command_reattach(const struct sl_cli *cli);
int sl_command_confirm(const struct sl_cli *cli);
int sl_command_rollback(const struct sl_cli *cli);
int sl_command_detach(const struct sl_cli *cli);
int sl_command_status(const struct sl_cli *cli);
int sl_command_metrics(const struct sl_cli *cli);
int sl_command_list(const struct sl_cli *cli);
int sl_command_trace(const struct sl_cli *cli);
int sl_command_reload(const struct sl_cli *cli);
int sl_command_audit(const struct sl_cli *cli);
int sl_command_top(const struct sl_cli *cli);
int sl_command_monitor(const struct sl_cli *cli);
int sl_command_report(const struct sl_cli *cli);

#endif
