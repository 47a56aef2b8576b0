/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps of a program's sets: one with the tries of all that have one (classify/tries.h), and a
 * hash for each of the others.
 */
#ifndef SLUICE_LOAD_MAPS_H
#define SLUICE_LOAD_MAPS_H

#include "base/diag.h"
#include "classify/tries.h"
#include "ir/ir.h"

struct sl_set_maps {
	u32 count;             /* of the program's sets */
	int *fds;              /* by set index; −1 where the set has no hash */
	struct sl_tries tries; /* in memory of our own, until they are placed */
	u32 trie_units;        /* that the map of tries must have */
};

/* Creates and fills them. 0, or -errno with `diag` filled in and nothing left behind. */
int sl_set_maps_create(const struct sl_program *program, struct sl_set_maps *ret_maps,
		       struct sl_diag *diag);
/* Puts the tries into their map. 0 or -errno. */
int sl_set_maps_place_tries(struct sl_set_maps *maps, int fd);
void sl_set_maps_close(struct sl_set_maps *maps);

/* What a program's sets take, known without making their maps. */
struct sl_map_size {
	u32 maps, entries;
	u64 bytes; /* of hashes about, and now: the kernel allocates elements when they come */
};

/* 0 or -errno, as when they are made. */
int sl_set_maps_size(const struct sl_program *program, struct sl_map_size *ret_size,
		     struct sl_diag *diag);

/*
 * Adds or replaces an element, or removes one; the range must be one that was added as such.
 * -E2BIG when the map is full: the set has outgrown it and must be compiled anew.
 */
int sl_set_map_add(struct sl_set_maps *maps, const struct sl_set *set,
		   const struct sl_element *element, u32 verdict_index);
int sl_set_map_remove(struct sl_set_maps *maps, const struct sl_set *set, const u8 *key,
		      const u8 *key_end);

/* By which the kernel knows a map; 0: not to be known. */
u32 sl_map_id(int fd);

#endif
