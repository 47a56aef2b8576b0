/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Templates: the programs that clang compiled from bpf/sluice.bpf.c, made to fit this kernel.
 *
 * Enters: where a program will stand. Leaves: its instructions, in which libbpf has resolved types
 * and kernel functions, the markers and marks (abi/cursor.h, abi/config.h) are still to be
 * replaced, and each map is named by its number; and what its maps look like. Promised: libbpf is
 * asked once for each, and again when kernel modules have come or gone. That takes it longer than
 * all the rest of a load: it reads the types of the whole kernel.
 */
#ifndef SLUICE_LOAD_TEMPLATE_H
#define SLUICE_LOAD_TEMPLATE_H

#include <linux/bpf.h>

#include "base/diag.h"
#include "base/types.h"
#include "codegen/asm.h"

enum sl_hook_point {
	SL_POINT_XDP,
	SL_POINT_TC,
	SL_POINT_HOOK, /* behind one of the others, at netfilter's hooks */
};

/* Kinds of programs and attachments since Linux 6.4; younger than Debian 12's headers. */
#define SL_PROGRAM_NETFILTER ((enum bpf_prog_type)32)
#define SL_ATTACH_NETFILTER  ((enum bpf_attach_type)45)

/* Each map of bpf/sluice.bpf.c has its number here, and its name in template.c. */
enum sl_map {
	SL_MAP_LIVE,
	SL_MAP_FATES,
	SL_MAP_RULE_COUNTERS,
	SL_MAP_LOCAL,
	SL_MAP_TABLES,
	SL_MAP_TRIES,
	SL_MAP_LIMITS,
	SL_MAP_FILLED,
	SL_MAP_FILLED_SEARCHES,
	SL_MAP_RECENTS,
	SL_MAP_RECENT_SEARCHES,
	SL_MAP_LEGACY,
	SL_MAP_LEGACY_CHUNKS,
	SL_MAP_LEGACY_LOOKS,
	SL_MAP_BATCH_NOTES,
	SL_MAP_PACKET_COPIES,
	SL_MAP_KNOWN,
	SL_MAP_KNOWN_WORDS,
	SL_MAP_SAMPLING,
	SL_MAP_SAMPLES,
	SL_MAP_SAMPLING_TURNS,
	SL_MAP_AUDIT_EVEN,
	SL_MAP_AUDIT_ODD,
	SL_MAP_AUDIT_CONTROL,
	SL_MAP_AUDIT_COUNTS,
	SL_MAP_AUDIT_DRAFTS,
	SL_MAPS,
};

/* As in bpf/. */
const char *sl_map_name(enum sl_map map);

struct sl_map_shape {
	bool exists; /* the program may name it */
	u32 type, key_size, value_size, max_entries, flags;
	u32 key_type, value_type; /* in the template's BTF; 0: none */
};

/* Kernel functions of so many modules, and the kernel's own. */
#define SL_TEMPLATE_MODULES 8

struct sl_template {
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type;
	char name[32];
	u32 flags;
	/* Where one names a map (sl_names_map()), `imm` is an enum sl_map. */
	struct bpf_insn *insns;
	u32 count;
	int functions[SL_FUNCTIONS]; /* where they begin; -ENOENT: not taken along */
	struct sl_records {          /* arrays that begin with the offset of an instruction */
		void *items;
		u32 count, size;
	} func_info, line_info;
	int btf_fd;                          /* of the program's own types; 0: none */
	int module_fds[SL_TEMPLATE_MODULES]; /* fd_array; those in use are ours */
	struct sl_map_shape maps[SL_MAPS];
};

/* Whether the instruction names a map. */
static inline bool sl_names_map(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_DW | BPF_IMM) &&
	       (insn->src_reg == BPF_PSEUDO_MAP_FD || insn->src_reg == BPF_PSEUDO_MAP_VALUE);
}

/* Borrowed until the next call. `is_audit`: the one that drops nothing. */
int sl_template_get(enum sl_hook_point point, bool is_audit,
		    const struct sl_template **ret_template, struct sl_diag *diag);

/* The next call asks libbpf anew. */
void sl_template_forget(enum sl_hook_point point, bool is_audit);

#endif
