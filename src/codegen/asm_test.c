// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codegen/asm.h"

static struct sl_asm begin(void)
{
	struct sl_asm code;

	sl_asm_init(&code, sl_arena_new());
	assert_non_null(code.arena);
	return code;
}

static void end(struct sl_asm *code)
{
	sl_arena_free(code->arena);
}

/* Instructions that nothing removes; each can be told from the others. */
static void pad(struct sl_asm *code, u32 count)
{
	for (u32 i = 0; i < count; i++)
		sl_asm_alu64_imm(code, BPF_ADD, R1, (s32)i);
}

static void expect_insn(const struct sl_asm *code, u32 at, u8 opcode, s16 offset, s32 imm)
{
	assert_true(at < code->insns.count);
	assert_int_equal(code->insns.items[at].code, opcode);
	assert_int_equal(code->insns.items[at].off, offset);
	assert_int_equal(code->insns.items[at].imm, imm);
}

#define ADD         (BPF_ALU64 | BPF_ADD | BPF_K)
#define JEQ         (BPF_JMP | BPF_JEQ | BPF_K)
#define JUMP        (BPF_JMP | BPF_JA)
#define WIDE        (BPF_LD | BPF_DW | BPF_IMM)
#define WIDE_SECOND 0

static void jumps_reach_their_labels(void **unused)
{
	struct sl_asm code = begin();
	sl_label back = sl_asm_label(&code), front = sl_asm_label(&code);

	(void)unused;
	pad(&code, 1);
	sl_asm_bind(&code, back);
	pad(&code, 2);
	sl_asm_jump_imm(&code, BPF_JEQ, R1, 7, front);
	sl_asm_jump_imm(&code, BPF_JEQ, R1, 8, back);
	pad(&code, 3);
	sl_asm_bind(&code, front);
	pad(&code, 1);
	assert_int_equal(sl_asm_finish(&code), 0);
	assert_int_equal(code.insns.count, 9);
	expect_insn(&code, 3, JEQ, 4, 7);
	expect_insn(&code, 4, JEQ, -4, 8);
	end(&code);
}

static void a_label_behind_the_last_instruction_is_fine(void **unused)
{
	struct sl_asm code = begin();
	sl_label behind = sl_asm_label(&code);

	(void)unused;
	sl_asm_jump_imm(&code, BPF_JEQ, R1, 7, behind);
	pad(&code, 1);
	sl_asm_bind(&code, behind);
	assert_int_equal(sl_asm_finish(&code), 0);
	expect_insn(&code, 0, JEQ, 1, 7);
	end(&code);
}

static void what_nothing_reaches_is_gone(void **unused)
{
	struct sl_asm code = begin();
	sl_label behind = sl_asm_label(&code), dead = sl_asm_label(&code);

	(void)unused;
	sl_asm_jump_imm(&code, BPF_JEQ, R1, 7, behind);
	pad(&code, 1);
	sl_asm_jump(&code, behind);
	sl_asm_const(&code, R2, 0x123456789aULL); /* two instructions */
	sl_asm_jump_imm(&code, BPF_JEQ, R1, 8, dead);
	pad(&code, 5);
	sl_asm_bind(&code, dead);
	pad(&code, 1);
	sl_asm_bind(&code, behind);
	sl_asm_alu64_imm(&code, BPF_ADD, R1, 100);
	assert_int_equal(sl_asm_finish(&code), 0);
	assert_int_equal(code.insns.count, 3);
	expect_insn(&code, 0, JEQ, 1, 7);
	expect_insn(&code, 1, ADD, 0, 0);
	expect_insn(&code, 2, ADD, 0, 100);
	end(&code);
}

static void code_behind_a_backward_jump_is_kept_where_it_is_reached(void **unused)
{
	struct sl_asm code = begin();
	sl_label loop = sl_asm_label(&code), out = sl_asm_label(&code);

	(void)unused;
	sl_asm_bind(&code, loop);
	sl_asm_jump_imm(&code, BPF_JEQ, R1, 7, out);
	pad(&code, 1);
	sl_asm_jump(&code, loop);
	pad(&code, 1);
	sl_asm_bind(&code, out);
	pad(&code, 1);
	assert_int_equal(sl_asm_finish(&code), 0);
	assert_int_equal(code.insns.count, 4);
	expect_insn(&code, 0, JEQ, 2, 7);
	expect_insn(&code, 2, JUMP, -3, 0);
	end(&code);
}

