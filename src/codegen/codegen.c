/* SPDX-License-Identifier: GPL-2.0-only */
#include "codegen/codegen.h"

#include <errno.h>
#include <string.h>

#include "codegen/gen.h"
#include "ir/flow.h"

bool sl_set_holds_all(const struct sl_set *set)
{
	return set->has_catchall && !set->is_vmap;
}

bool sl_set_needs_map(const struct sl_set *set)
{
	return !sl_set_is_inline(set) && !sl_set_holds_all(set);
}

u32 sl_verdict_index(const struct sl_verdict_list *verdicts, const struct sl_verdict *verdict)
{
	u32 i = 0;

	while (i < verdicts->list.count && (verdicts->list.items[i].kind != verdict->kind ||
					    verdicts->list.items[i].chain != verdict->chain))
		i++;
	return i;
}

int sl_set_verdicts(const struct sl_set *set, struct sl_arena *arena,
		    struct sl_verdict_list *ret_list)
{
	struct sl_verdict_list verdicts = {0};

	for (u32 i = 0; i < set->elements.count; i++) {
		const struct sl_element *element = &set->elements.items[i];

		verdicts.counts |= element->counts;
		if (sl_verdict_index(&verdicts, &element->verdict) < verdicts.list.count)
			continue;

		struct sl_verdict *verdict = sl_list_push(arena, &verdicts.list);

		if (!verdict)
			return -ENOMEM;
		*verdict = element->verdict;
	}
	*ret_list = verdicts;
	return 0;
}

/* The stage of a family that evaluates a hook; INGRESS comes with PREROUTING. */
static u32 stage_of(u8 family, enum sl_hook hook)
{
	u32 first = family == SL_IP ? SL_MARKER_IP_PREROUTING : SL_MARKER_IP6_PREROUTING;

	if (hook == SL_HOOK_INPUT)
		return first + 1 - SL_MARKER_FIRST;
	if (hook == SL_HOOK_FORWARD)
		return first + 2 - SL_MARKER_FIRST;
	return first - SL_MARKER_FIRST;
}

/*
 * Here a connection can be found, and its timer refreshed, so worlds that have one must go on.
 * From here on worlds are tracked; not by the verifier, to which they are any number (cursor.h).
 */
static void gen_conntrack(struct sl_gen *gen)
{
	u32 known = SL_WORLD_ESTABLISHED | SL_WORLD_RELATED;

	sl_asm_store_imm(gen->code, 4, R6, SL_CURSOR(worlds),
			 (s32)((SL_WORLDS_ALL & ~known) << SL_LIVE_SHIFT | known << SL_PASS_SHIFT));
	sl_asm_load(gen->code, 4, R9, R6, SL_CURSOR(worlds));
	gen->tracked = true;
}

static void gen_foreign(struct sl_gen *gen)
{
	if (!gen->tracked) {
		sl_asm_const(gen->code, R9, (u64)SL_WORLDS_ALL << SL_PASS_SHIFT);
	} else {
		sl_asm_alu32_reg(gen->code, BPF_MOV, R1, R9);
		sl_asm_alu32_imm(gen->code, BPF_AND, R1, SL_WORLDS_MASK);
		sl_asm_alu32_reg(gen->code, BPF_XOR, R9, R1);
		sl_asm_alu32_imm(gen->code, BPF_LSH, R1, SL_PASS_SHIFT);
		sl_asm_alu32_reg(gen->code, BPF_OR, R9, R1);
	}
	sl_asm_jump(gen->code, gen->exit);
}

static void gen_step(struct sl_gen *gen, const struct sl_step *step)
{
	gen->hook = step->hook;
	switch (step->kind) {
	case SL_STEP_CHAIN:
		gen->chain_family = step->chain->family;
		sl_gen_base_chain(gen, step);
		return;
	case SL_STEP_CONNTRACK:
		gen_conntrack(gen);
		return;
	case SL_STEP_TRACKED: /* the one world comes in */
		gen->tracked = true;
		return;
	case SL_STEP_KERNEL:
		gen_foreign(gen);
		return;
	case SL_STEP_ROUTE: /* bpf/route.h, between the stages */
		return;
	}
}

static bool belongs(const struct sl_program *program, u32 index, u8 family, u32 stage)
{
	const struct sl_step *step = &program->path.items[index];

	return step->families & family && step->kind != SL_STEP_ROUTE &&
	       stage_of(family, step->hook) == stage;
}

static bool is_empty(const struct sl_gen *gen, u32 stage)
{
	for (u32 i = 0; i < gen->program->path.count; i++)
		if (belongs(gen->program, i, gen->family, stage))
			return false;
	return true;
}

