/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/tally.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

int sl_tally_read(int map_fd, u32 index, struct sl_count *ret_count)
{
	int cpus = libbpf_num_possible_cpus();
	SL_CLEANUP(sl_free) struct sl_count *counts = calloc((size_t)cpus, sizeof *counts);
	struct sl_count sum = {0};

	if (!counts)
		return -ENOMEM;
	if (bpf_map_lookup_elem(map_fd, &index, counts))
		return -errno;
	for (int cpu = 0; cpu < cpus; cpu++) {
		sum.packets += counts[cpu].packets;
		sum.bytes += counts[cpu].bytes;
	}
	*ret_count = sum;
	return 0;
}

static struct sl_rule_entry describe(const struct sl_ruleset *rules,
				     const struct sl_counter *counter)
{
	struct sl_rule_entry entry = {.rule_handle = counter->handle};
	const struct sl_nft_table *table =
		sl_ruleset_find_table(rules, counter->family, counter->table);
	const struct sl_nft_chain *chain =
		table ? sl_table_find_chain(table, counter->chain) : NULL;

	if (chain) {
		entry.table_handle = table->handle;
		entry.chain_handle = chain->handle;
	}
	return entry;
}

static int compare_entries(const void *a, const void *b)
{
	return memcmp(a, b, offsetof(struct sl_rule_entry, packets));
}

/* What `now` and its maps had counted, by handle: sorted. */
static int collect(const struct sl_tally *now, const struct sl_dataplane_maps *maps,
		   struct sl_rule_entry *ret_entries)
{
	for (u32 i = 0; i < now->count; i++) {
		struct sl_count count;
		int error = sl_tally_read(maps->rule_counters, i, &count);

		if (error)
			return error;
		ret_entries[i] = now->entries[i];
		ret_entries[i].packets += count.packets;
		ret_entries[i].bytes += count.bytes;
	}
	qsort(ret_entries, now->count, sizeof *ret_entries, compare_entries);
	return 0;
}

static int carry_rules(const struct sl_tally *now, const struct sl_dataplane_maps *maps,
		       struct sl_tally *next)
{
	SL_CLEANUP(sl_free)
	struct sl_rule_entry *old = calloc((size_t)now->count + 1, sizeof *old);
	int error = old ? collect(now, maps, old) : -ENOMEM;

	for (u32 i = 0; i < next->count && !error; i++) {
		const struct sl_rule_entry *found =
			bsearch(&next->entries[i], old, now->count, sizeof *old, compare_entries);

		if (!found)
			continue;
		next->entries[i].packets = found->packets;
		next->entries[i].bytes = found->bytes;
	}
	return error;
}

static int carry_fates(const struct sl_tally *now, const struct sl_dataplane_maps *maps,
		       struct sl_tally *next)
{
	for (u32 i = 0; i < SL_FATE_COUNTS; i++) {
		struct sl_count count;
		int error = sl_tally_read(maps->fates, i, &count);

		if (error)
			return error;
		next->fates[i].packets = now->fates[i].packets + count.packets;
		next->fates[i].bytes = now->fates[i].bytes + count.bytes;
	}
	return 0;
}

int sl_tally_carry(const struct sl_compiled *next, const struct sl_tally *now,
		   const struct sl_dataplane_maps *maps, struct sl_tally *ret_tally)
{
	struct sl_tally tally = {.count = next->program->counters.count};
	int error = 0;

	tally.entries = calloc((size_t)tally.count + 1, sizeof *tally.entries);
	if (!tally.entries)
		return -ENOMEM;
	for (u32 i = 0; i < tally.count; i++)
		tally.entries[i] = describe(next->rules, &next->program->counters.items[i]);
	if (now)
		error = carry_rules(now, maps, &tally);
	if (now && !error)
		error = carry_fates(now, maps, &tally);
	if (error) {
		sl_tally_free(&tally);
		return error;
	}
	*ret_tally = tally;
	return 0;
}

void sl_tally_free(struct sl_tally *tally)
{
	free(tally->entries);
	*tally = (struct sl_tally){0};
}

int sl_tally_map(const struct sl_tally *tally)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sluice_rules", sizeof(u32),
				sizeof(struct sl_rule_entry), tally->count ? tally->count : 1,
				&opts);

	if (fd < 0)
		return -errno;
	for (u32 i = 0; i < tally->count; i++) {
		if (bpf_map_update_elem(fd, &i, &tally->entries[i], BPF_ANY)) {
			int error = -errno;

			sl_close(&fd);
			return error;
		}
	}
	return fd;
}
