/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes to netlink messages that keep them whole. libFuzzer's own changes mostly spoil a length,
 * and then nothing behind it is read any more.
 */
#ifndef SLUICE_TESTS_FUZZ_NETLINK_MUTATOR_H
#define SLUICE_TESTS_FUZZ_NETLINK_MUTATOR_H

#include <stddef.h>

#include "base/types.h"

/* As LLVMFuzzerCustomMutator: `bytes` has `room`; returns the new size. */
size_t fuzz_mutate_netlink(u8 *bytes, size_t size, size_t room, unsigned int seed);

#endif
