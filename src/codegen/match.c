/* SPDX-License-Identifier: GPL-2.0-only */
/* Matches that need no table: comparisons, ranges, and alternatives of them. */
#include "codegen/gen.h"

#include <linux/rtnetlink.h>
#include <string.h>

#include "ir/key.h"
#include "way_back.h"

/* if reg <op> value goto target, for a chunk of `length` bytes. Uses r4. */
static void jump_chunk(struct sl_gen *gen, u8 op, enum sl_reg reg, u64 value, u32 length,
		       sl_label target)
{
	if (length <= 4) {
		sl_asm_jump32_imm(gen->code, op, reg, (u32)value, target);
	} else if (value <= INT32_MAX) {
		sl_asm_jump_imm(gen->code, op, reg, (s32)value, target);
	} else {
		sl_asm_const(gen->code, R4, value);
		sl_asm_jump_reg(gen->code, op, reg, R4, target);
	}
}

/* Falls through if key[from … from + length) equals `data`. */
static void equal(struct sl_gen *gen, const struct sl_key *key, u32 from, u32 length,
		  const u8 *data, sl_label no)
{
	for (u32 at = from, chunk; at < from + length; at += chunk) {
		chunk = sl_gen_chunk_length(key, at);
		if (chunk > from + length - at)
			chunk = from + length - at;
		sl_gen_chunk(gen, key, at, chunk, R1);
		jump_chunk(gen, BPF_JNE, R1, sl_chunk_const(data + at - from, chunk), chunk, no);
	}
}

/* Jumps to `less` or `greater`; falls through if equal. */
static void order(struct sl_gen *gen, const struct sl_key *key, u32 from, u32 length,
		  const u8 *data, sl_label less, sl_label greater)
{
	for (u32 at = from, chunk; at < from + length; at += chunk) {
		chunk = sl_gen_chunk_length(key, at);
		if (chunk > from + length - at)
			chunk = from + length - at;
		sl_gen_chunk(gen, key, at, chunk, R1);
		sl_gen_chunk_order(gen, R1, chunk);

		u64 value = sl_value_number(data + at - from, chunk);

		jump_chunk(gen, BPF_JLT, R1, value, chunk, less);
		jump_chunk(gen, BPF_JGT, R1, value, chunk, greater);
	}
}

void sl_gen_between(struct sl_gen *gen, const struct sl_key *key, u32 from, u32 length,
		    const u8 *lo, const u8 *hi, sl_label no)
{
	sl_label above = sl_asm_label(gen->code), inside = sl_asm_label(gen->code);

	if (!memcmp(lo, hi, length)) {
		equal(gen, key, from, length, lo, no);
	} else if (length <= 8 && sl_gen_chunk_length(key, from) >= length) {
		sl_gen_chunk(gen, key, from, length, R1);
		sl_gen_chunk_order(gen, R1, length);
		jump_chunk(gen, BPF_JLT, R1, sl_value_number(lo, length), length, no);
		jump_chunk(gen, BPF_JGT, R1, sl_value_number(hi, length), length, no);
	} else {
		order(gen, key, from, length, lo, no, above);
		sl_asm_bind(gen->code, above);
		order(gen, key, from, length, hi, inside, no);
		sl_asm_bind(gen->code, inside);
		return;
	}
	sl_asm_bind(gen->code, above);
	sl_asm_bind(gen->code, inside);
}

