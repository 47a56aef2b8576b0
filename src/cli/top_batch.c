// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "base/clock.h"
#include "cli/top.h"

static void print(const struct sl_top_frame *frame)
{
	for (u32 i = 0; i < frame->lines.count; i++)
		puts(frame->lines.items[i].text);
	fflush(stdout);
}

/* The first showing only tells which texts are missed. */
static void leave_out(const struct sl_top_frame *frame)
{
	(void)frame;
}

static int show(struct sl_top *top, bool is_first, struct sl_diag *diag)
{
	int error = sl_top_look(top, diag);

	if (!error)
		error = sl_top_show(top, leave_out, diag);
	if (error)
		return error;
	if (!is_first)
		puts("");
	return sl_top_show(top, print, diag);
}

int sl_top_run_batch(struct sl_top *top, struct sl_diag *diag)
{
	u64 next_ns = sl_monotonic_ns() + top->interval_ns;
	int error = sl_top_show(top, leave_out, diag);

	for (u32 shown = 0; !error && shown < top->cli->batch; shown++) {
		enum sl_top_event event;

		while ((event = sl_top_wait(top, next_ns, -1)) == SL_TOP_INPUT)
			;
		if (event == SL_TOP_END)
			return 0;
		next_ns = sl_top_next_look(top, next_ns);
		error = show(top, !shown, diag);
	}
	return error;
}
