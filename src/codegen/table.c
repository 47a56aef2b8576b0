/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs of rules that bpf/table.h looks up. A question is made on the stack from the packet's
 * values, and asked again as long as rules are met that leave some world alive. However long the
 * run, the code is a page, and for the verifier one turn for each rule that a packet can meet.
 *
 * The question is written in words of 8 bytes: so the verifier sees that nothing remains of what
 * lay there before, and does not tell paths apart by it.
 */
#include "codegen/gen.h"

#define LANE_BYTES      sizeof(((struct sl_question *)0)->lanes)
#define QUESTION(field) (SL_CURSOR(question) + (s32)offsetof(struct sl_question, field))

/* All lanes, two in a word; those that the run does not have are 0. */
static void store_lanes(struct sl_gen *gen, const struct sl_table *run)
{
	for (u32 i = 0; i < LANE_BYTES / sizeof(u32); i += 2) {
		s32 offset = QUESTION(lanes) + (s32)(i * sizeof(u32));

		if (i >= run->lane_count) {
			sl_asm_store_imm(gen->code, 8, R6, offset, 0);
			continue;
		}
		sl_gen_lane(gen, &run->lanes[i], R1);
		if (i + 1 < run->lane_count) {
			sl_gen_lane(gen, &run->lanes[i + 1], R2);
			sl_asm_alu64_imm(gen->code, BPF_LSH, R2, 32);
			sl_asm_alu64_reg(gen->code, BPF_OR, R1, R2);
		}
		sl_asm_store(gen->code, 8, R6, offset, R1);
	}
}

/* All of it is written: older verifiers want that of what a function is given. */
static void store_question(struct sl_gen *gen, const struct sl_table *run)
{
	struct sl_asm *code = gen->code;

	store_lanes(gen, run);
	for (u32 at = LANE_BYTES; at < sizeof(struct sl_question); at += 8)
		sl_asm_store_imm(code, 8, R6, SL_CURSOR(question) + (s32)at, 0);
	sl_asm_store_imm(code, 4, R6, QUESTION(root), (s32)run->root);
	if (gen->tracked) {
		sl_asm_alu32_reg(code, BPF_MOV, R1, R9);
		sl_asm_alu32_imm(code, BPF_AND, R1, 0xffffff);
		sl_asm_store(code, 4, R6, QUESTION(worlds), R1);
	} else {
		sl_asm_store_imm(code, 4, R6, QUESTION(worlds), SL_WORLDS_ALL);
	}
}

_Static_assert(!offsetof(struct sl_question, lanes) && sizeof(struct sl_question) % 8 == 0,
	       "lanes, then other words");

/* r0 = enum sl_step_result, and what the step met is counted. */
static void step(struct sl_gen *gen, const struct sl_table *run)
{
	struct sl_asm *code = gen->code;
	sl_label uncounted = sl_asm_label(code);

	sl_asm_alu64_reg(code, BPF_MOV, R1, R6);
	sl_asm_alu64_imm(code, BPF_ADD, R1, QUESTION(lanes));
	sl_asm_call_function(code, SL_FUNCTION_TABLE_STEP);
	sl_asm_jump32_imm(code, BPF_JGE, R0, SL_STEP_BROKEN, gen->pass_all);
	if (run->hits) {
		sl_asm_load(code, 4, R2, R6, QUESTION(hit));
		sl_asm_jump32_imm(code, BPF_JEQ, R2, 0, uncounted);
		sl_asm_alu32_reg(code, BPF_MOV, R1, R2);
		sl_asm_alu32_imm(code, BPF_AND, R1, SL_WORLDS_MASK);
		sl_gen_hit(gen);
	}
	sl_asm_bind(code, uncounted);
}

/* The turns are counted in r7, since a call leaves that alone. */
static void step_until_finished(struct sl_gen *gen, const struct sl_table *run)
{
	struct sl_asm *code = gen->code;
	sl_label again = sl_asm_label(code), finished = sl_asm_label(code);

	if (run->steps == 1) {
		step(gen, run);
		sl_asm_jump32_imm(code, BPF_JNE, R0, SL_STEP_FINISHED, gen->pass_all);
		sl_asm_bind(code, again);
		sl_asm_bind(code, finished);
		return;
	}
	sl_asm_const(code, R7, run->steps);
	sl_asm_bind(code, again);
	step(gen, run);
	sl_asm_jump32_imm(code, BPF_JEQ, R0, SL_STEP_FINISHED, finished);
	sl_asm_alu32_imm(code, BPF_SUB, R7, 1);
	sl_asm_jump32_imm(code, BPF_JNE, R7, 0, again);
	sl_asm_jump(code, gen->pass_all);
	sl_asm_bind(code, finished);
	sl_asm_load(code, 8, R7, R6, SL_CURSOR(network));
}

static bool returns(const struct sl_table *run)
{
	for (u32 i = 0; i < run->count; i++) {
		const struct sl_rule *rule = &run->rules[i];
		const struct sl_op *last =
			rule->ops.count ? &rule->ops.items[rule->ops.count - 1] : NULL;

		if (last && last->kind == SL_OP_VERDICT && last->verdict.kind == SL_VERDICT_RETURN)
			return true;
	}
	return false;
}

/* Untracked, the worlds had one fate: the first set that they are found in. */
static void decide(struct sl_gen *gen, const struct sl_frame *frame, sl_label next)
{
	struct sl_asm *code = gen->code;

	sl_asm_load(code, 4, R1, R6, QUESTION(worlds));
	sl_asm_jump32_imm(code, BPF_JEQ, R1, SL_WORLDS_ALL << SL_LIVE_SHIFT, next);
	sl_asm_jump32_imm(code, BPF_JEQ, R1, SL_WORLDS_ALL << SL_ACCEPTED_SHIFT, frame->finished);
	sl_asm_jump32_imm(code, BPF_JNE, R1, 0, gen->pass_all);
	sl_asm_load(code, 4, R1, R6, QUESTION(returned));
	sl_asm_jump32_imm(code, BPF_JNE, R1, 0, frame->end);
	sl_gen_decide_all(gen, 0);
}

/* What counting made pass is in r9, all else is in the answer. */
static void take_worlds(struct sl_gen *gen, const struct sl_frame *frame,
			const struct sl_table *run)
{
	struct sl_asm *code = gen->code;

	sl_asm_load(code, 4, R1, R6, QUESTION(worlds));
	sl_asm_alu32_imm(code, BPF_AND, R9, SL_WORLDS_MASK << SL_PASS_SHIFT);
	sl_asm_alu32_reg(code, BPF_OR, R9, R1);
	if (returns(run)) {
		sl_asm_load(code, 4, R1, R6, QUESTION(returned));
		sl_gen_save(gen, frame->returned);
	}
	sl_gen_jump_if_dead(gen, frame->end);
}

static void look_up(struct sl_gen *gen, const struct sl_frame *frame, const struct sl_table *run)
{
	sl_label next = sl_asm_label(gen->code);

	store_question(gen, run);
	step_until_finished(gen, run);
	if (gen->tracked)
		take_worlds(gen, frame, run);
	else
		decide(gen, frame, next);
	sl_asm_bind(gen->code, next);
}

void sl_gen_table(struct sl_gen *gen, const struct sl_frame *frame, const struct sl_table *run)
{
	if (run->forks && gen->branches)
		sl_gen_forks(gen, frame, run);
	else
		look_up(gen, frame, run);
}
