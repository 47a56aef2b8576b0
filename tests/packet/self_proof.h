/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lab's own proof: a program that passes everything differs in nothing, an exact early drop
 * differs in nothing, and each program that drops one thing too much is caught, and the
 * trial that caught it shrinks to a few lines.
 */
#ifndef SLUICE_PACKET_SELF_PROOF_H
#define SLUICE_PACKET_SELF_PROOF_H

#include "candidate.h"

/* Prints a line for each claim. False where one does not hold. */
bool sl_self_proof(const struct mutants_bpf *mutants, u64 seed);

#endif
