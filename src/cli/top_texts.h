/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rules of `sluice top` are called: by chain, and in nft's words; those of iptables-legacy
 * by their place in the chain.
 *
 * Enters: handles (abi/info.h). Leaves: a line for a person. Promised: nft is asked only when the
 * text of a rule is missed and the rules have changed since it was asked the last time, and then
 * for no more than a tenth of the time. nf_tables gives no handle twice, so that what it stands for
 * stays true.
 */
#ifndef SLUICE_CLI_TOP_TEXTS_H
#define SLUICE_CLI_TOP_TEXTS_H

#include "base/arena.h"
#include "info.h"

struct sl_observer;
struct sl_top_texts;

struct sl_top_texts *sl_top_texts_new(struct sl_observer *observer); /* NULL: out of memory */
void sl_top_texts_free(struct sl_top_texts *texts);                  /* NULL is fine */

/* In `arena`; NULL when out of memory. What is not known by its text goes by its handle. */
const char *sl_top_texts_find(struct sl_top_texts *texts, struct sl_arena *arena,
			      const struct sl_rule_entry *rule);

/* Reads them where something was missed; true if it did. `rules`: how many there are, about. */
bool sl_top_texts_renew(struct sl_top_texts *texts, u32 rules);

#endif
