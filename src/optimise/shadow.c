/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules that decide nothing. A rule is *shadowed* if rules before it, of the same chain, take all
 * of its packets out of the chain; it goes, and so does one whose tests contradict one another, or
 * that stands behind a rule for the kernel that no packet comes by. It is *redundant* if the
 * packets that it takes get the same verdict from a rule behind it, or from the policy; that is
 * told, no more, and only of rules without a counter, which may well be there to count.
 *
 * Boxes speak of ordinary packets (ir/packet.h), which is all that the program judges. What people
 * are told must hold for the others too: so the rule that takes the packets must not load a byte
 * that the other rule could do without, and neither may load what only ordinary packets have at
 * that place. (Broken packets that an iptables match kills are not thought of.)
 *
 * Both searches are bounded; where the bound is met nothing is said. So, too, of what two rules
 * cover only together.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "classify/boxes.h"
#include "ir/key.h"
#include "ir/tcp_option.h"
#include "optimise/optimise.h"
#include "optimise/overlap.h"

/* Boxes looked at, in one program: a few tens of milliseconds. */
#define WORK_MAX 4000000

/* What a rule's matches read, over all of its keys. */
struct reads {
	u32 transport; /* bytes of the transport header */
	bool protocol, link;
	bool is_odd; /* bytes that lie elsewhere in a packet that is not ordinary */
};

struct told {
	u32 first_box, box_count;
	bool is_exact;  /* else its boxes hold what the rule might match, and perhaps more */
	bool is_silent; /* nothing is known: it might match everything */
	bool counts, is_shadowed, is_redundant;
	bool is_sure; /* shadowed: of packets that are not ordinary, too */
	u32 by;       /* the one rule that takes or decides its packets; itself: several, or … */
	bool by_end;  /* … the chain's end decides them */
	struct reads reads;
	u32 unclear; /* rules, up to here, that might meet packets outside of their boxes */
};

struct survey {
	struct sl_program *program;
	struct sl_chain *chain;
	const struct sl_place *place;
	struct sl_arena *arena; /* of this chain's survey */
	struct sl_boxes boxes;
	struct sl_lanes lanes;
	struct sl_overlap *overlap;
	struct told *told; /* by position */
	u32 end;           /* the first rule that no packet comes by; or how many there are */
	bool is_decided;   /* … and it is known that it takes them out of the chain */
	u32 work;
};

/* Telling */

static void read_key(const struct sl_place *place, const struct sl_key *key, struct reads *reads)
{
	u32 header = place->family == SL_IP ? 20 : 40;

	for (u32 i = 0; i < key->part_count; i++) {
		const struct sl_field *field = &key->parts[i].field;
		u32 end = (u32)field->offset + field->length;

		if (field->base == SL_TRANSPORT && end > reads->transport)
			reads->transport = end;
		reads->link |= field->base == SL_LINK;
		reads->protocol |= field->base == SL_META && field->offset == SL_META_L4PROTO;
		if (field->base == SL_NETWORK && place->family == SL_IP6)
			reads->is_odd |= field->offset <= 6 && end > 6; /* the next header */
		reads->is_odd |= field->base == SL_NETWORK && end > header;
		reads->is_odd |= sl_field_is_tcp_option(field);
	}
}

/* A match on the mark may make the packet pass by itself. */
static bool has_effect(const struct sl_op *op)
{
	return op->kind == SL_OP_COUNTER || op->kind == SL_OP_KERNEL || op->kind == SL_OP_LIMIT ||
	       op->kind == SL_OP_FILL || op->kind == SL_OP_MARK || sl_op_reads_mark(op);
}

/*
 * Where the rule first has an effect. A test behind it bounds what the rule decides, but not what
 * it counts, or leaves to the kernel.
 */
static u32 find_effect(const struct sl_rule *rule)
{
	u32 i = 0;

	while (i < rule->ops.count && !has_effect(&rule->ops.items[i]))
		i++;
	return i;
}

static struct reads find_reads(const struct sl_place *place, const struct sl_rule *rule)
{
	struct reads reads = {0};
	u32 end = find_effect(rule);

