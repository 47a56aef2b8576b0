/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "codegen/codegen.h"

static bool has_map(const struct sl_set *set)
{
	return set->is_used && sl_set_needs_map(set);
}

/* Hashes */

/* Room for a set that changes to grow into without a recompile. */
static u32 hash_capacity(const struct sl_set *set)
{
	u32 entries = set->elements.count;

	if (set->is_constant)
		return entries ? entries : 1;
	return entries < 512 ? 1024 : 2 * entries;
}

/* Elements that are allocated at once lie closer together, and are found a tenth sooner. */
static int create_hash(const struct sl_set *set)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		    .map_flags = set->is_constant ? 0 : BPF_F_NO_PREALLOC);
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "sluice_set", set->key_length,
				sizeof(struct sl_set_value), hash_capacity(set), &opts);

	return fd < 0 ? -errno : fd;
}

static int add_to_hash(int fd, const struct sl_element *element, u32 verdict_index)
{
	struct sl_set_value value = {
		.expires_at_ns = element->expires_at_ns,
		.verdict = verdict_index,
		.counter = element->counts ? element->counter : SL_NO_HIT,
	};

	if (!bpf_map_update_elem(fd, element->key, &value, BPF_ANY))
		return 0;
	return errno == ENOSPC ? -E2BIG : -errno;
}

static int remove_from_hash(int fd, const u8 *key)
{
	/* What expired may have been removed before. */
	return bpf_map_delete_elem(fd, key) && errno != ENOENT ? -errno : 0;
}

/* The kernel's own share of an element, and of a hash's bucket: htab_elem. */
#define ELEMENT_OVERHEAD 64
#define BUCKET_BYTES     16

static u64 round_up_to_power(u64 number)
{
	u64 power = 1;

	while (power < number)
		power *= 2;
	return power;
}

static u64 hash_bytes(const struct sl_set *set)
{
	return (u64)set->elements.count *
		       (ELEMENT_OVERHEAD + set->key_length + sizeof(struct sl_set_value)) +
	       BUCKET_BYTES * round_up_to_power(hash_capacity(set));
}

/* Tries */

/* Room for a set that changes, in units, however small it is. */
#define TRIE_ROOM_MIN 8192
/* A root stays as large as it is; where its lines are all there is, what they cannot hold comes. */
#define TRIE_ROOM_ROOT_SHARE 4

/* As many nodes again, and some for a root that could do without. */
static u32 trie_room(u32 root_units, u32 node_units)
{
	u32 room = node_units + root_units / TRIE_ROOM_ROOT_SHARE;

	return room > TRIE_ROOM_MIN ? room : TRIE_ROOM_MIN;
}

static int fill_trie(struct sl_set_maps *maps, const struct sl_set *set, struct sl_arena *arena)
{
	struct sl_verdict_list verdicts;
	u32 before = maps->tries.count, begun;
	int error = sl_set_verdicts(set, arena, &verdicts);

	if (!error)
		error = sl_trie_begin(&maps->tries, set, set->elements.count);
	begun = maps->tries.count;
	for (u32 i = 0; i < set->elements.count && !error; i++) {
		const struct sl_element *element = &set->elements.items[i];

		error = sl_trie_add(&maps->tries, set, element,
				    sl_verdict_index(&verdicts, &element->verdict));
	}
	if (!set->is_constant)
		maps->trie_units += trie_room(begun - before, maps->tries.count - begun);
	return error;
}

/* `trie_units` is the room for growth until all is known. */
static int build_tries(const struct sl_program *program, struct sl_set_maps *maps,
		       struct sl_diag *diag)
{
	u64 units;
	int error = sl_tries_init(&maps->tries, program->sets.count);

	for (u32 i = 0; i < program->sets.count && !error; i++) {
		const struct sl_set *set = program->sets.items[i];

		if (has_map(set) && sl_set_has_trie(set))
			error = fill_trie(maps, set, program->arena);
		if (error == -E2BIG)
			return sl_fail(diag, ENOSPC,
				       "set %s of table %s (%u elements) does not fit into %u MiB",
				       set->name, set->table, set->elements.count,
				       (SL_TRIE_UNITS_MAX + 1) / (1 << 20) * 8);
	}
	units = (u64)maps->tries.count + maps->trie_units;
	maps->trie_units = units < SL_TRIE_UNITS_MAX ? (u32)units : SL_TRIE_UNITS_MAX;
	return error ? sl_fail_memory(diag) : 0;
}

