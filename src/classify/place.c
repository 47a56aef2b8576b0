/* SPDX-License-Identifier: GPL-2.0-only */
#include "classify/boxes.h"

/* How a chain is met; bits. */
enum { BEFORE = 1 << 0, BEHIND = 1 << 1 };

struct survey {
	struct sl_place *places;
	u8 *met; /* by the chain's index: BEFORE, BEHIND */
};

static void visit(struct survey *survey, const struct sl_chain *chain, u8 family, u8 how);

static void visit_verdict(struct survey *survey, const struct sl_verdict *verdict, u8 family,
			  u8 how)
{
	if (verdict->chain)
		visit(survey, verdict->chain, family, how);
}

static void visit_rule(struct survey *survey, const struct sl_rule *rule, u8 family, u8 how)
{
	for (u32 i = 0; i < rule->ops.count; i++) {
		const struct sl_op *op = &rule->ops.items[i];

		visit_verdict(survey, &op->verdict, family, how);
		if (op->kind != SL_OP_VMAP)
			continue;
		if (op->set->has_catchall)
			visit_verdict(survey, &op->set->catchall, family, how);
		for (u32 j = 0; j < op->set->elements.count; j++)
			visit_verdict(survey, &op->set->elements.items[j].verdict, family, how);
	}
}

/* Jump cycles do not exist, and a chain is walked only if there is something new to tell it. */
static void visit(struct survey *survey, const struct sl_chain *chain, u8 family, u8 how)
{
	struct sl_place *place = &survey->places[chain->index];
	u8 *met = &survey->met[chain->index];

	if ((place->family & family) == family && (*met & how) == how)
		return;
	place->family |= family;
	*met |= how;
	place->tracking = *met == BEFORE   ? SL_BEFORE_CONNTRACK
			  : *met == BEHIND ? SL_BEHIND_CONNTRACK
					   : SL_AROUND_CONNTRACK;
	for (u32 i = 0; i < chain->rules.count; i++)
		visit_rule(survey, &chain->rules.items[i], family, how);
}

struct sl_place *sl_places_find(const struct sl_program *program, struct sl_arena *arena)
{
	u32 count = program->chains.count;
	struct survey survey = {
		.places = sl_arena_alloc(arena, (count + 1) * sizeof *survey.places),
		.met = sl_arena_alloc(arena, count + 1),
	};
	u8 tracked = 0; /* families that conntrack has seen */

	if (!survey.places || !survey.met)
		return NULL;
	for (u32 i = 0; i < count; i++) {
		survey.places[i].device = &program->device;
		survey.places[i].chain_family = program->chains.items[i]->family;
	}
	for (u32 i = 0; i < program->path.count; i++) {
		const struct sl_step *step = &program->path.items[i];

		if (step->kind == SL_STEP_CONNTRACK || step->kind == SL_STEP_TRACKED)
			tracked |= step->families;
		if (step->kind != SL_STEP_CHAIN)
			continue;
		if (step->families & tracked)
			visit(&survey, step->chain, step->families & tracked, BEHIND);
		if (step->families & (u8)~tracked)
			visit(&survey, step->chain, step->families & (u8)~tracked, BEFORE);
	}
	return survey.places;
}
