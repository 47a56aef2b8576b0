// SPDX-License-Identifier: GPL-2.0-only
/* The generator and the oracle against each other: invariants that no program may break. */
#include "generate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ir/form.h"
#include "ir/interp.h"
#include "ir/packet.h"
#include "random.h"

#define PROGRAMS 500
#define FRAMES   50

/* The kernel's answers depend on the seed alone, so that asking twice gives the same. */
struct kernel {
	u64 seed;
	u8 miss_worlds, answered; /* the last answer, SL_WORLDS_ALL if none was given */
};

static u8 answer_conntrack(void *context, const u8 *frame, u32 length)
{
	struct kernel *kernel = context;
	struct dice dice = {kernel->seed ^ length ^ (u64)frame[length - 1] << 8};
	u8 answers[] = {kernel->miss_worlds, kernel->miss_worlds, SL_WORLD_ESTABLISHED,
			SL_WORLD_RELATED, SL_WORLDS_ALL};

	return kernel->answered = pick(&dice, answers);
}

static enum sl_fate answer_route(void *context, const u8 *frame, u32 length)
{
	struct dice dice = {((struct kernel *)context)->seed + length + frame[length - 1]};

	return roll_below(&dice, SL_FATE_FORWARD + 1);
}

static struct sl_outcome judge(const struct sl_program *program, const u8 *frame, u32 length,
			       struct kernel *kernel)
{
	struct sl_oracle oracle = {.conntrack = answer_conntrack,
				   .route = answer_route,
				   .context = kernel,
				   .now_ns = SL_RANDOM_NOW_NS};
	struct sl_outcome outcome;

	kernel->miss_worlds = program->miss_worlds;
	kernel->answered = SL_WORLDS_ALL;
	sl_interp(program, frame, length, &oracle, NULL, NULL, &outcome);
	return outcome;
}

static bool same(const struct sl_outcome *a, const struct sl_outcome *b)
{
	return a->drop == b->drop && a->pass == b->pass && !strcmp(a->reason, b->reason) &&
	       a->chain == b->chain && a->rule == b->rule && a->hit_count == b->hit_count &&
	       !memcmp(a->hits, b->hits, a->hit_count * sizeof a->hits[0]);
}

static char *text_of(const struct sl_program *program)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	sl_program_print(program, out);
	fclose(out);
	return text;
}

/* What the frames of all programs came to; a generator that never drops proves nothing. */
struct tally {
	u32 odd, dropped, passed, asked, counted;
};

static void check_frame(const struct sl_program *program, u64 seed, const u8 *frame, u32 length,
			struct tally *tally)
{
	struct kernel kernel = {.seed = seed};
	struct sl_outcome outcome = judge(program, frame, length, &kernel), again;
	u8 possible = kernel.answered;
	struct sl_packet packet;
	bool is_odd = sl_packet_parse(&program->device, frame, length, &packet);

	if (!is_odd && possible == (SL_WORLD_NEW | SL_WORLD_INVALID))
		possible = sl_form_worlds(&packet);

	assert_int_equal(outcome.drop, !is_odd && !(outcome.pass & possible));
	assert_int_equal(outcome.drop, !*outcome.reason);
	assert_true(outcome.drop || !outcome.hit_count);
	for (u32 i = 0; i < outcome.hit_count; i++)
		assert_true(outcome.hits[i] < program->counters.count);
	again = judge(program, frame, length, &kernel);
	assert_true(same(&outcome, &again));

	tally->odd += is_odd;
	tally->dropped += outcome.drop;
	tally->passed += !outcome.drop;
	tally->asked += possible != SL_WORLDS_ALL;
	tally->counted += outcome.hit_count > 0;
}

/* Each frame stands in memory of its own size, where ASan sees a read past its end. */
static void check_frames(const struct sl_program *program, u64 seed, struct tally *tally)
{
	u8 scratch[SL_RANDOM_FRAME_MAX];

	for (u64 i = 0; i < FRAMES; i++) {
		u32 length = sl_random_frame(seed * FRAMES + i, program, scratch);
		u8 *frame = malloc(length + 1u);

		assert_non_null(frame);
		memcpy(frame + 1, scratch, length);
		check_frame(program, seed, frame + 1, length, tally);
		free(frame);
	}
}

static void random_programs_keep_the_invariants(void **unused)
{
	struct tally tally = {0};

	(void)unused;
	for (u64 seed = 0; seed < PROGRAMS; seed++) {
		struct sl_program *program = sl_random_program(seed, 1 + seed % 12);

		check_frames(program, seed, &tally);
		sl_program_free(program);
	}
	print_message("%u dropped, %u passed, %u odd; conntrack told %u, %u counted\n",
		      tally.dropped, tally.passed, tally.odd, tally.asked, tally.counted);
	assert_true(tally.dropped > PROGRAMS * FRAMES / 10);
	assert_true(tally.passed - tally.odd > PROGRAMS * FRAMES / 10);
	assert_true(tally.odd > PROGRAMS * FRAMES / 20);
	assert_true(tally.asked > PROGRAMS * FRAMES / 100);
	assert_true(tally.counted > PROGRAMS * FRAMES / 100);
}

static void one_seed_gives_one_program_and_one_text(void **unused)
{
	(void)unused;
	for (u64 seed = 0; seed < PROGRAMS; seed += 10) {
		struct sl_program *first = sl_random_program(seed, 8);
		struct sl_program *second = sl_random_program(seed, 8);
		char *text = text_of(first), *again = text_of(second);

		assert_string_equal(text, again);
		free(text);
		free(again);
		sl_program_free(first);
		sl_program_free(second);
	}
}

/* Every kind of op, set, transform and verdict, and each answer of the path. */
static void the_generator_uses_the_whole_ir(void **unused)
{
	static const char *const words[] = {
		" swap",      " & ",        " << ",      " >> ",        "ct state",
		"any(",       "none(",      "unknown(",  "kernel(",     "counter ",
		" vmap ",     "accept",     "drop",      "jump ",       "goto ",
		"return",     "continue",   " kernel #", "# exact",     "# interval",
		"# boxes",    "expires at", "\t* : ",    "conntrack\n", "route\n",
		"ingress",    "prerouting", "input",     "forward",     "netdev",
		" != ",       " >= ",       " < ",       "ip saddr",    "ip6 daddr",
		"th dport",   "iifname",    "meta mark", "meta length", "fib daddr type",
		"input-only", "local-only", "ip lookup", "ip6 pass",
	};
	bool seen[SL_ARRAY_SIZE(words)] = {false};

	(void)unused;
	for (u64 seed = 0; seed < 60; seed++) {
		struct sl_program *program = sl_random_program(seed, 6);
		char *text = text_of(program);

		for (u32 i = 0; i < SL_ARRAY_SIZE(words); i++)
			seen[i] |= strstr(text, words[i]) != NULL;
		free(text);
		sl_program_free(program);
	}
	for (u32 i = 0; i < SL_ARRAY_SIZE(words); i++)
		if (!seen[i])
			fail_msg("no program holds \"%s\"", words[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_programs_keep_the_invariants),
		cmocka_unit_test(one_seed_gives_one_program_and_one_text),
		cmocka_unit_test(the_generator_uses_the_whole_ir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
