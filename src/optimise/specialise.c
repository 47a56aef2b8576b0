/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>

#include "ir/key.h"
#include "optimise/optimise.h"

/* Chains of one family, and verdict maps that lead to them, made on first use. */
struct family {
	struct sl_program *program;
	u8 family;
	u32 chain_family;       /* of the chain at hand: jumps stay within a table */
	struct sl_chain **made; /* by the old chain's index; NULL: not yet */
	struct sl_set **maps;   /* by the old set's index: verdict maps whose targets are `made` */
};

static struct sl_chain *specialised(struct family *family, const struct sl_chain *chain);

/* A verdict map asked with a key that is already known. True if `op` became a verdict or misses. */
static bool fold_vmap(const struct family *family, struct sl_op *op, bool *ret_misses)
{
	u8 value[SL_KEY_MAX];

	*ret_misses = false;
	if (op->kind != SL_OP_VMAP || !op->set->is_constant || op->set->has_timeouts ||
	    !sl_key_fold(&op->key, &family->program->device, family->family, family->chain_family,
			 value))
		return false;

	const struct sl_element *element = sl_set_lookup(op->set, value);

	if (!element && !op->set->has_catchall) {
		*ret_misses = true;
		return true;
	}
	*op = (struct sl_op){.kind = SL_OP_VERDICT,
			     .verdict = element ? element->verdict : op->set->catchall};
	return true;
}

static int retarget(struct family *family, struct sl_verdict *verdict)
{
	if (!verdict->chain)
		return 0;
	verdict->chain = specialised(family, verdict->chain);
	return verdict->chain ? 0 : -ENOMEM;
}

static bool jumps(const struct sl_set *set)
{
	bool found = set->catchall.chain;

	for (u32 i = 0; i < set->elements.count && !found; i++)
		found = set->elements.items[i].verdict.chain;
	return found;
}

/* A verdict map whose targets are this family's chains. */
static struct sl_set *specialised_vmap(struct family *family, const struct sl_set *set)
{
	if (!jumps(set))
		return (struct sl_set *)set;
	if (family->maps[set->index])
		return family->maps[set->index];

	struct sl_set *copy =
		sl_program_add_set(family->program, set->family, set->table, set->name);

	if (!copy)
		return NULL;

	u32 index = copy->index;

	family->maps[set->index] = copy;
	*copy = *set;
	copy->index = index;
	copy->elements.items = sl_arena_copy(family->program->arena, set->elements.items,
					     set->elements.count * sizeof *set->elements.items);
	copy->elements.capacity = copy->elements.count;
	if (!copy->elements.items)
		return NULL;
	for (u32 i = 0; i < copy->elements.count; i++)
		if (retarget(family, &copy->elements.items[i].verdict))
			return NULL;
	return retarget(family, &copy->catchall) ? NULL : copy;
}

/* Copies the ops that remain; a rule that cannot match ends before its verdict. */
static int copy_ops(struct family *family, const struct sl_rule *from, struct sl_rule *to)
{
	bool unsure = false;

	for (u32 i = 0; i < from->ops.count; i++) {
		struct sl_op op = from->ops.items[i];
		enum sl_folded folded = sl_op_fold(&op, &family->program->device, family->family,
						   family->chain_family);
		bool misses;

		if (folded == SL_FOLD_HOLDS)
			continue;
		unsure |= sl_op_is_unsure(&op);
		if (folded == SL_FOLD_FAILS)
			return 0;
		/* Behind an UNKNOWN every verdict map passes, even one that misses (ir.h). */
		if (!unsure && fold_vmap(family, &op, &misses) && misses)
			return 0;
		if (op.kind == SL_OP_VMAP) {
			op.set = specialised_vmap(family, op.set);
			if (!op.set)
				return -ENOMEM;
		}
		if (op.kind == SL_OP_VERDICT && retarget(family, &op.verdict))
			return -ENOMEM;

		struct sl_op *copy = sl_list_push(family->program->arena, &to->ops);

		if (!copy)
			return -ENOMEM;
		*copy = op;
	}
	return 0;
}

