/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every fuzzer of rules ends in: a program must verify, as lifted and after each pass, and
 * each must judge random frames as the one before it did.
 *
 * Promised: the process ends, with a message, where that is not so; which is what libFuzzer calls a
 * crash.
 */
#ifndef SLUICE_TESTS_FUZZ_MEANING_H
#define SLUICE_TESTS_FUZZ_MEANING_H

#include <stdlib.h>

#include "lift/ruleset_builder.h"

/* eth0 of a host that forwards, with an address of each family. */
struct sl_host *fuzz_host(struct nft *nft);

/* An element that is just expiring may be forgotten with its lookup (optimise.h): ours are not. */
void fuzz_settle_timeouts(struct sl_program *program);

/* Optimises `program`, which `plain` is equal to, and generates its code. */
void fuzz_program(const struct sl_program *plain, struct sl_program *program);

/* The same from the rules on. */
void fuzz_rules(const struct sl_ruleset *rules, const struct sl_host *host);

#endif
