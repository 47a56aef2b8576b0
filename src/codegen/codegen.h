/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * eBPF from the IR.
 *
 * Enters: an optimised, verified program in which every CHAIN step is for one family. Leaves: one
 * piece of code per marker of abi/cursor.h, to be spliced into bpf/sluice.bpf.c by src/load/.
 * Promised: it decides exactly as the interpreter does, or passes where the interpreter drops
 * (only where the code would grow too long, or worlds wait in more than SL_CURSOR_DEPTH chains at
 * once; `over_limit` says so).
 */
#ifndef SLUICE_CODEGEN_CODEGEN_H
#define SLUICE_CODEGEN_CODEGEN_H

#include <linux/bpf.h>

#include "base/diag.h"
#include "codegen/asm.h"
#include "cursor.h"
#include "ir/ir.h"

#define SL_STAGES (SL_MARKER_LAST - SL_MARKER_FIRST + 1)

/* Where a stage ran out of room: this rule and all that its code would have met behind it. */
struct sl_code_cut {
	const struct sl_chain *chain; /* NULL: it did not */
	u64 handle;                   /* of the rule, the first of those that were merged */
};

struct sl_code {
	/* Instructions and relocations of each marker, in arena memory of the program. */
	struct sl_asm stages[SL_STAGES];
	u32 insn_limit;             /* as sl_codegen() was asked for */
	bool over_limit[SL_STAGES]; /* rules were left out for length, or jumps for depth */
	struct sl_code_cut cuts[SL_STAGES];
	u32 hit_max; /* counted rules that a packet can meet at most, ≤ SL_CURSOR_HITS */
};

#define SL_STAGE_INSNS_MAX 9000

/*
 * `program` must outlive the code. Behind `insn_limit` instructions a stage leaves the rules that
 * remain to the kernel; SL_STAGE_INSNS_MAX is a good first try, 0 leaves all of them.
 * 0, or -errno with `diag` filled in; -E2BIG: a single rule is too long, try a lower limit.
 */
int sl_codegen(const struct sl_program *program, u32 insn_limit, struct sl_code *ret_code,
	       struct sl_diag *diag);

/* A set that every key is in, whatever its elements: the generated code does not ask for them. */
bool sl_set_holds_all(const struct sl_set *set);
/* A set that it looks up in a map, rather than comparing inline. */
bool sl_set_needs_map(const struct sl_set *set);

/*
 * A verdict map's distinct verdicts, in the order of first use: what `verdict` indexes in
 * struct sl_set_value and struct sl_trie_record. 0 or -ENOMEM.
 */
struct sl_verdict_list {
	SL_LIST(struct sl_verdict) list;
	bool counts; /* some element stands for a counted rule */
};

int sl_set_verdicts(const struct sl_set *set, struct sl_arena *arena,
		    struct sl_verdict_list *ret_list);
u32 sl_verdict_index(const struct sl_verdict_list *verdicts, const struct sl_verdict *verdict);

#endif
