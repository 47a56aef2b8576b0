/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of one network namespace as nf_tables holds them, read whole and consistent.
 *
 * Enters: netlink (source/netlink.h). Leaves: this structure, all of it in one arena.
 * Promised: nothing is left out silently. What the reader does not know makes the expression, set
 * or object that holds it `opaque`, with a reason; the stages that follow must then assume the
 * worst of it.
 * Follows include/uapi/linux/netfilter/nf_tables.h; numbers are the kernel's own.
 */
#ifndef SLUICE_SOURCE_RULESET_H
#define SLUICE_SOURCE_RULESET_H

#include "base/arena.h"
#include "base/types.h"

/* nf_tables' register file: 64 bytes. A register is named by its first byte's offset. */
#define SL_REGISTER_FILE_SIZE 64

/* A verdict, as immediates and verdict-map elements carry it. */
struct sl_nft_verdict {
	s32 code; /* NF_DROP, NF_ACCEPT, NFT_CONTINUE, NFT_JUMP, … (signed, host order) */
	const char *chain; /* jump and goto: the chain's name in the same table; else NULL */
};

enum sl_expr_kind {
	SL_EXPR_OPAQUE, /* only `name` (and `opaque`) is valid */
	SL_EXPR_PAYLOAD,
	SL_EXPR_META,
	SL_EXPR_CT,
	SL_EXPR_CMP,
	SL_EXPR_RANGE,
	SL_EXPR_BITWISE,
	SL_EXPR_BYTEORDER,
	SL_EXPR_IMMEDIATE,
	SL_EXPR_LOOKUP,
	SL_EXPR_COUNTER,
	SL_EXPR_OBJREF,
	SL_EXPR_FIB,
	SL_EXPR_EXTHDR,
	SL_EXPR_LIMIT,
	SL_EXPR_DYNSET,
	SL_EXPR_XT_MATCH,
	SL_EXPR_XT_TARGET,
};

/* One nf_tables expression. `sreg` and `dreg` are byte offsets into the register file. */
struct sl_expr {
	enum sl_expr_kind kind;
	const char *name;   /* the kernel's name: "payload", "limit", "nat" …; for XT_MATCH and
			       XT_TARGET the extension's: "multiport", "REJECT" */
	const char *opaque; /* why its attributes were not understood; NULL where they were, and
			       where the expression is simply one that sluice does not decode */
	union {
		struct {
			u32 dreg, base, offset, length; /* NFT_PAYLOAD_*_HEADER */
			bool writes;                    /* sets packet bytes instead */
		} payload;
		struct {
			u32 key; /* NFT_META_* */
			u32 dreg;
			bool writes; /* sets the metadata from the register instead */
		} meta;
		struct {
			u32 key; /* NFT_CT_* */
			u32 dreg;
			s32 direction; /* IP_CT_DIR_*, −1 when not given */
			bool writes;
		} ct;
		struct {
			u32 sreg, op; /* NFT_CMP_* */
			const u8 *data;
			u32 length;
		} cmp;
		struct {
			u32 sreg, op; /* NFT_RANGE_EQ, NFT_RANGE_NEQ */
			const u8 *from, *to;
			u32 length;
		} range;
		struct {
			u32 sreg, dreg, length;
			u32 op;               /* NFT_BITWISE_BOOL (mask, xor), _LSHIFT, _RSHIFT */
			const u8 *mask, *xor; /* `length` bytes each, for BOOL */
			u32 shift;            /* bits, for shifts */
		} bitwise;
		struct {
			u32 sreg, dreg, op, length, size; /* NFT_BYTEORDER_* */
		} byteorder;
		struct {
			bool is_verdict;
			struct sl_nft_verdict verdict;
			u32 dreg;
			const u8 *data;
			u32 length;
		} immediate;
		struct {
			struct sl_nft_set *set; /* resolved; never NULL */
			u32 sreg;
			bool has_dreg, is_verdict; /* a map; a verdict map */
			u32 dreg;
			bool invert;
		} lookup;
		struct {
			u64 packets, bytes;
		} counter;
		struct {
			u32 type;           /* NFT_OBJECT_* */
			const char *object; /* NULL when chosen through a map */
		} objref;
		struct {
			u32 dreg, result; /* NFT_FIB_RESULT_* */
			u32 flags;        /* NFTA_FIB_F_* */
		} fib;
		struct {
			u32 op; /* NFT_EXTHDR_OP_* */
			u32 type, offset, length, flags;
			u32 dreg;
			bool writes; /* sets bytes of it, or removes it */
		} exthdr;
		struct {
			u32 type;     /* NFT_LIMIT_* */
			bool is_over; /* matches beyond the rate */
		} limit;
		struct {
			struct sl_nft_set *set; /* resolved; never NULL */
			u32 op;                 /* NFT_DYNSET_OP_* */
			u32 sreg;               /* the key */
			bool invert;            /* goes on only where it could not be done */
			bool has_exprs;         /* what is added holds expressions */
			u64 timeout_ms;         /* of what it adds; 0: the set's */
		} dynset;
		struct {
			u32 revision;
			const u8 *info; /* the struct of include/uapi/linux/netfilter*, padded */
			u32 length;
		} xt;
	};
};

/*
 * A rule with an unknown attribute of its own starts with an SL_EXPR_OPAQUE named "rule", which
 * may have any meaning and side effect.
 */
