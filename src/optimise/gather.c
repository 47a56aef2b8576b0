/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs to tables of decision trees. Neighbours that are boxes (classify/boxes.h) become one rule
 * with a TABLE, which finds the rules that a packet meets among a hundred thousand about as fast as
 * among a hundred. What one lookup in a hash can do is left to merge.c.
 */
#include <errno.h>

#include "classify/forks.h"
#include "classify/table.h"
#include "cursor.h"
#include "ir/key.h"
#include "optimise/optimise.h"

/* A table whose boxes overlap too much is tried in halves, so often. */
#define HALVINGS_MAX 8

/* A table that needs more than this of words would cost more memory than it saves time. */
#define WORDS_PER_BOX 64
#define WORDS_FREE    8192

/* Nanoseconds that one packet takes, measured (Zen 4, Linux 6.18); cold caches cost more. */
#define COST_RULE  3  /* of straight code */
#define COST_HASH  35 /* 28 at 1,000 elements, 50 at 100,000 */
#define COST_TRIE  100
#define COST_TABLE 60 /* 24–120 at 100,000 rules */

struct gather {
	struct sl_program *program;
	struct sl_image image;
	u32 word_limit;
	const struct sl_place *places; /* by chain index */
	struct sl_diag *diag;
};

/* A chain under way: what is kept of its rules moves to the front. */
struct output {
	struct gather *gather;
	struct sl_chain *chain;
	u32 kept;
};

/* Rules that are boxes, one behind the other. */
struct candidate {
	struct sl_arena *arena; /* owns the boxes */
	struct sl_boxes boxes;
	struct sl_lanes lanes;
	const struct sl_rule *rules;
	u32 count;
};

/* Candidates */

static void forget(struct candidate *candidate)
{
	sl_arena_free(candidate->arena);
	*candidate = (struct candidate){0};
}

/* The boxes of the rules from `from` on, of at most `count` and as far as they have some. */
static int collect(const struct output *output, u32 from, u32 count,
		   struct candidate *ret_candidate)
{
	const struct sl_place *place = &output->gather->places[output->chain->index];
	struct candidate candidate = {.arena = sl_arena_new(),
				      .rules = &output->chain->rules.items[from]};
	int error = candidate.arena ? 0 : -ENOMEM;

	while (!error && candidate.count < count) {
		error = sl_boxes_add_rule(&candidate.boxes, &candidate.lanes, candidate.arena,
					  &candidate.rules[candidate.count], candidate.count,
					  place);
		candidate.count += !error;
	}
	if (error == -ENOMEM) {
		forget(&candidate);
		return error;
	}
	*ret_candidate = candidate;
	return 0;
}

/* Runs */

static const struct sl_key *copy_lanes(struct sl_arena *arena, const struct sl_lanes *lanes)
{
	struct sl_key *keys = sl_arena_alloc(arena, lanes->count * sizeof *keys);

	for (u32 i = 0; keys && i < lanes->count; i++)
		if (sl_key_copy(arena, &lanes->keys[i], &keys[i]))
			return NULL;
	return keys;
}

static u32 at_most(u32 number, u32 most)
{
	return number < most ? number : most;
}

/* How often a packet can be told of another rule, and counted; all but CONTINUE take a world. */
static void bound_steps(const struct sl_boxes *boxes, struct sl_table *run)
{
	const struct sl_box *before = NULL;
	u32 continues = 0, ends = 1, counted_continues = 0;
	bool counts_ends = false;

	for (u32 i = 0; i < boxes->list.count; i++) {
		const struct sl_box *box = &boxes->list.items[i];

		if (box->worlds != SL_WORLDS_ALL)
			ends = (u32)__builtin_popcount(SL_WORLDS_ALL);
		if (box->action != SL_ITEM_CONTINUE) {
			counts_ends |= box->counts;
		} else if (!before || before->position != box->position) {
			continues++;
			counted_continues += box->counts;
		}
		before = box;
	}
	run->steps = at_most(continues, SL_CURSOR_HITS) + ends;
	run->hits = at_most(counted_continues + (counts_ends ? ends : 0), SL_CURSOR_HITS);
}

