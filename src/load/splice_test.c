// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "load/splice.h"

/* What clang made, as far as splicing looks at it. */
static const struct bpf_insn nop = {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = R1};
static const struct bpf_insn leave = {.code = BPF_JMP | BPF_EXIT};
static const struct bpf_insn wide = {.code = BPF_LD | BPF_DW | BPF_IMM, .imm = 0x11};
static const struct bpf_insn helper = {.code = BPF_JMP | BPF_CALL, .imm = 5};

static struct bpf_insn jump_by(s16 distance)
{
	return (struct bpf_insn){.code = BPF_JMP | BPF_JA, .off = distance};
}

static struct bpf_insn branch_by(s16 distance)
{
	return (struct bpf_insn){.code = BPF_JMP32 | BPF_JEQ | BPF_K, .off = distance};
}

static struct bpf_insn call_by(s32 distance)
{
	return (struct bpf_insn){
		.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = distance};
}

static struct bpf_insn marker(enum sl_marker id)
{
	return (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .imm = (s32)id};
}

/* A stage of `count` instructions, 100, 101, … */
static void fill_stage(struct sl_asm *stage, struct sl_arena *arena, u32 count)
{
	sl_asm_init(stage, arena);
	for (u32 i = 0; i < count; i++)
		sl_asm_alu64_imm(stage, BPF_MOV, R1, (s32)(100 + i));
}

struct splicing {
	struct sl_arena *arena;
	struct sl_code code;
	struct sl_spliced result;
};

/* Every stage is empty but for the first two, of 10 and of 20 instructions. */
static int begin(void **state)
{
	struct splicing *splicing = calloc(1, sizeof *splicing);

	splicing->arena = sl_arena_new();
	fill_stage(&splicing->code.stages[0], splicing->arena, 10);
	fill_stage(&splicing->code.stages[1], splicing->arena, 20);
	*state = splicing;
	return 0;
}

static int end(void **state)
{
	struct splicing *splicing = *state;

	sl_spliced_free(&splicing->result);
	sl_arena_free(splicing->arena);
	free(splicing);
	return 0;
}

/* Maps from number 7 on; every function begins at the last of three instructions. */
static int resolve(void *context, const struct sl_reloc *reloc)
{
	(void)context;
	if (reloc->kind == SL_RELOC_FUNCTION)
		return 2;
	return reloc->kind == SL_RELOC_SET ? 7 + (int)reloc->index : -ENOENT;
}

static const struct sl_config config = {.mac_low = 0xfffefdfc, .hit_max = 7};

static int splice(struct splicing *splicing, const struct bpf_insn *insns, u32 count)
{
	return sl_splice(insns, count, &splicing->code, &config, resolve, NULL, &splicing->result);
}

static void code_takes_the_place_of_its_marker(void **state)
{
	struct splicing *splicing = *state;
	const struct bpf_insn insns[] = {nop, marker(SL_MARKER_IP_INPUT), helper, leave};

	assert_int_equal(splice(splicing, insns, 4), 0);
	assert_int_equal(splicing->result.count, 3 + 20);
	assert_int_equal(splicing->result.insns[1].imm, 100);
	assert_int_equal(splicing->result.insns[20].imm, 119);
	assert_int_equal(splicing->result.insns[21].imm, helper.imm); /* a helper's id stays */
	assert_int_equal(splicing->result.insns[22].code, leave.code);
}

static void every_instruction_is_told_where_it_went(void **state)
{
	struct splicing *splicing = *state;
	const struct bpf_insn insns[] = {
		marker(SL_MARKER_IP_PREROUTING), wide, {0}, marker(SL_MARKER_IP6_FORWARD), leave};
	const u32 moved[] = {0, 10, 11, 12, 12, 13}; /* where line info follows */

	assert_int_equal(splice(splicing, insns, 5), 0);
	assert_memory_equal(splicing->result.moved, moved, sizeof moved);
	assert_int_equal(splicing->result.count, 13);
}

static void marks_become_the_values_of_the_configuration(void **state)
{
	struct splicing *splicing = *state;
	struct bpf_insn low = nop, hits = nop;

	low.imm = (s32)(SL_CONFIG_MARK | 4 << 8 | offsetof(struct sl_config, mac_low));
	hits.imm = (s32)(SL_CONFIG_MARK | 1 << 8 | offsetof(struct sl_config, hit_max));

	const struct bpf_insn insns[] = {low, hits, nop, leave};

	assert_int_equal(splice(splicing, insns, 4), 0);
	assert_int_equal(splicing->result.insns[0].imm, (s32)0xfffefdfc);
	/* 64 bits would be filled with the sign. */
	assert_int_equal(splicing->result.insns[0].code, BPF_ALU | BPF_MOV | BPF_K);
	assert_int_equal(splicing->result.insns[1].imm, 7);
	assert_int_equal(splicing->result.insns[2].code, nop.code);
}

static void jumps_over_a_splice_grow_by_it(void **state)
{
	struct splicing *splicing = *state;
	const struct bpf_insn insns[] = {
		jump_by(1),                      /* over the code */
		marker(SL_MARKER_IP_PREROUTING), /* 10 */
		branch_by(-2),                   /* to the code's first instruction */
		branch_by(-4),                   /* over it, back to the start */
		branch_by(1),                    /* over nothing that grew */
		nop,
		jump_by(0),
		leave,
	};

	assert_int_equal(splice(splicing, insns, 8), 0);
	assert_int_equal(splicing->result.insns[0].off, 10);
	assert_int_equal(splicing->result.insns[11].off, -11);
	assert_int_equal(splicing->result.insns[12].off, -13);
	assert_int_equal(splicing->result.insns[13].off, 1);
	assert_int_equal(splicing->result.insns[15].off, 0);
}

