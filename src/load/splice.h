/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Puts generated code in the place of its marker (abi/cursor.h) inside a program that clang built,
 * after libbpf has relocated it and before the kernel sees it.
 */
#ifndef SLUICE_LOAD_SPLICE_H
#define SLUICE_LOAD_SPLICE_H

#include <linux/bpf.h>

#include "codegen/codegen.h"
#include "config.h"

struct sl_spliced {
	struct bpf_insn *insns; /* malloc'd */
	u32 count;
	u32 *moved; /* malloc'd: where each old instruction is now; old count + 1 entries */
};

/*
 * What a relocation means: the map's file descriptor; or the instruction that the function begins
 * at, before anything moves.
 */
typedef int sl_resolve_fn(void *context, const struct sl_reloc *reloc);

/*
 * `config` has the values that stand as marks in `insns`. 0, -ENOMEM, resolve's error, or -E2BIG
 * when a jump no longer reaches over the code.
 */
int sl_splice(const struct bpf_insn *insns, u32 count, const struct sl_code *code,
	      const struct sl_config *config, sl_resolve_fn *resolve, void *context,
	      struct sl_spliced *ret_spliced);
void sl_spliced_free(struct sl_spliced *spliced);

#endif
