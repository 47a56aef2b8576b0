/* SPDX-License-Identifier: GPL-2.0-only */
#include "codegen/gen.h"
#include "ir/key.h"
#include "ir/tcp_option.h"
#include "optimise/optimise.h"
#include "trie.h"

static void leave_to_kernel(struct sl_op *op, const char *reason)
{
	bool decides = op->kind == SL_OP_VMAP || op->kind == SL_OP_FILL || sl_op_reads_mark(op);

	*op = (struct sl_op){.kind = decides ? SL_OP_KERNEL : SL_OP_UNKNOWN, .reason = reason};
}

/* SWAP and the shifts work on words, the shifts with a carry from one to the next. */
static bool moves_words(const struct sl_transform *transform)
{
	return transform->kind != SL_MASK;
}

static u32 word_size(const struct sl_transform *transform)
{
	return transform->kind == SL_SWAP ? transform->width : 4;
}

static u32 end_of(const struct sl_transform *transform)
{
	return (u32)transform->at + transform->length;
}

/* Where both work, they see the same words. */
static bool words_agree(const struct sl_transform *a, const struct sl_transform *b)
{
	if (!moves_words(a) || !moves_words(b) || a->at >= end_of(b) || b->at >= end_of(a))
		return true;
	return word_size(a) == word_size(b) && (a->at - b->at) % (int)word_size(a) == 0;
}

/*
 * Codegen handles a key in chunks (key.c), and a word that moves must be a chunk: all of it in the
 * key, since what reaches into the padding has no chunk, and cut alike by every transform.
 */
static bool key_is_legal(const struct sl_key *key)
{
	for (u32 i = 0; i < key->transform_count; i++) {
		const struct sl_transform *transform = &key->transforms[i];

		if (moves_words(transform) && end_of(transform) > key->length)
			return false;
		if (moves_words(transform) && transform->kind != SL_SWAP && transform->length != 4)
			return false;
		for (u32 j = 0; j < i; j++)
			if (!words_agree(transform, &key->transforms[j]))
				return false;
	}
	return true;
}

static bool is_within_field(const struct sl_set *set, u32 at, u32 length)
{
	for (u32 f = 0, start = 0; f < set->field_count; f++) {
		if (at >= start && at + length <= start + set->field_lengths[f])
			return true;
		start += (set->field_lengths[f] + 3) & ~3u;
	}
	return false;
}

/* Boxes are compared field by field, so no word may straddle a field's border either. */
static bool words_fit_fields(const struct sl_key *key, const struct sl_set *set)
{
	for (u32 i = 0; i < key->transform_count; i++) {
		const struct sl_transform *transform = &key->transforms[i];

		for (u32 at = transform->at; moves_words(transform) && at < end_of(transform);
		     at += word_size(transform))
			if (!is_within_field(set, at, word_size(transform)))
				return false;
	}
	return true;
}

static bool set_is_legal(const struct sl_set *set)
{
	if (set->kind == SL_SET_BOXES)
		return !sl_set_needs_map(set);
	return set->kind == SL_SET_EXACT || set->key_length <= SL_TRIE_KEY_MAX;
}

static void mark_used(const struct sl_op *op)
{
	if (op->kind == SL_OP_SET || op->kind == SL_OP_VMAP)
		op->set->is_used = true;
	for (u32 i = 0; i < op->alternative_count; i++)
		mark_used(&op->alternatives[i]);
}

/* What may not be known makes a match uncertain; there is code for plain ones only. */
static bool doubtful_key_is_legal(const struct sl_op *op)
{
	if (!sl_key_may_be_unknown(&op->key))
		return true;
	return op->kind == SL_OP_COMPARE && op->key.part_count == 1 && op->key.length == 4 &&
	       op->key.parts[0].field.length == 4 && !op->key.transform_count &&
	       (op->compare == SL_EQ || op->compare == SL_NE);
}

/* There is room for the value of one. */
static bool tcp_option_is_legal(const struct sl_key *key)
{
	u32 options = 0;

	for (u32 i = 0; i < key->part_count; i++)
		options += sl_field_is_tcp_option(&key->parts[i].field);
	return options <= 1;
}

/* What there is no code for; NULL: nothing. */
static const char *obstacle(const struct sl_op *op)
{
	bool looks_up = op->kind == SL_OP_SET || op->kind == SL_OP_VMAP;

	if (!doubtful_key_is_legal(op))
		return "an address type, or a way back, in a form that has no code yet";
	if (!tcp_option_is_legal(&op->key))
		return "several TCP options in one key";
	if (!key_is_legal(&op->key) ||
	    (looks_up && op->set->kind == SL_SET_BOXES && !words_fit_fields(&op->key, op->set)))
		return "a byte-order or shift operation that has no code yet";
	if (looks_up && !set_is_legal(op->set))
		return op->set->kind == SL_SET_BOXES ? "a large set of concatenated intervals"
						     : "a set of intervals of long keys";
	return NULL;
}

static void legalise(struct sl_op *op)
{
	const char *reason = obstacle(op);

	for (u32 i = 0; i < op->alternative_count && !reason; i++)
		if (obstacle(&op->alternatives[i]) ||
		    sl_key_may_be_unknown(&op->alternatives[i].key) ||
		    sl_key_asks_tcp_option(&op->alternatives[i].key))
			reason = "alternatives of a kind that has no code yet";
	if (reason)
		leave_to_kernel(op, reason);
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