	for (u32 i = 0; i < end; i++) {
		const struct sl_op *op = &rule->ops.items[i];

		read_key(place, &op->key, &reads);
		for (u32 j = 0; j < op->alternative_count; j++)
			read_key(place, &op->alternatives[j].key, &reads);
	}
	return reads;
}

/* Whatever packet lets the inner rule load its keys lets the outer one do so. */
static bool loads_wherever(const struct reads *outer, const struct reads *inner)
{
	return !outer->is_odd && !inner->is_odd && outer->transport <= inner->transport &&
	       (!outer->link || inner->link) &&
	       (!outer->protocol || inner->protocol || inner->transport);
}

static bool is_test(const struct sl_op *op)
{
	return op->kind <= SL_OP_ANY;
}

/* The rule without what cannot be told: it matches at least what the rule does. */
static int loosen(struct survey *survey, const struct sl_rule *rule, struct sl_rule *ret_rule)
{
	static const struct sl_op ends = {.kind = SL_OP_KERNEL, .reason = ""};
	struct sl_op *ops = sl_arena_alloc(survey->arena, (rule->ops.count + 1) * sizeof *ops);
	u32 count = 0, end = find_effect(rule);

	if (!ops)
		return -ENOMEM;
	for (u32 i = 0; i < end; i++) {
		struct sl_lanes lanes = survey->lanes;
		struct sl_boxes boxes = {0};
		struct sl_op pair[2] = {rule->ops.items[i], ends};
		struct sl_rule alone = {.ops = {pair, 2, 2}};

		if (!is_test(&pair[0]) ||
		    sl_boxes_add_rule(&boxes, &lanes, survey->arena, &alone, 0, survey->place) != 0)
			continue;
		ops[count++] = pair[0];
	}
	ops[count++] = ends;
	*ret_rule = (struct sl_rule){.ops = {ops, count, count}};
	return 0;
}

static int tell_rule(struct survey *survey, u32 position)
{
	const struct sl_rule *rule = &survey->chain->rules.items[position];
	struct told *told = &survey->told[position];
	struct sl_rule loose;
	int error = sl_boxes_add_rule(&survey->boxes, &survey->lanes, survey->arena, rule, position,
				      survey->place);

	told->first_box = survey->boxes.list.count;
	told->is_exact = !error;
	if (error == -ENOTSUP) {
		error = loosen(survey, rule, &loose);
		if (!error)
			error = sl_boxes_add_rule(&survey->boxes, &survey->lanes, survey->arena,
						  &loose, position, survey->place);
	}
	told->is_silent = error == -ENOTSUP;
	if (error && error != -ENOTSUP)
		return error;
	while (told->first_box &&
	       survey->boxes.list.items[told->first_box - 1].position == position)
		told->first_box--;
	told->box_count = survey->boxes.list.count - told->first_box;
	for (u32 i = 0; i < rule->ops.count; i++)
		told->counts |= rule->ops.items[i].kind == SL_OP_COUNTER;
	told->reads = find_reads(survey->place, rule);
	told->unclear = (position ? told[-1].unclear : 0) + (told->is_silent || told->reads.is_odd);
	return 0;
}

static int tell_rules(struct survey *survey)
{
	int error = 0;

	survey->told =
		sl_arena_alloc(survey->arena, survey->chain->rules.count * sizeof *survey->told);
	if (!survey->told)
		return -ENOMEM;
	for (u32 i = 0; i < survey->chain->rules.count && !error; i++)
		error = tell_rule(survey, i);
	if (error)
		return error;
	survey->overlap = sl_overlap_new(&survey->boxes, &survey->lanes, survey->arena);
	return survey->overlap ? 0 : -ENOMEM;
}

/* What the kernel does with the packets is known, and it is the end of the chain for them. */
static bool is_decided(const struct sl_box *box)
{
	return box->action == SL_ITEM_ACCEPT || box->action == SL_ITEM_DROP ||
	       box->action == SL_ITEM_RETURN;
}

