/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The code generator's own notes, shared by its files. One struct sl_gen emits one stage: the
 * code behind one marker (abi/cursor.h), for one family.
 *
 * Register contract
 *	r1–r5, r0  scratch
 *	r6         the cursor
 *	r7, r8     network header, transport header (packet pointers; 8 bytes of transport are safe)
 *	r9         worlds: live | accepted << 8 | pass << 16 | the rule's own << 24
 *
 * Worlds. Before the path reaches conntrack all worlds share one fate, so nothing is tracked:
 * r9 keeps its first value, every world live, until something decides. Behind it (`tracked`) a
 * STATE match splits them. A rule that split keeps its worlds in r9's top byte (`split`); any
 * other rule's worlds are simply the live ones.
 */
#ifndef SLUICE_CODEGEN_GEN_H
#define SLUICE_CODEGEN_GEN_H

#include "classify/forks.h"
#include "codegen/asm.h"
#include "codegen/codegen.h"
#include "cursor.h"
#include "ir/ir.h"

#define SL_CURSOR(field) ((s32)offsetof(struct sl_cursor, field))

struct sl_gen {
	struct sl_asm *code;
	const struct sl_program *program;
	u8 family; /* SL_IP or SL_IP6 */
	enum sl_hook hook;
	u32 chain_family; /* NFPROTO_* of the base chain at hand */
	bool tracked;
	bool doubts;            /* code before this may have changed cursor.certain */
	bool branches;          /* runs of a few rules become forks, not lookups */
	u32 saved_slots;        /* of cursor.saved in use */
	u32 insn_limit;         /* past it, rules are left to the kernel */
	bool over_limit;        /* it happened, or a jump was too deep */
	struct sl_code_cut cut; /* where the limit was met */
	sl_label pass_all;      /* every world passes: something could not be read */
	sl_label exit;          /* the stage is decided */
};

/* A chain that is being emitted. */
struct sl_frame {
	sl_label end;      /* user chain: behind it; base chain: its policy */
	sl_label finished; /* behind the base chain: its verdict stands, in every world */
	u32 returned;      /* cursor.saved slot of worlds that wait at `end` */
};

enum sl_match_result {
	SL_MATCH_ALWAYS, /* nothing was emitted */
	SL_MATCH_NEVER,  /* nothing was emitted; the rest of the rule is dead */
	SL_MATCH_TESTED, /* code falls through on a match, jumps to `fail` otherwise */
};

/* key.c: the bytes that rules compare. */

/* True, and the value, where the key is known now: constants of the device and the family. */
bool sl_gen_key_const(const struct sl_gen *gen, const struct sl_key *key, u8 *ret_value);
/* Jumps to `broke` if some part of the key is not in the packet (NFT_BREAK). */
void sl_gen_key_check(struct sl_gen *gen, const struct sl_key *key, sl_label broke);
/* How many bytes (1–8) can be handled in one register from `at` on. */
u32 sl_gen_chunk_length(const struct sl_key *key, u32 at);
/* dst = key[at … at + length), first byte lowest, transformed. Uses r4 and r5. */
void sl_gen_chunk(struct sl_gen *gen, const struct sl_key *key, u32 at, u32 length,
		  enum sl_reg dst);
/* The same bytes of a constant, as a number of that form. */
u64 sl_chunk_const(const u8 *bytes, u32 length);
/* dst (a chunk) becomes the number that memcmp orders by: sl_value_number() of a constant. */
void sl_gen_chunk_order(struct sl_gen *gen, enum sl_reg dst, u32 length);
/* dst = the value of a table's lane, a number of host order; of no meaning to the boxes that do not
 * hold the packet. Uses r3–r5. */
void sl_gen_lane(struct sl_gen *gen, const struct sl_key *key, enum sl_reg dst);
/* The whole key to cursor.key + 8, for a map. Uses r1, r4, r5. */
void sl_gen_key_store(struct sl_gen *gen, const struct sl_key *key);

/* match.c: COMPARE, RANGE, ANY. */

/*
 * A COMPARE (EQ or NE) of an address type or of the way back. Falls through on a match; jumps to
 * `unknown` where that is not known.
 */
void sl_gen_doubtful(struct sl_gen *gen, const struct sl_op *op, sl_label fail, sl_label unknown);

enum sl_match_result sl_gen_match(struct sl_gen *gen, const struct sl_op *op, sl_label fail);
/* Falls through if lo ≤ key ≤ hi, jumps to `no` otherwise; the key was checked. */
void sl_gen_between(struct sl_gen *gen, const struct sl_key *key, u32 from, u32 length,
		    const u8 *lo, const u8 *hi, sl_label no);

/* set.c: SET and VMAP. */

/* A small constant set is compared in code. */
bool sl_set_is_inline(const struct sl_set *set);
enum sl_match_result sl_gen_set(struct sl_gen *gen, const struct sl_op *op, sl_label fail);
/*
 * VMAP: falls through on a hit with r1 = the verdict's index among sl_set_verdicts() and
 * r2 = the counter or SL_NO_HIT; jumps to `miss` otherwise.
 */
void sl_gen_vmap_lookup(struct sl_gen *gen, const struct sl_op *op, sl_label miss, sl_label fail);

/* FILLED and FILL: r0 = an enum sl_filled_answer; jumps to `broke` where there is no key. */
void sl_gen_ask_filled(struct sl_gen *gen, const struct sl_op *op, sl_label broke);

/* chain.c: rules, verdicts and worlds. */
void sl_gen_base_chain(struct sl_gen *gen, const struct sl_step *step);
/* Notes r2 = counter << 8 | worlds, with r1 = those worlds. Uses r1–r3. */
void sl_gen_hit(struct sl_gen *gen);
/*
 * What a match of a rule does, in those of `worlds` that are live: to `fail` if none is. Counts,
 * unless `counter` is NULL; then goes on `behind` the rule with worlds that live on.
 */
void sl_gen_effect(struct sl_gen *gen, const struct sl_frame *frame, u8 worlds, const u32 *counter,
		   enum sl_verdict_kind kind, sl_label fail, sl_label behind);
/* Jumps if no world is live. Uses r1. */
void sl_gen_jump_if_dead(struct sl_gen *gen, sl_label target);
/* saved[slot] |= r1. Uses r2. */
void sl_gen_save(struct sl_gen *gen, u32 slot);
/* Untracked only: what has decided for one world has decided for all (`shift` 0: they drop). */
void sl_gen_decide_all(struct sl_gen *gen, s32 shift);

/* table.c: TABLE. Falls through where worlds go on with the next rule. */
void sl_gen_table(struct sl_gen *gen, const struct sl_frame *frame, const struct sl_table *run);

/* forks.c: the same of a run that has forks, as branches. */
void sl_gen_forks(struct sl_gen *gen, const struct sl_frame *frame, const struct sl_table *run);

#endif
