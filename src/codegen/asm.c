/* SPDX-License-Identifier: GPL-2.0-only */
#include "codegen/asm.h"

#include <assert.h>
#include <errno.h>

void sl_asm_init(struct sl_asm *code, struct sl_arena *arena)
{
	*code = (struct sl_asm){.arena = arena};
}

static void emit(struct sl_asm *code, u8 opcode, u8 dst, u8 src, s32 offset, s32 imm)
{
	if (code->error)
		return;
	if (offset < INT16_MIN || offset > INT16_MAX) {
		code->error = -E2BIG;
		return;
	}

	struct bpf_insn *insn = sl_list_push(code->arena, &code->insns);

	if (!insn) {
		code->error = -ENOMEM;
		return;
	}
	*insn = (struct bpf_insn){
		.code = opcode,
		.dst_reg = dst & 0xf,
		.src_reg = src & 0xf,
		.off = (s16)offset,
		.imm = imm,
	};
}

sl_label sl_asm_label(struct sl_asm *code)
{
	s32 *position = code->error ? NULL : sl_list_push(code->arena, &code->labels);

	if (!position) {
		if (!code->error)
			code->error = -ENOMEM;
		return (sl_label){0};
	}
	*position = -1;
	return (sl_label){code->labels.count - 1};
}

void sl_asm_bind(struct sl_asm *code, sl_label label)
{
	if (code->error)
		return;
	assert(code->labels.items[label.id] < 0);
	code->labels.items[label.id] = (s32)code->insns.count;
}

void sl_asm_alu64_imm(struct sl_asm *code, u8 op, enum sl_reg dst, s32 imm)
{
	emit(code, BPF_ALU64 | op | BPF_K, dst, 0, 0, imm);
}

void sl_asm_alu64_reg(struct sl_asm *code, u8 op, enum sl_reg dst, enum sl_reg src)
{
	emit(code, BPF_ALU64 | op | BPF_X, dst, src, 0, 0);
}

void sl_asm_alu32_imm(struct sl_asm *code, u8 op, enum sl_reg dst, s32 imm)
{
	emit(code, BPF_ALU | op | BPF_K, dst, 0, 0, imm);
}

void sl_asm_alu32_reg(struct sl_asm *code, u8 op, enum sl_reg dst, enum sl_reg src)
{
	emit(code, BPF_ALU | op | BPF_X, dst, src, 0, 0);
}

void sl_asm_swap(struct sl_asm *code, enum sl_reg dst, s32 bits)
{
	emit(code, BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, 0, bits);
}

void sl_asm_const(struct sl_asm *code, enum sl_reg dst, u64 value)
{
	if (value <= UINT32_MAX) { /* a 32-bit move clears the upper half */
		emit(code, BPF_ALU | BPF_MOV | BPF_K, dst, 0, 0, (s32)value);
		return;
	}
	emit(code, BPF_LD | BPF_DW | BPF_IMM, dst, 0, 0, (s32)value);
	emit(code, 0, 0, 0, 0, (s32)(value >> 32));
}

static u8 size_code(u32 size)
{
	switch (size) {
	case 1:
		return BPF_B;
	case 2:
		return BPF_H;
	case 4:
		return BPF_W;
	default:
		assert(size == 8);
		return BPF_DW;
	}
}

void sl_asm_load(struct sl_asm *code, u32 size, enum sl_reg dst, enum sl_reg base, s32 offset)
{
	emit(code, BPF_LDX | BPF_MEM | size_code(size), dst, base, offset, 0);
}

void sl_asm_store(struct sl_asm *code, u32 size, enum sl_reg base, s32 offset, enum sl_reg src)
{
	emit(code, BPF_STX | BPF_MEM | size_code(size), base, src, offset, 0);
}

void sl_asm_store_imm(struct sl_asm *code, u32 size, enum sl_reg base, s32 offset, s32 imm)
{
	emit(code, BPF_ST | BPF_MEM | size_code(size), base, 0, offset, imm);
}

static void jump_to(struct sl_asm *code, u8 opcode, u8 dst, u8 src, s32 imm, sl_label target)
{
	if (code->error)
		return;

	struct sl_fixup *fixup = sl_list_push(code->arena, &code->fixups);

	if (!fixup) {
		code->error = -ENOMEM;
		return;
	}
	*fixup = (struct sl_fixup){code->insns.count, target.id};
	emit(code, opcode, dst, src, 0, imm);
}

void sl_asm_jump(struct sl_asm *code, sl_label target)
{
	jump_to(code, BPF_JMP | BPF_JA, 0, 0, 0, target);
}

void sl_asm_jump_imm(struct sl_asm *code, u8 op, enum sl_reg reg, s32 imm, sl_label target)
{
	jump_to(code, BPF_JMP | op | BPF_K, reg, 0, imm, target);
}

void sl_asm_jump_reg(struct sl_asm *code, u8 op, enum sl_reg reg, enum sl_reg other,
		     sl_label target)
{
	jump_to(code, BPF_JMP | op | BPF_X, reg, other, 0, target);
}

