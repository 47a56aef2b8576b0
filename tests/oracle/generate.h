/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random programs over the whole IR, and random frames that are likely to mean something to them:
 * what every clever stage is held against the interpreter with.
 *
 * Promised: the same seed gives the same program and the same frame, on any machine. A program
 * verifies. Running out of memory, or a program that does not verify, ends the test.
 */
#ifndef SLUICE_TESTS_ORACLE_GENERATE_H
#define SLUICE_TESTS_ORACLE_GENERATE_H

#include "ir/ir.h"

/* `size` is roughly the number of rules and of set elements per set; 1 is the smallest. */
struct sl_program *sl_random_program(u64 seed, u32 size);

/* The same where `bytes` decide, as far as they go: for fuzzers. */
struct sl_program *sl_program_from_bytes(const u8 *bytes, u32 length, u32 size);

/* The clock by which about half of the program's elements with a timeout have expired. */
#define SL_RANDOM_NOW_NS 1000000000ULL

#define SL_RANDOM_FRAME_MAX 2048

/* Fills `frame` (SL_RANDOM_FRAME_MAX bytes) and returns its length, 0 … SL_RANDOM_FRAME_MAX. */
u32 sl_random_frame(u64 seed, const struct sl_program *program, u8 *frame);

#endif
