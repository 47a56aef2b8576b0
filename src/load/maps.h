/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps of a program's sets: one hash or LPM trie for each set that generated code looks up.
 */
#ifndef SLUICE_LOAD_MAPS_H
#define SLUICE_LOAD_MAPS_H

#include "base/diag.h"
#include "ir/ir.h"

struct sl_set_maps {
	u32 count; /* of the program's sets */
	int *fds;  /* by set index; −1 where the set has no map */
};

/* Creates and fills them. 0, or -errno with `diag` filled in and nothing left behind. */
int sl_set_maps_create(const struct sl_program *program, struct sl_set_maps *ret_maps,
		       struct sl_diag *diag);
void sl_set_maps_close(struct sl_set_maps *maps);

/* What a set's map takes, known without making it; all zero where the set needs none. */
struct sl_map_size {
	u32 entries;  /* in use: an interval is as many as it has prefixes */
	u32 capacity; /* room, since sets that can change may grow */
	u64 bytes;    /* about: now, as the kernel allocates elements when they come */
};

struct sl_map_size sl_set_map_size(const struct sl_set *set);

/*
 * Adds or replaces an element, or removes one; the range must be one that was added as such.
 * -E2BIG when the map is full: the set has outgrown it and must be compiled anew.
 */
int sl_set_map_add(int fd, const struct sl_set *set, const struct sl_element *element,
		   u32 verdict_index);
int sl_set_map_remove(int fd, const struct sl_set *set, const u8 *key, const u8 *key_end);

/*
 * The prefixes that make up a closed range of `length`-byte big-endian numbers, smallest first:
 * calls `each` with the prefix and its bits until it returns non-zero, and returns that.
 */
int sl_range_prefixes(const u8 *lo, const u8 *hi, u32 length,
		      int (*each)(void *context, const u8 *prefix, u32 bits), void *context);

#endif
