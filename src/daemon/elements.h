/* SPDX-License-Identifier: GPL-2.0-only */
/* A transaction of nothing but set elements becomes map updates, without a new dump. */
#ifndef SLUICE_DAEMON_ELEMENTS_H
#define SLUICE_DAEMON_ELEMENTS_H

#include "ir/ir.h"
#include "load/dataplane.h"
#include "source/watch.h"

/*
 * Applies the changes to a withdrawn data plane. False when a change needs a recompile: its set is
 * compared in code, has outgrown its map, or the element is more than a key, or the catch-all.
 */
bool sl_elements_apply(const struct sl_program *program, struct sl_dataplane *dataplane,
		       const struct sl_rules_event *event);

#endif
