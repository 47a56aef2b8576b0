/* SPDX-License-Identifier: GPL-2.0-only */
#include "codegen/gen.h"
#include "optimise/optimise.h"

static void leave_to_kernel(struct sl_op *op, const char *reason)
{
	bool decides = op->kind == SL_OP_VMAP;

	*op = (struct sl_op){.kind = decides ? SL_OP_KERNEL : SL_OP_UNKNOWN, .reason = reason};
}

/* Words that are swapped or shifted one by one fit codegen's chunks; others do not. */
static bool key_is_legal(const struct sl_key *key)
{
	for (u32 i = 0; i < key->transform_count; i++) {
		const struct sl_transform *transform = &key->transforms[i];
		bool shifts = transform->kind == SL_SHL || transform->kind == SL_SHR;

		if (shifts && transform->length != 4)
			return false;
		/* A word that reaches into the key's padding is not a chunk. */
		if (transform->kind != SL_MASK &&
		    (u32)transform->at + transform->length > key->length)
			return false;
		if (transform->kind != SL_MASK && i + 1 < key->transform_count &&
		    key->transform_count > 2)
			return false;
		/* Two word sizes over the same bytes would want two chunk sizes. */
		for (u32 j = 0; j < i; j++)
			if (transform->kind != SL_MASK && key->transforms[j].kind != SL_MASK &&
			    (transform->at != key->transforms[j].at ||
			     (shifts ? 4 : transform->width) != (key->transforms[j].kind == SL_SWAP
									 ? key->transforms[j].width
									 : 4)))
				return false;
	}
	return true;
}

static bool set_is_legal(const struct sl_set *set)
{
	if (set->kind == SL_SET_BOXES)
		return !sl_set_needs_map(set);
	return set->kind == SL_SET_EXACT || set->key_length <= 32;
}

static void mark_used(const struct sl_op *op)
{
	if (op->kind == SL_OP_SET || op->kind == SL_OP_VMAP)
		op->set->is_used = true;
	for (u32 i = 0; i < op->alternative_count; i++)
		mark_used(&op->alternatives[i]);
}

/* An address without a known type makes a match uncertain; there is code for plain ones only. */
static bool address_type_is_legal(const struct sl_op *op)
{
	if (!sl_key_is_address_type(&op->key))
		return true;
	return op->kind == SL_OP_COMPARE && op->key.part_count == 1 && op->key.length == 4 &&
	       op->key.parts[0].field.length == 4 && !op->key.transform_count &&
	       (op->compare == SL_EQ || op->compare == SL_NE);
}

static void legalise(struct sl_op *op)
{
	for (u32 i = 0; i < op->alternative_count; i++) {
		if (!key_is_legal(&op->alternatives[i].key) ||
		    sl_key_is_address_type(&op->alternatives[i].key) ||
		    (op->alternatives[i].kind == SL_OP_SET &&
		     !set_is_legal(op->alternatives[i].set))) {
			leave_to_kernel(op, "alternatives of a kind that has no code yet");
			return;
		}
	}
	if (!address_type_is_legal(op))
		leave_to_kernel(op, "an address type in a form that has no code yet");
	else if (!key_is_legal(&op->key))
		leave_to_kernel(op, "a byte-order or shift operation that has no code yet");
	else if ((op->kind == SL_OP_SET || op->kind == SL_OP_VMAP) && !set_is_legal(op->set))
		leave_to_kernel(op, "a large set of concatenated intervals");
}

int sl_optimise_legalise(struct sl_program *program)
{
	for (u32 c = 0; c < program->chains.count; c++) {
		struct sl_chain *chain = program->chains.items[c];

		for (u32 r = 0; r < chain->rules.count; r++)
			for (u32 i = 0; i < chain->rules.items[r].ops.count; i++) {
				legalise(&chain->rules.items[r].ops.items[i]);
				mark_used(&chain->rules.items[r].ops.items[i]);
			}
	}
	return 0;
}
