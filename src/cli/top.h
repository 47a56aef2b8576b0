/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `sluice top`: look, show, wait, over and over; on a screen (top_live.c) or as text (top_batch.c).
 *
 * Enters: the command line. Leaves: frames (top_frame.h) of what the pins say (top_model.h), with
 * the rules' texts (top_texts.h) and the sources of what was dropped (top_sampling.h). Promised:
 * nothing that it does changes what becomes of a packet.
 */
#ifndef SLUICE_CLI_TOP_H
#define SLUICE_CLI_TOP_H

#include "cli/cli.h"
#include "cli/top_frame.h"
#include "cli/top_sampling.h"
#include "cli/top_texts.h"

struct sl_top {
	const struct sl_cli *cli;
	struct sl_observer *observer;
	u64 net_cookie; /* of the last look */
	struct sl_top_model model;
	struct sl_top_texts *texts;
	struct sl_top_sampling *sampling;
	struct sl_top_view view;
	char clock[16];
	u64 interval_ns;
	int signals;
};

/* Each 0, or -errno with `diag` filled in. */
int sl_top_look(struct sl_top *top, struct sl_diag *diag);
/* Whose sources are sampled: all devices', or on a screen the selected one's. */
int sl_top_sample(struct sl_top *top, struct sl_diag *diag);

/* Makes a frame and hands it over, twice where texts of rules were missed and are known then. */
typedef void sl_top_put_fn(const struct sl_top_frame *frame);
int sl_top_show(struct sl_top *top, sl_top_put_fn *put, struct sl_diag *diag);

enum sl_top_event { SL_TOP_TIME, SL_TOP_INPUT, SL_TOP_END };

/*
 * Until then, until there is something at `input` (−1: nowhere) or the terminal has changed, or
 * until it shall end; takes samples meanwhile.
 */
enum sl_top_event sl_top_wait(struct sl_top *top, u64 until_ns, int input);
/* The time of the look behind one at that time: what took long is not made up for by several. */
u64 sl_top_next_look(const struct sl_top *top, u64 last_ns);

int sl_top_run_batch(struct sl_top *top, struct sl_diag *diag);
int sl_top_run_live(struct sl_top *top, struct sl_diag *diag);

#endif