static void compare(struct sl_gen *gen, const struct sl_op *op, sl_label no)
{
	sl_label less = sl_asm_label(gen->code), greater = sl_asm_label(gen->code);
	sl_label yes = sl_asm_label(gen->code);
	u32 length = op->key.length;

	switch ((enum sl_compare)op->compare) {
	case SL_EQ:
		equal(gen, &op->key, 0, length, op->data, no);
		break;
	case SL_NE:
		equal(gen, &op->key, 0, length, op->data, yes);
		sl_asm_jump(gen->code, no);
		break;
	case SL_LT:
		order(gen, &op->key, 0, length, op->data, yes, no);
		sl_asm_jump(gen->code, no);
		break;
	case SL_LE:
		order(gen, &op->key, 0, length, op->data, yes, no);
		break;
	case SL_GT:
		order(gen, &op->key, 0, length, op->data, no, yes);
		sl_asm_jump(gen->code, no);
		break;
	case SL_GE:
		order(gen, &op->key, 0, length, op->data, no, yes);
		break;
	}
	sl_asm_bind(gen->code, less);
	sl_asm_bind(gen->code, greater);
	sl_asm_bind(gen->code, yes);
}

/* One alternative; its key was checked. Falls through on a match. */
static void test(struct sl_gen *gen, const struct sl_op *op, sl_label no)
{
	sl_label inside = sl_asm_label(gen->code);

	switch (op->kind) {
	case SL_OP_COMPARE:
		compare(gen, op, no);
		break;
	case SL_OP_RANGE:
		sl_gen_between(gen, &op->key, 0, op->key.length, op->data, op->data_end,
			       op->invert ? inside : no);
		if (op->invert) {
			sl_asm_jump(gen->code, no);
			sl_asm_bind(gen->code, inside);
			return;
		}
		break;
	default: /* SET: sl_gen_set handles inversion, and what is known now */
		if (sl_gen_set(gen, op, no) == SL_MATCH_NEVER)
			sl_asm_jump(gen->code, no);
		break;
	}
	sl_asm_bind(gen->code, inside);
}

static void any(struct sl_gen *gen, const struct sl_op *op, sl_label fail)
{
	sl_label yes = sl_asm_label(gen->code);

	for (u32 i = 0; i < op->alternative_count; i++)
		sl_gen_key_check(gen, &op->alternatives[i].key, fail);
	for (u32 i = 0; i < op->alternative_count; i++) {
		sl_label no = sl_asm_label(gen->code);

		test(gen, &op->alternatives[i], no);
		sl_asm_jump(gen->code, op->invert ? fail : yes);
		sl_asm_bind(gen->code, no);
	}
	if (!op->invert)
		sl_asm_jump(gen->code, fail);
	sl_asm_bind(gen->code, yes);
}

/* r0 = RTN_*, cursor.key = the address, zero padded; jumps to `known` if it has a fixed type. */
static void fixed_type(struct sl_gen *gen, sl_label known)
{
	struct sl_asm *code = gen->code;
	s32 key = SL_CURSOR(key);

	if (gen->family == SL_IP) {
		sl_asm_load(code, 4, R1, R7, 16);
		sl_asm_store(code, 8, R6, key, R1);
		sl_asm_store_imm(code, 8, R6, key + 8, 0);
		sl_asm_const(code, R0, RTN_BROADCAST);
		sl_asm_jump32_imm(code, BPF_JEQ, R1, UINT32_MAX, known);
		sl_asm_alu32_imm(code, BPF_AND, R1, 0xf0); /* the first byte is the lowest */
		sl_asm_const(code, R0, RTN_MULTICAST);
		sl_asm_jump32_imm(code, BPF_JEQ, R1, 0xe0, known);
	} else {
		sl_asm_load(code, 8, R1, R7, 24);
		sl_asm_store(code, 8, R6, key, R1);
		sl_asm_load(code, 8, R2, R7, 32);
		sl_asm_store(code, 8, R6, key + 8, R2);
		sl_asm_alu32_imm(code, BPF_AND, R1, 0xff);
		sl_asm_const(code, R0, RTN_MULTICAST);
		sl_asm_jump32_imm(code, BPF_JEQ, R1, 0xff, known);
	}
}

