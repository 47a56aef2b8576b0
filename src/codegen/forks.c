/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs of a few rules, as branches (classify/forks.h): each fork a compare and a jump, each leaf
 * the compares that are left. Every way through is the verifier's to prove, but none is met twice.
 */
#include "codegen/gen.h"

#define NO_LANE UINT32_MAX

/* One run on its way to code. */
struct branching {
	struct sl_gen *gen;
	const struct sl_frame *frame;
	const struct sl_table *run;
	sl_label next; /* behind the run */
};

/* r1 = the lane, which may be there already: `held`. */
static void hold(const struct branching *branching, u32 *held, u32 lane)
{
	if (*held != lane)
		sl_gen_lane(branching->gen, &branching->run->lanes[lane], R1);
	*held = lane;
}

static void test(const struct branching *branching, u32 *held, const struct sl_fork_test *test,
		 sl_label fail)
{
	struct sl_asm *code = branching->gen->code;
	const struct sl_range *values = &test->values;

	hold(branching, held, test->lane);
	if (values->lo == values->hi) {
		sl_asm_jump32_imm(code, BPF_JNE, R1, values->lo, fail);
		return;
	}
	if (values->lo)
		sl_asm_jump32_imm(code, BPF_JLT, R1, values->lo, fail);
	if (values->hi != UINT32_MAX)
		sl_asm_jump32_imm(code, BPF_JGT, R1, values->hi, fail);
}

static enum sl_verdict_kind verdict_of(const struct sl_box *box)
{
	switch ((enum sl_item_action)box->action) {
	case SL_ITEM_CONTINUE:
		return SL_VERDICT_CONTINUE;
	case SL_ITEM_ACCEPT:
		return SL_VERDICT_ACCEPT;
	case SL_ITEM_DROP:
		return SL_VERDICT_DROP;
	case SL_ITEM_RETURN:
		return SL_VERDICT_RETURN;
	case SL_ITEM_PASS:
		break;
	}
	return SL_VERDICT_KERNEL;
}

/* A rule is met once, however many of its boxes match: `behind` it the next rule's begin. */
static void gen_item(const struct branching *branching, u32 *held, const struct sl_fork_item *item,
		     sl_label behind)
{
	sl_label fail = sl_asm_label(branching->gen->code);

	for (u32 i = 0; i < item->test_count; i++)
		test(branching, held, &item->tests[i], fail);
	sl_gen_effect(branching->gen, branching->frame, item->box->worlds,
		      item->box->counts ? &item->box->counter : NULL, verdict_of(item->box), fail,
		      behind);
	sl_asm_bind(branching->gen->code, fail);
	*held = NO_LANE;
}

static bool is_last_of_rule(const struct sl_fork *leaf, u32 index)
{
	return index + 1 == leaf->item_count ||
	       leaf->items[index].box->position != leaf->items[index + 1].box->position;
}

static void gen_leaf(const struct branching *branching, u32 held, const struct sl_fork *leaf)
{
	struct sl_asm *code = branching->gen->code;
	sl_label behind = sl_asm_label(code);

	for (u32 i = 0; i < leaf->item_count; i++) {
		gen_item(branching, &held, &leaf->items[i], behind);
		if (!is_last_of_rule(leaf, i))
			continue;
		sl_asm_bind(code, behind);
		behind = sl_asm_label(code);
	}
	sl_asm_bind(code, behind);
	sl_asm_jump(code, branching->next);
}

/* Lower values fall through. */
static void gen_fork(const struct branching *branching, u32 held, const struct sl_fork *fork)
{
	struct sl_asm *code = branching->gen->code;
	sl_label above;

	if (!fork->below) {
		gen_leaf(branching, held, fork);
		return;
	}
	above = sl_asm_label(code);
	hold(branching, &held, fork->lane);
	sl_asm_jump32_imm(code, BPF_JGE, R1, fork->border, above);
	gen_fork(branching, held, fork->below);
	sl_asm_bind(code, above);
	gen_fork(branching, held, fork->above);
}

void sl_gen_forks(struct sl_gen *gen, const struct sl_frame *frame, const struct sl_table *run)
{
	struct branching branching = {gen, frame, run, sl_asm_label(gen->code)};

	gen_fork(&branching, NO_LANE, run->forks->root);
	sl_asm_bind(gen->code, branching.next);
}