/*
 * -E2BIG: the boxes overlap too much, so that the table outgrows what they are worth; -ENOSPC: it
 * is worth it, but there is no room.
 */
static int build(struct gather *gather, const struct candidate *candidate, u32 *ret_root,
		 struct sl_table_shape *ret_shape)
{
	u64 worth =
		gather->image.count + WORDS_FREE + (u64)WORDS_PER_BOX * candidate->boxes.list.count;
	bool has_room = worth <= gather->word_limit;
	int error = sl_table_build(&candidate->boxes, &candidate->lanes,
				   has_room ? (u32)worth : gather->word_limit, &gather->image,
				   ret_root, ret_shape);

	return error == -ENOSPC && has_room ? -E2BIG : error;
}

/* NULL, of too many rules. */
static int make_forks(struct sl_arena *arena, const struct candidate *candidate,
		      const struct sl_forks **ret_forks)
{
	struct sl_forks *forks = sl_arena_alloc(arena, sizeof *forks);
	int error = forks ? sl_forks_build(&candidate->boxes, &candidate->lanes, arena, forks)
			  : -ENOMEM;

	*ret_forks = error ? NULL : forks;
	return error == -E2BIG ? 0 : error;
}

static int make_run(struct gather *gather, const struct candidate *candidate,
		    struct sl_table *ret_run)
{
	struct sl_arena *arena = gather->program->arena;
	struct sl_table_shape shape;
	struct sl_table run = {.count = candidate->count, .lane_count = candidate->lanes.count};
	int error = build(gather, candidate, &run.root, &shape);

	if (error)
		return error;
	run.rules = sl_arena_copy(arena, candidate->rules, run.count * sizeof *run.rules);
	run.lanes = copy_lanes(arena, &candidate->lanes);
	if (!run.rules || !run.lanes)
		return -ENOMEM;
	run.trees = shape.trees;
	run.word_count = shape.words;
	bound_steps(&candidate->boxes, &run);
	error = make_forks(arena, candidate, &run.forks);
	if (!error)
		*ret_run = run;
	return error;
}

/* Chains */

static int note(const struct output *output, const struct sl_rule *rules, u32 count,
		const struct sl_table *run, const char *reason)
{
	struct sl_program *program = output->gather->program;
	struct sl_choice *choice = sl_list_push(program->arena, &program->choices);

	if (!choice || !reason)
		return -ENOMEM;
	*choice = (struct sl_choice){
		.chain = output->chain,
		.families = output->gather->places[output->chain->index].family,
		.first = rules[0].handle,
		.last = rules[count - 1].handle,
		.count = count,
		.table = run,
		.reason = reason,
	};
	return 0;
}

static void keep(struct output *output, u32 from, u32 count)
{
	struct sl_rule *rules = output->chain->rules.items;

	for (u32 i = 0; i < count; i++)
		rules[output->kept++] = rules[from + i];
}

/* Notes why, and keeps the rules. */
static int leave(struct output *output, u32 from, u32 count, const char *reason)
{
	int error = note(output, &output->chain->rules.items[from], count, NULL, reason);

	keep(output, from, count);
	return error;
}

/* What a packet that matches nothing pays for these rules without a table. */
static u32 cost_without_table(const struct sl_chain *chain, u32 start, u32 count)
{
	u32 cost = 0;

	for (u32 i = start, length; i < start + count; i += length) {
		bool is_exact = false;

		length = sl_merge_find_run(chain, i, &is_exact);
		if (length < 2)
			cost += COST_RULE;
		else
			cost += is_exact ? COST_HASH : COST_TRIE;
	}
	return cost;
}

static const char *say_costs(const struct output *output, const struct sl_forks *forks, u32 cost)
{
	struct sl_arena *arena = output->gather->program->arena;

	if (!forks)
		return sl_arena_printf(arena, "about %u ns a packet as a table, %u without",
				       COST_TABLE, cost);
	return sl_arena_printf(arena,
			       "about %.0f ns a packet as branches, %u as a table, %u without",
			       forks->cost_ns, COST_TABLE, cost);
}

