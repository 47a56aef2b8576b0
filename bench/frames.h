/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file of frames, as bench/cost writes it and flood and replay read it: nothing but frames of
 * FRAME_SIZE bytes, one behind the other. Their destination MAC is filled in when they are read.
 */
#ifndef SLUICE_BENCH_FRAMES_H
#define SLUICE_BENCH_FRAMES_H

/* Ethernet, IPv6 and TCP with room to spare; a multiple of 8, which a program copies fastest. */
#define FRAME_SIZE 80

struct frame {
	unsigned long long words[FRAME_SIZE / 8];
};

#endif
