/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An eBPF assembler with labels (RFC 9669). Instructions are appended; jumps name labels, never
 * counted offsets; references to maps are left as relocations for the loader.
 *
 * Errors stick: the first one (out of memory, code too long) is kept, everything after it is a
 * no-op, and sl_asm_finish() reports it. So emitting code needs no checks.
 */
#ifndef SLUICE_CODEGEN_ASM_H
#define SLUICE_CODEGEN_ASM_H

#include <linux/bpf.h>

#include "base/arena.h"
#include "base/types.h"

enum sl_reg { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 };

typedef struct {
	u32 id;
} sl_label;

enum sl_reloc_kind {
	SL_RELOC_SET,      /* the map of sets[index] */
	SL_RELOC_LOCAL,    /* the map of local addresses */
	SL_RELOC_FUNCTION, /* the enum sl_function that index is */
};

/* Functions of bpf/ that generated code calls. */
enum sl_function {
	SL_FUNCTION_TABLE_STEP,
	SL_FUNCTION_TRIE_HAS,
	SL_FUNCTION_TRIE_VALUE,
	SL_FUNCTION_LIMIT_IS_SPENT,
	SL_FUNCTION_TCP_OPTION,
	SL_FUNCTION_WAY_BACK_IP,
	SL_FUNCTION_WAY_BACK_IP6,
	SL_FUNCTION_FILLED_HAS,
	SL_FUNCTION_RECENT_HAS,
	SL_FUNCTIONS,
};

struct sl_reloc {
	u32 insn; /* the first half of an ld_imm64, or a call */
	enum sl_reloc_kind kind;
	u32 index;
};

struct sl_fixup {
	u32 insn, label;
};

struct sl_asm {
	struct sl_arena *arena; /* borrowed; owns the lists below */
	SL_LIST(struct bpf_insn) insns;
	SL_LIST(struct sl_reloc) relocs;
	SL_LIST(s32) labels; /* instruction index, or −1 while unbound */
	SL_LIST(struct sl_fixup) fixups;
	int error;
};

void sl_asm_init(struct sl_asm *code, struct sl_arena *arena);

sl_label sl_asm_label(struct sl_asm *code);
void sl_asm_bind(struct sl_asm *code, sl_label label); /* here; once per label */

/* dst <op>= imm or src; `op` is BPF_ADD, BPF_MOV, … */
void sl_asm_alu64_imm(struct sl_asm *code, u8 op, enum sl_reg dst, s32 imm);
void sl_asm_alu64_reg(struct sl_asm *code, u8 op, enum sl_reg dst, enum sl_reg src);
void sl_asm_alu32_imm(struct sl_asm *code, u8 op, enum sl_reg dst, s32 imm);
void sl_asm_alu32_reg(struct sl_asm *code, u8 op, enum sl_reg dst, enum sl_reg src);
/* dst = the `bits` (16, 32, 64) low bits of dst, from host to network order or back */
void sl_asm_swap(struct sl_asm *code, enum sl_reg dst, s32 bits);
/* dst = any constant, in as few instructions as it needs */
void sl_asm_const(struct sl_asm *code, enum sl_reg dst, u64 value);

/* `size` in bytes: 1, 2, 4, 8 */
void sl_asm_load(struct sl_asm *code, u32 size, enum sl_reg dst, enum sl_reg base, s32 offset);
void sl_asm_store(struct sl_asm *code, u32 size, enum sl_reg base, s32 offset, enum sl_reg src);
void sl_asm_store_imm(struct sl_asm *code, u32 size, enum sl_reg base, s32 offset, s32 imm);

/* Conditional jumps compare unsigned: `op` is BPF_JEQ, BPF_JLT, … */
void sl_asm_jump(struct sl_asm *code, sl_label target);
void sl_asm_jump_imm(struct sl_asm *code, u8 op, enum sl_reg reg, s32 imm, sl_label target);
void sl_asm_jump_reg(struct sl_asm *code, u8 op, enum sl_reg reg, enum sl_reg other,
		     sl_label target);
/* the same on the low 32 bits */
void sl_asm_jump32_imm(struct sl_asm *code, u8 op, enum sl_reg reg, u32 imm, sl_label target);

void sl_asm_call(struct sl_asm *code, s32 helper);
void sl_asm_call_function(struct sl_asm *code, enum sl_function function);
void sl_asm_map(struct sl_asm *code, enum sl_reg dst, enum sl_reloc_kind kind, u32 index);

/*
 * Resolves the labels. 0, -ENOMEM, or -E2BIG when a jump would span more than 32,767
 * instructions. An unbound label is a bug and asserts.
 */
int sl_asm_finish(struct sl_asm *code);

#endif
