/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sluice has pinned for in0, read here: its own `status` and `list` take a process and a tenth
 * of a second each time.
 */
#ifndef SLUICE_PACKET_ATTACHMENT_H
#define SLUICE_PACKET_ATTACHMENT_H

#include "lab.h"
#include "load/observe.h"
#include "record.h"

/* The data plane is published for the dut as it is at this moment: nothing passes for being stale.
 */
bool sl_attachment_is_fresh(struct sl_observer *observer, const struct sl_lab *lab);

/* Its keeper stands still, or goes on; nothing where there is none. */
void sl_attachment_hold_keeper(struct sl_observer *observer, const struct sl_lab *lab, bool holds);

/* What `sluice detach dev in0` does. */
int sl_attachment_remove(struct sl_observer *observer, const struct sl_lab *lab,
			 struct sl_diag *diag);

/* Packets that fared so since the attach; 0 where nothing is pinned. */
u64 sl_attachment_count(struct sl_observer *observer, const struct sl_lab *lab,
			enum sl_fate_count fate);

/* Adds to each rule's count what it counted early; returns how much in all. */
u64 sl_attachment_count_hits(struct sl_observer *observer, const struct sl_lab *lab,
			     struct sl_rule_counts *counts);

#endif
