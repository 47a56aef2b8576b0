/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SLUICE_CLI_SESSION_H
#define SLUICE_CLI_SESSION_H

#include "base/types.h"

/* Whether the ssh connection that this terminal hangs on comes in by the device. */
bool sl_session_uses(const char *device);

#endif
