/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The switch that turns sluice off for a machine, whatever is configured: `sluice=off` on the
 * kernel's command line, or a file. While it is off nothing is attached, and what is gets taken off
 * by the processes that keep it.
 */
#ifndef SLUICE_DAEMON_OFF_SWITCH_H
#define SLUICE_DAEMON_OFF_SWITCH_H

#include "base/diag.h"
#include "base/types.h"

#define SL_OFF_SWITCH_FILE "/etc/sluice/disabled"
#define SL_OFF_SWITCH_WORD "sluice=off"

/* What turned it off: the file, or the word; NULL: it is on. */
const char *sl_off_switch_by(void);

/* 0, or -EPERM with a message that says what turned it off. */
int sl_off_switch_check(struct sl_diag *diag);

/* Whether a command line has the word; for tests. */
bool sl_off_switch_in(const char *command_line);

#endif
