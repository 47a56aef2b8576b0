/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to lift/: what its files share while they work on one program. All that returns int
 * returns 0 or -ENOMEM unless it says more.
 */
#ifndef SLUICE_LIFT_LIFTER_H
#define SLUICE_LIFT_LIFTER_H

#include "lift/lift.h"
#include "lift/registers.h"

/* From which base chains a chain can be reached: what its expressions mean depends on it. */
enum {
	SL_FROM_INGRESS = 1 << 0,
	SL_FROM_PREROUTING = 1 << 1,
	SL_FROM_INPUT = 1 << 2,
	SL_FROM_FORWARD = 1 << 3,
	SL_FROM_NAT = 1 << 4, /* besides its hook: a base chain of type nat */
};

/* What the whole ruleset says about conntrack, on the device's path or not (census.c). */
struct sl_census {
	u8 tracked;          /* SL_IP | SL_IP6: families whose packets conntrack looks at */
	bool assigns_helper; /* connections may be expected, so RELATED may be met on a miss */
	bool sets_zone;      /* the data plane would look a packet up in the wrong zone */
};

/* A chain of the ruleset, whether or not the device's packets can reach it. */
struct sl_chain_lift {
	const struct sl_nft_table *table;
	const struct sl_nft_chain *source;
	u32 contexts; /* SL_FROM_*; 0 where it can't be reached */
	struct sl_chain *chain;
};

/* A set, once a rule has asked for it. */
struct sl_set_lift {
	const struct sl_nft_set *source;
	enum sl_set_use {
		SL_SET_FOLLOWS, /* `set` has its elements */
		SL_SET_FILLED,  /* packets fill it: the data plane looks it up as `filled` */
		SL_SET_UNKNOWN, /* what is in it is not known */
		SL_SET_EFFECT,  /* looking something up in it has an effect */
	} use;
	const char *reason;
	struct sl_set *set;
	u32 filled; /* index into the program's */
};

struct sl_lifter {
	struct sl_program *program;
	const struct sl_host *host;
	const struct sl_link *link;
	const struct sl_program *front; /* at netfilter hooks: what is ahead of them; else NULL */
	u32 next_counter;               /* at netfilter hooks: of `front`, behind the last found */
	const struct sl_ruleset *rules;
	struct sl_census census;
	SL_LIST(struct sl_chain_lift) chains; /* in the ruleset's order */
	struct sl_chain_lift **by_name;       /* the same, sorted by table and name */
	struct sl_set_lift **set_table;       /* hashed by the source's address */
	u32 set_slots;                        /* a power of two */
};

/* One rule on its way into the IR. */
struct sl_rule_lift {
	struct sl_lifter *lifter;
	const struct sl_chain_lift *chain;
	const struct sl_nft_rule *source;
	struct sl_registers registers;
	SL_LIST(struct sl_op) ops;
	const char *comment;
	u32 world;   /* the one world that this copy of the rule is for, or SL_WORLD_COUNT */
	u32 counter; /* its counter in the program, shared by all copies, or SL_NO_COUNTER */
	bool ends;   /* nothing behind this point is ever reached */
};

/*
 * Returned, besides 0 and -errno, by an expression whose meaning is different in each world: the
 * rule is then lifted once for each of them.
 */
#define SL_LIFT_SPLIT 1

/* A world's conntrack state as nft_ct.c gives it; and back to the bit of enum SL_WORLD_*. */
extern const u32 sl_world_states[SL_WORLD_COUNT];

/* census.c */
void sl_census_take(struct sl_lifter *lifter);

/* device.c */
int sl_device_describe(struct sl_lifter *lifter);
/* Why nothing that arrives at the device may be dropped early, or NULL. */
int sl_device_find_obstacle(struct sl_lifter *lifter, const char **ret_reason);
/* Whether `pattern` (with a trailing '*' for any suffix) names the device. */
/* Whether packets that came through a bridge may arrive at the device. */
bool sl_device_brings_bridged(const struct sl_host *host, const struct sl_link *link);
bool sl_device_matches(const char *name, const char *pattern);

/* chain.c */
int sl_chains_index(struct sl_lifter *lifter);
struct sl_chain_lift *sl_chain_find(const struct sl_lifter *lifter,
				    const struct sl_nft_table *table, const char *name);
/* Marks a base chain and all that it leads to as reachable. */
void sl_chain_reach(struct sl_lifter *lifter, struct sl_chain_lift *chain, u32 contexts);
/* Lifts all chains that are reachable. */
int sl_chains_lift(struct sl_lifter *lifter);

/* set.c */
int sl_sets_prepare(struct sl_lifter *lifter);
int sl_set_lift(struct sl_rule_lift *rule, const struct sl_nft_set *source,
		const struct sl_set_lift **ret_set);
/* The element that covers the key, NULL on a miss; the set must have no timeouts. */
const struct sl_element *sl_set_find(const struct sl_set *set, const u8 *key);

/* fill.c */
enum sl_filling {
	SL_FILLS_NOTHING,
	SL_FILLS_BY_SOURCE, /* rules only add keys, which begin with the source of packets */
	SL_FILLS_ODDLY,     /* who knows */
};

/*
 * Whether NAT may have given packets that meet the chain another source than they came with, or the
 * host itself sends them; of one that others may jump to, if any could.
 */
bool sl_chain_may_be_behind_nat(const struct sl_nft_table *table, const struct sl_nft_chain *chain);
enum sl_filling sl_set_filling(const struct sl_nft_set *set);
/*
 * Whether the rule's expression `at`, of a table of this family, finds in register `sreg` the whole
 * address that the packet is from, perhaps with other things behind it.
 */
bool sl_rule_asks_source(u32 family, const struct sl_nft_rule *rule, u32 at, u32 sreg);

/* path.c */
void sl_path_plan(struct sl_lifter *lifter);
int sl_path_lay(struct sl_lifter *lifter);

/*
 * A counter's place in the program; at netfilter hooks the same as in the front's, or -ENOENT where
 * that counts nothing there.
 */
int sl_counter_add(struct sl_lifter *lifter, const struct sl_chain_lift *chain, u64 handle,
		   u32 *ret_counter);

#endif
