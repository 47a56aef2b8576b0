/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/observe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load/symbols.h"
#include "snapshot.skel.h"

struct sl_observer {
	struct snapshot_bpf *skeleton;
	bool has_searched; /* for nf_tables' number, since it was loaded */
	struct sl_recent_seed recent_seed;
};

static int load(struct snapshot_bpf **ret_skeleton, struct sl_diag *diag)
{
	struct snapshot_bpf *skeleton = snapshot_bpf__open_and_load();

	if (!skeleton && errno == EPERM)
		return sl_fail(diag, EPERM,
			       "the kernel refuses to load a BPF program: it wants root, "
			       "or CAP_SYS_ADMIN and CAP_NET_ADMIN");
	if (!skeleton)
		return sl_fail(diag, errno, "cannot load the program that looks at the kernel: %s",
			       strerror(errno));
	*ret_skeleton = skeleton;
	return 0;
}

int sl_observer_open(struct sl_observer **ret_observer, struct sl_diag *diag)
{
	struct sl_observer *observer;
	int error;

	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return sl_fail(diag, ENOENT,
			       "this kernel has no BTF (/sys/kernel/btf/vmlinux), which sluice "
			       "needs to find its way in it; Debian's and most distributions' "
			       "kernels have it (CONFIG_DEBUG_INFO_BTF)");
	observer = calloc(1, sizeof *observer);
	if (!observer)
		return sl_fail_memory(diag);
	error = load(&observer->skeleton, diag);
	if (error) {
		free(observer);
		return error;
	}
	*ret_observer = observer;
	return 0;
}

int sl_observer_renew(struct sl_observer *observer, struct sl_diag *diag)
{
	struct snapshot_bpf *skeleton;
	int error = load(&skeleton, diag);

	if (error)
		return error;
	snapshot_bpf__destroy(observer->skeleton);
	observer->skeleton = skeleton;
	observer->has_searched = false;
	return 0;
}

void sl_observer_free(struct sl_observer *observer)
{
	if (!observer)
		return;
	snapshot_bpf__destroy(observer->skeleton);
	free(observer);
}

static u64 mix(u64 hash, u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 29;
}

static u64 hash_family(const struct sl_legacy_family *family, const struct sl_legacy_chunk *chunks)
{
	u64 hash = mix(family->head.address, family->head.value);

	for (u32 i = 0; i < family->count && i < SL_LEGACY_TABLES; i++)
		hash = mix(mix(hash, family->tables[i].info.value), family->tables[i].size);
	for (u32 i = 0; i < family->chunks && family->chunks <= SL_LEGACY_CHUNKS; i++)
		for (u32 k = 0; k < SL_LEGACY_CHUNK_WORDS; k++)
			hash = mix(hash, chunks[i].words[k]);
	return hash;
}

static void note_number(void *context, u64 address, const char *name)
{
	struct sl_observer *observer = context;

	if (!strcmp(name, "nf_tables_net_id"))
		observer->skeleton->bss->nf_tables_id = address;
}

static int take_snapshot(const struct sl_observer *observer, struct sl_diag *diag)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int program_fd = bpf_program__fd(observer->skeleton->progs.take_snapshot);

	return bpf_prog_test_run_opts(program_fd, &opts)
		       ? sl_fail(diag, errno, "cannot look at the kernel's state: %s",
				 strerror(errno))
		       : 0;
}

/* Since 6.17 the generation is where BTF says; and the symbols take longer to read than all else.
 */
static bool lacks_generation(const struct sl_observer *observer)
{
	const struct snapshot_bpf *skeleton = observer->skeleton;

	return skeleton->bss->found && !skeleton->bss->snapshot.generation_address &&
	       !observer->has_searched;
}

int sl_observer_look(struct sl_observer *observer, u32 ifindex, struct sl_snapshot *ret_snapshot,
		     struct sl_diag *diag)
{
	struct snapshot_bpf *skeleton = observer->skeleton;

	skeleton->bss->wanted_ifindex = ifindex;
	int error = take_snapshot(observer, diag);
	if (!error && lacks_generation(observer)) {
		observer->has_searched = true;
		(void)sl_symbols_each("/proc/kallsyms", note_number, observer);
		error = take_snapshot(observer, diag);
	}
	if (error)
		return error;
	if (!skeleton->bss->found)
		return sl_fail(diag, ENODEV, "no device with index %u in this network namespace",
			       ifindex);
	*ret_snapshot = skeleton->bss->snapshot;
	ret_snapshot->legacy_hash = 0;
	for (u32 i = 0; i < SL_LEGACY_FAMILIES; i++)
		ret_snapshot->legacy_hash ^= hash_family(&sl_observer_legacy(observer)[i],
							 sl_observer_legacy_chunks(observer, i));
	return 0;
}

const struct sl_legacy_family *sl_observer_legacy(const struct sl_observer *observer)
{
	return (const struct sl_legacy_family *)observer->skeleton->bss->legacy_families;
}

const struct sl_legacy_chunk *sl_observer_legacy_chunks(const struct sl_observer *observer,
							u32 family)
{
	return (const struct sl_legacy_chunk *)observer->skeleton->bss->legacy_chunks +
	       (size_t)family * SL_LEGACY_CHUNKS;
}

