/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One of the host's tools, run to its end: what it says is kept, how long it may take is limited.
 */
#ifndef SLUICE_SOURCE_COMMAND_H
#define SLUICE_SOURCE_COMMAND_H

#include "base/diag.h"
#include "base/types.h"

struct sl_namespace;

struct sl_command {
	const char *const *argv;              /* argv[0] is looked for in PATH and the sbin's */
	const char *directory;                /* to run in; NULL: the caller's */
	int input_fd;                         /* −1: nothing to read */
	u32 timeout_ms;                       /* then it is killed */
	const struct sl_namespace *namespace; /* NULL: the caller's */
};

struct sl_command_result {
	int status;            /* exit status; 128 + signal */
	char *output, *errors; /* text with a NUL */
};

/*
 * 0 when the program ran, whatever its status; -ENOENT where it is not installed, -ETIMEDOUT, or
 * another negative errno.
 */
int sl_command_run(const struct sl_command *command, struct sl_command_result *ret_result,
		   struct sl_diag *diag);
void sl_command_result_free(struct sl_command_result *result);

#endif
