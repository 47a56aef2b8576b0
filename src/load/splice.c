/* SPDX-License-Identifier: GPL-2.0-only */
#include "load/splice.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The stage that an instruction is the marker of; −1: it is none. */
static int marker_stage(const struct bpf_insn *insn)
{
	if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg || insn->imm < SL_MARKER_FIRST ||
	    insn->imm > SL_MARKER_LAST)
		return -1;
	return insn->imm - SL_MARKER_FIRST;
}

/* Where every instruction goes; the last entry is the new length. */
static void lay_out(const struct bpf_insn *insns, u32 count, const struct sl_code *code, u32 *moved)
{
	u32 at = 0;

	for (u32 i = 0; i < count; i++) {
		int stage = marker_stage(&insns[i]);

		moved[i] = at;
		at += stage < 0 ? 1 : code->stages[stage].insns.count;
	}
	moved[count] = at;
}

/* The instruction's jump, in instructions, or false if it has none that moves. */
static bool jump_distance(const struct bpf_insn *insn, s32 *ret_distance)
{
	u8 class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

	if (class != BPF_JMP && class != BPF_JMP32)
		return false;
	if (op == BPF_EXIT)
		return false;
	if (op == BPF_CALL) { /* of a function of the same program */
		*ret_distance = insn->imm;
		return insn->src_reg == BPF_PSEUDO_CALL;
	}
	*ret_distance = insn->off;
	return true;
}

static int retarget(struct bpf_insn *insn, u32 old_at, const u32 *moved)
{
	s32 distance;

	if (!jump_distance(insn, &distance))
		return 0;

	s64 now = (s64)moved[(s64)old_at + 1 + distance] - moved[old_at] - 1;

	if (BPF_OP(insn->code) == BPF_CALL) {
		insn->imm = (s32)now;
		return 0;
	}
	if (now < INT16_MIN || now > INT16_MAX)
		return -E2BIG;
	insn->off = (s16)now;
	return 0;
}

/* A mark becomes the value. Moved as 32 bits, since 64 would extend the sign. */
static void put_config(struct bpf_insn *insn, const struct sl_config *config)
{
	u32 size = (u32)insn->imm >> 8 & 0xff, offset = (u32)insn->imm & 0xff, value = 0;

	if (insn->code != (BPF_ALU64 | BPF_MOV | BPF_K) ||
	    ((u32)insn->imm & 0xffff0000) != SL_CONFIG_MARK)
		return;
	assert(offset + size <= sizeof *config && size <= sizeof value);
	memcpy(&value, (const char *)config + offset, size);
	insn->code = BPF_ALU | BPF_MOV | BPF_K;
	insn->imm = (s32)value;
}

/* A stage, to where its marker was. */
static int put_stage(const struct sl_asm *stage, u32 at, const struct sl_spliced *spliced,
		     sl_resolve_fn *resolve, void *context)
{
	struct bpf_insn *to = &spliced->insns[at];

	if (stage->insns.count)
		memcpy(to, stage->insns.items, stage->insns.count * sizeof *to);
	for (u32 i = 0; i < stage->relocs.count; i++) {
		const struct sl_reloc *reloc = &stage->relocs.items[i];
		int meaning = resolve(context, reloc);

		if (meaning < 0)
			return meaning;
		if (reloc->kind == SL_RELOC_FUNCTION)
			meaning = (s32)spliced->moved[meaning] - (s32)(at + reloc->insn) - 1;
		to[reloc->insn].imm = meaning;
	}
	return 0;
}

int sl_splice(const struct bpf_insn *insns, u32 count, const struct sl_code *code,
	      const struct sl_config *config, sl_resolve_fn *resolve, void *context,
	      struct sl_spliced *ret_spliced)
{
	struct sl_spliced spliced = {.moved = calloc(count + 1, sizeof(u32))};
	int error = 0;

	if (!spliced.moved)
		return -ENOMEM;
	lay_out(insns, count, code, spliced.moved);
	spliced.count = spliced.moved[count];
	spliced.insns = calloc(spliced.count, sizeof *insns);
	if (!spliced.insns)
		error = -ENOMEM;
	for (u32 i = 0; i < count && !error; i++) {
		int stage = marker_stage(&insns[i]);
		struct bpf_insn *to = &spliced.insns[spliced.moved[i]];

		if (stage >= 0) {
			error = put_stage(&code->stages[stage], spliced.moved[i], &spliced, resolve,
					  context);
			continue;
		}
		*to = insns[i];
		put_config(to, config);
		error = retarget(to, i, spliced.moved);
	}
	if (error) {
		sl_spliced_free(&spliced);
		return error;
	}
	*ret_spliced = spliced;
	return 0;
}

void sl_spliced_free(struct sl_spliced *spliced)
{
	free(spliced->insns);
	free(spliced->moved);
	*spliced = (struct sl_spliced){0};
}
