/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An arena owns everything that lives exactly as long as one read of the rules or one compile:
 * it is filled piece by piece and freed in one go. Nothing in it has a destructor.
 */
#ifndef SLUICE_BASE_ARENA_H
#define SLUICE_BASE_ARENA_H

#include "base/types.h"

struct sl_arena;

struct sl_arena *sl_arena_new(void);        /* NULL when out of memory */
void sl_arena_free(struct sl_arena *arena); /* NULL is fine */

/* Zeroed memory, aligned for any type; NULL when out of memory. */
void *sl_arena_alloc(struct sl_arena *arena, size_t size);
void *sl_arena_copy(struct sl_arena *arena, const void *data, size_t size);
char *sl_arena_strdup(struct sl_arena *arena, const char *text);
char *sl_arena_printf(struct sl_arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Appends room for one element to a growing array in the arena and returns it zeroed.
 * `*array`, `*count` and `*capacity` belong to the caller and start as NULL, 0, 0.
 * Growing moves the array: keep indices, not pointers to elements.
 */
void *sl_arena_push(struct sl_arena *arena, void *array, size_t element_size, u32 *count,
		    u32 *capacity);

/* A growing array: SL_LIST(struct sl_rule) rules; iterate items[0..count). */
#define SL_LIST(type)                                                                              \
	struct {                                                                                   \
		type *items;                                                                       \
		u32 count, capacity;                                                               \
	}
#define sl_list_push(arena, list)                                                                  \
	((__typeof__((list)->items))sl_arena_push(arena, &(list)->items, sizeof *(list)->items,    \
						  &(list)->count, &(list)->capacity))

#endif
