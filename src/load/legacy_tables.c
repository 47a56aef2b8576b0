// SPDX-License-Identifier: GPL-2.0-only
#include "load/legacy_tables.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "source/legacy.h"

/*
 * What two changes of a table take at the very least. Seen on a fast machine are 2,500 ns and 600
 * for each chunk: some three rules, which are copied, checked one by one, and given counters.
 */
#define PAUSE_NS           500
#define PAUSE_NS_FOR_CHUNK 150

static int read_family(struct sl_observer *observer, struct sl_legacy_source *source,
		       struct sl_ruleset *ruleset, const char **ret_obstacle, struct sl_diag *diag)
{
	int error;

	if (libbpf_num_possible_cpus() == 1) {
		*ret_obstacle = "iptables-legacy rules are present, with their counters among "
				"them, as there is one processor only";
		return 0;
	}
	sl_legacy_find_extensions(source);
	error = sl_observer_name_extensions(observer, source->names, source->name_count, diag);
	if (error)
		return error;
	return sl_legacy_read(source, ruleset, ret_obstacle) ? sl_fail_memory(diag) : 0;
}

/*
 * A table that comes brings hooks, which are compared as they are; all but nat where NAT stands at
 * the hooks already.
 */
static void watch_head(struct sl_legacy_cell *cell, u32 number, const struct sl_host *host,
		       const struct sl_legacy_family *family)
{
	if (!(number ? host->nats_ip6 : host->nats_ip) || !family->head.address)
		return;
	cell->watches[number * SL_LEGACY_WATCHES] =
		(struct sl_legacy_watch){.word = family->head, .pause_ns = UINT64_MAX};
	cell->counts[number] = 1;
}

static int watch_tables(struct sl_arena *arena, struct sl_legacy_tables *tables, u32 number,
			const struct sl_legacy_source *source)
{
	const struct sl_legacy_family *family = source->family;
	struct sl_legacy_watch *watches = &tables->cell.watches[number * SL_LEGACY_WATCHES];
	u32 *count = &tables->cell.counts[number];
	struct sl_legacy_chunk *chunks;

	for (u32 i = 0; i < family->count; i++)
		watches[(*count)++] = (struct sl_legacy_watch){
			.word = family->tables[i].info,
			.first = tables->chunk_count + family->tables[i].first,
			.count = family->tables[i].count,
			.pause_ns = PAUSE_NS + (u64)family->tables[i].count * PAUSE_NS_FOR_CHUNK,
		};
	chunks = sl_arena_alloc(arena, (tables->chunk_count + family->chunks + 1) * sizeof *chunks);
	if (!chunks)
		return -ENOMEM;
	if (tables->chunk_count)
		memcpy(chunks, tables->chunks, tables->chunk_count * sizeof *chunks);
	memcpy(chunks + tables->chunk_count, source->chunks, family->chunks * sizeof *chunks);
	tables->chunks = chunks;
	tables->chunk_count += family->chunks;
	return 0;
}

static int take_family(struct sl_observer *observer, u32 protocol, u32 number,
		       const struct sl_host *host, struct sl_ruleset *ruleset,
		       struct sl_legacy_tables *tables, struct sl_diag *diag)
{
	SL_CLEANUP(sl_free) struct sl_legacy_source *source = calloc(1, sizeof *source);
	const char *obstacle = NULL;
	int error;

	if (!source)
		return sl_fail_memory(diag);
	source->protocol = protocol;
	source->has_tables = number ? host->has_legacy_ip6 : host->has_legacy_ip;
	source->family = &sl_observer_legacy(observer)[number];
	source->chunks = sl_observer_legacy_chunks(observer, number);
	error = read_family(observer, source, ruleset, &obstacle, diag);
	if (error)
		return error;
	watch_head(&tables->cell, number, host, source->family);
	ruleset->legacy_obstacles[number] = obstacle;
	ruleset->holds_legacy[number] = !obstacle;
	if (!obstacle && watch_tables(ruleset->arena, tables, number, source))
		return sl_fail_memory(diag);
	return 0;
}

int sl_legacy_tables_take(struct sl_observer *observer, const struct sl_host *host,
			  struct sl_ruleset *ruleset, struct sl_legacy_tables *ret_tables,
			  struct sl_diag *diag)
{
	static const u32 protocols[SL_LEGACY_FAMILIES] = {NFPROTO_IPV4, NFPROTO_IPV6};
	struct sl_legacy_tables tables = {0};
	int error = 0;

	for (u32 i = 0; i < SL_LEGACY_FAMILIES && !error; i++)
		error = take_family(observer, protocols[i], i, host, ruleset, &tables, diag);
	if (!error)
		*ret_tables = tables;
	return error;
}
