/* SPDX-License-Identifier: GPL-2.0-only */
/* A file that is there whole, or as it was before. */
#ifndef SLUICE_CLI_WHOLE_FILE_H
#define SLUICE_CLI_WHOLE_FILE_H

#include <stddef.h>

#include "base/diag.h"

/*
 * Written beside it under another name first, for its owner alone, and renamed when all of it is on
 * the disk. What is there and is no plain file is refused, as a rename would put a file in its
 * place. 0, or -errno with nothing changed.
 */
int sl_whole_file_write(const char *path, const char *data, size_t size, struct sl_diag *diag);

#endif
