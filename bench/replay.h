/* SPDX-License-Identifier: GPL-2.0-only */
/* What both halves of replay know. */
#ifndef SLUICE_BENCH_REPLAY_H
#define SLUICE_BENCH_REPLAY_H

/* How often a frame comes in a row when its time is taken: one more and one less than this warm. */
#define REPLAY_DWELL 256

#endif
