/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs to tables. A blocklist is often a thousand rules, each `saddr = X → drop`. As long as
 * neighbours differ in nothing but X, in the counter and in the verdict, and every verdict leaves
 * the chain, the first match wins and the run is one lookup in a verdict map.
 *
 * X may be a prefix. Prefixes nest or are disjoint, so a sweep over their ends cuts the space into
 * disjoint ranges, each owned by the earliest rule that covers it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ir/key.h"
#include "ir/packet.h"
#include "optimise/optimise.h"

#define RUN_MIN   4
#define VALUE_MAX 16

/* One rule's X. */
struct prefix {
	u8 value[VALUE_MAX], mask[VALUE_MAX]; /* value & mask == value */
	u32 bits;
};

/* The same test. Kinds that are not pure tests are never equal. */
static bool tests_equal(const struct sl_op *a, const struct sl_op *b)
{
	if (a->kind != b->kind || a->invert != b->invert)
		return false;
	switch (a->kind) {
	case SL_OP_COMPARE:
		return a->compare == b->compare && sl_key_equals(&a->key, &b->key) &&
		       !memcmp(a->data, b->data, a->key.length);
	case SL_OP_RANGE:
		return sl_key_equals(&a->key, &b->key) &&
		       !memcmp(a->data, b->data, a->key.length) &&
		       !memcmp(a->data_end, b->data_end, a->key.length);
	case SL_OP_SET:
		return a->set == b->set && sl_key_equals(&a->key, &b->key);
	case SL_OP_STATE:
		return a->worlds == b->worlds;
	default:
		return false;
	}
}

/* Bytes that every ordinary packet has, so that loading more of them cannot fail. */
static bool is_always_there(const struct sl_field *field, u32 length)
{
	u32 end = field->offset + length;

	return (field->base == SL_NETWORK && end <= 20 + SL_TRANSPORT_MIN) ||
	       (field->base == SL_TRANSPORT && end <= SL_TRANSPORT_MIN);
}

static u32 leading_ones(const u8 *mask, u32 length)
{
	u32 bits = 0;

	while (bits < 8 * length && mask[bits / 8] & 0x80 >> bits % 8)
		bits++;
	return bits;
}

/* True, and X, if `op` tests a plain field for a value or a prefix. */
static bool get_prefix(const struct sl_op *op, struct prefix *ret_prefix)
{
	const struct sl_key *key = &op->key;
	struct prefix prefix = {.bits = 8 * key->length};

	if (op->kind != SL_OP_COMPARE || op->compare != SL_EQ || key->part_count != 1 ||
	    key->length > VALUE_MAX || key->parts[0].at || key->transform_count > 1 ||
	    key->parts[0].field.length != key->length ||
	    (key->parts[0].field.base != SL_NETWORK && key->parts[0].field.base != SL_TRANSPORT))
		return false;
	memset(prefix.mask, 0xff, key->length);
	if (key->transform_count) {
		const struct sl_transform *transform = &key->transforms[0];

		if (transform->kind != SL_MASK || transform->at || transform->length != key->length)
			return false;
		for (u32 i = 0; i < key->length; i++)
			if (transform->xor [i] || op->data[i] & ~transform->mask[i])
				return false;
		memcpy(prefix.mask, transform->mask, key->length);
		prefix.bits = leading_ones(prefix.mask, key->length);
		for (u32 bit = prefix.bits; bit < 8 * key->length; bit++)
			if (prefix.mask[bit / 8] & 0x80 >> bit % 8)
				return false;
	}
	memcpy(prefix.value, op->data, key->length);
	*ret_prefix = prefix;
	return true;
}

static bool leaves_chain(const struct sl_verdict *verdict)
{
	switch (verdict->kind) {
	case SL_VERDICT_ACCEPT:
	case SL_VERDICT_DROP:
	case SL_VERDICT_RETURN:
		return true;
	default:
		return false;
	}
}

/*
 * A test that may be made before another. One that can stay open may not: a verdict map behind it
 * passes where a drop would be ignored. Nor may a lookup where the packet might meet an element
 * that is just expiring.
 */
static bool is_plain_test(const struct sl_op *op)
{
	if (op->kind > SL_OP_STATE || sl_op_is_unsure(op))
		return false;
	return op->kind != SL_OP_SET || !op->set->has_timeouts;
}

/* tests…, perhaps a counter, a verdict that leaves the chain */
struct shape {
	u32 tests;
	const struct sl_op *counter; /* NULL without one */
	const struct sl_verdict *verdict;
};

static bool get_shape(const struct sl_rule *rule, struct shape *ret_shape)
{
	struct shape shape = {0};
	u32 i = 0;

	while (i < rule->ops.count && is_plain_test(&rule->ops.items[i]))
		i++;
	shape.tests = i;
	if (i < rule->ops.count && rule->ops.items[i].kind == SL_OP_COUNTER)
		shape.counter = &rule->ops.items[i++];
	if (i + 1 != rule->ops.count || rule->ops.items[i].kind != SL_OP_VERDICT ||
	    !leaves_chain(&rule->ops.items[i].verdict))
		return false;
	shape.verdict = &rule->ops.items[i].verdict;
	*ret_shape = shape;
	return true;
}

