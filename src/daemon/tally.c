/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/tally.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/cleanup.h"
#include "load/pins.h"

/* So many at a time, that their values of each CPU need little room. */
#define BATCH 512
/* How long who pins the two maps may take from one to the other. */
#define FIND_TRIES    100
#define FIND_PAUSE_NS 1000000

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

int sl_tally_read_fates(int fates_fd, struct sl_count ret_fates[SL_FATE_COUNTS])
{
	struct sl_count counts[2 * SL_FATE_COUNTS];
	int error = sl_tally_read(fates_fd, 2 * SL_FATE_COUNTS, counts);

	for (u32 i = 0; i < SL_FATE_COUNTS && !error; i++) {
		const struct sl_count *carried = &counts[SL_FATE_COUNTS + i];

		ret_fates[i].packets = counts[i].packets + carried->packets;
		ret_fates[i].bytes = counts[i].bytes + carried->bytes;
	}
	return error;
}

/* The first CPU has it all. */
static int write_fates(int fates_fd, const struct sl_count fates[SL_FATE_COUNTS])
{
	SL_CLEANUP(sl_free)
	struct sl_count *values = calloc((size_t)libbpf_num_possible_cpus(), sizeof *values);

	if (!values)
		return -ENOMEM;
	for (u32 i = 0; i < SL_FATE_COUNTS; i++) {
		u32 index = SL_FATE_COUNTS + i;

		values[0] = fates[i];
		if (bpf_map_update_elem(fates_fd, &index, values, BPF_ANY))
			return -errno;
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

int sl_tally_sum(const struct sl_tally *tally, int rule_counters_fd,
		 struct sl_rule_entry *ret_entries)
{
	SL_CLEANUP(sl_free)
	struct sl_count *counts = calloc((size_t)tally->count + 1, sizeof *counts);
	int error = counts ? sl_tally_read(rule_counters_fd, tally->counted, counts) : -ENOMEM;

	if (error)
		return error;
	for (u32 i = 0; i < tally->count; i++) {
		ret_entries[i] = tally->entries[i];
		ret_entries[i].packets += counts[i].packets;
		ret_entries[i].bytes += counts[i].bytes;
	}
	return 0;
}

/* By handle: sorted. */
static int collect(const struct sl_tally *last, const struct sl_dataplane_maps *maps,
		   struct sl_rule_entry *ret_entries)
{
	int error = sl_tally_sum(last, maps->rule_counters, ret_entries);

	if (!error)
		qsort(ret_entries, last->count, sizeof *ret_entries, compare_entries);
	return error;
}

int sl_tally_carry(struct sl_tally *next, const struct sl_tally *last,
		   const struct sl_dataplane_maps *from, int fates_fd)
{
	SL_CLEANUP(sl_free)
	struct sl_rule_entry *old = calloc((size_t)last->count + 1, sizeof *old);
	struct sl_count fates[SL_FATE_COUNTS];
	int error = old ? collect(last, from, old) : -ENOMEM;

	if (!error)
		error = sl_tally_read_fates(from->fates, fates);
	if (!error)
		error = write_fates(fates_fd, fates);
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
	return 0;
}

/* Rules that stand, and the policies of their chains. */
struct standing {
	struct sl_rule_entry *items; /* sorted; malloc'd */
	u32 count;
};

static void list_chain(const struct sl_nft_table *table, const struct sl_nft_chain *chain,
		       struct standing *standing)
{
	struct sl_rule_entry entry = {.table_handle = table->handle, .chain_handle = chain->handle};

	standing->items[standing->count++] = entry;
	for (u32 i = 0; i < chain->rules.count; i++) {
		entry.rule_handle = chain->rules.items[i].handle;
		standing->items[standing->count++] = entry;
	}
}

static u32 count_standing(const struct sl_ruleset *rules)
{
	u32 count = 0;

	for (u32 i = 0; i < rules->tables.count; i++)
		for (u32 k = 0; k < rules->tables.items[i]->chains.count; k++)
			count += rules->tables.items[i]->chains.items[k]->rules.count + 1;
	return count;
}

static int list_standing(const struct sl_ruleset *rules, struct standing *ret_standing)
{
	struct standing standing = {
		.items = calloc((size_t)count_standing(rules) + 1, sizeof *standing.items),
	};

	if (!standing.items)
		return -ENOMEM;
	for (u32 i = 0; i < rules->tables.count; i++) {
		const struct sl_nft_table *table = rules->tables.items[i];

		for (u32 k = 0; k < table->chains.count; k++)
			list_chain(table, table->chains.items[k], &standing);
	}
	qsort(standing.items, standing.count, sizeof *standing.items, compare_entries);
	*ret_standing = standing;
	return 0;
}

/* Entries of `last` that are not among the `*count` of `entries` and whose rules stand: behind. */
static int add_others(const struct sl_ruleset *rules, const struct sl_tally *last,
		      struct sl_rule_entry *entries, u32 *count)
{
	SL_CLEANUP(sl_free)
	struct sl_rule_entry *sorted = calloc((size_t)*count + 1, sizeof *sorted);
	SL_CLEANUP(sl_free) struct sl_rule_entry *stand = NULL;
	struct standing standing = {0};
	u32 counted = *count;
	int error;

	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, entries, counted * sizeof *sorted);
	qsort(sorted, counted, sizeof *sorted, compare_entries);
	for (u32 i = 0; i < last->count; i++) {
		const struct sl_rule_entry *entry = &last->entries[i];

		if (bsearch(entry, sorted, counted, sizeof *sorted, compare_entries))
			continue;
		if (!stand) { /* for all of them, and only if there is one */
			error = list_standing(rules, &standing);
			if (error)
				return error;
			stand = standing.items;
		}
		if (!bsearch(entry, stand, standing.count, sizeof *stand, compare_entries))
			continue;
		entries[*count] = *entry;
		entries[*count].packets = entries[*count].bytes = 0;
		++*count;
	}
	return 0;
}

/* The last is of no rule (info.h). */
static size_t map_bytes(u32 count)
{
	return ((size_t)count + 1) * sizeof(struct sl_rule_entry);
}

static int map_entries(int fd, u32 count, struct sl_rule_entry **ret_entries)
{
	void *memory = mmap(NULL, map_bytes(count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*ret_entries = memory;
	return 0;
}

int sl_tally_open(const struct sl_compiled *next, const struct sl_tally *last,
		  struct sl_tally *ret_tally)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	struct sl_tally tally = {.counted = next->program->counters.count};
	SL_CLEANUP(sl_free)
	struct sl_rule_entry *entries =
		calloc((size_t)tally.counted + last->count + 1, sizeof *entries);
	int error;

	if (!entries)
		return -ENOMEM;
	for (; tally.count < tally.counted; tally.count++)
		entries[tally.count] =
			describe(next->rules, &next->program->counters.items[tally.count]);
	error = add_others(next->rules, last, entries, &tally.count);
	if (error)
		return error;

	SL_CLEANUP(sl_close)
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sluice_rules", sizeof(u32),
				sizeof(struct sl_rule_entry), tally.count + 1, &opts);

	if (fd < 0)
		return -errno;
	error = map_entries(fd, tally.count, &tally.entries);
	if (error)
		return error;
	memcpy(tally.entries, entries, tally.count * sizeof *entries);
	tally.fd = sl_take_fd(&fd);
	*ret_tally = tally;
	return 0;
}

static int look_at_map(int fd, struct bpf_map_info *ret_info)
{
	u32 size = sizeof *ret_info;

	return bpf_obj_get_info_by_fd(fd, ret_info, &size) ? -errno : 0;
}

int sl_tally_bind(struct sl_tally *tally, int rule_counters_fd)
{
	struct bpf_map_info counters = {0};
	int error = look_at_map(rule_counters_fd, &counters);

	if (!error)
		tally->entries[tally->count].packets = counters.id;
	return error;
}

/* What sl_tally_bind() wrote. */
static bool are_bound(int rules_fd, int rule_counters_fd)
{
	struct bpf_map_info rules = {0}, counters = {0};
	struct sl_rule_entry entry;
	u32 last;

	if (look_at_map(rules_fd, &rules) || look_at_map(rule_counters_fd, &counters))
		return false;
	last = rules.max_entries - 1;
	return !bpf_map_lookup_elem(rules_fd, &last, &entry) && entry.packets == counters.id;
}

int sl_tally_find(u64 net_cookie, const char *device, int *ret_rules_fd, int *ret_counters_fd)
{
	const struct timespec pause = {.tv_nsec = FIND_PAUSE_NS};

	for (u32 tries = 1;; tries++) {
		SL_CLEANUP(sl_close) int rules = sl_pins_get(net_cookie, device, "rules");
		SL_CLEANUP(sl_close)
		int counters = sl_pins_get(net_cookie, device, "rule_counters");
		bool bound = are_bound(rules, counters);

		if (rules < 0)
			return rules;
		if (bound || tries == FIND_TRIES) {
			*ret_rules_fd = sl_take_fd(&rules);
			*ret_counters_fd = bound ? sl_take_fd(&counters) : -1;
			return 0;
		}
		nanosleep(&pause, NULL);
	}
}

int sl_tally_inherit(int rules_fd, int rule_counters_fd, struct sl_tally *ret_tally)
{
	struct bpf_map_info rules = {0}, counters = {0};
	struct sl_tally tally = {.fd = rules_fd};
	int error = look_at_map(rules_fd, &rules);

	if (!error && rule_counters_fd >= 0)
		error = look_at_map(rule_counters_fd, &counters);
	if (error)
		return error;
	tally.count = rules.max_entries - 1;
	tally.counted = counters.max_entries;
	if (tally.counted > tally.count) /* no map has none */
		tally.counted = tally.count;
	error = map_entries(rules_fd, tally.count, &tally.entries);
	if (!error)
		*ret_tally = tally;
	return error;
}

void sl_tally_close(struct sl_tally *tally)
{
	if (tally->entries)
		munmap(tally->entries, map_bytes(tally->count));
	sl_close(&tally->fd);
	*tally = SL_NO_TALLY;
}
