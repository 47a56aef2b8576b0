/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lookups in sets. Small constant sets become compares; the rest are maps, which src/load/ makes
 * and the watcher changes: tries (bpf/trie.h) of disjoint ranges and of short keys, a hash for each
 * set of long ones.
 */
#include "codegen/gen.h"

#include "classify/tries.h"
#include "filled.h"
#include "ir/key.h"
#include "trie.h"

#define INLINE_EXACT_MAX  8
#define INLINE_RANGES_MAX 8
#define INLINE_BOXES_MAX  64

bool sl_set_is_inline(const struct sl_set *set)
{
	if (set->is_vmap || set->has_timeouts)
		return false;
	switch (set->kind) {
	case SL_SET_EXACT:
		return set->is_constant && set->elements.count <= INLINE_EXACT_MAX;
	case SL_SET_INTERVAL:
		return set->is_constant && set->elements.count <= INLINE_RANGES_MAX;
	case SL_SET_BOXES: /* they have no map yet; legalise.c leaves the large ones alone */
		return set->elements.count <= INLINE_BOXES_MAX;
	}
	return false;
}

/* Falls through if the key is in one of the elements. */
static void scan(struct sl_gen *gen, const struct sl_op *op, sl_label no)
{
	const struct sl_set *set = op->set;
	sl_label yes = sl_asm_label(gen->code);

	for (u32 i = 0; i < set->elements.count; i++) {
		const struct sl_element *element = &set->elements.items[i];
		sl_label next = sl_asm_label(gen->code);

		if (set->kind == SL_SET_BOXES) {
			for (u32 f = 0, at = 0; f < set->field_count;
			     at += (set->field_lengths[f++] + 3) & ~3u)
				sl_gen_between(gen, &op->key, at, set->field_lengths[f],
					       element->key + at, element->key_end + at, next);
		} else {
			sl_gen_between(gen, &op->key, 0, set->key_length, element->key,
				       element->key_end, next);
		}
		sl_asm_jump(gen->code, yes);
		sl_asm_bind(gen->code, next);
	}
	sl_asm_jump(gen->code, no);
	sl_asm_bind(gen->code, yes);
}

/*
 * Elements end by our own clock, which is a little early: for a while behind it the packet passes,
 * and then the element is gone for the kernel as well (ir.h).
 */
static void check_expiry(struct sl_gen *gen, sl_label miss)
{
	struct sl_asm *code = gen->code;
	s32 spill = SL_CURSOR(key);
	sl_label alive = sl_asm_label(code);

	sl_asm_load(code, 8, R1, R0, (s32)offsetof(struct sl_set_value, expires_at_ns));
	sl_asm_jump_imm(code, BPF_JEQ, R1, 0, alive);
	sl_asm_store(code, 8, R6, spill, R0);
	sl_asm_call(code, BPF_FUNC_ktime_get_ns);
	sl_asm_alu64_reg(code, BPF_MOV, R2, R0);
	sl_asm_load(code, 8, R0, R6, spill);
	sl_asm_load(code, 8, R1, R0, (s32)offsetof(struct sl_set_value, expires_at_ns));
	sl_asm_jump_reg(code, BPF_JLT, R2, R1, alive);
	sl_asm_const(code, R3, SL_EXPIRY_GRACE_NS);
	sl_asm_alu64_reg(code, BPF_ADD, R1, R3);
	sl_asm_jump_reg(code, BPF_JLT, R2, R1, gen->pass_all);
	sl_asm_jump(code, miss);
	sl_asm_bind(code, alive);
}

/* Falls through with r0 = the element's value. */
static void lookup_hash(struct sl_gen *gen, const struct sl_op *op, sl_label miss)
{
	struct sl_asm *code = gen->code;

	sl_gen_key_store(gen, &op->key);
	sl_asm_map(code, R1, SL_RELOC_SET, op->set->index);
	sl_asm_alu64_reg(code, BPF_MOV, R2, R6);
	sl_asm_alu64_imm(code, BPF_ADD, R2, SL_CURSOR(key) + 8);
	sl_asm_call(code, BPF_FUNC_map_lookup_elem);
	sl_asm_jump_imm(code, BPF_JEQ, R0, 0, miss);
	if (op->set->has_timeouts)
		check_expiry(gen, miss);
}

