/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where each rule is decided, without a packet: what `plan` tells.
 *
 * Enters: a lifted and legalised program and the rules it came from. Leaves: one entry for each
 * rule and each base chain's policy, and what keeps the others from being decided early.
 * Promised: it errs towards the kernel. A rule is early only if some packet that sluice is sure of
 * can meet it, and if meeting it never sends a packet to the kernel that the rule itself would not
 * let through.
 */
#ifndef SLUICE_LIB_DECIDED_H
#define SLUICE_LIB_DECIDED_H

#include "base/diag.h"
#include "codegen/codegen.h"
#include "ir/ir.h"
#include "source/ruleset.h"

enum sl_decision {
	SL_DECIDED_NOT_MET, /* packets from this device do not come here */
	SL_DECIDED_EARLY,   /* sluice decides */
	SL_DECIDED_HOOK,    /* … where the packet has come as far as a netfilter hook */
	SL_DECIDED_MAYBE,   /* it holds a match that sluice cannot make: others decide, or pass */
	SL_DECIDED_KERNEL,  /* the kernel must do what it says */
	SL_DECIDED_BEHIND,  /* behind an obstacle: all packets have passed before they get here */
};

/* What makes packets pass: a rule, or a step of the path that is not a rule. */
struct sl_obstacle {
	const struct sl_step *step; /* NULL: a rule */
	const struct sl_chain *chain;
	const struct sl_rule *rule;
	const char *reason;
	u32 order;        /* in which they were found */
	u32 rules_behind; /* that are never met early because of it */
	u64 packets;      /* dropped by it, or by what is behind it, as the kernel's counters say */
};

struct sl_decided {
	const struct sl_nft_table *table;
	const struct sl_nft_chain *chain;
	const struct sl_nft_rule *rule; /* NULL: the chain's policy */
	const struct sl_rule *meaning;  /* the first that was lifted from it; NULL: none */
	enum sl_decision decision;
	const char *reason; /* MAYBE, KERNEL, BEHIND; else NULL */
	bool drops;         /* its verdict is drop */
	bool drops_early;   /* … and a packet's drop can rest on it */
	bool has_counter;
	u64 packets, bytes; /* the kernel's */
};

struct sl_decisions {
	SL_LIST(struct sl_decided) items; /* in the ruleset's order; a policy follows its chain */
	SL_LIST(struct sl_obstacle) obstacles; /* the worst first */
	u32 counts[SL_DECIDED_BEHIND + 1];     /* rules, not policies, by decision */
	u64 dropped; /* packets, of what drops and counts and packets meet */
	u64 dropped_early, dropped_at_hooks; /* of them */
	bool asks_conntrack;                 /* some drops stand behind conntrack */
};

/*
 * `code` is what was made of the rules, whose cuts are obstacles, too; NULL: it has none. `hooks`:
 * what is decided, of the same rules, at netfilter's hooks; NULL: nothing.
 * Everything is in the program's arena. 0 or -ENOMEM.
 */
int sl_decide(struct sl_program *program, const struct sl_ruleset *rules,
	      const struct sl_code *code, const struct sl_decisions *hooks,
	      struct sl_decisions *ret_decisions);

const char *sl_decision_name(enum sl_decision decision);

/* Decided by sluice, here or there, in percent: of the dropped packets, or of the rules where none
 * are counted. */
double sl_decisions_share(const struct sl_decisions *decisions);

#endif
