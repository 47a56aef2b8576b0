/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Delta debugging: a trial that differs becomes the smallest one that still does.
 *
 * Enters: a trial and the sides that it differs between. Leaves: the same trial with fewer acts,
 * blocks of rules (tables, chains, sets), rules, and oddities of the host. Promised: it still
 * differs, by a run in labs of its own; at most about 200 of them.
 */
#ifndef SLUICE_PACKET_SHRINK_H
#define SLUICE_PACKET_SHRINK_H

#include "trial.h"

int sl_trial_shrink(struct sl_trial *trial, const struct sl_sides *sides, struct sl_diag *diag);

#endif
