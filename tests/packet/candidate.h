/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is attached to in0 and must not change any verdict: sluice, any command, or one of the
 * built-in programs.
 *
 * Enters: a lab whose rules are loaded. Leaves: the lab with the candidate attached, and again
 * without. Promised: commands run in the dut's network namespace, with in0 there; a detach that
 * leaves an XDP program behind is an error.
 */
#ifndef SLUICE_PACKET_CANDIDATE_H
#define SLUICE_PACKET_CANDIDATE_H

#include "lab.h"

struct mutants_bpf;
struct bpf_map;
struct bpf_program;
struct sl_observer;

struct sl_candidate {
	const char *name; /* for reports */
	/* Either a loaded program of our own … */
	const struct bpf_program *program;
	const struct bpf_map *memory; /* hash of u32, emptied by each attach; may be NULL */
	/* … or sluice itself, with what its pins are looked at by … */
	const char *sluice;
	struct sl_observer *observer;
	/* … or shell commands; `count` prints the number of early drops and may be NULL. */
	const char *attach, *detach, *count;
};

/* The built-in programs, loaded. */
int sl_mutants_load(struct mutants_bpf **ret_mutants, struct sl_diag *diag);
void sl_mutants_unload(struct mutants_bpf *mutants); /* NULL is fine */
/* By the program's name. -ENOENT where there is none. */
int sl_mutants_find(const struct mutants_bpf *mutants, const char *name,
		    struct sl_candidate *ret_candidate);

/* `at_tc` is for sluice, which then takes that instead of what it thinks best. */
int sl_candidate_attach(const struct sl_candidate *candidate, const struct sl_lab *lab, bool at_tc,
			struct sl_diag *diag);
int sl_candidate_detach(const struct sl_candidate *candidate, const struct sl_lab *lab,
			struct sl_diag *diag);

/* What is of several transactions is one change for a candidate that stands still meanwhile. */
void sl_candidate_hold(const struct sl_candidate *candidate, const struct sl_lab *lab, bool holds);

/*
 * Waits until the candidate has noticed what was changed in the dut: the rules, or what it sits on.
 * -ETIMEDOUT where that takes longer.
 */
int sl_candidate_settle(const struct sl_candidate *candidate, const struct sl_lab *lab,
			u32 patience_ms, struct sl_diag *diag);

/* The candidate's own count of early drops; `ret_known` is false where it has none. */
int sl_candidate_count_drops(const struct sl_candidate *candidate, const struct sl_lab *lab,
			     bool *ret_known, u64 *ret_drops, u64 *ret_hook_drops,
			     struct sl_diag *diag);

#endif
