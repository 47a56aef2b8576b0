/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames, from their file into the map that frames.bpf.h takes them from. */
#ifndef SLUICE_BENCH_FRAMES_FILE_H
#define SLUICE_BENCH_FRAMES_FILE_H

#include <bpf/bpf.h>
#include <netinet/ether.h>

#include "frames.h"

struct frames {
	struct frame *items; /* the caller frees */
	unsigned int count;  /* never 0 */
};

/* All of them with that destination; 0 or a negative errno, -EINVAL if it is no such file. */
int frames_read(const char *path, const struct ether_addr *mac, struct frames *ret_frames);

/* Into the map, which has room for them. */
int frames_store(const struct frames *frames, int map);

#endif
