/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SLUICE_CLI_CAPTURE_H
#define SLUICE_CLI_CAPTURE_H

#include "lib/frames.h"

/*
 * A capture file. Refused, with a message, are captures of other links than Ethernet and packets
 * that were not captured whole: their missing bytes could decide.
 */
int sl_frames_read(struct sl_arena *arena, const char *path, struct sl_frames *ret_frames,
		   struct sl_diag *diag);

#endif
