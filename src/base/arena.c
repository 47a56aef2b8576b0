/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)64 * 1024)

struct block {
	struct block *next;
	size_t used, size;
	max_align_t data[];
};

struct sl_arena {
	struct block *blocks; /* the newest first; only it is allocated from */
};

struct sl_arena *sl_arena_new(void)
{
	return calloc(1, sizeof(struct sl_arena));
}

void sl_arena_free(struct sl_arena *arena)
{
	if (!arena)
		return;
	for (struct block *block = arena->blocks, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	free(arena);
}

void *sl_arena_alloc(struct sl_arena *arena, size_t size)
{
	struct block *block = arena->blocks;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	if (!block || block->size - block->used < size) {
		size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;

		block = calloc(1, sizeof *block + room);
		if (!block)
			return NULL;
		block->size = room;
		block->next = arena->blocks;
		arena->blocks = block;
	}

	void *memory = (char *)block->data + block->used;

	block->used += size;
	return memory;
}

void *sl_arena_copy(struct sl_arena *arena, const void *data, size_t size)
{
	void *memory = sl_arena_alloc(arena, size);

	return memory && size ? memcpy(memory, data, size) : memory;
}

char *sl_arena_strdup(struct sl_arena *arena, const char *text)
{
	return sl_arena_copy(arena, text, strlen(text) + 1);
}

char *sl_arena_printf(struct sl_arena *arena, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int length = vsnprintf(NULL, 0, format, args);
	char *text = length < 0 ? NULL : sl_arena_alloc(arena, (size_t)length + 1);

	if (text)
		vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	va_end(args);
	return text;
}

void *sl_arena_push(struct sl_arena *arena, void *array, size_t element_size, u32 *count,
		    u32 *capacity)
{
	void *items;

	memcpy(&items, array, sizeof items); /* `array` points to a pointer of the caller's type */
	if (*count == *capacity) {
		u32 room = *capacity ? *capacity * 2 : 8;

		if (room < *capacity)
			return NULL;

		void *larger = sl_arena_alloc(arena, room * element_size);

		if (!larger)
			return NULL;
		if (*count)
			memcpy(larger, items, *count * element_size);
		memcpy(array, &larger, sizeof larger);
		items = larger;
		*capacity = room;
	}
	return (char *)items + (*count)++ * element_size;
}
