/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chains, rules and verdicts. Jumped-to chains are emitted where they are jumped to; where the code
 * grows too long, all from there on is left to the kernel.
 */
#include "codegen/gen.h"

#include <errno.h>

#include "filled.h"
#include "ir/key.h"

/* One rule on its way. */
struct rule_state {
	sl_label next;
	bool split; /* r9's top byte holds the rule's worlds */
	bool maybe; /* an UNKNOWN match was met */
};

static void gen_chain(struct sl_gen *gen, const struct sl_frame *frame,
		      const struct sl_chain *chain);

/* r1 = the worlds that the rule is met in */
static void rule_worlds(struct sl_gen *gen, bool split, enum sl_reg dst)
{
	sl_asm_alu32_reg(gen->code, BPF_MOV, dst, R9);
	if (split)
		sl_asm_alu32_imm(gen->code, BPF_RSH, dst, SL_RULE_SHIFT);
	else
		sl_asm_alu32_imm(gen->code, BPF_AND, dst, SL_WORLDS_MASK);
}

/* The rule's worlds leave the live ones, for the set at `shift` (or for nowhere). */
static void move_worlds(struct sl_gen *gen, bool split, s32 shift)
{
	rule_worlds(gen, split, R1);
	sl_asm_alu32_reg(gen->code, BPF_XOR, R9, R1);
	if (!shift)
		return;
	sl_asm_alu32_imm(gen->code, BPF_LSH, R1, shift);
	sl_asm_alu32_reg(gen->code, BPF_OR, R9, R1);
}

void sl_gen_jump_if_dead(struct sl_gen *gen, sl_label target)
{
	rule_worlds(gen, false, R1);
	sl_asm_jump32_imm(gen->code, BPF_JEQ, R1, 0, target);
}

/* Behind a rule that took worlds away: the next one, or out if none is left. */
static void go_on(struct sl_gen *gen, const struct sl_frame *frame, const struct rule_state *state)
{
	if (!state->split) {
		sl_asm_jump(gen->code, frame->end);
		return;
	}
	sl_gen_jump_if_dead(gen, frame->end);
	sl_asm_jump(gen->code, state->next);
}

/*
 * Untracked, every world is live and nothing else is set, so a verdict is a constant: the rest of
 * the path is decided for all.
 */
void sl_gen_decide_all(struct sl_gen *gen, s32 shift)
{
	sl_asm_const(gen->code, R9, shift ? (u64)SL_WORLDS_ALL << shift : 0);
	sl_asm_jump(gen->code, gen->exit);
}

static void pass(struct sl_gen *gen, const struct sl_frame *frame, const struct rule_state *state)
{
	if (!gen->tracked) {
		sl_gen_decide_all(gen, SL_PASS_SHIFT);
		return;
	}
	move_worlds(gen, state->split, SL_PASS_SHIFT);
	go_on(gen, frame, state);
}

static void drop(struct sl_gen *gen, const struct sl_frame *frame, const struct rule_state *state)
{
	if (!gen->tracked) {
		sl_gen_decide_all(gen, 0);
		return;
	}
	move_worlds(gen, state->split, 0);
	go_on(gen, frame, state);
}

static void accept(struct sl_gen *gen, const struct sl_frame *frame, const struct rule_state *state)
{
	if (!gen->tracked) {
		sl_asm_jump(gen->code, frame->finished);
		return;
	}
	move_worlds(gen, state->split, SL_ACCEPTED_SHIFT);
	go_on(gen, frame, state);
}

/* A drop is ignored, since the rule may not match: from here on the worlds are in doubt. */
static void doubt(struct sl_gen *gen, bool split)
{
	struct sl_asm *code = gen->code;

	if (!gen->program->counters.count)
		return;
	gen->doubts = true;
	if (!gen->tracked) {
		sl_asm_store_imm(code, 1, R6, SL_CURSOR(certain), 0);
		return;
	}
	rule_worlds(gen, split, R1);
	sl_asm_alu32_imm(code, BPF_XOR, R1, SL_WORLDS_ALL);
	sl_asm_load(code, 1, R2, R6, SL_CURSOR(certain));
	sl_asm_alu32_reg(code, BPF_AND, R2, R1);
	sl_asm_store(code, 1, R6, SL_CURSOR(certain), R2);
}

