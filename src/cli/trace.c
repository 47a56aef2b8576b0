/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/cli.h"

int sl_command_trace(const struct sl_cli *cli)
{
	(void)cli;
	return SL_EXIT_REFUSED;
}