/* Also where only dead code stands between, or other such jumps. */
static void jumps_to_the_next_instruction_are_gone(void **unused)
{
	struct sl_asm code = begin();
	sl_label next = sl_asm_label(&code), far = sl_asm_label(&code);

	(void)unused;
	sl_asm_jump_imm(&code, BPF_JEQ, R1, 7, far);
	sl_asm_jump(&code, next);
	pad(&code, 3);
	sl_asm_bind(&code, next);
	sl_asm_jump(&code, far);
	sl_asm_bind(&code, far);
	pad(&code, 1);
	assert_int_equal(sl_asm_finish(&code), 0);
	assert_int_equal(code.insns.count, 2);
	expect_insn(&code, 0, JEQ, 0, 7);
	expect_insn(&code, 1, ADD, 0, 0);
	end(&code);
}

static void relocations_move_with_their_instruction(void **unused)
{
	struct sl_asm code = begin();
	sl_label over = sl_asm_label(&code);

	(void)unused;
	pad(&code, 1);
	sl_asm_jump(&code, over);
	sl_asm_map(&code, R1, SL_RELOC_SET, 5); /* dead, and its relocation too */
	sl_asm_bind(&code, over);
	sl_asm_map(&code, R1, SL_RELOC_LOCAL, 0);
	sl_asm_map(&code, R2, SL_RELOC_SET, 6);
	assert_int_equal(sl_asm_finish(&code), 0);
	assert_int_equal(code.insns.count, 5);
	assert_int_equal(code.relocs.count, 2);
	assert_int_equal(code.relocs.items[0].insn, 1);
	assert_int_equal(code.relocs.items[0].kind, SL_RELOC_LOCAL);
	assert_int_equal(code.relocs.items[1].insn, 3);
	assert_int_equal(code.relocs.items[1].index, 6);
	expect_insn(&code, 1, WIDE, 0, 0);
	expect_insn(&code, 2, WIDE_SECOND, 0, 0);
	assert_int_equal(code.insns.items[1].src_reg, BPF_PSEUDO_MAP_FD);
	end(&code);
}

static int jump_over(u32 count)
{
	struct sl_asm code = begin();
	sl_label far = sl_asm_label(&code);
	int error;

	sl_asm_jump_imm(&code, BPF_JEQ, R1, 7, far);
	pad(&code, count);
	sl_asm_bind(&code, far);
	pad(&code, 1);
	error = sl_asm_finish(&code);
	if (!error)
		assert_int_equal(code.insns.items[0].off, count);
	end(&code);
	return error;
}

static void a_jump_spans_32767_instructions_and_no_more(void **unused)
{
	(void)unused;
	assert_int_equal(jump_over(INT16_MAX), 0);
	assert_int_equal(jump_over(INT16_MAX + 1), -E2BIG);
}

static void dead_code_does_not_lengthen_a_jump(void **unused)
{
	struct sl_asm code = begin();
	sl_label far = sl_asm_label(&code), out = sl_asm_label(&code);

	(void)unused;
	sl_asm_jump_imm(&code, BPF_JEQ, R1, 7, far);
	sl_asm_jump(&code, out);
	pad(&code, INT16_MAX + 1);
	sl_asm_bind(&code, far);
	pad(&code, 1);
	sl_asm_bind(&code, out);
	pad(&code, 1);
	assert_int_equal(sl_asm_finish(&code), 0);
	assert_int_equal(code.insns.count, 4);
	end(&code);
}

static void the_first_error_sticks(void **unused)
{
	struct sl_asm code = begin();

	(void)unused;
	sl_asm_load(&code, 4, R1, R7, INT16_MAX + 1);
	pad(&code, 1);
	assert_int_equal(code.insns.count, 0);
	assert_int_equal(sl_asm_finish(&code), -E2BIG);
	end(&code);
}

static void constants_take_the_fewest_instructions(void **unused)
{
	struct sl_asm code = begin();

	(void)unused;
	sl_asm_const(&code, R1, UINT32_MAX);
	assert_int_equal(code.insns.count, 1);
	expect_insn(&code, 0, BPF_ALU | BPF_MOV | BPF_K, 0, -1);
	sl_asm_const(&code, R1, 0x500000001ULL);
	assert_int_equal(code.insns.count, 3);
	expect_insn(&code, 1, WIDE, 0, 1);
	expect_insn(&code, 2, WIDE_SECOND, 0, 5);
	end(&code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jumps_reach_their_labels),
		cmocka_unit_test(a_label_behind_the_last_instruction_is_fine),
		cmocka_unit_test(what_nothing_reaches_is_gone),
		cmocka_unit_test(code_behind_a_backward_jump_is_kept_where_it_is_reached),
		cmocka_unit_test(jumps_to_the_next_instruction_are_gone),
		cmocka_unit_test(relocations_move_with_their_instruction),
		cmocka_unit_test(a_jump_spans_32767_instructions_and_no_more),
		cmocka_unit_test(dead_code_does_not_lengthen_a_jump),
		cmocka_unit_test(the_first_error_sticks),
		cmocka_unit_test(constants_take_the_fewest_instructions),
	};

	return cmocka_run_group_tests_name("codegen/asm", tests, NULL, NULL);
}