void sl_asm_jump32_imm(struct sl_asm *code, u8 op, enum sl_reg reg, u32 imm, sl_label target)
{
	jump_to(code, BPF_JMP32 | op | BPF_K, reg, 0, (s32)imm, target);
}

void sl_asm_call(struct sl_asm *code, s32 helper)
{
	emit(code, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

/* The instruction that comes next is for the loader to complete. */
static void relocate(struct sl_asm *code, enum sl_reloc_kind kind, u32 index)
{
	struct sl_reloc *reloc = code->error ? NULL : sl_list_push(code->arena, &code->relocs);

	if (reloc)
		*reloc = (struct sl_reloc){code->insns.count, kind, index};
	else if (!code->error)
		code->error = -ENOMEM;
}

void sl_asm_call_function(struct sl_asm *code, enum sl_function function)
{
	relocate(code, SL_RELOC_FUNCTION, function);
	emit(code, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0);
}

void sl_asm_map(struct sl_asm *code, enum sl_reg dst, enum sl_reloc_kind kind, u32 index)
{
	relocate(code, kind, index);
	emit(code, BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, 0);
	emit(code, 0, 0, 0, 0, 0);
}

/* Marks what can be reached from `at`; `targets` holds each jump's target, −1 elsewhere. */
static void mark_reachable(const struct sl_asm *code, const s32 *targets, u32 *stack, bool *reached)
{
	u32 depth = 0;

	stack[depth++] = 0;
	while (depth) {
		u32 at = stack[--depth];

		while (at < code->insns.count && !reached[at]) {
			u8 opcode = code->insns.items[at].code;

			reached[at] = true;
			if (opcode == (BPF_LD | BPF_DW | BPF_IMM))
				reached[++at] = true;
			if (targets[at] >= 0)
				stack[depth++] = (u32)targets[at];
			if (opcode == (BPF_JMP | BPF_JA))
				break;
			at++;
		}
	}
}

/* Moves everything down over what is not kept. */
static void compact(struct sl_asm *code, const bool *keep, u32 *moved)
{
	u32 count = 0, kept;

	for (u32 i = 0; i < code->insns.count; i++) {
		moved[i] = count;
		if (keep[i])
			code->insns.items[count++] = code->insns.items[i];
	}
	moved[code->insns.count] = count;
	code->insns.count = count;
	for (u32 i = 0; i < code->labels.count; i++)
		if (code->labels.items[i] >= 0)
			code->labels.items[i] = (s32)moved[code->labels.items[i]];
	kept = 0;
	for (u32 i = 0; i < code->fixups.count; i++) {
		struct sl_fixup fixup = code->fixups.items[i];

		if (keep[fixup.insn])
			code->fixups.items[kept++] =
				(struct sl_fixup){moved[fixup.insn], fixup.label};
	}
	code->fixups.count = kept;
	kept = 0;
	for (u32 i = 0; i < code->relocs.count; i++) {
		struct sl_reloc reloc = code->relocs.items[i];

		if (keep[reloc.insn]) {
			reloc.insn = moved[reloc.insn];
			code->relocs.items[kept++] = reloc;
		}
	}
	code->relocs.count = kept;
}

/*
 * Drops what cannot be reached, which the verifier refuses, and jumps to the next instruction.
 * So the emitting code need not know whether anybody falls through to it.
 */
static int remove_dead_code(struct sl_asm *code)
{
	u32 count = code->insns.count;
	s32 *targets = sl_arena_alloc(code->arena, (count + 1) * sizeof *targets);
	u32 *stack = sl_arena_alloc(code->arena, (code->fixups.count + 1) * sizeof *stack);
	u32 *moved = sl_arena_alloc(code->arena, (count + 1) * sizeof *moved);
	bool *keep = sl_arena_alloc(code->arena, (count + 1) * sizeof *keep);

	if (!targets || !stack || !moved || !keep)
		return -ENOMEM;
	for (u32 i = 0; i < count; i++)
		targets[i] = -1;
	for (u32 i = 0; i < code->fixups.count; i++) {
		s32 target = code->labels.items[code->fixups.items[i].label];

		assert(target >= 0);
		targets[code->fixups.items[i].insn] = target;
	}
	mark_reachable(code, targets, stack, keep);
	for (u32 i = 0; i < count; i++) {
		if (code->insns.items[i].code != (BPF_JMP | BPF_JA) || !keep[i])
			continue;

		u32 next = i + 1;

		while (next < count && !keep[next])
			next++;
		if (targets[i] > (s32)i && (u32)targets[i] <= next)
			keep[i] = false;
	}
	compact(code, keep, moved);
	return 0;
}

int sl_asm_finish(struct sl_asm *code)
{
	if (!code->error)
		code->error = remove_dead_code(code);
	for (u32 i = 0; i < code->fixups.count && !code->error; i++) {
		struct sl_fixup fixup = code->fixups.items[i];
		s64 distance = (s64)code->labels.items[fixup.label] - fixup.insn - 1;

		if (distance < INT16_MIN || distance > INT16_MAX)
			code->error = -E2BIG;
		else
			code->insns.items[fixup.insn].off = (s16)distance;
	}
	code->fixups.count = 0;
	return code->error;
}