/* What becomes of every packet that comes to the rule; CONTINUE if some may go on, or come back. */
static enum sl_verdict_kind verdict_on_all(const struct sl_rule *rule)
{
	for (u32 i = 0; i < rule->ops.count; i++) {
		const struct sl_op *op = &rule->ops.items[i];

		if (op->kind == SL_OP_KERNEL)
			return SL_VERDICT_KERNEL;
		if (op->kind == SL_OP_VERDICT && op->verdict.kind != SL_VERDICT_JUMP)
			return op->verdict.kind;
		if (op->kind != SL_OP_COUNTER)
			return SL_VERDICT_CONTINUE;
	}
	return SL_VERDICT_CONTINUE;
}

static void find_end(struct survey *survey)
{
	const struct sl_chain *chain = survey->chain;
	enum sl_verdict_kind verdict = SL_VERDICT_CONTINUE;

	for (survey->end = 0; survey->end < chain->rules.count; survey->end++) {
		verdict = verdict_on_all(&chain->rules.items[survey->end]);
		if (verdict != SL_VERDICT_CONTINUE)
			break;
	}
	survey->is_decided = verdict != SL_VERDICT_KERNEL;
}

/* Shadowed */

struct shade {
	struct survey *survey;
	const struct sl_box *box;
	u8 worlds; /* in which rules before it take all of the box … */
	u8 sure;   /* … and of packets that are not ordinary, too */
	u32 by;    /* the earliest that surely does so in all its worlds; or the box's own */
};

static bool add_shade(void *context, const struct sl_box *box)
{
	struct shade *shade = context;
	const struct told *told = shade->survey->told;
	u32 position = shade->box->position;

	if (box->position >= position || !told[box->position].is_exact || !is_decided(box) ||
	    !sl_box_holds(&shade->survey->lanes, box, shade->box))
		return false;
	shade->worlds |= box->worlds;
	if (!loads_wherever(&told[box->position].reads, &told[position].reads))
		return false;
	shade->sure |= box->worlds;
	if (!(shade->box->worlds & ~box->worlds) && box->position < shade->by)
		shade->by = box->position;
	return false;
}

static void find_shade(struct survey *survey, u32 position)
{
	struct told *told = &survey->told[position];
	bool is_sure = true;
	u32 by = position;

	if (position > survey->end && survey->is_decided) {
		told->is_shadowed = told->is_sure = true;
		told->by = survey->end;
		return;
	}
	for (u32 i = 0; i < told->box_count; i++) {
		const struct sl_box *box = &survey->boxes.list.items[told->first_box + i];
		struct shade shade = {.survey = survey, .box = box, .by = position};

		if (!sl_overlap_around(survey->overlap, box, add_shade, &shade, &survey->work) ||
		    box->worlds & ~shade.worlds)
			return;
		is_sure &= !(box->worlds & ~shade.sure);
		by = !i || by == shade.by ? shade.by : position;
	}
	told->is_shadowed = told->box_count;
	told->is_sure = is_sure;
	told->by = by;
}

/* Redundant */

struct relief {
	struct survey *survey;
	const struct sl_box *box;
	u32 end;          /* the next rule that decides all of the box alike; or the chain's end */
	bool is_disputed; /* one between decides some of the box otherwise, or may */
};

static bool add_relief(void *context, const struct sl_box *box)
{
	struct relief *relief = context;
	const struct survey *survey = relief->survey;
	const struct told *told = &survey->told[box->position];

	if (box->position <= relief->box->position || !told->is_exact || told->is_shadowed ||
	    box->action != relief->box->action || relief->box->worlds & ~box->worlds ||
	    !loads_wherever(&told->reads, &survey->told[relief->box->position].reads) ||
	    !sl_box_holds(&survey->lanes, box, relief->box))
		return false;
	if (box->position < relief->end)
		relief->end = box->position;
	return false;
}

