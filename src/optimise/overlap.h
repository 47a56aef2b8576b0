/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which boxes hold a box, and which have something in common with it, without a look at all of
 * them: they are sorted by two lanes, those that tell most of them apart.
 *
 * Of a range in such a lane the smallest prefix around it is kept. Prefixes nest or are disjoint,
 * so they form trees: what holds a range is at its own prefix or above it, what meets it there or
 * below.
 */
#ifndef SLUICE_OPTIMISE_OVERLAP_H
#define SLUICE_OPTIMISE_OVERLAP_H

#include "classify/boxes.h"

struct sl_overlap;

/* Looks at a box; true ends the search. */
typedef bool sl_overlap_fn(void *context, const struct sl_box *box);

/* The boxes must stay as they are. Everything is in the arena. NULL when out of memory. */
struct sl_overlap *sl_overlap_new(const struct sl_boxes *boxes, const struct sl_lanes *lanes,
				  struct sl_arena *arena);

/*
 * Visits boxes, in no order; of those that a search could do without there may be some. `box` is
 * one of the index's own. *work is reduced by what was done; at 0 the search ends. True if it
 * came to its end.
 */
bool sl_overlap_around(const struct sl_overlap *overlap, const struct sl_box *box,
		       sl_overlap_fn *visit, void *context, u32 *work);
bool sl_overlap_meeting(const struct sl_overlap *overlap, const struct sl_box *box,
			sl_overlap_fn *visit, void *context, u32 *work);

/* In every lane. Worlds are not looked at. */
bool sl_box_holds(const struct sl_lanes *lanes, const struct sl_box *outer,
		  const struct sl_box *inner);
bool sl_box_meets(const struct sl_lanes *lanes, const struct sl_box *a, const struct sl_box *b);

#endif
