/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Long runs of rules, looked up in decision trees (abi/table.h). A function of its own that the
 * verifier proves once, for any question and any image: so however many rules there are, and
 * wherever generated code asks, a load takes the same time.
 */
#ifndef SLUICE_BPF_TABLE_H
#define SLUICE_BPF_TABLE_H

#include "../abi/table.h"
#include "config.h"
#include "kernel.h"

struct table_words {
	__u64 words[1]; /* CONFIG(table_word)s of them; sized at load */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct table_words);
} tables SEC(".maps");

__noinline int table_step(struct sl_question *question)
{
	__u32 first = 0;
	struct table_words *image = bpf_map_lookup_elem(&tables, &first);

	if (!image || !question)
		return SL_STEP_BROKEN;
	return sl_table_step(image->words, CONFIG(table_words), question);
}

#endif