/*
 * Both test the same field from its start on. The lengths may differ (nft shortens prefixes) where
 * loading the longer can never fail.
 */
static bool fields_start_alike(const struct sl_op *a, const struct sl_op *b)
{
	const struct sl_field *x = &a->key.parts[0].field, *y = &b->key.parts[0].field;

	return x->base == y->base && x->offset == y->offset &&
	       (x->length == y->length ||
		(is_always_there(x, x->length) && is_always_there(y, y->length)));
}

/* Whether `rule` continues a run of `first` whose varying test stands at `vary`. */
static bool continues(const struct sl_rule *first, const struct sl_rule *rule, u32 vary)
{
	struct prefix prefix;
	struct shape a, b;

	if (!get_shape(first, &a) || !get_shape(rule, &b) || a.tests != b.tests)
		return false;
	for (u32 i = 0; i < a.tests; i++)
		if (i != vary && !tests_equal(&first->ops.items[i], &rule->ops.items[i]))
			return false;
	return get_prefix(&first->ops.items[vary], &prefix) &&
	       get_prefix(&rule->ops.items[vary], &prefix) &&
	       fields_start_alike(&first->ops.items[vary], &rule->ops.items[vary]);
}

/* The longest run from `start` on, over all choices of the varying test. */
static u32 find_run(const struct sl_chain *chain, u32 start, u32 *ret_vary)
{
	const struct sl_rule *first = &chain->rules.items[start];
	struct shape shape;
	u32 best = 1;

	if (!get_shape(first, &shape))
		return 1;
	for (u32 vary = 0; vary < shape.tests; vary++) {
		u32 length = 1;

		while (start + length < chain->rules.count &&
		       continues(first, &chain->rules.items[start + length], vary))
			length++;
		if (length > best) {
			best = length;
			*ret_vary = vary;
		}
	}
	return best;
}

/* One X on its way to ranges. */
struct span {
	u8 lo[VALUE_MAX], hi[VALUE_MAX];
	u32 rule; /* position in the run: the lower wins */
};

static int compare_spans(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int order = memcmp(x->lo, y->lo, VALUE_MAX);

	if (!order)
		order = memcmp(y->hi, x->hi, VALUE_MAX); /* the wider first */
	return order ? order : (x->rule > y->rule) - (x->rule < y->rule);
}

static int add_element(struct sl_program *program, struct sl_set *set, const u8 *lo, const u8 *hi,
		       const struct sl_rule *rule)
{
	struct sl_element *element = sl_list_push(program->arena, &set->elements);
	struct shape shape;

	if (!element)
		return -ENOMEM;
	get_shape(rule, &shape);
	element->key = sl_arena_copy(program->arena, lo, set->key_length);
	element->key_end = sl_arena_copy(program->arena, hi, set->key_length);
	element->verdict = *shape.verdict;
	element->counts = shape.counter;
	element->counter = shape.counter ? shape.counter->counter : 0;
	return element->key && element->key_end ? 0 : -ENOMEM;
}

/*
 * Sweeps the sorted spans: `open` holds those that cover the point reached, outermost first, each
 * with the earliest rule among itself and those around it.
 */
static int sweep(struct sl_program *program, struct sl_set *set, const struct sl_rule *rules,
		 const struct span *spans, u32 count, struct span *open)
{
	u8 from[VALUE_MAX] = {0}, to[VALUE_MAX];
	bool more = true; /* `from` has not run over the end */
	u32 depth = 0;

	for (u32 i = 0; i <= count; i++) {
		/* Close what ends before the next span begins. */
		while (depth && (i == count ||
				 memcmp(open[depth - 1].hi, spans[i].lo, set->key_length) < 0)) {
			const struct span *top = &open[--depth];

			if (more && memcmp(from, top->hi, set->key_length) <= 0) {
				if (add_element(program, set, from, top->hi, &rules[top->rule]))
					return -ENOMEM;
				memcpy(from, top->hi, VALUE_MAX);
				more = sl_value_step(from, set->key_length, 1);
			}
		}
		if (i == count)
			return 0;
		if (depth && memcmp(from, spans[i].lo, set->key_length) < 0) {
			memcpy(to, spans[i].lo, VALUE_MAX);
			sl_value_step(to, set->key_length, -1);
			if (add_element(program, set, from, to, &rules[open[depth - 1].rule]))
				return -ENOMEM;
		}
		memcpy(from, spans[i].lo, VALUE_MAX);
		open[depth] = spans[i];
		if (depth && open[depth - 1].rule < open[depth].rule)
			open[depth].rule = open[depth - 1].rule;
		depth++;
	}
	return 0;
}

