/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random rulesets as an administrator might write them, in nft's syntax or iptables-save's. They
 * draw on the same pools as the frames, so that they speak of them.
 *
 * Enters: a seed. Leaves: text. Promised: the same seed gives the same text; nft 1.0.6 and
 * iptables-nft-restore 1.8.9 load it (the campaign treats a refusal as a failure); nothing in it
 * depends on the clock or on chance within a run (limits are per hour or far out of reach; no
 * connlimit or ct count, whose garbage is collected by the tick).
 */
#ifndef SLUICE_PACKET_RULESETS_H
#define SLUICE_PACKET_RULESETS_H

#include <stdio.h>

#include "base/arena.h"
#include "lab.h"
#include "random.h"
#include "record.h"

enum sl_rules_format { SL_RULES_NFT, SL_RULES_IPTABLES, SL_RULES_IP6TABLES };

struct sl_rules {
	enum sl_rules_format format;
	const char *text;
};

/* Text in `arena`; `text` is NULL when out of memory. */
struct sl_rules sl_rules_draw(struct sl_arena *arena, u64 seed);

/* The two languages (nft_rules.c, xt_rules.c). */
void sl_nft_rules_write(FILE *out, struct sl_random *random);
void sl_xt_rules_write(FILE *out, struct sl_random *random, bool is_ip6);

/* Reads a rules file and tells its language by its content. */
int sl_rules_read(const char *path, struct sl_arena *arena, struct sl_rules *ret_rules,
		  struct sl_diag *diag);

/* Loads the rules into the lab's dut. */
int sl_rules_load(const struct sl_lab *lab, const struct sl_rules *rules, struct sl_diag *diag);

/* Puts rules in nft's language in the place of all that the dut has. */
int sl_rules_replace(const struct sl_lab *lab, const char *text, struct sl_diag *diag);

/* The rules of the dut that count, in order; `counts` lives in `arena`. */
int sl_rules_read_counts(const struct sl_lab *lab, struct sl_arena *arena,
			 struct sl_rule_counts *ret_counts, struct sl_diag *diag);

#endif