static bool add_dispute(void *context, const struct sl_box *box)
{
	struct relief *relief = context;
	const struct told *told = &relief->survey->told[box->position];

	if (box->position <= relief->box->position || box->position >= relief->end ||
	    !(box->worlds & relief->box->worlds))
		return false;
	if (told->is_exact &&
	    (box->action == relief->box->action || box->action == SL_ITEM_CONTINUE))
		return false;
	relief->is_disputed = sl_box_meets(&relief->survey->lanes, box, relief->box);
	return relief->is_disputed;
}

/* What becomes of packets that no rule of the chain decides. */
static enum sl_item_action end_action(const struct survey *survey)
{
	for (u32 i = 0; i < survey->program->path.count; i++) {
		const struct sl_step *step = &survey->program->path.items[i];

		if (step->kind == SL_STEP_CHAIN && step->chain == survey->chain)
			return step->drops_by_policy ? SL_ITEM_DROP : SL_ITEM_ACCEPT;
	}
	return SL_ITEM_RETURN;
}

/* Where a box's packets go instead; false if not all of them fare alike. */
static bool find_box_relief(struct survey *survey, const struct sl_box *box, u32 *ret_end)
{
	const struct told *told = survey->told;
	struct relief relief = {.survey = survey, .box = box, .end = survey->chain->rules.count};

	if (!sl_overlap_around(survey->overlap, box, add_relief, &relief, &survey->work))
		return false;
	if (relief.end == survey->chain->rules.count && box->action != SL_ITEM_RETURN &&
	    box->action != end_action(survey))
		return false;
	if (told[relief.end - 1].unclear != told[box->position].unclear)
		return false;
	if (!sl_overlap_meeting(survey->overlap, box, add_dispute, &relief, &survey->work))
		return false;
	*ret_end = relief.end;
	return !relief.is_disputed;
}

static void find_relief(struct survey *survey, u32 position)
{
	struct told *told = &survey->told[position];
	u32 by = position;

	if (told->is_shadowed || !told->box_count || !told->is_exact || told->counts ||
	    told->reads.is_odd)
		return;
	const struct sl_box *boxes = &survey->boxes.list.items[told->first_box];
	if (!is_decided(boxes))
		return;
	for (u32 i = 0; i < told->box_count; i++) {
		u32 end;

		if (!find_box_relief(survey, &boxes[i], &end))
			return;
		by = !i || by == end ? end : position;
	}
	told->is_redundant = true;
	told->by_end = by == survey->chain->rules.count;
	told->by = told->by_end ? position : by;
}

/* Findings */

/* A rule that does decide something, here or in its copy for the other family. */
struct live {
	const struct sl_chain *chain;
	u64 handle;
};

struct findings {
	struct sl_program *program;
	struct sl_arena *arena;
	SL_LIST(struct live) live;
};

/* Of one table: handles are unique there. */
static int compare_rules(const struct sl_chain *a, u64 a_handle, const struct sl_chain *b,
			 u64 b_handle)
{
	if (a_handle != b_handle)
		return a_handle < b_handle ? -1 : 1;
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return strcmp(a->table, b->table);
}

static int compare_live(const void *left, const void *right)
{
	const struct live *a = left, *b = right;

	return compare_rules(a->chain, a->handle, b->chain, b->handle);
}

static int compare_idle(const void *left, const void *right)
{
	const struct sl_idle *a = left, *b = right;

	return compare_rules(a->chain, a->rule.handle, b->chain, b->rule.handle);
}

/* Packets that are not IP come to netdev chains, and no box speaks of them. */
static bool may_be_told(const struct survey *survey, const struct told *told)
{
	if (survey->place->chain_family == NFPROTO_NETDEV)
		return false;
	return told->is_redundant || (told->is_shadowed && told->is_sure);
}

