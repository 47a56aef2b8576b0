/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iptables-legacy's tables, as they lie in the kernel's memory: what bpf/snapshot.bpf.c finds, what
 * the rules are read out of (source/legacy.h), and what bpf/legacy.h compares before a drop. It is
 * the same bytes all the way, so that what is compared is what was compiled.
 *
 *	struct xt_table		struct xt_table_info (another one with each change)
 *	… private ─────────────▶ size …, hooks, then the rules: struct ipt_entry …
 */
#ifndef SLUICE_ABI_XT_TABLES_H
#define SLUICE_ABI_XT_TABLES_H

#include <linux/types.h>

#include "known.h"

#define SL_LEGACY_FAMILIES    2 /* IPv4, IPv6 */
#define SL_LEGACY_TABLES      6 /* of a family; the kernel has five */
#define SL_LEGACY_CHUNK_WORDS 64
#define SL_LEGACY_CHUNK_BYTES (SL_LEGACY_CHUNK_WORDS * 8)
#define SL_LEGACY_CHUNKS      128 /* of a family: 64 kB, which are some 400 rules */

/* A piece of a table. The last one reaches back into the one before it, rather than too far. */
struct sl_legacy_chunk {
	__u64 address, words[SL_LEGACY_CHUNK_WORDS];
};

struct sl_legacy_table {
	struct sl_known_word info; /* the table's pointer to what is in it */
	__u32 first, count;        /* chunks of the family, which hold that */
	__u32 size;                /* bytes */
	__s32 priority;
	char name[32];
};

struct sl_legacy_family {
	struct sl_known_word head; /* of the list of tables; address 0: not to be found */
	__u32 count;               /* tables; more than there is room for: not all are here */
	__u32 chunks;              /* likewise */
	struct sl_legacy_table tables[SL_LEGACY_TABLES];
};

/* What the data plane compares: of each family the list of tables, if need be, and the tables. */
#define SL_LEGACY_WATCHES (1 + SL_LEGACY_TABLES)

struct sl_legacy_watch {
	struct sl_known_word word;
	__u32 first, count; /* chunks of the map */
	/*
	 * Nanoseconds that two changes, one after the other, surely take: for so long it is enough
	 * to compare the word.
	 */
	__u64 pause_ns;
};

struct sl_legacy_cell {
	__u32 counts[SL_LEGACY_FAMILIES];
	struct sl_legacy_watch watches[SL_LEGACY_FAMILIES * SL_LEGACY_WATCHES];
};

/* Extensions of xtables, which rules point to: asked for by address. */
#define SL_LEGACY_NAMES_MAX 64

struct sl_legacy_name {
	__u64 address;
	char name[29];
	__u8 revision, padding[2];
};

_Static_assert(sizeof(struct sl_legacy_table) == 16 + 8 + 8 + 32, "no holes");
_Static_assert(sizeof(struct sl_legacy_family) == 24 + SL_LEGACY_TABLES * 64, "no holes");
_Static_assert(sizeof(struct sl_legacy_watch) == 32, "no holes");
_Static_assert(sizeof(struct sl_legacy_name) == 40, "no holes");

#endif
