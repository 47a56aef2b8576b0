/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for boxes.c and table.c until they are merged: plain compares, one leaf. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify/table.h"

u32 sl_lane_max(const struct sl_lanes *lanes, u32 lane)
{
	return (u32)((1ull << 8 * lanes->keys[lane].length) - 1);
}

static int find_lane(struct sl_lanes *lanes, const struct sl_field *field, struct sl_arena *arena)
{
	struct sl_part *part;

	for (u32 i = 0; i < lanes->count; i++)
		if (!memcmp(&lanes->keys[i].parts[0].field, field, sizeof *field))
			return (int)i;
	if (lanes->count == SL_TABLE_LANES_MAX)
		return -ENOTSUP;
	part = sl_arena_alloc(arena, sizeof *part);
	part->field = *field;
	lanes->keys[lanes->count] =
		(struct sl_key){.length = field->length, .part_count = 1, .parts = part};
	return (int)lanes->count++;
}

static u32 number(const u8 *bytes, u32 length)
{
	u32 n = 0;

	for (u32 i = 0; i < length; i++)
		n = n << 8 | bytes[i];
	return n;
}

static bool simple(const struct sl_key *key)
{
	const struct sl_field *f = &key->parts[0].field;

	return key->part_count == 1 && !key->transform_count && key->length <= 4 &&
	       f->length == key->length &&
	       ((f->base == SL_NETWORK && f->offset + f->length <= 20) ||
		(f->base == SL_TRANSPORT && f->offset + f->length <= 8) ||
		(f->base == SL_META && f->offset == SL_META_L4PROTO));
}

int sl_boxes_add_rule(struct sl_boxes *boxes, struct sl_lanes *lanes, struct sl_arena *arena,
		      const struct sl_rule *rule, u32 position, bool tracked)
{
	struct sl_box box = {.position = position, .worlds = SL_WORLDS_ALL};
	struct sl_lanes now = *lanes;
	bool empty = false;

	for (u32 i = 0; i < SL_TABLE_LANES_MAX; i++)
		box.lanes[i].hi = ~0u;
	for (u32 i = 0; i < rule->ops.count; i++) {
		const struct sl_op *op = &rule->ops.items[i];
		int lane;
		u32 lo, hi;

		switch (op->kind) {
		case SL_OP_COMPARE:
		case SL_OP_RANGE:
			if (!simple(&op->key) || op->invert ||
			    (op->kind == SL_OP_COMPARE && op->compare != SL_EQ))
				return -ENOTSUP;
			lane = find_lane(&now, &op->key.parts[0].field, arena);
			if (lane < 0)
				return lane;
			lo = number(op->data, op->key.length);
			hi = op->kind == SL_OP_RANGE ? number(op->data_end, op->key.length) : lo;
			if (lo > box.lanes[lane].lo)
				box.lanes[lane].lo = lo;
			if (hi < box.lanes[lane].hi)
				box.lanes[lane].hi = hi;
			if (box.lanes[lane].lo > box.lanes[lane].hi)
				empty = true;
			break;
		case SL_OP_STATE:
			if (tracked)
				box.worlds &= op->worlds;
			else if (!(op->worlds & SL_WORLD_INVALID))
				box.worlds = 0;
			break;
		case SL_OP_COUNTER:
			if (box.counts)
				return -ENOTSUP;
			box.counts = true;
			box.counter = op->counter;
			break;
		case SL_OP_KERNEL:
			if (box.counts || i + 1 != rule->ops.count)
				return -ENOTSUP;
			box.action = SL_ITEM_PASS;
			break;
		case SL_OP_VERDICT:
			switch (op->verdict.kind) {
			case SL_VERDICT_CONTINUE:
				break;
			case SL_VERDICT_ACCEPT:
				box.action = SL_ITEM_ACCEPT;
				break;
			case SL_VERDICT_DROP:
				box.action = SL_ITEM_DROP;
				break;
			case SL_VERDICT_RETURN:
				box.action = SL_ITEM_RETURN;
				break;
			default:
				return -ENOTSUP;
			}
			break;
		default:
			return -ENOTSUP;
		}
	}
	*lanes = now;
	if (empty || !box.worlds || (box.action == SL_ITEM_CONTINUE && !box.counts))
		return 0;
	*(sl_list_push(arena, &boxes->list)) = box;
	return 0;
}

void sl_image_free(struct sl_image *image)
{
	free(image->words);
	*image = (struct sl_image){0};
}

int sl_table_build(const struct sl_boxes *boxes, const struct sl_lanes *lanes, u32 word_limit,
		   struct sl_image *image, u32 *ret_root, struct sl_table_shape *ret_shape)
{
	u32 root = image->count, at = root + 3;
	u64 *w;

	if (boxes->list.count > SL_TABLE_LEAF_MAX)
		return -E2BIG;
	if (root + 3 + boxes->list.count * 17 > word_limit)
		return -ENOSPC;
	image->words = w = realloc(image->words, (root + 3 + boxes->list.count * 17) * sizeof *w);
	w[root] = 1;
	w[root + 1] = (u64)boxes->list.count << 16 | (u64)at << 32;
	w[root + 2] = boxes->list.count ? boxes->list.items[0].position : 0;
	for (u32 i = 0; i < boxes->list.count; i++) {
		const struct sl_box *b = &boxes->list.items[i];

		w[at] = b->position | (u64)b->worlds << 24 | (u64)b->action << 32 |
			(u64)lanes->count << 36 | (u64)(b->counts ? b->counter + 1 : 0) << 40;
		w[at + 1] = 0;
		for (u32 l = 0; l < lanes->count; l++) {
			w[at + 1] |= (u64)l << 4 * l;
			w[at + 2 + l] = b->lanes[l].lo | (u64)(b->lanes[l].hi - b->lanes[l].lo)
								 << 32;
		}
		at += 2 + lanes->count;
	}
	image->count = at;
	*ret_root = root;
	*ret_shape = (struct sl_table_shape){.trees = 1, .words = at - root};
	return 0;
}