struct sl_nft_rule {
	u64 handle;
	const char *comment; /* NULL without one */
	SL_LIST(struct sl_expr) exprs;
};

struct sl_nft_chain {
	const char *name;
	u64 handle;
	bool is_base;
	bool opaque_hook; /* its hook, the chain itself or its table holds something unknown;
			     `is_base` is true then, and `type` may be NULL */
	const char *type; /* "filter", "nat", "route" */
	u32 hook;         /* NF_INET_* or NF_NETDEV_*, as the family says */
	s32 priority;
	s32 policy; /* NF_ACCEPT or NF_DROP */
	u32 flags;  /* NFT_CHAIN_* */
	u32 uses;   /* rules in it, and jumps to it */
	bool has_counters;
	u64 packets, bytes; /* a base chain's policy counters, if it has them */
	SL_LIST(const char *)
	devices; /* netdev family, and inet's ingress hook; a trailing
		    '*' stands for any suffix */
	SL_LIST(struct sl_nft_rule) rules;
};

/*
 * One element. Interval sets are normalised: an element covers the closed range key…key_end, in
 * the byte order that the kernel compares (memcmp). Both are equal for a single value.
 */
struct sl_nft_element {
	const u8 *key, *key_end;
	bool is_catchall;              /* key and key_end are NULL */
	struct sl_nft_verdict verdict; /* verdict maps */
	const u8 *data;                /* other maps */
	u32 data_length;
	u64 timeout_ms;     /* 0: does not expire */
	u64 expires_at_ns;  /* CLOCK_MONOTONIC, counted from *before* the dump was asked for, so
			       that it errs towards early; 0: does not expire */
	const char *opaque; /* it carries an expression, an object or something unknown;
			       SL_ELEMENT_COUNTS where it is no more than a counter */
};

#define SL_ELEMENT_COUNTS "counts per element"

#define SL_SET_FIELDS_MAX 16

struct sl_nft_set {
	const char *name;
	u32 id; /* index in the ruleset's sets, over all tables */
	u64 handle;
	u32 flags; /* NFT_SET_*: ANONYMOUS, CONSTANT, INTERVAL, MAP, TIMEOUT, EVAL, OBJECT, CONCAT
		    */
	u32 key_type, key_length;   /* key_type is nft's own and only good for printing */
	u32 data_type, data_length; /* data_type NFT_DATA_VERDICT for verdict maps, NFT_OBJECT_*
				       for maps to objects */
	u64 timeout_ms;             /* of elements that do not give their own; 0: none */
	u32 field_lengths[SL_SET_FIELDS_MAX], field_count; /* concatenations, bytes, unpadded; each
							      field starts on a 4-byte boundary.
							      field_count is 0 where not given */
	const char *opaque; /* elements or flags are not understood */
	SL_LIST(struct sl_nft_element) elements;
	struct sl_nft_table *table;
};

struct sl_nft_object {
	const char *name;
	u32 type; /* NFT_OBJECT_* */
	u64 handle;
	u64 packets, bytes; /* NFT_OBJECT_COUNTER */
	const char *opaque; /* it holds something unknown; expressions that refer to it are
			       opaque too */
};

struct sl_nft_flowtable {
	const char *name;
	SL_LIST(const char *)
	devices; /* a trailing '*' stands for any suffix; "*" where they could not be read */
};

#define SL_LEGACY_PREFIX "legacy "

struct sl_nft_table {
	u32 family; /* NFPROTO_* */
	const char *name;
	u64 handle;
	u32 flags;          /* NFT_TABLE_F_*; a dormant table has no effect */
	bool is_legacy;     /* not nf_tables' at all, but iptables-legacy's (legacy.h); its name
			       then is SL_LEGACY_PREFIX and the kernel's */
	const char *opaque; /* it holds something unknown, or may vanish without notice; all its
			       chains have an opaque hook */
	SL_LIST(struct sl_nft_chain *) chains;
	SL_LIST(struct sl_nft_set *) sets;
	SL_LIST(struct sl_nft_object) objects;
	SL_LIST(struct sl_nft_flowtable) flowtables;
};

struct sl_ruleset {
	struct sl_arena *arena; /* owns everything here */
	u32 generation;         /* the kernel's base_seq, equal before and after the read */
	SL_LIST(struct sl_nft_table *) tables;
	u32 set_count;
	/*
	 * Of IPv4 and IPv6: whether iptables-legacy's tables are among those, if there are any
	 * (struct sl_host); and why not, or NULL.
	 */
	bool holds_legacy[2];
	const char *legacy_obstacles[2];
};

void sl_ruleset_free(struct sl_ruleset *ruleset); /* NULL is fine; frees the arena */

/*
 * Its tables and sets with nothing in them, in an arena of their own: what a change of elements can
 * be told by (watch.h). NULL when out of memory.
 */
struct sl_ruleset *sl_ruleset_outline(const struct sl_ruleset *ruleset);

struct sl_nft_table *sl_ruleset_find_table(const struct sl_ruleset *ruleset, u32 family,
					   const char *name);
struct sl_nft_chain *sl_table_find_chain(const struct sl_nft_table *table, const char *name);
struct sl_nft_set *sl_table_find_set(const struct sl_nft_table *table, const char *name);

#endif
