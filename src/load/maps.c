/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "codegen/codegen.h"

/* Room for a set that changes to grow into without a recompile. */
static u32 map_capacity(const struct sl_set *set, u32 entries)
{
	if (set->is_constant)
		return entries ? entries : 1;
	return entries < 512 ? 1024 : 2 * entries;
}

static u32 trailing_zero_bits(const u8 *value, u32 length)
{
	u32 bits = 0;

	while (bits < 8 * length && !(value[length - 1 - bits / 8] & 1 << bits % 8))
		bits++;
	return bits;
}

/* ret_last = the last number of the block of 2^free_bits that starts at `first`. */
static void block_end(const u8 *first, u32 length, u32 free_bits, u8 *ret_last)
{
	memcpy(ret_last, first, length);
	for (u32 bit = 0; bit < free_bits; bit++)
		ret_last[length - 1 - bit / 8] |= (u8)(1 << bit % 8);
}

/* value + 1; false when it wraps. */
static bool increment(u8 *value, u32 length)
{
	for (u32 i = length; i-- > 0;)
		if (++value[i])
			return true;
	return false;
}

int sl_range_prefixes(const u8 *lo, const u8 *hi, u32 length,
		      int (*each)(void *context, const u8 *prefix, u32 bits), void *context)
{
	u8 at[SL_KEY_MAX], last[SL_KEY_MAX];

	memcpy(at, lo, length);
	do {
		u32 free_bits = trailing_zero_bits(at, length);

		/* The largest block that starts here and does not run past `hi`. */
		block_end(at, length, free_bits, last);
		while (memcmp(last, hi, length) > 0)
			block_end(at, length, --free_bits, last);

		int error = each(context, at, 8 * length - free_bits);

		if (error || !memcmp(last, hi, length))
			return error;
		memcpy(at, last, length);
	} while (increment(at, length));
	return 0;
}

struct lpm_key {
	u32 bits;
	u8 bytes[SL_KEY_MAX];
};

struct lpm_change {
	int fd;
	u32 length;
	const struct sl_set_value *value; /* NULL: remove */
};

static int change_prefix(void *context, const u8 *prefix, u32 bits)
{
	struct lpm_change *change = context;
	struct lpm_key key = {.bits = bits};
	int error;

	memcpy(key.bytes, prefix, change->length);
	error = change->value ? bpf_map_update_elem(change->fd, &key, change->value, BPF_ANY)
			      : bpf_map_delete_elem(change->fd, &key);
	if (error)
		error = -errno;
	/* What expired may have been removed before. */
	return error == -ENOENT && !change->value ? 0 : error;
}

static int change_range(int fd, const struct sl_set *set, const u8 *lo, const u8 *hi,
			const struct sl_set_value *value)
{
	struct lpm_change change = {fd, set->key_length, value};
	int error;

	if (set->kind == SL_SET_INTERVAL) {
		error = sl_range_prefixes(lo, hi, set->key_length, change_prefix, &change);
	} else {
		error = value ? bpf_map_update_elem(fd, lo, value, BPF_ANY)
			      : bpf_map_delete_elem(fd, lo);
		if (error)
			error = -errno;
		if (error == -ENOENT && !value)
			error = 0;
	}
	return error == -ENOSPC ? -E2BIG : error;
}

int sl_set_map_add(int fd, const struct sl_set *set, const struct sl_element *element,
		   u32 verdict_index)
{
	struct sl_set_value value = {
		.expires_at_ns = element->expires_at_ns,
		.verdict = verdict_index,
		.counter = element->counts ? element->counter : SL_NO_HIT,
	};

	return change_range(fd, set, element->key, element->key_end, &value);
}

int sl_set_map_remove(int fd, const struct sl_set *set, const u8 *key, const u8 *key_end)
{
	return change_range(fd, set, key, key_end, NULL);
}

static int count_prefix(void *context, const u8 *prefix, u32 bits)
{
	(void)prefix;
	(void)bits;
	++*(u32 *)context;
	return 0;
}

static u32 count_entries(const struct sl_set *set)
{
	u32 entries = 0;

	if (set->kind != SL_SET_INTERVAL)
		return set->elements.count;
	for (u32 i = 0; i < set->elements.count; i++)
		sl_range_prefixes(set->elements.items[i].key, set->elements.items[i].key_end,
				  set->key_length, count_prefix, &entries);
	return entries;
}

/* The kernel's own share of an element, and of a hash's bucket: htab_elem, lpm_trie_node. */
#define ELEMENT_OVERHEAD 64
#define BUCKET_BYTES     16

static u64 round_up_to_power(u64 number)
{
	u64 power = 1;

	while (power < number)
		power *= 2;
	return power;
}

struct sl_map_size sl_set_map_size(const struct sl_set *set)
{
	struct sl_map_size size = {0};

	if (!set->is_used || !sl_set_needs_map(set))
		return size;
	size.entries = count_entries(set);
	size.capacity = map_capacity(set, size.entries);
	size.bytes = (u64)size.entries *
		     (ELEMENT_OVERHEAD + set->key_length + sizeof(struct sl_set_value));
	if (set->kind != SL_SET_INTERVAL)
		size.bytes += BUCKET_BYTES * round_up_to_power(size.capacity);
	return size;
}

static int create_map(const struct sl_set *set)
{
	bool is_trie = set->kind == SL_SET_INTERVAL;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	int fd = bpf_map_create(is_trie ? BPF_MAP_TYPE_LPM_TRIE : BPF_MAP_TYPE_HASH, "sluice_set",
				set->key_length + (is_trie ? 4 : 0), sizeof(struct sl_set_value),
				map_capacity(set, count_entries(set)), &opts);

	return fd < 0 ? -errno : fd;
}

static int fill_map(int fd, const struct sl_set *set, struct sl_arena *arena)
{
	struct sl_verdict_list verdicts;
	int error = sl_set_verdicts(set, arena, &verdicts);

	for (u32 i = 0; i < set->elements.count && !error; i++) {
		const struct sl_element *element = &set->elements.items[i];

		error = sl_set_map_add(fd, set, element,
				       sl_verdict_index(&verdicts, &element->verdict));
	}
	return error;
}

int sl_set_maps_create(const struct sl_program *program, struct sl_set_maps *ret_maps,
		       struct sl_diag *diag)
{
	struct sl_set_maps maps = {
		.count = program->sets.count,
		.fds = calloc(program->sets.count + 1, sizeof(int)),
	};
	int error = maps.fds ? 0 : -ENOMEM;

	if (!maps.fds)
		return sl_fail_memory(diag);
	for (u32 i = 0; i < maps.count; i++)
		maps.fds[i] = -1;
	for (u32 i = 0; i < maps.count && !error; i++) {
		const struct sl_set *set = program->sets.items[i];

		if (!set->is_used || !sl_set_needs_map(set))
			continue;
		maps.fds[i] = create_map(set);
		error = maps.fds[i] < 0 ? maps.fds[i] : fill_map(maps.fds[i], set, program->arena);
		if (error == -E2BIG) /* less code would not help */
			error = -ENOSPC;
		if (error)
			sl_fail(diag, -error, "a map for set %s of table %s (%u elements): %s",
				set->name, set->table, set->elements.count, strerror(-error));
	}
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
	*maps = (struct sl_set_maps){0};
}
