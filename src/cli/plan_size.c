// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include <bpf/libbpf.h>

#include "cli/plan.h"
#include "ir/flow.h"
#include "load/maps.h"
#include "config.h"
#include "state.h"

/* The map of local addresses is allocated whole: htab_elem, key and value, and a bucket each. */
#define LOCAL_MAP_BYTES (SL_LOCAL_ADDRESSES_MAX * (48u + 16 + 8 + 16))

static void add_map(struct sl_plan_size *size, u32 entries, u64 bytes)
{
	size->maps++;
	size->entries += entries;
	size->bytes += bytes;
}

int sl_plan_size(struct sl_plan *plan, struct sl_diag *diag)
{
	const struct sl_program *program = plan->compiled->program;
	u64 cpus = (u64)abs(libbpf_num_possible_cpus());
	struct sl_plan_size size;
	struct sl_map_size sets;
	int error = sl_set_maps_size(program, &sets, diag);

	if (error)
		return error;
	size = (struct sl_plan_size){sets.maps, sets.entries, sets.bytes, 0};
	add_map(&size, program->counters.count,
		cpus * program->counters.count * sizeof(struct sl_count));
	add_map(&size, SL_FATE_COUNTS, cpus * SL_FATE_COUNTS * sizeof(struct sl_count));
	add_map(&size, program->local.count, LOCAL_MAP_BYTES);
	if (sl_program_minds_batch(program))
		add_map(&size, 0, cpus * (SL_BATCH_SLOTS + 1) * sizeof(u64));
	for (u32 i = 0; i < SL_STAGES; i++)
		size.insns += plan->compiled->code.stages[i].insns.count;
	plan->size = size;
	return 0;
}
