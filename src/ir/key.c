/* SPDX-License-Identifier: GPL-2.0-only */
#include "ir/key.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <string.h>

static bool parts_equal(const struct sl_part *a, const struct sl_part *b)
{
	return a->at == b->at && a->field.base == b->field.base &&
	       a->field.length == b->field.length && a->field.offset == b->field.offset;
}

static bool bytes_equal(const u8 *a, const u8 *b, u32 length)
{
	return a == b || (a && b && !memcmp(a, b, length));
}

static bool transforms_equal(const struct sl_transform *a, const struct sl_transform *b)
{
	return a->kind == b->kind && a->at == b->at && a->length == b->length &&
	       a->width == b->width && bytes_equal(a->mask, b->mask, a->length) &&
	       bytes_equal(a->xor, b->xor, a->length);
}

bool sl_key_equals(const struct sl_key *a, const struct sl_key *b)
{
	if (a->length != b->length || a->part_count != b->part_count ||
	    a->transform_count != b->transform_count)
		return false;
	for (u32 i = 0; i < a->part_count; i++)
		if (!parts_equal(&a->parts[i], &b->parts[i]))
			return false;
	for (u32 i = 0; i < a->transform_count; i++)
		if (!transforms_equal(&a->transforms[i], &b->transforms[i]))
			return false;
	return true;
}

static int copy_masks(struct sl_arena *arena, struct sl_transform *transform)
{
	if (transform->kind != SL_MASK)
		return 0;
	transform->mask = sl_arena_copy(arena, transform->mask, transform->length);
	transform->xor = sl_arena_copy(arena, transform->xor, transform->length);
	return transform->mask && transform->xor ? 0 : -ENOMEM;
}

int sl_key_copy(struct sl_arena *arena, const struct sl_key *key, struct sl_key *ret_copy)
{
	struct sl_part *parts = sl_arena_copy(arena, key->parts, key->part_count * sizeof *parts);
	struct sl_transform *transforms =
		sl_arena_copy(arena, key->transforms, key->transform_count * sizeof *transforms);
	int error = parts && transforms ? 0 : -ENOMEM;

	for (u32 i = 0; i < key->transform_count && !error; i++)
		error = copy_masks(arena, &transforms[i]);
	if (error)
		return error;
	*ret_copy = *key;
	ret_copy->parts = parts;
	ret_copy->transforms = transforms;
	return 0;
}

bool sl_value_step(u8 *value, u32 length, int step)
{
	for (u32 i = length; i-- > 0;) {
		value[i] = (u8)(value[i] + step);
		if (value[i] != (step > 0 ? 0 : 0xff))
			return true;
	}
	return false;
}

u64 sl_value_number(const u8 *value, u32 length)
{
	u64 number = 0;

	for (u32 i = 0; i < length; i++)
		number = number << 8 | value[i];
	return number;
}

u64 sl_value_max(u32 length)
{
	return UINT64_MAX >> (64 - 8 * length);
}

static bool may_be_unknown(const struct sl_field *field)
{
	return field->base == SL_META &&
	       (field->offset == SL_META_DADDR_TYPE || field->offset == SL_META_WAY_BACK ||
		field->offset == SL_META_WAY_BACK_IF);
}

bool sl_key_may_be_unknown(const struct sl_key *key)
{
	for (u32 i = 0; i < key->part_count; i++)
		if (may_be_unknown(&key->parts[i].field))
			return true;
	return false;
}

static bool key_reads_mark(const struct sl_key *key)
{
	for (u32 i = 0; i < key->part_count; i++)
		if (key->parts[i].field.base == SL_META &&
		    key->parts[i].field.offset == SL_META_MARK)
			return true;
	return false;
}

bool sl_op_reads_mark(const struct sl_op *op)
{
	for (u32 i = 0; i < op->alternative_count; i++)
		if (key_reads_mark(&op->alternatives[i].key))
			return true;
	return key_reads_mark(&op->key);
}

bool sl_op_asks_way_back(const struct sl_op *op)
{
	return op->kind == SL_OP_COMPARE && op->key.part_count == 1 &&
	       op->key.parts[0].field.base == SL_META &&
	       (op->key.parts[0].field.offset == SL_META_WAY_BACK ||
		op->key.parts[0].field.offset == SL_META_WAY_BACK_IF);
}

bool sl_op_is_unsure(const struct sl_op *op)
{
	for (u32 i = 0; i < op->alternative_count; i++)
		if (sl_key_may_be_unknown(&op->alternatives[i].key))
			return true;
	return op->kind == SL_OP_UNKNOWN || op->kind == SL_OP_FILLED ||
	       sl_key_may_be_unknown(&op->key) || sl_op_reads_mark(op);
}

bool sl_op_asks_timeouts(const struct sl_op *op)
{
	for (u32 i = 0; i < op->alternative_count; i++)
		if (sl_op_asks_timeouts(&op->alternatives[i]))
			return true;
	return op->set && op->set->has_timeouts;
}

static void put(u8 *value, u32 number, size_t length)
{
	memcpy(value, &number, length); /* host order */
}

