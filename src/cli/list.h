/* SPDX-License-Identifier: GPL-2.0-only */
/* The forms in which `list` prints the rules, each with counters = the kernel's + early. */
#ifndef SLUICE_CLI_LIST_H
#define SLUICE_CLI_LIST_H

#include <jansson.h>
#include <sluice.h>

#include "base/diag.h"
#include "lib/early.h"

/* As the host's `nft -a list ruleset`. */
int sl_list_nft(const struct sl_early *early, struct sl_diag *diag);
/* As the host's `iptables-save -c` and `ip6tables-save -c` together. */
int sl_list_iptables(const struct sl_early *early, struct sl_diag *diag);
/* docs/json.md; NULL when out of memory. */
json_t *sl_list_describe(const struct sluice_counters *counters);

#endif