/* A counter is met: the doubtful ones among the rule's worlds, in r1, pass. Uses r3. */
static void pass_doubtful(struct sl_gen *gen)
{
	struct sl_asm *code = gen->code;

	if (!gen->doubts)
		return;
	sl_asm_load(code, 1, R3, R6, SL_CURSOR(certain));
	sl_asm_alu32_imm(code, BPF_XOR, R3, SL_WORLDS_ALL);
	if (!gen->tracked) {
		sl_asm_jump32_imm(code, BPF_JNE, R3, 0, gen->pass_all);
		return;
	}
	sl_asm_alu32_reg(code, BPF_AND, R1, R3);
	sl_asm_alu32_imm(code, BPF_LSH, R1, SL_PASS_SHIFT);
	sl_asm_alu32_reg(code, BPF_OR, R9, R1);
}

/* Notes a counter, with the worlds that it counts in. `index` in r2 unless constant. Uses r1–r3. */
static void hit(struct sl_gen *gen, const u32 *index, bool split)
{
	struct sl_asm *code = gen->code;

	if (index)
		sl_asm_const(code, R2, (u64)*index << 8);
	else
		sl_asm_alu32_imm(code, BPF_LSH, R2, 8);
	if (gen->tracked) {
		rule_worlds(gen, split, R1);
		sl_asm_alu32_reg(code, BPF_OR, R2, R1);
	} else {
		sl_asm_alu32_imm(code, BPF_OR, R2, SL_WORLDS_ALL);
	}
	sl_gen_hit(gen);
}

void sl_gen_hit(struct sl_gen *gen)
{
	struct sl_asm *code = gen->code;

	pass_doubtful(gen);
	sl_asm_load(code, 1, R1, R6, SL_CURSOR(hits_left));
	sl_asm_alu32_imm(code, BPF_SUB, R1, 1);
	sl_asm_jump32_imm(code, BPF_JGE, R1, SL_CURSOR_HITS, gen->pass_all); /* it was 0 */
	sl_asm_store(code, 1, R6, SL_CURSOR(hits_left), R1);
	sl_asm_alu64_imm(code, BPF_LSH, R1, 2);
	sl_asm_alu64_reg(code, BPF_ADD, R1, R6);
	if (gen->hook == SL_HOOK_INGRESS)
		sl_asm_alu32_imm(code, BPF_OR, R2, SL_HIT_PADDED);
	sl_asm_store(code, 4, R1, SL_CURSOR(hits), R2);
}

/* For the live worlds, which live no more. */
static void apply_policy(struct sl_gen *gen, const struct sl_step *step)
{
	if (step->policy_counter != SL_NO_COUNTER)
		hit(gen, &step->policy_counter, false);
	if (gen->tracked)
		move_worlds(gen, false, step->drops_by_policy ? 0 : SL_ACCEPTED_SHIFT);
	else if (step->drops_by_policy)
		sl_gen_decide_all(gen, 0);
}

void sl_gen_save(struct sl_gen *gen, u32 slot)
{
	s32 offset = (s32)SL_SAVED(slot);

	sl_asm_load(gen->code, 1, R2, R6, offset);
	sl_asm_alu32_reg(gen->code, BPF_OR, R2, R1);
	sl_asm_store(gen->code, 1, R6, offset, R2);
}

/* saved[slot] |= the rule's worlds, which leave the live ones */
static void save_worlds(struct sl_gen *gen, bool split, u32 slot)
{
	rule_worlds(gen, split, R1);
	sl_asm_alu32_reg(gen->code, BPF_XOR, R9, R1);
	sl_gen_save(gen, slot);
}

