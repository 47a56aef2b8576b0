/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for boxes.c and table.c until they are merged: plain compares, one leaf. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "classify/table.h"

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