int sl_set_maps_place_tries(struct sl_set_maps *maps, int fd)
{
	void *units = mmap(NULL, maps->trie_units * sizeof(u64), PROT_READ | PROT_WRITE, MAP_SHARED,
			   fd, 0);

	if (units == MAP_FAILED)
		return -errno;
	sl_tries_move(&maps->tries, units, maps->trie_units);
	return 0;
}

/* All of a program's */

static int create_hashes(const struct sl_program *program, struct sl_set_maps *maps,
			 struct sl_diag *diag)
{
	for (u32 i = 0; i < maps->count; i++) {
		const struct sl_set *set = program->sets.items[i];
		struct sl_verdict_list verdicts;
		int error;

		if (!has_map(set) || sl_set_has_trie(set))
			continue;
		maps->fds[i] = create_hash(set);
		error = maps->fds[i] < 0 ? maps->fds[i]
					 : sl_set_verdicts(set, program->arena, &verdicts);
		for (u32 k = 0; k < set->elements.count && !error; k++) {
			const struct sl_element *element = &set->elements.items[k];

			error = add_to_hash(maps->fds[i], element,
					    sl_verdict_index(&verdicts, &element->verdict));
		}
		if (error == -E2BIG) /* less code would not help */
			error = -ENOSPC;
		if (error)
			return sl_fail(diag, -error,
				       "a map for set %s of table %s (%u elements): %s", set->name,
				       set->table, set->elements.count, strerror(-error));
	}
	return 0;
}

int sl_set_maps_create(const struct sl_program *program, struct sl_set_maps *ret_maps,
		       struct sl_diag *diag)
{
	struct sl_set_maps maps = {
		.count = program->sets.count,
		.fds = calloc(program->sets.count + 1, sizeof(int)),
	};
	int error;

	if (!maps.fds)
		return sl_fail_memory(diag);
	for (u32 i = 0; i < maps.count; i++)
		maps.fds[i] = -1;
	error = create_hashes(program, &maps, diag);
	if (!error)
		error = build_tries(program, &maps, diag);
	if (error) {
		sl_set_maps_close(&maps);
		return error;
	}
	*ret_maps = maps;
	return 0;
}

void sl_set_maps_close(struct sl_set_maps *maps)
{
	for (u32 i = 0; i < maps->count; i++)
		sl_close(&maps->fds[i]);
	free(maps->fds);
	if (maps->tries.is_fixed)
		munmap(maps->tries.units, maps->trie_units * sizeof(u64));
	sl_tries_free(&maps->tries);
	*maps = (struct sl_set_maps){0};
}

int sl_set_maps_size(const struct sl_program *program, struct sl_map_size *ret_size,
		     struct sl_diag *diag)
{
	struct sl_set_maps tries = {0};
	struct sl_map_size size = {0};
	int error = build_tries(program, &tries, diag);

	for (u32 i = 0; i < program->sets.count && !error; i++) {
		const struct sl_set *set = program->sets.items[i];

		if (!has_map(set))
			continue;
		size.entries += set->elements.count;
		if (sl_set_has_trie(set))
			continue;
		size.maps++;
		size.bytes += hash_bytes(set);
	}
	size.maps++;
	size.bytes += tries.trie_units * sizeof(u64);
	sl_set_maps_close(&tries);
	if (!error)
		*ret_size = size;
	return error;
}

int sl_set_map_add(struct sl_set_maps *maps, const struct sl_set *set,
		   const struct sl_element *element, u32 verdict_index)
{
	if (sl_set_has_trie(set))
		return sl_trie_add(&maps->tries, set, element, verdict_index);
	return add_to_hash(maps->fds[set->index], element, verdict_index);
}

int sl_set_map_remove(struct sl_set_maps *maps, const struct sl_set *set, const u8 *key,
		      const u8 *key_end)
{
	if (sl_set_has_trie(set))
		return sl_trie_remove(&maps->tries, set, key, key_end);
	return remove_from_hash(maps->fds[set->index], key);
}

u32 sl_map_id(int fd)
{
	struct bpf_map_info info = {0};
	u32 size = sizeof info;

	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}
