// SPDX-License-Identifier: GPL-2.0-only
#include "classify/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void sl_image_free(struct sl_image *image)
{
	free(image->words);
	*image = (struct sl_image){0};
}

int sl_image_extend(struct sl_image *image, u32 words, u32 word_limit, u32 *ret_at)
{
	u64 count = (u64)image->count + words, capacity = image->capacity;
	__u64 *grown;

	if (count > word_limit)
		return -ENOSPC;
	if (count > capacity) {
		capacity = count + count / 2 + 1024;
		grown = realloc(image->words, capacity * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		image->words = grown;
		image->capacity = (u32)capacity;
	}
	memset(image->words + image->count, 0, words * sizeof *image->words);
	*ret_at = image->count;
	image->count = (u32)count;
	return 0;
}
