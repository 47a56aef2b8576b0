/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who decided about a packet of which only the first bytes are known, and what he is called.
 *
 * Enters: a packet that the data plane dropped, and the rules of then. Leaves: the rule, or the
 * policy, with its text. Promised: nobody rather than somebody else.
 */
#ifndef SLUICE_CLI_DECIDER_H
#define SLUICE_CLI_DECIDER_H

#include <jansson.h>

#include "compile.h"
#include "ir/interp.h"
#include "lib/frames.h"
#include "lib/rule_text.h"

/* A rule, a policy (`rule` NULL), or nobody's rules (both NULL). */
struct sl_decider {
	const struct sl_chain *chain;
	const struct sl_rule *rule;
	const char *text; /* of the rule; NULL without one */
};

/* What finding them takes; of one compile after the other. */
struct sl_deciders {
	u64 texts_id; /* of the compile that the texts are of */
	struct sl_late_listing loaded;
	struct sl_rule_texts texts;
	u8 *frame; /* room for the largest */
};

int sl_deciders_open(struct sl_deciders *ret_deciders); /* 0 or -ENOMEM */
void sl_deciders_close(struct sl_deciders *deciders);

/* A packet of which the first bytes are known, as a frame; until the next. */
struct sl_frame sl_deciders_frame(struct sl_deciders *deciders, const u8 *bytes, u32 captured,
				  u32 length);

/*
 * How a packet that `program` drops in these worlds is dropped by `meaning`, which may be another
 * form of the same rules. False where the interpreter finds no such drop: then what was asked of
 * the kernel decided.
 */
bool sl_deciders_find_drop(const struct sl_program *program, const struct sl_program *meaning,
			   const struct sl_frame *frame, u8 worlds, struct sl_outcome *ret_outcome);

/* With the text, by the rules of one compile; the rule itself may be of another form of them. */
struct sl_decider sl_deciders_name(struct sl_deciders *deciders, const struct sl_compiled *compiled,
				   const struct sl_chain *chain, const struct sl_rule *rule);

/* "inet filter input rule udp dport 9 drop # handle 4", "ip filter INPUT policy drop" */
void sl_decider_print(const struct sl_decider *decider, FILE *out);
/* null without one. */
json_t *sl_decider_describe(const struct sl_decider *decider);

#endif