/* live |= saved[slot] */
static void restore_worlds(struct sl_gen *gen, u32 slot)
{
	sl_asm_load(gen->code, 1, R1, R6, (s32)SL_SAVED(slot));
	sl_asm_alu32_imm(gen->code, BPF_AND, R1, SL_WORLDS_ALL);
	sl_asm_alu32_reg(gen->code, BPF_OR, R9, R1);
}

static void go_back(struct sl_gen *gen, const struct sl_frame *frame,
		    const struct rule_state *state)
{
	if (!state->split) {
		sl_asm_jump(gen->code, frame->end);
		return;
	}
	save_worlds(gen, true, frame->returned);
	go_on(gen, frame, state);
}

/* The worlds of the rule become the live ones; the others wait in `slot`. */
static void enter(struct sl_gen *gen, const struct rule_state *state, u32 slot)
{
	s32 offset = (s32)SL_SAVED(slot);

	if (!state->split) {
		sl_asm_store_imm(gen->code, 1, R6, offset, SL_CURSOR_MARK);
		return;
	}
	rule_worlds(gen, true, R1);
	sl_asm_alu32_reg(gen->code, BPF_MOV, R2, R9);
	sl_asm_alu32_imm(gen->code, BPF_AND, R2, SL_WORLDS_MASK);
	sl_asm_alu32_reg(gen->code, BPF_XOR, R2, R1); /* live without the rule's */
	sl_asm_store(gen->code, 1, R6, offset, R2);
	sl_asm_alu32_imm(gen->code, BPF_AND, R9, 0xffff00);
	sl_asm_alu32_reg(gen->code, BPF_OR, R9, R1);
}

/* Room for a chain's rules from `first` on, and for worlds that wait meanwhile. */
static bool has_room(struct sl_gen *gen, u32 slots, const struct sl_chain *chain, u32 first)
{
	bool is_short = gen->code->insns.count < gen->insn_limit;

	if (is_short && gen->saved_slots + slots <= SL_CURSOR_DEPTH)
		return true;
	gen->over_limit = true;
	if (!is_short && !gen->cut.chain && first < chain->rules.count) {
		const struct sl_rule *rule = &chain->rules.items[first];

		gen->cut = (struct sl_code_cut){sl_rule_home(rule, chain), rule->handle};
	}
	return false;
}

static void jump_to_chain(struct sl_gen *gen, const struct sl_frame *frame,
			  const struct rule_state *state, const struct sl_chain *chain)
{
	if (!has_room(gen, 1, chain, 0)) {
		pass(gen, frame, state);
		return;
	}

	struct sl_frame inner = {.end = sl_asm_label(gen->code),
				 .finished = frame->finished,
				 .returned = gen->saved_slots++};

	if (gen->tracked)
		enter(gen, state, inner.returned);
	gen_chain(gen, &inner, chain);
	sl_asm_bind(gen->code, inner.end);
	if (gen->tracked) {
		restore_worlds(gen, inner.returned);
		sl_gen_jump_if_dead(gen, frame->end);
	}
	gen->saved_slots--;
	sl_asm_jump(gen->code, state->next);
}

/* Like a jump whose worlds then return from the chain that they came from. */
static void goto_chain(struct sl_gen *gen, const struct sl_frame *frame,
		       const struct rule_state *state, const struct sl_chain *chain)
{
	if (!has_room(gen, 2, chain, 0)) {
		pass(gen, frame, state);
		return;
	}

	u32 rest = gen->saved_slots++;
	struct sl_frame inner = {.end = sl_asm_label(gen->code),
				 .finished = frame->finished,
				 .returned = gen->saved_slots++};

	if (gen->tracked) {
		enter(gen, state, rest);
		sl_asm_store_imm(gen->code, 1, R6, (s32)SL_SAVED(inner.returned), SL_CURSOR_MARK);
	}
	gen_chain(gen, &inner, chain);
	sl_asm_bind(gen->code, inner.end);
	if (!gen->tracked) {
		sl_asm_jump(gen->code, frame->end);
	} else {
		restore_worlds(gen, inner.returned);
		save_worlds(gen, false, frame->returned);
		restore_worlds(gen, rest);
		sl_gen_jump_if_dead(gen, frame->end);
		sl_asm_jump(gen->code, state->next);
	}
	gen->saved_slots -= 2;
}

