/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Long stretches of plain rules: addresses, protocol, ports, a verdict. What real rulesets are
 * mostly made of, and what becomes a table (src/classify/). The lab's packets match some of them.
 */
#ifndef SLUICE_TESTS_PACKET_FILLER_H
#define SLUICE_TESTS_PACKET_FILLER_H

#include <stdbool.h>
#include <stdio.h>

#include "random.h"

/* One ruleset in eight is long. */
bool sl_filler_is_wanted(struct sl_random *random);

/* Up to 400 rules: lines of an nft chain, or of iptables-save for `chain`. */
void sl_filler_write_nft(FILE *out, struct sl_random *random, bool is_ip6);
void sl_filler_write_xt(FILE *out, struct sl_random *random, bool is_ip6, const char *chain);

#endif
