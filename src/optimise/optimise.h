/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Passes over the IR, each in a file of its own.
 *
 * Enters: a program as lifted. Leaves: the same program, changed in place, for codegen/.
 * Promised by every pass: for every packet, the interpreter gives the same verdict, the same
 * passing worlds and the same counters before and after. But legalise may turn drops into passes,
 * and where nothing depends on a lookup that is gone, an element that is just expiring no longer
 * makes the packet pass. tests/oracle checks it on random programs. What a pass does not know it
 * leaves alone.
 */
#ifndef SLUICE_OPTIMISE_OPTIMISE_H
#define SLUICE_OPTIMISE_OPTIMISE_H

#include "base/diag.h"
#include "ir/ir.h"

/*
 * All passes in order. `word_limit`: of the image of tables. 0, or -errno with `diag` filled in;
 * -ENOSPC: the limit.
 */
int sl_optimise(struct sl_program *program, u32 word_limit, struct sl_diag *diag);

/*
 * specialise.c: splits every step of two families into one each, with chains of its own in which
 * what the device and the family fix is folded: matches that always hold are gone, and rules that
 * never match too.
 */
int sl_optimise_specialise(struct sl_program *program);

/*
 * shadow.c: rules that can never match, since rules before them take their packets, go. They are
 * noted in the program's `idle`, and so are those that change no verdict. In bounded time: what
 * would take longer is not looked for. Rules go, too, behind one that leaves all to the kernel.
 */
int sl_optimise_shadow(struct sl_program *program);

/*
 * flatten.c: chains that hold nothing but plain rules take the place of the jumps to them, where
 * that makes a run of `run_min` neighbours or more. At most twice as many rules come of it.
 */
#define SL_RUN_MIN 24
int sl_optimise_flatten(struct sl_program *program, u32 run_min);

/*
 * gather.c: a long run of rules that are boxes (classify/boxes.h) becomes one table, unless merge.c
 * has something cheaper to make of it. `program->choices` says what was made of each run, and why.
 */
int sl_optimise_gather(struct sl_program *program, u32 word_limit, struct sl_diag *diag);

/*
 * merge.c: a run of rules that test one key for a value or prefix each and end in a verdict (with
 * or without a counter) becomes one lookup.
 */
int sl_optimise_merge(struct sl_program *program);
/*
 * How many rules from `start` on would become one lookup; < 2: none. *ret_is_exact: in a hash,
 * not a trie.
 */
u32 sl_merge_find_run(const struct sl_chain *chain, u32 start, bool *ret_is_exact);

/* legalise.c: what codegen/ has no code for becomes UNKNOWN or KERNEL, with the reason. */
int sl_optimise_legalise(struct sl_program *program);

#endif
