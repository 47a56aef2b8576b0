/* SPDX-License-Identifier: GPL-2.0-only */
/* What a program takes of the kernel's memory: known, and limited, before any of it is taken. */
#ifndef SLUICE_LOAD_MEMORY_H
#define SLUICE_LOAD_MEMORY_H

#include "base/diag.h"
#include "ir/ir.h"

/* Where nobody says otherwise. */
#define SL_MEMORY_LIMIT ((u64)64 << 20)
/* No limit but what a map can hold. */
#define SL_MEMORY_UNLIMITED UINT64_MAX

struct sl_memory {
	u32 maps, entries;
	u64 bytes;       /* about, of all maps; sets as full as they are now */
	u64 table_bytes; /* of them: the image of tables */
	u64 known_bytes; /* of them: the filter of known connections; 0: none */
};

/*
 * 0, or -errno as when the maps are made. A filter of known connections is only planned where it
 * fits into the limit.
 */
int sl_memory_plan(const struct sl_program *program, u64 limit, struct sl_memory *ret_memory,
		   struct sl_diag *diag);

/* "65536", "512K", "64M", "2G"; false for what is no such size, or none at all. */
bool sl_memory_parse(const char *text, u64 *ret_bytes);

/* The words that an image may have within the limit, and within a map. */
u32 sl_memory_image_words(u64 limit);

/* 0, or -ENOSPC with `diag` saying what there is and what it wants. */
int sl_memory_check(const struct sl_program *program, u64 limit, struct sl_diag *diag);

#endif