static void calls_within_the_program_follow(void **state)
{
	struct splicing *splicing = *state;
	const struct bpf_insn insns[] = {call_by(2), marker(SL_MARKER_IP_INPUT), leave, call_by(-4),
					 leave};

	assert_int_equal(splice(splicing, insns, 5), 0);
	assert_int_equal(splicing->result.insns[0].imm, 21);
	assert_int_equal(splicing->result.insns[22].imm, -23);
}

/* The second half may look like anything, a jump or a marker too. */
static void second_halves_are_data(void **state)
{
	struct splicing *splicing = *state;
	struct bpf_insn second = {.imm = SL_MARKER_IP_INPUT, .off = 0};
	const struct bpf_insn insns[] = {jump_by(2), wide, second, marker(SL_MARKER_IP_INPUT),
					 leave};

	assert_int_equal(splice(splicing, insns, 5), 0);
	assert_int_equal(splicing->result.count, 4 + 20);
	assert_int_equal(splicing->result.insns[0].off, 2);
	assert_memory_equal(&splicing->result.insns[1], &wide, sizeof wide);
	assert_memory_equal(&splicing->result.insns[2], &second, sizeof second);
}

static void maps_are_filled_in(void **state)
{
	struct splicing *splicing = *state;
	const struct bpf_insn insns[] = {nop, marker(SL_MARKER_IP_FORWARD), leave};
	struct sl_asm *stage = &splicing->code.stages[2];

	sl_asm_init(stage, splicing->arena);
	sl_asm_alu64_imm(stage, BPF_MOV, R1, 1);
	sl_asm_map(stage, R1, SL_RELOC_SET, 2);
	assert_int_equal(splice(splicing, insns, 3), 0);
	assert_int_equal(splicing->result.insns[2].imm, 9);
	assert_int_equal(stage->insns.items[1].imm, 0); /* the code can be spliced again */
}

static void calls_from_a_stage_reach_their_function(void **state)
{
	struct splicing *splicing = *state;
	const struct bpf_insn insns[] = {marker(SL_MARKER_IP_FORWARD), leave, nop};
	struct sl_asm *stage = &splicing->code.stages[2];

	sl_asm_init(stage, splicing->arena);
	sl_asm_call_function(stage, SL_FUNCTION_TRIE_HAS);
	sl_asm_alu64_imm(stage, BPF_MOV, R1, 1);
	sl_asm_call_function(stage, SL_FUNCTION_TRIE_VALUE);
	assert_int_equal(splice(splicing, insns, 3), 0);
	assert_int_equal(splicing->result.moved[2], 4);
	assert_int_equal(splicing->result.insns[0].src_reg, BPF_PSEUDO_CALL);
	assert_int_equal(splicing->result.insns[0].imm, 3);
	assert_int_equal(splicing->result.insns[2].imm, 1);
}

static void a_map_that_is_missing_fails_it(void **state)
{
	struct splicing *splicing = *state;
	const struct bpf_insn insns[] = {marker(SL_MARKER_IP_FORWARD), leave};
	struct sl_asm *stage = &splicing->code.stages[2];

	sl_asm_init(stage, splicing->arena);
	sl_asm_map(stage, R1, SL_RELOC_LOCAL, 0);
	assert_int_equal(splice(splicing, insns, 2), -ENOENT);
	assert_null(splicing->result.insns);
}

static void a_jump_that_no_longer_reaches_is_E2BIG(void **state)
{
	struct splicing *splicing = *state;
	const struct bpf_insn insns[] = {jump_by(1), marker(SL_MARKER_IP_INPUT), leave};

	fill_stage(&splicing->code.stages[1], splicing->arena, INT16_MAX);
	assert_int_equal(splice(splicing, insns, 3), 0);
	assert_int_equal(splicing->result.insns[0].off, INT16_MAX);
	sl_spliced_free(&splicing->result);
	fill_stage(&splicing->code.stages[1], splicing->arena, INT16_MAX + 1);
	assert_int_equal(splice(splicing, insns, 3), -E2BIG);
	assert_null(splicing->result.insns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(code_takes_the_place_of_its_marker, begin, end),
		cmocka_unit_test_setup_teardown(every_instruction_is_told_where_it_went, begin,
						end),
		cmocka_unit_test_setup_teardown(marks_become_the_values_of_the_configuration, begin,
						end),
		cmocka_unit_test_setup_teardown(jumps_over_a_splice_grow_by_it, begin, end),
		cmocka_unit_test_setup_teardown(calls_within_the_program_follow, begin, end),
		cmocka_unit_test_setup_teardown(second_halves_are_data, begin, end),
		cmocka_unit_test_setup_teardown(maps_are_filled_in, begin, end),
		cmocka_unit_test_setup_teardown(calls_from_a_stage_reach_their_function, begin,
						end),
		cmocka_unit_test_setup_teardown(a_map_that_is_missing_fails_it, begin, end),
		cmocka_unit_test_setup_teardown(a_jump_that_no_longer_reaches_is_E2BIG, begin, end),
	};

	return cmocka_run_group_tests_name("load/splice", tests, NULL, NULL);
}
