/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Back to how a device was. What can be rolled back is sluice's own part: whether it is attached,
 * and with which options. The rules are the kernel's, and followed, never kept: an old generation
 * would drop by rules that no longer stand.
 */
#ifndef SLUICE_LIB_ROLLBACK_H
#define SLUICE_LIB_ROLLBACK_H

#include "base/diag.h"

#define SL_ROLLBACK_TEXT 256

/*
 * To what the pins say was before; without that, and where it fails: not attached.
 * `ret_text` says how it is now; `is_slow` as in struct sl_wish (keep.h). -ENOENT where sluice is
 * not attached.
 */
int sl_roll_back(const char *device, void (*is_slow)(const char *device),
		 char ret_text[SL_ROLLBACK_TEXT], struct sl_diag *diag);

#endif
