/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/witness.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "audit.skel.h"
#include "base/cleanup.h"

/* Entries that are taken out of a table at once. */
#define BATCH 512

struct sl_witness {
	struct audit_bpf *skeleton;
	struct bpf_link *link;
	volatile struct sl_audit_control *control;
	size_t control_bytes;
	struct ring_buffer *ring;
	sl_sample_fn *each; /* of the consumption that is going on */
	void *context;
	struct btf *btf;                /* the kernel's, … */
	const struct btf_type *reasons; /* … enum skb_drop_reason; NULL: they have no names */
	struct sl_audit_key *keys;
	struct sl_audit_entry *entries;
};

static int take_sample(void *context, void *data, size_t size)
{
	const struct sl_witness *witness = context;

	if (size >= sizeof(struct sl_audit_sample))
		witness->each(witness->context, data);
	return 0;
}

static int map_control(struct sl_witness *witness)
{
	long page = sysconf(_SC_PAGESIZE);
	void *memory = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_SHARED,
			    bpf_map__fd(witness->skeleton->maps.audit_control), 0);

	if (memory == MAP_FAILED)
		return -errno;
	witness->control = memory;
	witness->control_bytes = (size_t)page;
	return 0;
}

static int open_maps(struct sl_witness *witness)
{
	int error = map_control(witness);

	if (error)
		return error;
	witness->keys = calloc(BATCH, sizeof *witness->keys);
	witness->entries = calloc(BATCH, sizeof *witness->entries);
	if (!witness->keys || !witness->entries)
		return -ENOMEM;
	witness->ring = ring_buffer__new(bpf_map__fd(witness->skeleton->maps.audit_samples),
					 take_sample, witness, NULL);
	return witness->ring ? 0 : -errno;
}

static int attach(struct sl_witness *witness, struct sl_diag *diag)
{
	witness->link = bpf_program__attach_raw_tracepoint(witness->skeleton->progs.audit_witness,
							   "kfree_skb");
	if (witness->link)
		return 0;
	return sl_fail(
		diag, errno,
		"cannot watch what the kernel drops (tracepoint kfree_skb, with reasons since "
		"Linux 5.17): %s",
		strerror(errno));
}

/* Once: the kernel has a hundred thousand types. */
static void find_reasons(struct sl_witness *witness)
{
	int id;

	witness->btf = btf__load_vmlinux_btf();
	if (!witness->btf)
		return;
	id = btf__find_by_name_kind(witness->btf, "skb_drop_reason", BTF_KIND_ENUM);
	if (id > 0)
		witness->reasons = btf__type_by_id(witness->btf, (u32)id);
}

int sl_witness_open(struct sl_witness **ret_witness, struct sl_diag *diag)
{
	struct sl_witness *witness = calloc(1, sizeof *witness);
	int error;

	if (!witness)
		return sl_fail_memory(diag);
	witness->skeleton = audit_bpf__open_and_load();
	if (!witness->skeleton)
		error = sl_fail(diag, errno,
				"cannot load the program that sees what the kernel drops: %s "
				"(it wants root, or CAP_SYS_ADMIN and CAP_NET_ADMIN)",
				strerror(errno));
	else
		error = attach(witness, diag);
	if (!error) {
		error = open_maps(witness);
		if (error)
			sl_fail(diag, -error, "the maps of the audit: %s", strerror(-error));
	}
	if (error) {
		sl_witness_free(witness);
		return error;
	}
	find_reasons(witness);
	*ret_witness = witness;
	return 0;
}

void sl_witness_free(struct sl_witness *witness)
{
	if (!witness)
		return;
	bpf_link__destroy(witness->link);
	ring_buffer__free(witness->ring);
	if (witness->control)
		munmap((void *)witness->control, witness->control_bytes);
	audit_bpf__destroy(witness->skeleton);
	btf__free(witness->btf);
	free(witness->keys);
	free(witness->entries);
	free(witness);
}

void sl_witness_watch(struct sl_witness *witness, u32 ifindex, u64 net_cookie, bool splits)
{
	witness->control->net_cookie = net_cookie;
	witness->control->splits = splits;
	witness->control->ifindex = ifindex;
}

void sl_witness_maps(const struct sl_witness *witness, int ret_fds[SL_WITNESS_MAPS])
{
	const struct bpf_map *maps[SL_WITNESS_MAPS] = {
		witness->skeleton->maps.audit_even,
		witness->skeleton->maps.audit_odd,
		witness->skeleton->maps.audit_control,
		witness->skeleton->maps.audit_counts,
	};

	for (u32 i = 0; i < SL_WITNESS_MAPS; i++)
		ret_fds[i] = bpf_map__fd(maps[i]);
}

static int empty(struct sl_witness *witness, int fd, sl_awaited_fn *each, void *context)
{
	u32 position, count;
	bool is_first = true;
	int error;

	do {
		count = BATCH;
		error = bpf_map_lookup_and_delete_batch(fd, is_first ? NULL : &position, &position,
							witness->keys, witness->entries, &count,
							NULL)
				? -errno
				: 0;
		if (error && error != -ENOENT) /* … which says that these were the last */
			return error;
		for (u32 i = 0; i < count; i++)
			each(context, &witness->entries[i]);
		is_first = false;
	} while (!error);
	return 0;
}

int sl_witness_turn(struct sl_witness *witness, sl_awaited_fn *each, void *context)
{
	const struct audit_bpf *skeleton = witness->skeleton;
	u64 next = witness->control->period + 1;
	int error =
		empty(witness,
		      bpf_map__fd(next & 1 ? skeleton->maps.audit_odd : skeleton->maps.audit_even),
		      each, context);

	if (!error)
		witness->control->period = next;
	return error;
}

void sl_witness_samples(struct sl_witness *witness, sl_sample_fn *each, void *context)
{
	witness->each = each;
	witness->context = context;
	ring_buffer__consume(witness->ring);
}

int sl_witness_counts(const struct sl_witness *witness, u64 ret_counts[SL_AUDIT_COUNTS])
{
	int fd = bpf_map__fd(witness->skeleton->maps.audit_counts),
	    cpus = libbpf_num_possible_cpus();
	u64 counts[SL_AUDIT_COUNTS] = {0};

	if (cpus < 1)
		return -EINVAL;

	SL_CLEANUP(sl_free) u64 *values = calloc((size_t)cpus, sizeof *values);

	if (!values)
		return -ENOMEM;
	for (u32 i = 0; i < SL_AUDIT_COUNTS; i++) {
		if (bpf_map_lookup_elem(fd, &i, values))
			return -errno;
		for (int cpu = 0; cpu < cpus; cpu++)
			counts[i] += values[cpu];
	}
	memcpy(ret_counts, counts, sizeof counts);
	return 0;
}

u64 sl_witness_misses(const struct sl_witness *witness)
{
	struct bpf_prog_info info = {0};
	u32 size = sizeof info;

	if (bpf_obj_get_info_by_fd(bpf_program__fd(witness->skeleton->progs.audit_witness), &info,
				   &size))
		return 0;
	return info.recursion_misses;
}

const char *sl_witness_reason(const struct sl_witness *witness, u32 reason)
{
	static const char prefix[] = "SKB_DROP_REASON_";
	const struct btf_type *type = witness->reasons;

	for (u32 i = 0; type && i < btf_vlen(type); i++) {
		const struct btf_enum *item = &btf_enum(type)[i];
		const char *name = btf__name_by_offset(witness->btf, item->name_off);

		if ((u32)item->val == reason)
			return strncmp(name, prefix, sizeof prefix - 1) ? name
									: name + sizeof prefix - 1;
	}
	return "";
}
