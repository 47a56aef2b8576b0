// SPDX-License-Identifier: GPL-2.0-only
#include "twins.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate.h"

/* What no miss can mean is answered too: it is the more worlds that are told apart. */
static u8 answer_conntrack(void *context, const u8 *frame, u32 length)
{
	const u8 answers[] = {SL_WORLD_NEW, SL_WORLD_INVALID, SL_WORLD_UNTRACKED, SL_WORLDS_ALL};

	(void)context;
	return answers[(frame[length - 1] + length) % 4];
}

/* By the source's last byte, so that each is met. */
static enum sl_way_back answer_way_back(void *context, const u8 *frame, u32 length)
{
	const enum sl_way_back answers[] = {SL_WAY_UNKNOWN, SL_WAY_MISSING, SL_WAY_FOUND};

	(void)context;
	return answers[frame[length > 29 ? 29 : length - 1] % 3];
}

static struct sl_outcome judge(const struct sl_program *program, const u8 *frame, u32 length)
{
	struct sl_oracle oracle = {.conntrack = answer_conntrack,
				   .way_back = answer_way_back,
				   .now_ns = SL_RANDOM_NOW_NS};
	struct sl_outcome outcome;

	sl_interp(program, frame, length, &oracle, NULL, NULL, &outcome);
	return outcome;
}

static bool hits_equal(const struct sl_outcome *a, const struct sl_outcome *b)
{
	return a->hit_count == b->hit_count &&
	       !memcmp(a->hits, b->hits, a->hit_count * sizeof a->hits[0]);
}

bool sl_outcomes_equal(const struct sl_outcome *a, const struct sl_outcome *b)
{
	return a->drop == b->drop && a->pass == b->pass && hits_equal(a, b);
}

bool sl_outcome_is_cautious(const struct sl_outcome *plain, const struct sl_outcome *legal)
{
	return !(plain->pass & ~legal->pass) &&
	       (!legal->drop || (plain->drop && hits_equal(plain, legal)));
}

static bool verdicts_equal(const struct sl_outcome *a, const struct sl_outcome *b)
{
	return a->drop == b->drop && a->pass == b->pass;
}

typedef bool agree_fn(const struct sl_outcome *plain, const struct sl_outcome *changed);

static u32 compare(u64 seed, const struct sl_program *plain, const struct sl_program *changed,
		   u32 frames, agree_fn *agree)
{
	u32 dropped = 0;

	for (u64 i = 0; i < frames; i++) {
		u8 frame[SL_RANDOM_FRAME_MAX];
		u32 length = sl_random_frame(seed * frames + i, plain, frame);
		struct sl_outcome a = judge(plain, frame, length);
		struct sl_outcome b = judge(changed, frame, length);

		dropped += a.drop;
		if (agree(&a, &b))
			continue;
		sl_program_print(plain, stdout);
		sl_program_print(changed, stdout);
		printf("seed %llu, frame %llu: drop %d %d, pass %x %x, hits %u %u (%s; %s)\n",
		       (unsigned long long)seed, (unsigned long long)i, a.drop, b.drop, a.pass,
		       b.pass, a.hit_count, b.hit_count, a.reason, b.reason);
		exit(1);
	}
	return dropped;
}

u32 sl_twins_compare(u64 seed, const struct sl_program *plain, const struct sl_program *changed,
		     u32 frames, bool with_hits)
{
	return compare(seed, plain, changed, frames,
		       with_hits ? sl_outcomes_equal : verdicts_equal);
}

u32 sl_twins_compare_legal(u64 seed, const struct sl_program *plain, const struct sl_program *legal,
			   u32 frames)
{
	return compare(seed, plain, legal, frames, sl_outcome_is_cautious);
}
