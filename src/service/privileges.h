/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sluiced and its keepers may do once it runs: BPF, network administration, reading the
 * kernel's symbols, and no more. A keeper is forked, and so has no more either.
 */
#ifndef SLUICE_SERVICE_PRIVILEGES_H
#define SLUICE_SERVICE_PRIVILEGES_H

#include "base/diag.h"

/* For good. What it holds less than that is not an error here: what needs it will say so. */
int sl_privileges_drop(struct sl_diag *diag);

#endif
