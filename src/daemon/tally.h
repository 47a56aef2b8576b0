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

/* Of the map `fates`, generations before included; 0 or -errno. */
int sl_tally_read_fates(int fates_fd, struct sl_count ret_fates[SL_FATE_COUNTS]);

/*
 * The pinned maps `rules` and `rule_counters`, which go together; no counters (-1) where the one
 * who pins them died between the two: then the rules have what generations before had counted. 0 or
 * -errno; the caller closes both.
 */
int sl_tally_find(u64 net_cookie, const char *device, int *ret_rules_fd, int *ret_counters_fd);

struct sl_tally {
	int fd;                        /* of the array map `rules` */
	struct sl_rule_entry *entries; /* its memory; NULL: no map */
	u32 count;                     /* of the rules: one less than of values */
	u32 counted; /* the first of them, by counter of the generation; it does not count others */
};

#define SL_NO_TALLY ((struct sl_tally){.fd = -1})

/* For the generation that is next after `last`; it has nothing to carry yet. 0 or -errno. */
int sl_tally_open(const struct sl_compiled *next, const struct sl_tally *last,
		  struct sl_tally *ret_tally);

/*
 * That of a generation whose keeper has died, of what it left: its map `rules`, which is taken over
 * if it went well, and how many counters it has (-1: none). 0 or -errno.
 */
int sl_tally_inherit(int rules_fd, int rule_counters_fd, struct sl_tally *ret_tally);

/* What each rule has counted in all generations: tally->count entries. 0 or -errno. */
int sl_tally_sum(const struct sl_tally *tally, int rule_counters_fd,
		 struct sl_rule_entry *ret_entries);

/*
 * Adds what the generation before `next` has counted: in the maps of its own (`from`), which
 * nothing adds to any more, and in all before it. Fates go into the map of `next`. 0 or -errno, and
 * then nothing is carried over.
 */
int sl_tally_carry(struct sl_tally *next, const struct sl_tally *last,
		   const struct sl_dataplane_maps *from, int fates_fd);

/* Writes down which counters the rules go with: before they are pinned. 0 or -errno. */
int sl_tally_bind(struct sl_tally *tally, int rule_counters_fd);

void sl_tally_close(struct sl_tally *tally);

#endif
