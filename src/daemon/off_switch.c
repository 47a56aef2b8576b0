/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/off_switch.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

bool sl_off_switch_in(const char *command_line)
{
	const size_t length = strlen(SL_OFF_SWITCH_WORD);

	for (const char *at = command_line; (at = strstr(at, SL_OFF_SWITCH_WORD)); at++) {
		bool begins = at == command_line || isspace((unsigned char)at[-1]);

		if (begins && (!at[length] || isspace((unsigned char)at[length])))
			return true;
	}
	return false;
}

/* COMMAND_LINE_SIZE is 2048 on x86, and 4096 at most. */
static bool is_booted_off(void)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen("/proc/cmdline", "re");
	char line[4097];

	return file && fgets(line, sizeof line, file) && sl_off_switch_in(line);
}

const char *sl_off_switch_by(void)
{
	if (!access(SL_OFF_SWITCH_FILE, F_OK))
		return SL_OFF_SWITCH_FILE;
	return is_booted_off() ? SL_OFF_SWITCH_WORD : NULL;
}

int sl_off_switch_check(struct sl_diag *diag)
{
	const char *by = sl_off_switch_by();

	if (!by)
		return 0;
	if (*by == '/')
		return sl_fail(diag, EPERM,
			       "sluice is switched off by the file %s: remove it to attach", by);
	return sl_fail(diag, EPERM,
		       "sluice is switched off by %s on the kernel's command line (see "
		       "/proc/cmdline): boot without it to attach",
		       by);
}