int sl_observer_name_extensions(struct sl_observer *observer, struct sl_legacy_name *names,
				u32 count, struct sl_diag *diag)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct snapshot_bpf *skeleton = observer->skeleton;

	memcpy(skeleton->bss->legacy_names, names, count * sizeof *names);
	skeleton->bss->legacy_name_count = count;
	if (bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.name_extensions), &opts))
		return sl_fail(diag, errno, "cannot look at the kernel's extensions: %s",
			       strerror(errno));
	memcpy(names, skeleton->bss->legacy_names, count * sizeof *names);
	return 0;
}

static struct sl_rule_place rule_place(const struct sl_limit *limit)
{
	return (struct sl_rule_place){.table = limit->table,
				      .chain = limit->chain,
				      .rule = limit->rule,
				      .expression = limit->expression};
}

int sl_observer_find_limits(struct sl_observer *observer, const struct sl_limit *limits, u32 count,
			    struct sl_limit_place *ret_places, struct sl_diag *diag)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct snapshot_bpf *skeleton = observer->skeleton;

	if (count > SL_LIMITS_MAX)
		count = SL_LIMITS_MAX;
	skeleton->bss->limit_count = count;
	for (u32 i = 0; i < count; i++)
		skeleton->bss->limit_queries[i] = (struct sl_limit_query){
			.rule = rule_place(&limits[i]),
		};
	if (bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.find_limits), &opts))
		return sl_fail(diag, errno, "cannot look at the kernel's rules: %s",
			       strerror(errno));
	memset(ret_places, 0, SL_LIMITS_MAX * sizeof *ret_places);
	for (u32 i = 0; i < count; i++)
		ret_places[i] = skeleton->bss->limit_queries[i].place;
	return 0;
}

int sl_observer_find_filled(struct sl_observer *observer, const struct sl_filled *sets, u32 count,
			    struct sl_filled_place *ret_places, struct sl_diag *diag)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct snapshot_bpf *skeleton = observer->skeleton;

	if (count > SL_FILLED_MAX)
		count = SL_FILLED_MAX;
	skeleton->bss->filled_count = count;
	for (u32 i = 0; i < count; i++)
		skeleton->bss->filled_queries[i] = (struct sl_filled_query){
			.table = sets[i].table,
			.set = sets[i].set,
			.key_length = sets[i].key_length,
		};
	if (bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.find_filled), &opts))
		return sl_fail(diag, errno, "cannot look at the kernel's sets: %s",
			       strerror(errno));
	memset(ret_places, 0, SL_FILLED_MAX * sizeof *ret_places);
	for (u32 i = 0; i < count; i++)
		ret_places[i] = skeleton->bss->filled_queries[i].place;
	return 0;
}

bool sl_observer_knows_filled(struct sl_observer *observer)
{
	struct sl_filled_place places[SL_FILLED_MAX];

	return !sl_observer_find_filled(observer, NULL, 0, places, NULL) &&
	       observer->skeleton->bss->knows_filled;
}

int sl_observer_find_recents(struct sl_observer *observer, struct sl_recent_query *queries,
			     u32 count, struct sl_diag *diag)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct snapshot_bpf *skeleton = observer->skeleton;

	if (count > SL_FILLED_MAX)
		count = SL_FILLED_MAX;
	skeleton->bss->recent_count = count;
	for (u32 i = 0; i < count; i++)
		skeleton->bss->recent_queries[i] = queries[i];
	if (bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.find_recents), &opts))
		return sl_fail(diag, errno, "cannot look at xt_recent's lists: %s",
			       strerror(errno));
	for (u32 i = 0; i < count; i++)
		queries[i] = skeleton->bss->recent_queries[i];
	return 0;
}

bool sl_observer_knows_recent(struct sl_observer *observer)
{
	return !sl_observer_find_recents(observer, NULL, 0, NULL) &&
	       observer->skeleton->bss->knows_recent;
}

int sl_observer_learn_of_recents(struct sl_observer *observer, const struct sl_limit *rule, int fd,
				 u32 buckets, struct sl_recent_lesson *ret_lesson,
				 struct sl_diag *diag)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct snapshot_bpf *skeleton = observer->skeleton;

	skeleton->bss->asked_by = rule_place(rule);
	skeleton->bss->witness_fd = fd;
	skeleton->bss->witness_buckets = buckets;
	skeleton->bss->match_address = 0;
	if (bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.learn_of_recents), &opts))
		return sl_fail(diag, errno, "cannot look at xt_recent: %s", strerror(errno));
	ret_lesson->match = skeleton->bss->match_address;
	ret_lesson->witness_count = skeleton->bss->witness_count;
	memcpy(ret_lesson->words, skeleton->bss->recent_words, sizeof ret_lesson->words);
	memcpy(ret_lesson->witnesses, skeleton->bss->recent_witnesses,
	       sizeof ret_lesson->witnesses);
	return 0;
}

struct sl_recent_seed *sl_observer_recent_seed(struct sl_observer *observer)
{
	return &observer->recent_seed;
}

const struct sl_hook_list *sl_observer_hooks(const struct sl_observer *observer)
{
	return (const struct sl_hook_list *)observer->skeleton->bss->hook_lists;
}

bool sl_snapshots_equal(const struct sl_snapshot *a, const struct sl_snapshot *b)
{
	return !memcmp(a, b, sizeof *a); /* no holes: abi/state.h asserts it */
}