static void compare_address_type(struct sl_gen *gen, const struct sl_op *op, sl_label fail,
				 sl_label unknown)
{
	struct sl_asm *code = gen->code;
	sl_label known = sl_asm_label(code);
	u32 wanted = (u32)sl_chunk_const(op->data, 4);

	fixed_type(gen, known);
	sl_asm_map(code, R1, SL_RELOC_LOCAL, 0);
	sl_asm_alu64_reg(code, BPF_MOV, R2, R6);
	sl_asm_alu64_imm(code, BPF_ADD, R2, SL_CURSOR(key));
	sl_asm_call(code, BPF_FUNC_map_lookup_elem);
	sl_asm_jump_imm(code, BPF_JEQ, R0, 0, unknown);
	sl_asm_const(code, R0, RTN_LOCAL);
	sl_asm_bind(code, known);
	sl_asm_jump32_imm(code, op->compare == SL_EQ ? BPF_JNE : BPF_JEQ, R0, wanted, fail);
}

/* r0 = enum sl_way_back */
static void way_back(struct sl_gen *gen)
{
	const s32 walk = SL_CURSOR(scratch);
	struct sl_asm *code = gen->code;

	if (gen->family == SL_IP) {
		for (u32 at = 0; at < sizeof(struct sl_walk); at += 8)
			sl_asm_store_imm(code, 8, R6, walk + (s32)at, 0);
		sl_asm_load(code, 4, R1, R7, 12);
		sl_asm_store(code, 4, R6, walk + (s32)offsetof(struct sl_walk, address), R1);
		sl_asm_alu64_reg(code, BPF_MOV, R1, R6);
		sl_asm_alu64_imm(code, BPF_ADD, R1, walk);
		sl_asm_call_function(code, SL_FUNCTION_WAY_BACK_IP);
		return;
	}
	sl_asm_load(code, 8, R1, R7, 8);
	sl_asm_swap(code, R1, 64);
	sl_asm_load(code, 8, R2, R7, 16);
	sl_asm_swap(code, R2, 64);
	sl_asm_call_function(code, SL_FUNCTION_WAY_BACK_IP6);
}

_Static_assert(sizeof(struct sl_walk) <= sizeof(((struct sl_cursor *)0)->scratch), "it fits");

/* Only two values can be equal to what the route tells. */
static void compare_way_back(struct sl_gen *gen, const struct sl_op *op, sl_label fail,
			     sl_label unknown)
{
	struct sl_asm *code = gen->code;
	bool is_index = op->key.parts[0].field.offset == SL_META_WAY_BACK_IF;
	u32 found = is_index ? gen->program->device.ifindex : 1;
	u32 wanted = (u32)sl_chunk_const(op->data, 4);

	way_back(gen);
	sl_asm_jump32_imm(code, BPF_JEQ, R0, SL_WAY_UNKNOWN, unknown);
	if (!wanted || wanted == found)
		sl_asm_jump32_imm(code, op->compare == SL_EQ ? BPF_JNE : BPF_JEQ, R0,
				  wanted ? SL_WAY_FOUND : SL_WAY_MISSING, fail);
	else if (op->compare == SL_EQ)
		sl_asm_jump(code, fail);
}

void sl_gen_doubtful(struct sl_gen *gen, const struct sl_op *op, sl_label fail, sl_label unknown)
{
	if (op->key.parts[0].field.offset == SL_META_DADDR_TYPE)
		compare_address_type(gen, op, fail, unknown);
	else
		compare_way_back(gen, op, fail, unknown);
}

enum sl_match_result sl_gen_match(struct sl_gen *gen, const struct sl_op *op, sl_label fail)
{
	u8 value[SL_KEY_MAX];

	if (op->kind == SL_OP_ANY) {
		any(gen, op, fail);
		return SL_MATCH_TESTED;
	}
	if (sl_gen_key_const(gen, &op->key, value))
		return sl_op_test(op, value) ? SL_MATCH_ALWAYS : SL_MATCH_NEVER;
	sl_gen_key_check(gen, &op->key, fail);
	test(gen, op, fail);
	return SL_MATCH_TESTED;
}