static int fill(struct sl_program *program, struct sl_set *set, const struct sl_rule *rules,
		u32 count, u32 vary)
{
	struct span *spans = calloc(count, sizeof *spans);
	/* Spans nest at most once per prefix length; equal ones pile up, one a rule. */
	struct span *open = calloc(count, sizeof *open);
	int error = spans && open ? 0 : -ENOMEM;

	for (u32 i = 0; i < count && !error; i++) {
		struct prefix prefix;

		get_prefix(&rules[i].ops.items[vary], &prefix);
		memcpy(spans[i].lo, prefix.value, VALUE_MAX);
		for (u32 b = 0; b < set->key_length; b++)
			spans[i].hi[b] = (u8)(prefix.value[b] | ~prefix.mask[b]);
		spans[i].rule = i;
		if (memcmp(spans[i].lo, spans[i].hi, set->key_length) != 0)
			set->kind = SL_SET_INTERVAL;
	}
	if (!error) {
		qsort(spans, count, sizeof *spans, compare_spans);
		error = sweep(program, set, rules, spans, count, open);
	}
	free(spans);
	free(open);
	return error;
}

static struct sl_set *make_set(struct sl_program *program, const struct sl_chain *chain,
			       const struct sl_rule *rules, u32 count, u32 vary)
{
	struct sl_set *set = sl_program_add_set(program, chain->family, chain->table, "run");

	if (!set)
		return NULL;
	for (u32 i = 0; i < count; i++)
		if (rules[i].ops.items[vary].key.length > set->key_length)
			set->key_length = rules[i].ops.items[vary].key.length;
	set->kind = SL_SET_EXACT;
	set->is_constant = set->is_vmap = true;
	set->field_count = 1;
	set->field_lengths[0] = set->key_length;
	return fill(program, set, rules, count, vary) ? NULL : set;
}

/* The run's one rule: the common tests, then the lookup. */
static int make_rule(struct sl_program *program, const struct sl_rule *rules, u32 vary,
		     struct sl_set *set, struct sl_rule *ret_rule)
{
	struct sl_rule rule = {
		.handle = rules[0].handle, .comment = rules[0].comment, .home = rules[0].home};
	struct sl_field field = rules[0].ops.items[vary].key.parts[0].field;
	struct sl_part *part = sl_arena_alloc(program->arena, sizeof *part);
	struct shape shape;

	if (!part)
		return -ENOMEM;
	get_shape(&rules[0], &shape);
	field.length = (u8)set->key_length;
	*part = (struct sl_part){.field = field};
	for (u32 i = 0; i <= shape.tests; i++) {
		if (i == vary)
			continue;

		struct sl_op *op = sl_list_push(program->arena, &rule.ops);

		if (!op)
			return -ENOMEM;
		*op = i < shape.tests ? rules[0].ops.items[i]
				      : (struct sl_op){.kind = SL_OP_VMAP,
						       .set = set,
						       .key = {.length = (u8)set->key_length,
							       .part_count = 1,
							       .parts = part}};
	}
	*ret_rule = rule;
	return 0;
}

u32 sl_merge_find_run(const struct sl_chain *chain, u32 start, bool *ret_is_exact)
{
	const struct sl_rule *rules = &chain->rules.items[start];
	u32 vary = 0, length = find_run(chain, start, &vary);
	bool is_exact = true;

	if (length < RUN_MIN)
		return 1;
	for (u32 i = 0; i < length && is_exact; i++) {
		const struct sl_op *first = &rules[0].ops.items[vary],
				   *op = &rules[i].ops.items[vary];
		struct prefix prefix;

		is_exact = get_prefix(op, &prefix) && prefix.bits == 8 * first->key.length;
	}
	*ret_is_exact = is_exact;
	return length;
}

static int merge_chain(struct sl_program *program, struct sl_chain *chain)
{
	u32 kept = 0;

	for (u32 i = 0, length; i < chain->rules.count; i += length) {
		u32 vary = 0;

		length = find_run(chain, i, &vary);
		if (length < RUN_MIN) {
			/* the next rule, even one of these, may begin a longer run */
			chain->rules.items[kept++] = chain->rules.items[i];
			length = 1;
			continue;
		}

		const struct sl_rule *rules = &chain->rules.items[i];
		struct sl_set *set = make_set(program, chain, rules, length, vary);
		struct sl_rule merged;

		if (!set || make_rule(program, rules, vary, set, &merged))
			return -ENOMEM;
		chain->rules.items[kept++] = merged;
	}
	chain->rules.count = kept;
	return 0;
}

int sl_optimise_merge(struct sl_program *program)
{
	int error = 0;

	for (u32 i = 0; i < program->chains.count && !error; i++)
		error = merge_chain(program, program->chains.items[i]);
	return error;
}