/* Matches with nothing behind them have no effect; but of an unknown mark, that the packet passes.
 */
static void trim(struct sl_rule *rule)
{
	while (rule->ops.count) {
		const struct sl_op *op = &rule->ops.items[rule->ops.count - 1];

		if (op->kind == SL_OP_COUNTER || op->kind == SL_OP_KERNEL ||
		    op->kind == SL_OP_LIMIT || op->kind == SL_OP_FILL || op->kind == SL_OP_MARK ||
		    op->kind == SL_OP_VMAP || sl_op_reads_mark(op) ||
		    (op->kind == SL_OP_VERDICT && op->verdict.kind != SL_VERDICT_CONTINUE))
			return;
		rule->ops.count--;
	}
}

static struct sl_chain *specialised(struct family *family, const struct sl_chain *chain)
{
	struct sl_program *program = family->program;

	if (family->made[chain->index])
		return family->made[chain->index];

	struct sl_chain *copy =
		sl_program_add_chain(program, chain->family, chain->table, chain->name);

	if (!copy)
		return NULL;
	family->made[chain->index] = copy;
	family->chain_family = chain->family;
	for (u32 i = 0; i < chain->rules.count; i++) {
		struct sl_rule *rule = sl_list_push(program->arena, &copy->rules);

		if (!rule)
			return NULL;
		rule->handle = chain->rules.items[i].handle;
		rule->comment = chain->rules.items[i].comment;
		/* jump cycles do not exist, so the recursion ends */
		if (copy_ops(family, &chain->rules.items[i], rule))
			return NULL;
		trim(rule);
		if (!rule->ops.count)
			copy->rules.count--;
	}
	return copy;
}

/* The copies have taken over; the originals would keep the old chains in the program. */
static void empty_replaced_vmaps(struct sl_program *program, u32 old_count)
{
	for (u32 i = 0; i < old_count; i++) {
		struct sl_set *set = program->sets.items[i];

		if (!jumps(set))
			continue;
		set->elements.count = 0;
		set->has_catchall = false;
		set->catchall = (struct sl_verdict){0};
	}
}

static int split_step(struct family *family, const struct sl_step *step, struct sl_program *to)
{
	struct sl_step *copy = sl_list_push(to->arena, &to->path);

	if (!copy)
		return -ENOMEM;
	*copy = *step;
	copy->families = family->family;
	if (step->kind == SL_STEP_CHAIN)
		copy->chain = specialised(family, step->chain);
	return step->kind == SL_STEP_CHAIN && !copy->chain ? -ENOMEM : 0;
}

int sl_optimise_specialise(struct sl_program *program)
{
	struct sl_program old = *program;
	size_t chains_room = (size_t)(old.chains.count + 1) * sizeof(struct sl_chain *);
	size_t maps_room = (size_t)(old.sets.count + 1) * sizeof(struct sl_set *);
	struct family families[] = {
		{.program = program, .family = SL_IP},
		{.program = program, .family = SL_IP6},
	};
	int error = 0;

	for (u32 f = 0; f < SL_ARRAY_SIZE(families) && !error; f++) {
		families[f].made = sl_arena_alloc(program->arena, chains_room);
		families[f].maps = sl_arena_alloc(program->arena, maps_room);
		error = families[f].made && families[f].maps ? 0 : -ENOMEM;
	}

	program->path.items = NULL;
	program->path.count = program->path.capacity = 0;
	program->chains.items = NULL;
	program->chains.count = program->chains.capacity = 0;
	for (u32 i = 0; i < old.path.count; i++)
		for (u32 f = 0; f < SL_ARRAY_SIZE(families) && !error; f++)
			if (old.path.items[i].families & families[f].family)
				error = split_step(&families[f], &old.path.items[i], program);
	empty_replaced_vmaps(program, old.sets.count);
	return error;
}