static void verdict(struct sl_gen *gen, const struct sl_frame *frame,
		    const struct rule_state *state, const struct sl_verdict *verdict)
{
	if (state->maybe) { /* ir.h: what UNKNOWN does to the verdict behind it */
		if (verdict->kind == SL_VERDICT_DROP)
			doubt(gen, state->split);
		if (verdict->kind == SL_VERDICT_CONTINUE || verdict->kind == SL_VERDICT_DROP)
			sl_asm_jump(gen->code, state->next);
		else
			pass(gen, frame, state);
		return;
	}
	switch (verdict->kind) {
	case SL_VERDICT_CONTINUE:
		sl_asm_jump(gen->code, state->next);
		return;
	case SL_VERDICT_ACCEPT:
		accept(gen, frame, state);
		return;
	case SL_VERDICT_DROP:
		drop(gen, frame, state);
		return;
	case SL_VERDICT_JUMP:
		jump_to_chain(gen, frame, state, verdict->chain);
		return;
	case SL_VERDICT_GOTO:
		goto_chain(gen, frame, state, verdict->chain);
		return;
	case SL_VERDICT_RETURN:
		go_back(gen, frame, state);
		return;
	case SL_VERDICT_KERNEL:
		pass(gen, frame, state);
		return;
	}
}

static void vmap(struct sl_gen *gen, const struct sl_frame *frame, const struct rule_state *state,
		 const struct sl_op *op)
{
	sl_label miss = sl_asm_label(gen->code);
	struct sl_verdict_list verdicts;

	if (state->maybe) {
		pass(gen, frame, state);
		sl_asm_bind(gen->code, miss);
		return;
	}
	if (sl_set_verdicts(op->set, gen->code->arena, &verdicts)) {
		gen->code->error = -ENOMEM;
		return;
	}
	sl_gen_vmap_lookup(gen, op, miss, state->next);
	if (verdicts.counts) {
		sl_label uncounted = sl_asm_label(gen->code);

		sl_asm_store(gen->code, 8, R6, SL_CURSOR(key), R1);
		sl_asm_jump32_imm(gen->code, BPF_JEQ, R2, SL_NO_HIT, uncounted);
		hit(gen, NULL, state->split);
		sl_asm_bind(gen->code, uncounted);
		sl_asm_load(gen->code, 8, R1, R6, SL_CURSOR(key));
	}
	for (u32 i = 0; i < verdicts.list.count; i++) {
		sl_label other = sl_asm_label(gen->code);

		if (i + 1 < verdicts.list.count)
			sl_asm_jump32_imm(gen->code, BPF_JNE, R1, i, other);
		verdict(gen, frame, state, &verdicts.list.items[i]);
		sl_asm_bind(gen->code, other);
	}
	sl_asm_bind(gen->code, miss);
	if (op->set->has_catchall)
		verdict(gen, frame, state, &op->set->catchall);
	else
		sl_asm_jump(gen->code, state->next);
}

/* The states that the op asks for, as far as the rule's worlds have them. */
static enum sl_match_result conntrack_state(struct sl_gen *gen, struct rule_state *state, u8 worlds)
{
	if (!gen->tracked) /* no conntrack yet: INVALID, whatever it will be */
		return worlds & SL_WORLD_INVALID ? SL_MATCH_ALWAYS : SL_MATCH_NEVER;
	rule_worlds(gen, state->split, R1);
	sl_asm_alu32_imm(gen->code, BPF_AND, R1, worlds);
	/* Before the test, or the verifier would know r9's bits, and follow it again (cursor.h). */
	sl_asm_alu32_reg(gen->code, BPF_MOV, R2, R1);
	sl_asm_alu32_imm(gen->code, BPF_LSH, R2, SL_RULE_SHIFT);
	sl_asm_alu32_imm(gen->code, BPF_AND, R9, 0xffffff);
	sl_asm_alu32_reg(gen->code, BPF_OR, R9, R2);
	sl_asm_jump32_imm(gen->code, BPF_JEQ, R1, 0, state->next);
	state->split = true;
	return SL_MATCH_TESTED;
}

