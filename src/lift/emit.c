// SPDX-License-Identifier: GPL-2.0-only
#include "lift/emit.h"

#include <errno.h>
#include <string.h>

#include "ir/key.h"

static struct sl_arena *arena_of(const struct sl_rule_lift *rule)
{
	return rule->lifter->program->arena;
}

static int append(struct sl_rule_lift *rule, const struct sl_op *op)
{
	struct sl_op *slot = sl_list_push(arena_of(rule), &rule->ops);

	if (!slot)
		return -ENOMEM;
	*slot = *op;
	return 0;
}

static int append_effect(struct sl_rule_lift *rule, const struct sl_op *op)
{
	struct sl_op unknown = {.kind = SL_OP_UNKNOWN,
				.reason = "a load that may fail and is not compared"};
	int error = 0;

	if (sl_registers_take_break(&rule->registers))
		error = append(rule, &unknown);
	return error ? error : append(rule, op);
}

int sl_emit_unknown(struct sl_rule_lift *rule, const char *reason)
{
	struct sl_op op = {.kind = SL_OP_UNKNOWN, .reason = reason};

	return append(rule, &op);
}

int sl_emit_kernel(struct sl_rule_lift *rule, const char *reason)
{
	struct sl_op op = {.kind = SL_OP_KERNEL, .reason = reason};

	rule->ends = true; /* all that get here pass */
	return append_effect(rule, &op);
}

int sl_emit_limit(struct sl_rule_lift *rule, u32 limit, bool is_over, const char *reason)
{
	struct sl_op op = {
		.kind = SL_OP_LIMIT, .limit = limit, .invert = is_over, .reason = reason};

	rule->ends = !is_over; /* all that get here pass, or miss */
	return append_effect(rule, &op);
}

int sl_emit_unknown_named(struct sl_rule_lift *rule, const char *prefix, const char *name)
{
	const char *reason = sl_arena_printf(arena_of(rule), "%s%s", prefix, name);

	return reason ? sl_emit_unknown(rule, reason) : -ENOMEM;
}

int sl_emit_kernel_named(struct sl_rule_lift *rule, const char *prefix, const char *name)
{
	const char *reason = sl_arena_printf(arena_of(rule), "%s%s", prefix, name);

	return reason ? sl_emit_kernel(rule, reason) : -ENOMEM;
}

int sl_emit_never(struct sl_rule_lift *rule)
{
	rule->ends = true;
	return 0;
}

int sl_emit_states(struct sl_rule_lift *rule, u8 worlds)
{
	struct sl_op op = {.kind = SL_OP_STATE, .worlds = worlds};

	if (worlds == SL_WORLDS_ALL)
		return 0;
	return worlds ? append(rule, &op) : sl_emit_never(rule);
}

/* Keys and data */

static int copy_key(struct sl_arena *arena, const struct sl_key_draft *draft,
		    struct sl_key *ret_key)
{
	const struct sl_key key = {
		.length = draft->length,
		.part_count = draft->part_count,
		.transform_count = draft->transform_count,
		.parts = draft->parts,
		.transforms = draft->transforms,
	};

	return sl_key_copy(arena, &key, ret_key);
}

int sl_emit_compare(struct sl_rule_lift *rule, const struct sl_key_draft *key,
		    enum sl_compare compare, const u8 *data)
{
	struct sl_op op = {.kind = SL_OP_COMPARE, .compare = (u8)compare};
	int error = copy_key(arena_of(rule), key, &op.key);

	if (error)
		return error;
	op.data = sl_arena_copy(arena_of(rule), data, key->length);
	return op.data ? append(rule, &op) : -ENOMEM;
}

int sl_range_op(struct sl_rule_lift *rule, const struct sl_key_draft *key, const u8 *from,
		const u8 *to, struct sl_op *ret_op)
{
	struct sl_op op = {.kind = SL_OP_RANGE};
	int error = copy_key(arena_of(rule), key, &op.key);

	if (error)
		return error;
	if (!memcmp(from, to, key->length)) {
		op.kind = SL_OP_COMPARE;
		op.compare = SL_EQ;
	} else {
		op.data_end = sl_arena_copy(arena_of(rule), to, key->length);
	}
	op.data = sl_arena_copy(arena_of(rule), from, key->length);
	if (!op.data || (op.kind == SL_OP_RANGE && !op.data_end))
		return -ENOMEM;
	*ret_op = op;
	return 0;
}

