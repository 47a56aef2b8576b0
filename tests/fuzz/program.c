// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any program at all, as tests/oracle draws them, with a fuzzer for the dice: it finds what chance
 * does not, for it sees which branches of the optimiser an input takes.
 */
#include "meaning.h"

#include "generate.h"

#define RULES 3 /* of a chain, at most, and two thirds of the elements of a set */

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size);

static struct sl_program *draw(const u8 *bytes, size_t size)
{
	struct sl_program *program = sl_program_from_bytes(bytes, (u32)size, RULES);

	fuzz_settle_timeouts(program);
	return program;
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t size)
{
	struct sl_program *plain = draw(bytes, size), *program = draw(bytes, size);

	fuzz_program(plain, program);
	sl_program_free(plain);
	sl_program_free(program);
	return 0;
}