void sl_gen_effect(struct sl_gen *gen, const struct sl_frame *frame, u8 worlds, const u32 *counter,
		   enum sl_verdict_kind kind, sl_label fail, sl_label behind)
{
	struct rule_state state = {.next = fail};
	const struct sl_verdict decision = {.kind = kind};

	if (worlds != SL_WORLDS_ALL && conntrack_state(gen, &state, worlds) == SL_MATCH_NEVER) {
		sl_asm_jump(gen->code, fail);
		return;
	}
	if (counter)
		hit(gen, counter, state.split);
	state.next = behind;
	verdict(gen, frame, &state, &decision);
}

/* Passes, or fails the rule, or goes on with it: false for the first two alone. */
static bool limit(struct sl_gen *gen, const struct sl_frame *frame, const struct rule_state *state,
		  const struct sl_op *op)
{
	sl_label is_spent = sl_asm_label(gen->code);

	if (!state->maybe) {
		sl_asm_const(gen->code, R1, op->limit);
		sl_asm_call_function(gen->code, SL_FUNCTION_LIMIT_IS_SPENT);
		sl_asm_jump32_imm(gen->code, BPF_JNE, R0, 0, op->invert ? is_spent : state->next);
	}
	pass(gen, frame, state);
	sl_asm_bind(gen->code, is_spent);
	return op->invert && !state->maybe;
}

/* cursor.marked &= r1, worlds that are marked. Uses r2. */
static void keep_marked(struct sl_gen *gen)
{
	sl_asm_load(gen->code, 1, R2, R6, SL_CURSOR(marked));
	sl_asm_alu32_reg(gen->code, BPF_AND, R2, R1);
	sl_asm_store(gen->code, 1, R6, SL_CURSOR(marked), R2);
}

/* Which worlds' mark is known behind a MARK (ir.h). Untracked, the rule's worlds are all. */
static void note_marked(struct sl_gen *gen, const struct rule_state *state, const struct sl_op *op)
{
	struct sl_asm *code = gen->code;
	bool is_lost = state->maybe || op->reason;

	if (gen->tracked)
		rule_worlds(gen, state->split, R1);
	else
		sl_asm_const(code, R1, SL_WORLDS_ALL);
	if (is_lost)
		sl_asm_alu32_imm(code, BPF_XOR, R1, 0xff);
	else
		sl_asm_alu32_imm(code, BPF_OR, R1, SL_CURSOR_MARK);
	if (is_lost || op->keep)
		keep_marked(gen);
	else
		sl_asm_store(code, 1, R6, SL_CURSOR(marked), R1);
}

static void set_mark(struct sl_gen *gen, const struct rule_state *state, const struct sl_op *op)
{
	struct sl_asm *code = gen->code;

	note_marked(gen, state, op);
	if (state->maybe || op->reason)
		return;
	sl_asm_load(code, 4, R1, R6, SL_CURSOR(mark));
	sl_asm_alu32_imm(code, BPF_AND, R1, (s32)op->keep);
	sl_asm_alu32_imm(code, BPF_XOR, R1, (s32)(op->flip ^ (SL_CURSOR_VEIL & ~op->keep)));
	sl_asm_store(code, 4, R6, SL_CURSOR(mark), R1);
}

