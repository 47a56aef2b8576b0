/* SPDX-License-Identifier: GPL-2.0-only */
/* A rule as a person knows it: nft's text where the rule is loaded and nft is there, else the IR's.
 */
#ifndef SLUICE_LIB_RULE_TEXT_H
#define SLUICE_LIB_RULE_TEXT_H

#include "lib/listing.h"
#include "ir/ir.h"
#include "source/ruleset.h"

/* nft's text of rules that are loaded, read when the first is asked for: of many rules it takes
 * long. */
struct sl_late_listing {
	bool was_read;
	struct sl_listing listing; /* empty without nft, and of very many rules */
};

struct sl_rule_texts {
	struct sl_late_listing *loaded; /* NULL for rules of a file */
	const struct sl_ruleset *rules;
	struct sl_program *program; /* that the rules were lifted to; owns the texts */
};

/* By nf_tables' handles; `meaning` may be NULL. Never NULL. */
const char *sl_rule_text(const struct sl_rule_texts *texts, u64 table, u64 handle,
			 const struct sl_rule *meaning);
/* The same for a rule of the program. */
const char *sl_rule_text_in(const struct sl_rule_texts *texts, const struct sl_chain *chain,
			    const struct sl_rule *rule);

#endif
