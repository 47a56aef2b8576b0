/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters over generations: each data plane counts from zero, so what it counted is carried over
 * when the next takes its place, by the rules' handles.
 */
#ifndef SLUICE_DAEMON_TALLY_H
#define SLUICE_DAEMON_TALLY_H

#include "base/diag.h"
#include "compile.h"
#include "info.h"
#include "load/dataplane.h"

/* The first `count` values of a per-CPU array of struct sl_count, each summed up; 0 or -errno. */
int sl_tally_read(int map_fd, u32 count, struct sl_count *ret_counts);

struct sl_tally {
	int fd;                        /* of the array map `rules` */
	struct sl_rule_entry *entries; /* its memory: by counter of the generation; NULL: no map */
	u32 count;
	struct sl_count fates[SL_FATE_COUNTS]; /* of generations before */
};

#define SL_NO_TALLY ((struct sl_tally){.fd = -1})

/* For the generation that is next, which has nothing to carry yet. 0 or -errno. */
int sl_tally_open(const struct sl_compiled *next, struct sl_tally *ret_tally);

/*
 * Adds what the generation before `next` has counted: in the maps of its own, which nothing adds to
 * any more, and in all before it. 0 or -errno, and then nothing is carried over.
 */
int sl_tally_carry(struct sl_tally *next, const struct sl_tally *last,
		   const struct sl_dataplane_maps *maps);
void sl_tally_close(struct sl_tally *tally);

#endif
