/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/tally.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"

/* So many at a time, that their values of each CPU need little room. */
#define BATCH 512

static struct sl_count sum_up(const struct sl_count *counts, int cpus)
{
	struct sl_count sum = {0};

	for (int cpu = 0; cpu < cpus; cpu++) {
		sum.packets += counts[cpu].packets;
		sum.bytes += counts[cpu].bytes;
	}
	return sum;
}

int sl_tally_read(int map_fd, u32 count, struct sl_count *ret_counts)
{
	int cpus = libbpf_num_possible_cpus();
	SL_CLEANUP(sl_free) struct sl_count *values = calloc(BATCH * (size_t)cpus, sizeof *values);
	u32 keys[BATCH], last;

	if (!values)
		return -ENOMEM;
	for (u32 done = 0; done < count;) {
		u32 got = count - done < BATCH ? count - done : BATCH;

		if (bpf_map_lookup_batch(map_fd, done ? &last : NULL, &last, keys, values, &got,
					 NULL))
			return -errno;
		for (u32 i = 0; i < got; i++)
			ret_counts[done + i] = sum_up(values + i * (size_t)cpus, cpus);
		done += got;
	}
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

/* What `last` and its maps had counted, by handle: sorted. */
static int collect(const struct sl_tally *last, const struct sl_dataplane_maps *maps,
		   struct sl_rule_entry *ret_entries)
{
	SL_CLEANUP(sl_free)
	struct sl_count *counts = calloc((size_t)last->count + 1, sizeof *counts);
	int error = counts ? sl_tally_read(maps->rule_counters, last->count, counts) : -ENOMEM;

	if (error)
		return error;
	for (u32 i = 0; i < last->count; i++) {
		ret_entries[i] = last->entries[i];
		ret_entries[i].packets += counts[i].packets;
		ret_entries[i].bytes += counts[i].bytes;
	}
	qsort(ret_entries, last->count, sizeof *ret_entries, compare_entries);
	return 0;
}

int sl_tally_carry(struct sl_tally *next, const struct sl_tally *last,
		   const struct sl_dataplane_maps *maps)
{
	SL_CLEANUP(sl_free)
	struct sl_rule_entry *old = calloc((size_t)last->count + 1, sizeof *old);
	struct sl_count fates[SL_FATE_COUNTS];
	int error = old ? collect(last, maps, old) : -ENOMEM;

	if (!error)
		error = sl_tally_read(maps->fates, SL_FATE_COUNTS, fates);
	if (error)
		return error;
	for (u32 i = 0; i < next->count; i++) {
		const struct sl_rule_entry *found =
			bsearch(&next->entries[i], old, last->count, sizeof *old, compare_entries);

		if (!found)
			continue;
		next->entries[i].packets = found->packets;
		next->entries[i].bytes = found->bytes;
	}
	for (u32 i = 0; i < SL_FATE_COUNTS; i++) {
		next->fates[i].packets = last->fates[i].packets + fates[i].packets;
		next->fates[i].bytes = last->fates[i].bytes + fates[i].bytes;
	}
	return 0;
}

static u32 map_entries(u32 count)
{
	return count ? count : 1; /* no map has none */
}

static size_t map_bytes(u32 count)
{
	return map_entries(count) * sizeof(struct sl_rule_entry);
}

int sl_tally_open(const struct sl_compiled *next, struct sl_tally *ret_tally)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	u32 count = next->program->counters.count;
	SL_CLEANUP(sl_close)
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sluice_rules", sizeof(u32),
				sizeof(struct sl_rule_entry), map_entries(count), &opts);
	struct sl_rule_entry *entries;

	if (fd < 0)
		return -errno;
	entries = mmap(NULL, map_bytes(count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (entries == MAP_FAILED)
		return -errno;
	for (u32 i = 0; i < count; i++)
		entries[i] = describe(next->rules, &next->program->counters.items[i]);
	*ret_tally = (struct sl_tally){.fd = sl_take_fd(&fd), .entries = entries, .count = count};
	return 0;
}

void sl_tally_close(struct sl_tally *tally)
{
	if (tally->entries)
		munmap(tally->entries, map_bytes(tally->count));
	sl_close(&tally->fd);
	*tally = SL_NO_TALLY;
}
