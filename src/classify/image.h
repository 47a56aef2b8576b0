/* SPDX-License-Identifier: GPL-2.0-only */
/* Growing an image; for the builder alone. */
#ifndef SLUICE_CLASSIFY_IMAGE_H
#define SLUICE_CLASSIFY_IMAGE_H

#include "classify/table.h"

/* Room for some zeroed words at the end: *ret_at is the first. 0, -ENOMEM, -ENOSPC. */
int sl_image_extend(struct sl_image *image, u32 words, u32 word_limit, u32 *ret_at);

#endif
