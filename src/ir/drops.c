// SPDX-License-Identifier: GPL-2.0-only
#include "ir/drops.h"

struct walk {
	u8 live;  /* that some packet may be in here */
	u8 drops; /* that some packet was dropped in */
};

static void walk_rules(struct walk *walk, const struct sl_rule *rules, u32 count);

/* `is_certain`: no match of the rule can fail. What may go on elsewhere is taken to end in drops.
 */
static void decide(struct walk *walk, enum sl_verdict_kind kind, u8 worlds, bool is_certain)
{
	switch (kind) {
	case SL_VERDICT_ACCEPT:
	case SL_VERDICT_KERNEL:
		if (is_certain)
			walk->live &= (u8)~worlds;
		return;
	case SL_VERDICT_CONTINUE:
	case SL_VERDICT_RETURN:
		return;
	default:
		walk->drops |= worlds;
	}
}

static void walk_rule(struct walk *walk, const struct sl_rule *rule)
{
	bool is_certain = true;
	u8 worlds = walk->live;

	for (u32 i = 0; i < rule->ops.count; i++) {
		const struct sl_op *op = &rule->ops.items[i];

		switch (op->kind) {
		case SL_OP_STATE:
			worlds &= op->worlds;
			break;
		case SL_OP_COUNTER:
		case SL_OP_MARK:
			break;
		case SL_OP_KERNEL:
			decide(walk, SL_VERDICT_KERNEL, worlds, is_certain);
			return;
		case SL_OP_VERDICT:
			decide(walk, op->verdict.kind, worlds, is_certain);
			return;
		case SL_OP_VMAP:
			walk->drops |= worlds;
			return;
		case SL_OP_TABLE:
			walk_rules(walk, op->table->rules, op->table->count);
			return;
		default:
			is_certain = false;
		}
	}
}

static void walk_rules(struct walk *walk, const struct sl_rule *rules, u32 count)
{
	for (u32 i = 0; i < count && walk->live; i++)
		walk_rule(walk, &rules[i]);
}

/* An accept is for one base chain only, so each starts with all worlds. */
static u8 drop_worlds_of(const struct sl_step *step)
{
	struct walk walk = {.live = SL_WORLDS_ALL};

	walk_rules(&walk, step->chain->rules.items, step->chain->rules.count);
	if (step->drops_by_policy)
		walk.drops |= walk.live;
	return walk.drops;
}

u8 sl_program_drop_worlds(const struct sl_program *program)
{
	u8 drops = 0;

	for (u32 i = 0; i < program->path.count; i++)
		if (program->path.items[i].kind == SL_STEP_CHAIN)
			drops |= drop_worlds_of(&program->path.items[i]);
	return drops;
}