static int note_rule(struct findings *findings, const struct survey *survey, u32 position)
{
	const struct told *told = &survey->told[position];
	const struct sl_rule *rules = survey->chain->rules.items;
	u64 handle = rules[position].handle;

	if (!may_be_told(survey, told)) {
		struct live *live = sl_list_push(findings->arena, &findings->live);

		if (live)
			*live = (struct live){survey->chain, handle};
		return live ? 0 : -ENOMEM;
	}

	struct sl_idle *idle = sl_list_push(findings->program->arena, &findings->program->idle);

	if (!idle)
		return -ENOMEM;
	*idle = (struct sl_idle){.chain = survey->chain,
				 .rule = rules[position],
				 .is_redundant = told->is_redundant,
				 .by_end = told->by_end};
	if (told->by != position && rules[told->by].handle != handle)
		idle->by = rules[told->by].handle;
	return 0;
}

/* One rule of the ruleset can be several here: it is idle if all of them are. */
static void merge_findings(struct findings *findings)
{
	struct sl_program *program = findings->program;
	u32 kept = 0;

	if (!program->idle.count)
		return;
	if (findings->live.count)
		qsort(findings->live.items, findings->live.count, sizeof *findings->live.items,
		      compare_live);
	qsort(program->idle.items, program->idle.count, sizeof *program->idle.items, compare_idle);
	for (u32 i = 0; i < program->idle.count; i++) {
		struct sl_idle *idle = &program->idle.items[i];
		struct live wanted = {idle->chain, idle->rule.handle};
		struct sl_idle *last = kept ? &program->idle.items[kept - 1] : NULL;

		if (findings->live.count &&
		    bsearch(&wanted, findings->live.items, findings->live.count, sizeof wanted,
			    compare_live))
			continue;
		if (!last || compare_idle(last, idle) != 0) {
			program->idle.items[kept++] = *idle;
			continue;
		}
		last->by = last->by == idle->by ? idle->by : 0;
		last->by_end &= idle->by_end;
		last->is_redundant |= idle->is_redundant;
	}
	program->idle.count = kept;
}

/* Its tests contradict one another, or it has no effect: it has no boxes at all. */
static bool does_nothing(const struct told *told)
{
	return told->is_exact && !told->box_count;
}

static bool looks_up_timeouts(const struct sl_rule *rule)
{
	bool found = false;

	for (u32 i = 0; i < rule->ops.count && !found; i++)
		found = sl_op_asks_timeouts(&rule->ops.items[i]);
	return found;
}

static void drop_idle(const struct survey *survey)
{
	struct sl_chain *chain = survey->chain;
	u32 kept = 0;

	for (u32 i = 0; i < chain->rules.count && i <= survey->end; i++) {
		const struct sl_rule *rule = &chain->rules.items[i];

		if (does_nothing(&survey->told[i]))
			continue;
		if (!survey->told[i].is_shadowed || looks_up_timeouts(rule))
			chain->rules.items[kept++] = *rule;
	}
	chain->rules.count = kept;
}

static int survey_chain(struct findings *findings, struct survey *survey)
{
	u32 count = survey->chain->rules.count;
	int error = tell_rules(survey);

	find_end(survey);
	for (u32 i = 0; i < count && !error; i++)
		find_shade(survey, i);
	for (u32 i = 0; i < count && !error; i++)
		find_relief(survey, i);
	for (u32 i = 0; i < count && !error; i++)
		error = note_rule(findings, survey, i);
	if (!error)
		drop_idle(survey);
	return error;
}

int sl_optimise_shadow(struct sl_program *program)
{
	struct findings findings = {.program = program, .arena = sl_arena_new()};
	struct sl_place *places = findings.arena ? sl_places_find(program, findings.arena) : NULL;
	u32 work = WORK_MAX;
	int error = places ? 0 : -ENOMEM;

	for (u32 i = 0; i < program->chains.count && !error; i++) {
		struct survey survey = {.program = program,
					.chain = program->chains.items[i],
					.place = &places[i],
					.work = work};

		if (!places[i].family || !survey.chain->rules.count)
			continue;
		survey.arena = sl_arena_new();
		error = survey.arena ? survey_chain(&findings, &survey) : -ENOMEM;
		work = survey.work;
		sl_arena_free(survey.arena);
	}
	if (!error)
		merge_findings(&findings);
	sl_arena_free(findings.arena);
	return error;
}
