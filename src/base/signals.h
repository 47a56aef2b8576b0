/* SPDX-License-Identifier: GPL-2.0-only */
/* Signals that are waited for like anything else. */
#ifndef SLUICE_BASE_SIGNALS_H
#define SLUICE_BASE_SIGNALS_H

/* Those up to the first 0 are blocked from now on, and readable here; −1 with errno. */
int sl_signals_open(const int *signals);

#endif