/* -E2BIG: the boxes overlap too much; nothing is done then. */
static int put_table(struct output *output, const struct candidate *candidate, u32 cost)
{
	struct sl_arena *arena = output->gather->program->arena;
	struct sl_table *run = sl_arena_alloc(arena, sizeof *run);
	struct sl_rule rule = {.handle = candidate->rules[0].handle,
			       .comment = candidate->rules[0].comment,
			       .home = candidate->rules[0].home};
	struct sl_op *op = run ? sl_list_push(arena, &rule.ops) : NULL;
	int error = op ? make_run(output->gather, candidate, run) : -ENOMEM;

	if (error)
		return error;
	*op = (struct sl_op){.kind = SL_OP_TABLE, .table = run};
	output->chain->rules.items[output->kept++] = rule;
	return note(output, run->rules, run->count, run, say_costs(output, run->forks, cost));
}

static int too_large(const struct output *output)
{
	return sl_fail(
		output->gather->diag, ENOSPC,
		"the tables for the rules of chain %s %s would take more than the %u kB that "
		"--memory leaves for them",
		output->chain->table, output->chain->name,
		output->gather->word_limit / (1024 / (u32)sizeof(u64)));
}

static int gather_rules(struct output *output, u32 from, u32 count, u32 halvings);

static int put_halves(struct output *output, u32 from, u32 count, u32 halvings)
{
	u32 half = count / 2;
	int error;

	if (!halvings || half < SL_RUN_MIN)
		return leave(output, from, count, "they overlap too much for a table");
	error = gather_rules(output, from, half, halvings - 1);
	return error ? error : gather_rules(output, from + half, count - half, halvings - 1);
}

/* Takes the candidate. */
static int put_run(struct output *output, struct candidate *candidate, u32 from, u32 halvings)
{
	u32 count = candidate->count, cost = cost_without_table(output->chain, from, count);
	bool ever_matches = candidate->boxes.list.count;
	int error;

	if (count < SL_RUN_MIN || !ever_matches) {
		forget(candidate);
		keep(output, from, count);
		return 0;
	}
	if (cost <= COST_TABLE) {
		forget(candidate);
		return leave(output, from, count, say_costs(output, NULL, cost));
	}
	error = put_table(output, candidate, cost);
	forget(candidate);
	if (error == -E2BIG)
		return put_halves(output, from, count, halvings);
	return error == -ENOSPC ? too_large(output) : error;
}

/* Runs, and what is between them. */
static int gather_rules(struct output *output, u32 from, u32 count, u32 halvings)
{
	int error = 0;

	for (u32 done = 0, taken; done < count && !error; done += taken) {
		struct candidate candidate;

		error = collect(output, from + done, count - done, &candidate);
		if (error)
			return error;
		taken = candidate.count;
		error = put_run(output, &candidate, from + done, halvings);
		if (taken)
			continue;
		keep(output, from + done, 1); /* a rule without boxes */
		taken = 1;
	}
	return error;
}

static int gather_chain(struct gather *gather, struct sl_chain *chain)
{
	struct output output = {gather, chain, 0};
	int error = gather_rules(&output, 0, chain->rules.count, HALVINGS_MAX);

	chain->rules.count = output.kept;
	return error;
}

/* The image moves to the program. */
static int publish(struct gather *gather)
{
	struct sl_program *program = gather->program;

	if (!gather->image.count)
		return 0;
	program->image = sl_arena_copy(program->arena, gather->image.words,
				       gather->image.count * sizeof *gather->image.words);
	program->image_words = gather->image.count;
	return program->image ? 0 : -ENOMEM;
}

int sl_optimise_gather(struct sl_program *program, u32 word_limit, struct sl_diag *diag)
{
	struct gather gather = {
		.program = program,
		.word_limit = word_limit,
		.places = sl_places_find(program, program->arena),
		.diag = diag,
	};
	int error = gather.places ? 0 : -ENOMEM;

	for (u32 i = 0; i < program->chains.count && !error; i++)
		if (gather.places[i].family)
			error = gather_chain(&gather, program->chains.items[i]);
	if (!error)
		error = publish(&gather);
	sl_image_free(&gather.image);
	return error == -ENOMEM ? sl_fail_memory(diag) : error;
}