/* r2, r3 = the key's bytes, the first highest. */
static void load_words(struct sl_gen *gen, const struct sl_key *key)
{
	struct sl_asm *code = gen->code;
	s32 stored = SL_CURSOR(key) + 8;

	if (sl_gen_chunk_length(key, 0) == key->length) {
		sl_gen_chunk(gen, key, 0, key->length, R2);
		sl_gen_chunk_order(gen, R2, key->length);
		if (key->length < 8)
			sl_asm_alu64_imm(code, BPF_LSH, R2, 64 - 8 * key->length);
		sl_asm_const(code, R3, 0);
		return;
	}
	if (key->length < 16) {
		sl_asm_store_imm(code, 8, R6, stored, 0);
		sl_asm_store_imm(code, 8, R6, stored + 8, 0);
	}
	sl_gen_key_store(gen, key);
	sl_asm_load(code, 8, R2, R6, stored);
	sl_asm_swap(code, R2, 64);
	sl_asm_load(code, 8, R3, R6, stored + 8);
	sl_asm_swap(code, R3, 64);
}

/* Falls through with r0 as trie_has() or trie_value() left it. */
static void lookup_trie(struct sl_gen *gen, const struct sl_op *op, sl_label miss)
{
	struct sl_asm *code = gen->code;

	load_words(gen, &op->key);
	sl_asm_const(code, R1, op->set->index);
	sl_asm_call_function(code, sl_set_has_records(op->set) ? SL_FUNCTION_TRIE_VALUE
							       : SL_FUNCTION_TRIE_HAS);
	sl_asm_jump32_imm(code, BPF_JEQ, R0, 0, miss);
	sl_asm_jump32_imm(code, BPF_JEQ, R0, SL_TRIE_BROKEN, gen->pass_all);
}

/* Falls through if the key, which was checked, is in the set. */
static void lookup(struct sl_gen *gen, const struct sl_op *op, sl_label miss)
{
	if (sl_set_has_trie(op->set))
		lookup_trie(gen, op, miss);
	else
		lookup_hash(gen, op, miss);
}

enum sl_match_result sl_gen_set(struct sl_gen *gen, const struct sl_op *op, sl_label fail)
{
	sl_label inside = sl_asm_label(gen->code), outside = sl_asm_label(gen->code);
	sl_label miss = op->invert ? outside : fail;
	u8 value[SL_KEY_MAX];

	if (sl_set_is_inline(op->set) && sl_gen_key_const(gen, &op->key, value)) {
		sl_asm_bind(gen->code, inside);
		sl_asm_bind(gen->code, outside);
		return sl_op_test(op, value) ? SL_MATCH_ALWAYS : SL_MATCH_NEVER;
	}
	sl_gen_key_check(gen, &op->key, fail);
	if (sl_set_holds_all(op->set))
		sl_asm_jump(gen->code, op->invert ? fail : inside);
	else if (sl_set_is_inline(op->set))
		scan(gen, op, miss);
	else
		lookup(gen, op, miss);
	if (op->invert)
		sl_asm_jump(gen->code, fail);
	sl_asm_bind(gen->code, inside);
	sl_asm_bind(gen->code, outside);
	return SL_MATCH_TESTED;
}

void sl_gen_ask_filled(struct sl_gen *gen, const struct sl_op *op, sl_label broke)
{
	sl_gen_key_check(gen, &op->key, broke);
	load_words(gen, &op->key);
	sl_asm_const(gen->code, R1, op->filled);
	sl_asm_call_function(gen->code, gen->program->filled.items[op->filled].is_recent
						? SL_FUNCTION_RECENT_HAS
						: SL_FUNCTION_FILLED_HAS);
}

void sl_gen_vmap_lookup(struct sl_gen *gen, const struct sl_op *op, sl_label miss, sl_label fail)
{
	struct sl_asm *code = gen->code;

	sl_gen_key_check(gen, &op->key, fail);
	lookup(gen, op, miss);
	if (sl_set_has_trie(op->set)) {
		sl_asm_alu32_reg(code, BPF_MOV, R1, R0);
		sl_asm_alu32_imm(code, BPF_SUB, R1, 1);
		sl_asm_alu64_reg(code, BPF_MOV, R2, R0);
		sl_asm_alu64_imm(code, BPF_RSH, R2, 32);
		return;
	}
	sl_asm_load(code, 4, R1, R0, (s32)offsetof(struct sl_set_value, verdict));
	sl_asm_load(code, 4, R2, R0, (s32)offsetof(struct sl_set_value, counter));
}