int sl_emit_range(struct sl_rule_lift *rule, const struct sl_key_draft *key, const u8 *from,
		  const u8 *to, bool invert)
{
	static const u8 zeroes[SL_KEY_MAX];
	struct sl_op op;
	int error;

	if (memcmp(from, to, key->length) > 0) /* nothing is in it, all that loads outside */
		return invert ? sl_emit_compare(rule, key, SL_GE, zeroes) : sl_emit_never(rule);
	error = sl_range_op(rule, key, from, to, &op);
	if (error)
		return error;
	if (op.kind == SL_OP_RANGE)
		op.invert = invert;
	else if (invert)
		op.compare = SL_NE;
	return append(rule, &op);
}

/* The only alternative stands for itself. */
static struct sl_op single(const struct sl_op *alternative, bool invert)
{
	struct sl_op op = *alternative;

	if (invert && op.kind == SL_OP_COMPARE)
		op.compare = SL_NE;
	else
		op.invert = invert;
	return op;
}

int sl_emit_any(struct sl_rule_lift *rule, const struct sl_op *alternatives, u32 count, bool invert)
{
	struct sl_op op = {.kind = SL_OP_ANY, .invert = invert, .alternative_count = count};

	if (!count)
		return invert ? 0 : sl_emit_never(rule);
	if (count == 1) {
		op = single(alternatives, invert);
		return append(rule, &op);
	}
	op.alternatives = sl_arena_copy(arena_of(rule), alternatives, count * sizeof *alternatives);
	return op.alternatives ? append(rule, &op) : -ENOMEM;
}

int sl_emit_set(struct sl_rule_lift *rule, const struct sl_key_draft *key, struct sl_set *set,
		bool invert)
{
	struct sl_op op = {.kind = SL_OP_SET, .set = set, .invert = invert};
	int error = copy_key(arena_of(rule), key, &op.key);

	return error ? error : append(rule, &op);
}

int sl_emit_filled(struct sl_rule_lift *rule, const struct sl_key_draft *key, u32 filled,
		   bool invert, const char *reason)
{
	struct sl_op op = {
		.kind = SL_OP_FILLED, .filled = filled, .invert = invert, .reason = reason};
	int error = copy_key(arena_of(rule), key, &op.key);

	return error ? error : append(rule, &op);
}

int sl_emit_fill(struct sl_rule_lift *rule, const struct sl_key_draft *key, u32 filled,
		 const char *reason)
{
	struct sl_op op = {.kind = SL_OP_FILL, .filled = filled, .reason = reason};
	int error = copy_key(arena_of(rule), key, &op.key);

	return error ? error : append_effect(rule, &op);
}

int sl_emit_vmap(struct sl_rule_lift *rule, const struct sl_key_draft *key, struct sl_set *set)
{
	struct sl_op op = {.kind = SL_OP_VMAP, .set = set};
	int error = copy_key(arena_of(rule), key, &op.key);

	rule->ends = true;
	return error ? error : append_effect(rule, &op);
}

int sl_emit_counter(struct sl_rule_lift *rule, u32 counter)
{
	struct sl_op op = {.kind = SL_OP_COUNTER, .counter = counter};

	return append_effect(rule, &op);
}

int sl_emit_mark(struct sl_rule_lift *rule, u32 keep, u32 flip, const char *reason)
{
	struct sl_op op = {.kind = SL_OP_MARK, .reason = reason};

	if (rule->lifter->front) /* what rules ask for there is read off the packet */
		return sl_emit_kernel(rule, "sets the packet's mark");
	if (rule->chain->contexts & SL_FROM_NAT)
		op.reason = "mark set in a nat chain, which only new connections meet";
	if (!op.reason) {
		op.keep = keep;
		op.flip = flip;
	}
	rule->lifter->program->device.mark_moves = true;
	return append_effect(rule, &op);
}

int sl_emit_verdict(struct sl_rule_lift *rule, const struct sl_verdict *verdict)
{
	struct sl_op op = {.kind = SL_OP_VERDICT, .verdict = *verdict};

	rule->ends = true;
	return append_effect(rule, &op);
}

struct sl_key_draft sl_key_of(enum sl_field_base base, u32 offset, u32 length)
{
	struct sl_key_draft key = {.length = (u8)length, .part_count = 1};

	key.parts[0].field =
		(struct sl_field){.base = (u8)base, .length = (u8)length, .offset = (u16)offset};
	return key;
}