/* The rule's worlds pass if the mark is not known in each of them. Uses r1 and r2. */
static void check_mark(struct sl_gen *gen, const struct sl_frame *frame,
		       const struct rule_state *state)
{
	struct sl_asm *code = gen->code;
	sl_label known = sl_asm_label(code);

	if (gen->tracked)
		rule_worlds(gen, state->split, R1);
	else
		sl_asm_const(code, R1, SL_WORLDS_ALL);
	sl_asm_load(code, 1, R2, R6, SL_CURSOR(marked));
	sl_asm_alu32_imm(code, BPF_XOR, R2, 0xff);
	sl_asm_alu32_reg(code, BPF_AND, R1, R2);
	sl_asm_jump32_imm(code, BPF_JEQ, R1, 0, known);
	pass(gen, frame, state);
	sl_asm_bind(code, known);
}

/* Passes, or goes on with the rule: false for the first alone. */
static bool fill(struct sl_gen *gen, const struct sl_frame *frame, const struct rule_state *state,
		 const struct sl_op *op)
{
	sl_label is_there = sl_asm_label(gen->code);

	if (!state->maybe) {
		sl_gen_ask_filled(gen, op, state->next);
		sl_asm_jump32_imm(gen->code, BPF_JEQ, R0, SL_FILLED_HIT, is_there);
	}
	pass(gen, frame, state);
	sl_asm_bind(gen->code, is_there);
	return !state->maybe;
}

/* Emits one op; false when the rest of the rule cannot be reached. */
static bool gen_op(struct sl_gen *gen, const struct sl_frame *frame, struct rule_state *state,
		   const struct sl_op *op)
{
	if (gen->program->device.mark_moves && sl_op_reads_mark(op))
		check_mark(gen, frame, state);
	switch (op->kind) {
	case SL_OP_COMPARE:
	case SL_OP_RANGE:
	case SL_OP_ANY:
		return sl_gen_match(gen, op, state->next) != SL_MATCH_NEVER;
	case SL_OP_SET:
		return sl_gen_set(gen, op, state->next) != SL_MATCH_NEVER;
	case SL_OP_STATE:
		return conntrack_state(gen, state, op->worlds) != SL_MATCH_NEVER;
	case SL_OP_UNKNOWN:
		state->maybe = true;
		return true;
	case SL_OP_COUNTER:
		if (!state->maybe) {
			hit(gen, &op->counter, state->split);
			return true;
		}
		pass(gen, frame, state);
		return false;
	case SL_OP_KERNEL:
		pass(gen, frame, state);
		return false;
	case SL_OP_MARK:
		set_mark(gen, state, op);
		return true;
	case SL_OP_LIMIT:
		return limit(gen, frame, state, op);
	case SL_OP_FILL:
		return fill(gen, frame, state, op);
	case SL_OP_VERDICT:
		verdict(gen, frame, state, &op->verdict);
		return false;
	case SL_OP_VMAP:
		vmap(gen, frame, state, op);
		return false;
	case SL_OP_TABLE:
		sl_gen_table(gen, frame, op->table);
		return false;
	case SL_OP_FILLED: /* gen_ops() */
		break;
	}
	return false;
}

static void gen_ops(struct sl_gen *gen, const struct sl_frame *frame, struct rule_state state,
		    const struct sl_rule *rule, u32 from);

/*
 * What may not be known, and where it is not, the op is an UNKNOWN; so what follows it in the rule
 * is emitted twice.
 */
static void gen_doubtful(struct sl_gen *gen, const struct sl_frame *frame,
			 const struct rule_state *state, const struct sl_rule *rule, u32 at)
{
	sl_label unknown = sl_asm_label(gen->code);
	struct rule_state maybe = *state;

	sl_gen_doubtful(gen, &rule->ops.items[at], state->next, unknown);
	gen_ops(gen, frame, *state, rule, at + 1);
	sl_asm_jump(gen->code, state->next);
	sl_asm_bind(gen->code, unknown);
	maybe.maybe = true;
	gen_ops(gen, frame, maybe, rule, at + 1);
}

