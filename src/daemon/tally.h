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

/* Sums of a per-CPU map of struct sl_count; 0 or -errno. */
int sl_tally_read(int map_fd, u32 index, struct sl_count *ret_count);

struct sl_tally {
	struct sl_rule_entry *entries; /* by counter of the present generation; malloc'd */
	u32 count;
	struct sl_count fates[SL_FATE_COUNTS]; /* of generations before */
};

/*
 * The tally of the generation that `next` starts, given the one before it (`now`, and its maps;
 * NULL for the first).
 */
int sl_tally_carry(const struct sl_compiled *next, const struct sl_tally *now,
		   const struct sl_dataplane_maps *maps, struct sl_tally *ret_tally);
void sl_tally_free(struct sl_tally *tally);

/* The array map `rules` for others to read; an fd or -errno. */
int sl_tally_map(const struct sl_tally *tally);

#endif