static void gen_stage(struct sl_gen *gen, u32 stage)
{
	struct sl_asm *code = gen->code;

	if (is_empty(gen, stage)) {
		sl_asm_alu32_reg(code, BPF_MOV, R0, R2);
		return;
	}
	gen->pass_all = sl_asm_label(code);
	gen->exit = sl_asm_label(code);
	sl_asm_alu64_reg(code, BPF_MOV, R6, R1);
	sl_asm_alu32_reg(code, BPF_MOV, R9, R2);
	sl_asm_load(code, 8, R7, R6, SL_CURSOR(network));
	sl_asm_load(code, 8, R8, R6, SL_CURSOR(transport));
	for (u32 i = 0; i < gen->program->path.count; i++)
		if (belongs(gen->program, i, gen->family, stage))
			gen_step(gen, &gen->program->path.items[i]);
	sl_asm_jump(code, gen->exit);
	sl_asm_bind(code, gen->pass_all);
	sl_asm_const(code, R9, (u64)SL_WORLDS_ALL << SL_PASS_SHIFT);
	sl_asm_bind(code, gen->exit);
	sl_asm_alu32_reg(code, BPF_MOV, R0, R9);
	sl_asm_alu32_imm(code, BPF_AND, R0, 0xffffff);
}

/* Counted rules on the longest way through a chain; saturates. */
static u32 chain_hits(const struct sl_chain *chain, u32 depth)
{
	u32 hits = 0;

	if (depth > SL_JUMP_DEPTH_MAX)
		return SL_CURSOR_HITS;
	for (u32 i = 0; i < chain->rules.count && hits < SL_CURSOR_HITS; i++) {
		const struct sl_rule *rule = &chain->rules.items[i];

		for (u32 j = 0; j < rule->ops.count; j++) {
			const struct sl_op *op = &rule->ops.items[j];

			if (op->kind == SL_OP_COUNTER)
				hits++;
			if (op->kind == SL_OP_TABLE)
				hits += op->table->hits;
			if (op->kind == SL_OP_VERDICT && op->verdict.chain)
				hits += chain_hits(op->verdict.chain, depth + 1);
			if (op->kind == SL_OP_VMAP)
				hits = SL_CURSOR_HITS; /* not worth a closer look */
		}
	}
	return hits < SL_CURSOR_HITS ? hits : SL_CURSOR_HITS;
}

static u32 path_hits(const struct sl_program *program, u8 family)
{
	u32 hits = 0;

	for (u32 i = 0; i < program->path.count; i++) {
		const struct sl_step *step = &program->path.items[i];

		if (step->kind != SL_STEP_CHAIN || !(step->families & family))
			continue;
		hits += chain_hits(step->chain, 0) + (step->policy_counter != SL_NO_COUNTER);
	}
	return hits < SL_CURSOR_HITS ? hits : SL_CURSOR_HITS;
}

static struct sl_gen gen_try(const struct sl_program *program, u32 stage, bool doubts,
			     bool branches, struct sl_code *code)
{
	u8 family = stage < SL_STAGES / 2 ? SL_IP : SL_IP6;
	struct sl_gen gen = {.code = &code->stages[stage],
			     .program = program,
			     .family = family,
			     .insn_limit = code->insn_limit,
			     .doubts = doubts,
			     .branches = branches,
			     .tracked =
				     stage % (SL_STAGES / 2) && sl_program_tracks(program, family)};

	sl_asm_init(gen.code, program->arena);
	gen_stage(&gen, stage);
	return gen;
}

static bool is_too_long(const struct sl_gen *gen)
{
	return gen->over_limit || gen->code->error == -E2BIG ||
	       gen->code->insns.count > gen->insn_limit;
}

/*
 * Branches are quick, and long: they must not cost any rule its place. `doubts`: struct sl_gen's,
 * from one stage of the family to the next.
 */
static int gen_one(const struct sl_program *program, u32 stage, bool *doubts, struct sl_code *code,
		   struct sl_diag *diag)
{
	struct sl_gen gen = gen_try(program, stage, *doubts, true, code);
	int error;

	if (is_too_long(&gen))
		gen = gen_try(program, stage, *doubts, false, code);
	code->over_limit[stage] = gen.over_limit;
	code->cuts[stage] = gen.cut;
	*doubts = gen.doubts;
	error = sl_asm_finish(gen.code);
	if (error == -ENOMEM)
		return sl_fail_memory(diag);
	if (error)
		return sl_fail(diag, E2BIG, "the rules make more code than one program can hold");
	return 0;
}

int sl_codegen(const struct sl_program *program, u32 insn_limit, struct sl_code *ret_code,
	       struct sl_diag *diag)
{
	struct sl_code code = {.insn_limit = insn_limit};
	bool doubts[2] = {false, false}; /* IPv4, IPv6 */
	u32 hits_ip = path_hits(program, SL_IP), hits_ip6 = path_hits(program, SL_IP6);

	for (u32 stage = 0; stage < SL_STAGES; stage++) {
		int error = gen_one(program, stage, &doubts[stage >= SL_STAGES / 2], &code, diag);

		if (error)
			return error;
	}
	code.hit_max = hits_ip > hits_ip6 ? hits_ip : hits_ip6;
	*ret_code = code;
	return 0;
}
