/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal of `sluice top`, by ncurses: one at a time. */
#ifndef SLUICE_CLI_TOP_SCREEN_H
#define SLUICE_CLI_TOP_SCREEN_H

#include "base/diag.h"
#include "cli/top_frame.h"

enum sl_top_key {
	SL_TOP_KEY_NONE, /* no more for now */
	SL_TOP_KEY_QUIT,
	SL_TOP_KEY_NEXT,
	SL_TOP_KEY_PREVIOUS,
	SL_TOP_KEY_SORT,
	SL_TOP_KEY_PAUSE,
	SL_TOP_KEY_HELP,
	SL_TOP_KEY_OTHER, /* also: the terminal has another size */
};

/* Takes the terminal over. 0, or -errno where standard input and output are none that can do it. */
int sl_top_screen_open(bool with_colours, struct sl_diag *diag);
/* Gives it back as it was; before that nothing else may be printed. */
void sl_top_screen_close(void);

void sl_top_screen_size(u32 *ret_rows, u32 *ret_columns);
void sl_top_screen_draw(const struct sl_top_frame *frame);
enum sl_top_key sl_top_screen_key(void); /* does not wait */

#endif