/* The same of a set that packets fill. */
static void gen_filled(struct sl_gen *gen, const struct sl_frame *frame,
		       const struct rule_state *state, const struct sl_rule *rule, u32 at)
{
	const struct sl_op *op = &rule->ops.items[at];
	sl_label unclear = sl_asm_label(gen->code);
	struct rule_state maybe = *state;

	maybe.maybe = true;
	if (gen->program->device.mark_moves && sl_op_reads_mark(op))
		check_mark(gen, frame, state);
	sl_gen_ask_filled(gen, op, state->next);
	sl_asm_jump32_imm(gen->code, BPF_JEQ, R0, SL_FILLED_COUNTS, gen->pass_all);
	sl_asm_jump32_imm(gen->code, BPF_JEQ, R0, SL_FILLED_UNCLEAR, unclear);
	sl_asm_jump32_imm(gen->code, BPF_JEQ, R0, op->invert ? SL_FILLED_HIT : SL_FILLED_MISS,
			  state->next);
	if (!state->maybe) {
		gen_ops(gen, frame, *state, rule, at + 1);
		sl_asm_jump(gen->code, state->next);
	}
	sl_asm_bind(gen->code, unclear);
	gen_ops(gen, frame, maybe, rule, at + 1);
}

static void gen_ops(struct sl_gen *gen, const struct sl_frame *frame, struct rule_state state,
		    const struct sl_rule *rule, u32 from)
{
	for (u32 i = from; i < rule->ops.count; i++) {
		const struct sl_op *op = &rule->ops.items[i];

		if (op->kind == SL_OP_COMPARE && sl_key_may_be_unknown(&op->key)) {
			gen_doubtful(gen, frame, &state, rule, i);
			return;
		}
		if (op->kind == SL_OP_FILLED) {
			gen_filled(gen, frame, &state, rule, i);
			return;
		}
		if (!gen_op(gen, frame, &state, op))
			return;
	}
}

static void gen_rule(struct sl_gen *gen, const struct sl_frame *frame, const struct sl_rule *rule)
{
	struct rule_state state = {.next = sl_asm_label(gen->code)};

	gen_ops(gen, frame, state, rule, 0);
	sl_asm_bind(gen->code, state.next);
}

static void gen_chain(struct sl_gen *gen, const struct sl_frame *frame,
		      const struct sl_chain *chain)
{
	for (u32 i = 0; i < chain->rules.count; i++) {
		if (!has_room(gen, 0, chain, i)) {
			pass(gen, frame, &(struct rule_state){0});
			return;
		}
		gen_rule(gen, frame, &chain->rules.items[i]);
	}
}

void sl_gen_base_chain(struct sl_gen *gen, const struct sl_step *step)
{
	struct sl_frame frame = {.end = sl_asm_label(gen->code),
				 .finished = sl_asm_label(gen->code),
				 .returned = gen->saved_slots++};

	if (gen->tracked)
		sl_asm_store_imm(gen->code, 1, R6, (s32)SL_SAVED(frame.returned), SL_CURSOR_MARK);
	gen_chain(gen, &frame, step->chain);
	sl_asm_bind(gen->code, frame.end);
	if (gen->tracked) {
		restore_worlds(gen, frame.returned);
		sl_gen_jump_if_dead(gen, frame.finished);
	}
	apply_policy(gen, step);
	sl_asm_bind(gen->code, frame.finished);
	gen->saved_slots--;
	if (!gen->tracked)
		return;
	/* What was accepted is live for the next chain. */
	sl_asm_alu32_reg(gen->code, BPF_MOV, R1, R9);
	sl_asm_alu32_imm(gen->code, BPF_RSH, R1, SL_ACCEPTED_SHIFT);
	sl_asm_alu32_imm(gen->code, BPF_AND, R1, SL_WORLDS_MASK);
	sl_asm_alu32_imm(gen->code, BPF_AND, R9, SL_WORLDS_MASK << SL_PASS_SHIFT);
	sl_asm_alu32_reg(gen->code, BPF_OR, R9, R1);
	sl_asm_jump32_imm(gen->code, BPF_JEQ, R1, 0, gen->exit);
}
