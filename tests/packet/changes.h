/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What changes under the traffic: rules, elements, addresses, routes, devices, settings,
 * namespaces.
 *
 * Enters: a script. Leaves: it with a few changes between its acts, each a shell command in the
 * dut's network namespace. Promised: the same seed gives the same changes; none depends on another,
 * so that every subset is a script too (a command that fails, fails in both labs).
 */
#ifndef SLUICE_PACKET_CHANGES_H
#define SLUICE_PACKET_CHANGES_H

#include "script.h"

/* False when out of memory. */
bool sl_script_add_changes(struct sl_arena *arena, u64 seed, struct sl_script *script);

/* One of the acts changes more of the dut than its nf_tables rules. */
bool sl_script_changes_host(const struct sl_script *script);

#endif