bool sl_meta_fold(enum sl_meta meta, const struct sl_device *device, u8 family, u32 chain_family,
		  u8 ret_value[16])
{
	u16 protocol = family == SL_IP ? ETH_P_IP : ETH_P_IPV6;

	memset(ret_value, 0, 16);
	switch (meta) {
	case SL_META_NFPROTO:
		ret_value[0] = chain_family == NFPROTO_NETDEV ? NFPROTO_NETDEV
			       : family == SL_IP              ? NFPROTO_IPV4
							      : NFPROTO_IPV6;
		return true;
	case SL_META_PROTOCOL:
		ret_value[0] = (u8)(protocol >> 8);
		ret_value[1] = (u8)protocol;
		return true;
	case SL_META_IIF:
		put(ret_value, device->ifindex, 4);
		return true;
	case SL_META_IIFNAME:
		memcpy(ret_value, device->name, sizeof device->name);
		return true;
	case SL_META_IIFTYPE:
		put(ret_value, device->type, 2);
		return true;
	case SL_META_IIFGROUP:
		put(ret_value, device->group, 4);
		return true;
	case SL_META_MARK: /* 0 for all of the way */
		return device->mark_is_zero && !device->mark_moves;
	default:
		return false;
	}
}

static void swap_words(u8 *bytes, u32 length, u32 width)
{
	for (u32 at = 0; at + width <= length; at += width) {
		for (u32 i = 0; i < width / 2; i++) {
			u8 low = bytes[at + i];

			bytes[at + i] = bytes[at + width - 1 - i];
			bytes[at + width - 1 - i] = low;
		}
	}
}

static void shift_words(u8 *bytes, u32 length, u32 bits, bool left)
{
	u32 words[SL_KEY_MAX / 4], count = (length + 3) / 4, carry = 0;

	memcpy(words, bytes, (size_t)count * 4);
	for (u32 i = 0; i < count; i++) { /* nft_bitwise.c: left carries downwards, right up */
		u32 at = left ? count - 1 - i : i, word = words[at];

		words[at] = left ? word << bits | carry : carry | word >> bits;
		carry = left ? word >> (32 - bits) : word << (32 - bits);
	}
	memcpy(bytes, words, (size_t)count * 4);
}

static void transform(const struct sl_transform *transform, u8 *value)
{
	u8 *bytes = value + transform->at;

	switch ((enum sl_transform_kind)transform->kind) {
	case SL_SWAP:
		swap_words(bytes, transform->length, transform->width);
		return;
	case SL_MASK:
		for (u32 i = 0; i < transform->length; i++)
			bytes[i] = (bytes[i] & transform->mask[i]) ^ transform->xor [i];
		return;
	case SL_SHL:
	case SL_SHR:
		shift_words(bytes, transform->length, transform->width, transform->kind == SL_SHL);
		return;
	}
}

bool sl_key_fold(const struct sl_key *key, const struct sl_device *device, u8 family,
		 u32 chain_family, u8 *ret_value)
{
	u8 value[SL_KEY_MAX] = {0}, meta[16];

	for (u32 i = 0; i < key->part_count; i++) {
		const struct sl_part *part = &key->parts[i];

		if (part->field.base != SL_META ||
		    !sl_meta_fold((enum sl_meta)part->field.offset, device, family, chain_family,
				  meta))
			return false;
		memcpy(value + part->at, meta, part->field.length);
	}
	for (u32 i = 0; i < key->transform_count; i++)
		transform(&key->transforms[i], value);
	memcpy(ret_value, value, key->length);
	return true;
}

static bool box_holds(const struct sl_set *set, const struct sl_element *element, const u8 *value)
{
	for (u32 i = 0, at = 0; i < set->field_count; at += (set->field_lengths[i++] + 3) & ~3u)
		if (memcmp(value + at, element->key + at, set->field_lengths[i]) < 0 ||
		    memcmp(value + at, element->key_end + at, set->field_lengths[i]) > 0)
			return false;
	return true;
}

const struct sl_element *sl_set_lookup(const struct sl_set *set, const u8 *value)
{
	for (u32 i = 0; i < set->elements.count; i++) {
		const struct sl_element *element = &set->elements.items[i];

		if (set->kind == SL_SET_BOXES
			    ? box_holds(set, element, value)
			    : memcmp(value, element->key, set->key_length) >= 0 &&
				      memcmp(value, element->key_end, set->key_length) <= 0)
			return element;
	}
	return NULL;
}

static bool compare_holds(enum sl_compare compare, int order)
{
	switch (compare) {
	case SL_EQ:
		return order == 0;
	case SL_NE:
		return order != 0;
	case SL_LT:
		return order < 0;
	case SL_LE:
		return order <= 0;
	case SL_GT:
		return order > 0;
	case SL_GE:
		return order >= 0;
	}
	return false;
}

bool sl_op_test(const struct sl_op *op, const u8 *value)
{
	u32 length = op->key.length;

	switch (op->kind) {
	case SL_OP_COMPARE:
		return compare_holds((enum sl_compare)op->compare, memcmp(value, op->data, length));
	case SL_OP_RANGE:
		return (memcmp(value, op->data, length) >= 0 &&
			memcmp(value, op->data_end, length) <= 0) != op->invert;
	case SL_OP_SET:
		return (op->set->has_catchall || sl_set_lookup(op->set, value)) != op->invert;
	default:
		return false;
	}
}

enum sl_folded sl_op_fold(const struct sl_op *op, const struct sl_device *device, u8 family,
			  u32 chain_family)
{
	u8 value[SL_KEY_MAX];

	switch (op->kind) {
	case SL_OP_SET:
		if (!op->set->is_constant || op->set->has_timeouts)
			return SL_FOLD_OPEN;
		break;
	case SL_OP_COMPARE:
	case SL_OP_RANGE:
		break;
	default:
		return SL_FOLD_OPEN;
	}
	if (!sl_key_fold(&op->key, device, family, chain_family, value))
		return SL_FOLD_OPEN;
	return sl_op_test(op, value) ? SL_FOLD_HOLDS : SL_FOLD_FAILS;
}
