/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters over generations: each data plane counts from zero, so what it counted is carried over
 * when the next takes its place, by the rules' handles. A rule that a generation leaves to the
 * kernel keeps what was counted before, for as long as it stands.
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
	struct sl_rule_entry *entries; /* its memory; NULL: no map */
	u32 count;
	u32 counted; /* the first of them, by counter of the generation; it does not count others */
	struct sl_count fates[SL_FATE_COUNTS]; /* of generations before */
};

#define SL_NO_TALLY ((struct sl_tally){.fd = -1})

/* For the generation that is next after `last`; it has nothing to carry yet. 0 or -errno. */
int sl_tally_open(const struct sl_compiled *next, const struct sl_tally *last,
		  struct sl_tally *ret_tally);

/*
 * That of a generation whose keeper has died, of what it left: its map `rules`, which is taken over
 * if it went well, how many counters it has, and its fates of generations before. 0 or -errno.
 */
int sl_tally_inherit(int rules_fd, int rule_counters_fd, const struct sl_count *fates,
		     struct sl_tally *ret_tally);

/*
 * Adds what the generation before `next` has counted: in the maps of its own, which nothing adds to
 * any more, and in all before it. 0 or -errno, and then nothing is carried over.
 */
int sl_tally_carry(struct sl_tally *next, const struct sl_tally *last,
		   const struct sl_dataplane_maps *maps);

void sl_tally_close(struct sl_tally *tally);

#endif
