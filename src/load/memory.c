/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/memory.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "ir/flow.h"
#include "load/known_filter.h"
#include "load/maps.h"
#include "sampling.h"
#include "state.h"

/* The map of local addresses is allocated whole: htab_elem, key and value, and a bucket each. */
#define LOCAL_MAP_BYTES (SL_LOCAL_ADDRESSES_MAX * (48u + 16 + 8 + 16))

/* The verifier knows no offset into a map's value of 512 MiB or more (BPF_MAX_VAR_OFF). */
#define IMAGE_WORDS_MAX (1u << 26)

static void add_map(struct sl_memory *memory, u32 entries, u64 bytes)
{
	memory->maps++;
	memory->entries += entries;
	memory->bytes += bytes;
}

static void add_known(struct sl_memory *memory, u64 limit)
{
	u64 bytes = sl_known_bytes();

	if (bytes > limit || memory->bytes > limit - bytes)
		return;
	memory->known_bytes = bytes;
	add_map(memory, 0, bytes);
}

int sl_memory_plan(const struct sl_program *program, u64 limit, struct sl_memory *ret_memory,
		   struct sl_diag *diag)
{
	u64 cpus = (u64)abs(libbpf_num_possible_cpus());
	struct sl_memory memory = {.table_bytes = program->image_words * sizeof *program->image};
	struct sl_map_size sets;
	int error = sl_set_maps_size(program, &sets, diag);

	if (error)
		return error;
	memory.maps = sets.maps;
	memory.entries = sets.entries;
	memory.bytes = sets.bytes;
	add_map(&memory, program->counters.count,
		cpus * program->counters.count * sizeof(struct sl_count));
	add_map(&memory, SL_FATE_COUNTS, cpus * SL_FATE_COUNTS * sizeof(struct sl_count));
	add_map(&memory, program->local.count, LOCAL_MAP_BYTES);
	add_map(&memory, 0, SL_SAMPLING_RING_BYTES);
	if (sl_program_minds_batch(program) || sl_program_asks_filled(program))
		add_map(&memory, 0, cpus * SL_BATCH_ENTRIES * sizeof(u64));
	if (program->image_words)
		add_map(&memory, 1, memory.table_bytes);
	if (sl_program_tracks(program, SL_IP | SL_IP6))
		add_known(&memory, limit);
	*ret_memory = memory;
	return 0;
}

bool sl_memory_parse(const char *text, u64 *ret_bytes)
{
	static const char suffixes[] = "KMG";
	char *end;
	unsigned long long number = strtoull(text, &end, 10);
	const char *suffix = *end ? strchr(suffixes, *end) : NULL;
	u32 shift = suffix ? 10 * (u32)(suffix - suffixes + 1) : 0;

	if (text[0] < '0' || text[0] > '9' || (*end && (!suffix || end[1])) || !number ||
	    number > UINT64_MAX >> shift)
		return false;
	*ret_bytes = (u64)number << shift;
	return true;
}

u32 sl_memory_image_words(u64 limit)
{
	u64 words = limit / sizeof(u64);

	return words < IMAGE_WORDS_MAX ? (u32)words : IMAGE_WORDS_MAX;
}

int sl_memory_check(const struct sl_program *program, u64 limit, struct sl_diag *diag)
{
	struct sl_memory memory;
	int error = sl_memory_plan(program, limit, &memory, diag);

	if (error || memory.bytes <= limit)
		return error;
	return sl_fail(diag, ENOSPC,
		       "the rules would take about %" PRIu64 " kB of the kernel's memory (%" PRIu64
		       " kB of it for tables), more than the limit of %" PRIu64
		       " kB; allow more with --memory",
		       memory.bytes / 1024, memory.table_bytes / 1024, limit / 1024);
}
