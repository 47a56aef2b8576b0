// SPDX-License-Identifier: GPL-2.0-only
/*
 * A random program is drawn from the outside in: the device, then a path of base chains, then for
 * each family a staircase of chains to jump to (only downstairs, so that no circle can form), and
 * then rules that draw their keys, constants and sets as they need them. No expression throws the
 * dice twice: compilers would differ in the order.
 */
#include "generate.h"

#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "filled.h"
#include "values.h"

#define FLIGHTS 5 /* how many chains a family's staircase has; jumps nest no deeper */

struct draft {
	struct dice dice;
	struct sl_program *program;
	u32 size;
	const struct sl_chain *chain; /* whose rules are drawn */
	bool at_ingress;              /* the chain might be met before the length is known */
	u32 first_stair, stair_count; /* the chains that it may jump to */
};

static void *need(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static void *room(struct draft *draft, size_t size)
{
	return need(sl_arena_alloc(draft->program->arena, size));
}

#define push(draft, list)                                                                          \
	((__typeof__((list)->items))need(sl_list_push((draft)->program->arena, list)))

/* Keys */

static const struct sl_field fields[] = {
	{SL_NETWORK, 4, 12},
	{SL_NETWORK, 4, 12},
	{SL_NETWORK, 4, 16},
	{SL_NETWORK, 16, 8},
	{SL_NETWORK, 16, 24},
	{SL_TRANSPORT, 2, 0},
	{SL_TRANSPORT, 2, 2},
	{SL_TRANSPORT, 2, 2},
	{SL_META, 1, SL_META_L4PROTO},
	{SL_META, 1, SL_META_L4PROTO},
	{SL_META, 1, SL_META_NFPROTO},
	{SL_META, 2, SL_META_PROTOCOL},
	{SL_META, 4, SL_META_IIF},
	{SL_META, 16, SL_META_IIFNAME},
	{SL_META, 3, SL_META_IIFNAME},
	{SL_META, 2, SL_META_IIFTYPE},
	{SL_META, 4, SL_META_IIFGROUP},
	{SL_META, 1, SL_META_PKTTYPE},
	{SL_META, 4, SL_META_DADDR_TYPE},
	{SL_META, 4, SL_META_WAY_BACK},
	{SL_META, 4, SL_META_WAY_BACK_IF},
	{SL_META, 4, SL_META_MARK},
	{SL_META, 4, SL_META_LENGTH},
	{SL_LINK, 6, 0},
	{SL_LINK, 6, 6},
	{SL_LINK, 2, 12},
	{SL_NETWORK, 1, 0},
	{SL_NETWORK, 1, 8},
	{SL_NETWORK, 2, 4},
	{SL_NETWORK, 8, 12},
	{SL_NETWORK, 3, 12},
	{SL_TRANSPORT, 1, 13},
	{SL_TRANSPORT, 4, 0},
	{SL_TRANSPORT, 8, 8},  /* not there in a short packet */
	{SL_TRANSPORT, 4, 30}, /* only there in a longer one, or in padding */
	{SL_TCP_OPTION, 2, 2 << 8 | 2},
	{SL_TCP_OPTION, 1, 3 << 8 | 2},
	{SL_TCP_OPTION, 4, 8 << 8 | 2},
	{SL_HAS_TCP_OPTION, 1, 4 << 8},
	{SL_HAS_TCP_OPTION, 1, 2 << 8 | 3},
};

static bool is_known(const struct draft *draft, const struct sl_field *field)
{
	if (field->base != SL_META)
		return true;
	if (field->offset == SL_META_LENGTH)
		return !draft->at_ingress;
	return field->offset != SL_META_MARK || draft->program->device.mark_is_zero;
}

static struct sl_field random_field(struct draft *draft)
{
	static const struct sl_field mark = {SL_META, 4, SL_META_MARK};
	const struct sl_field *field = &mark;
	bool asks_mark = draft->program->device.mark_moves && roll_percent(&draft->dice, 12);

	while (!asks_mark || !is_known(draft, field)) {
		field = &pick(&draft->dice, fields);
		asks_mark = is_known(draft, field);
	}
	return *field;
}

static u32 round_up_to_word(u32 length)
{
	return (length + 3) & ~3u;
}

static struct sl_key random_parts(struct draft *draft, u32 count)
{
	struct sl_part *parts = room(draft, count * sizeof *parts);
	u32 at = 0, end = 0;

	for (u32 i = 0; i < count; i++) {
		parts[i] = (struct sl_part){random_field(draft), (u8)at};
		end = at + parts[i].field.length;
		at = round_up_to_word(end);
	}
	return (struct sl_key){
		.length = (u8)(count > 1 ? at : end), .part_count = (u8)count, .parts = parts};
}

static const u8 *random_mask(struct draft *draft, u32 length)
{
	static const u8 usual[] = {0xff, 0xff, 0xff, 0xfe, 0xf0, 0x0f, 0};
	u8 *mask = room(draft, length);

	for (u32 i = 0; i < length; i++)
		mask[i] = pick(&draft->dice, usual);
	return mask;
}

static const u8 *random_xor(struct draft *draft, u32 length)
{
	u8 * xor = room(draft, length);

	if (roll_percent(&draft->dice, 20))
		xor[roll_below(&draft->dice, length)] = (u8)roll(&draft->dice);
	return xor;
}

/* Of the whole key, or of one part. */
static struct sl_transform random_transform(struct draft *draft, const struct sl_key *key)
{
	const struct sl_part *part = &key->parts[roll_below(&draft->dice, key->part_count)];
	bool is_whole = roll_percent(&draft->dice, 50);
	u32 at = is_whole ? 0 : part->at, length = is_whole ? key->length : part->field.length;
	struct sl_transform transform = {.kind = (u8)roll_below(&draft->dice, SL_SHR + 1),
					 .at = (u8)at,
					 .length = (u8)length};

	if (transform.kind == SL_SWAP) {
		transform.width = (u8)(2u << roll_below(&draft->dice, 3));
		if (length % transform.width)
			transform.kind = SL_MASK;
	}
	if (transform.kind == SL_MASK) {
		transform.mask = random_mask(draft, length);
		transform.xor = random_xor(draft, length);
	} else if (transform.kind != SL_SWAP) {
		transform.width = (u8)(1 + roll_below(&draft->dice, 31));
	}
	return transform;
}

static void add_transforms(struct draft *draft, struct sl_key *key)
{
	u32 count = 1 + roll_below(&draft->dice, 2);
	struct sl_transform *transforms = room(draft, count * sizeof *transforms);

	for (u32 i = 0; i < count; i++)
		transforms[i] = random_transform(draft, key);
	key->transforms = transforms;
	key->transform_count = (u8)count;
}

static struct sl_key random_key(struct draft *draft)
{
	u32 count = roll_percent(&draft->dice, 80) ? 1 : 2 + roll_below(&draft->dice, 2);
	struct sl_key key = random_parts(draft, count);

	if (roll_percent(&draft->dice, 20))
		add_transforms(draft, &key);
	return key;
}

static void mask_bytes(u8 *bytes, u32 length, const u8 *kept, const u8 *flipped)
{
	for (u32 i = 0; i < length; i++)
		bytes[i] = (u8)((bytes[i] & kept[i]) ^ flipped[i]);
}

/* What the key's parts are likely to be; a mask that comes first is applied, so that it can match.
 */
static u8 *random_constant(struct draft *draft, const struct sl_key *key)
{
	const struct sl_transform *mask = key->transforms;
	u8 *bytes = room(draft, SL_KEY_MAX);

	for (u32 i = 0; i < key->part_count; i++)
		random_value(&draft->dice, draft->program, &key->parts[i].field,
			     bytes + key->parts[i].at);
	if (mask && mask->kind == SL_MASK)
		mask_bytes(bytes + mask->at, mask->length, mask->mask, mask->xor);
	return bytes;
}

/* Verdicts */

static struct sl_verdict random_verdict(struct draft *draft)
{
	static const enum sl_verdict_kind kinds[] = {
		SL_VERDICT_DROP,   SL_VERDICT_DROP,   SL_VERDICT_DROP,     SL_VERDICT_DROP,
		SL_VERDICT_DROP,   SL_VERDICT_JUMP,   SL_VERDICT_JUMP,     SL_VERDICT_JUMP,
		SL_VERDICT_GOTO,   SL_VERDICT_GOTO,   SL_VERDICT_ACCEPT,   SL_VERDICT_ACCEPT,
		SL_VERDICT_RETURN, SL_VERDICT_RETURN, SL_VERDICT_CONTINUE,
	};
	enum sl_verdict_kind kind = pick(&draft->dice, kinds);

	if (roll_percent(&draft->dice, 2))
		return (struct sl_verdict){.kind = SL_VERDICT_KERNEL};
	if (kind != SL_VERDICT_JUMP && kind != SL_VERDICT_GOTO)
		return (struct sl_verdict){.kind = kind};
	if (!draft->stair_count)
		return (struct sl_verdict){.kind = SL_VERDICT_DROP};
	return (struct sl_verdict){
		kind,
		draft->program->chains
			.items[draft->first_stair + roll_below(&draft->dice, draft->stair_count)]};
}

/* Sets */

static void set_fields(struct sl_set *set, const struct sl_key *key)
{
	set->key_length = key->length;
	if (set->kind != SL_SET_BOXES && key->part_count == 1)
		return;
	set->field_count = key->part_count;
	for (u32 i = 0; i < key->part_count; i++)
		set->field_lengths[i] = key->parts[i].field.length;
}

static void put_in_order(u8 *low, u8 *high, u32 length)
{
	u8 kept[SL_KEY_MAX];

	if (memcmp(low, high, length) <= 0)
		return;
	memcpy(kept, low, length);
	memcpy(low, high, length);
	memcpy(high, kept, length);
}

static void make_box(const struct sl_set *set, u8 *low, u8 *high)
{
	for (u32 i = 0, at = 0; i < set->field_count; i++) {
		put_in_order(low + at, high + at, set->field_lengths[i]);
		at += round_up_to_word(set->field_lengths[i]);
	}
}

static struct sl_element random_element(struct draft *draft, const struct sl_set *set,
					const struct sl_key *key)
{
	u8 *low = random_constant(draft, key), *high = low;
	struct sl_element element = {0};

	if (set->kind != SL_SET_EXACT && roll_percent(&draft->dice, 60))
		high = random_constant(draft, key);
	if (set->kind == SL_SET_INTERVAL)
		put_in_order(low, high, set->key_length);
	else if (set->kind == SL_SET_BOXES)
		make_box(set, low, high);
	element.key = low;
	element.key_end = high;
	if (set->has_timeouts && roll_percent(&draft->dice, 60))
		element.expires_at_ns =
			SL_RANDOM_NOW_NS - 2 + roll_below(&draft->dice, 5); /* around now */
	if (set->is_vmap)
		element.verdict = random_verdict(draft);
	return element;
}

static int by_key(const void *left, const void *right, void *length)
{
	return memcmp(((const struct sl_element *)left)->key,
		      ((const struct sl_element *)right)->key, *(const u32 *)length);
}

/* Sorts, and leaves out what overlaps the element before it. */
static void make_disjoint(struct sl_set *set)
{
	u32 kept = 0;

	if (!set->elements.count)
		return;
	qsort_r(set->elements.items, set->elements.count, sizeof *set->elements.items, by_key,
		&set->key_length);
	for (u32 i = 1; i < set->elements.count; i++)
		if (memcmp(set->elements.items[kept].key_end, set->elements.items[i].key,
			   set->key_length) < 0)
			set->elements.items[++kept] = set->elements.items[i];
	set->elements.count = kept + 1;
}

static struct sl_set *random_set(struct draft *draft, const struct sl_key *key, bool is_vmap)
{
	static const enum sl_set_kind kinds[] = {SL_SET_EXACT, SL_SET_INTERVAL, SL_SET_BOXES};
	struct dice *dice = &draft->dice;
	char *name =
		need(sl_arena_printf(draft->program->arena, "set%u", draft->program->sets.count));
	struct sl_set *set = need(sl_program_add_set(draft->program, draft->chain->family,
						     draft->chain->table, name));
	u32 count = roll_below(dice, 2 * draft->size + 1);

	set->kind = pick(dice, kinds);
	set->is_vmap = is_vmap;
	set->is_constant = roll_percent(dice, 50);
	set->has_timeouts = !set->is_constant && roll_percent(dice, 30);
	set_fields(set, key);
	for (u32 i = 0; i < count; i++)
		*push(draft, &set->elements) = random_element(draft, set, key);
	if (set->kind != SL_SET_BOXES)
		make_disjoint(set);
	set->has_catchall = roll_percent(dice, 15);
	if (set->has_catchall && is_vmap)
		set->catchall = random_verdict(draft);
	return set;
}

/* Ops */

/* COMPARE, RANGE or SET. */
static struct sl_op random_comparison(struct draft *draft)
{
	struct sl_op op = {.kind = roll_below(&draft->dice, SL_OP_SET + 1)};

	op.key = random_key(draft);
	if (op.kind == SL_OP_COMPARE) {
		op.compare =
			roll_percent(&draft->dice, 60) ? SL_EQ : (u8)roll_below(&draft->dice, 6);
		op.data = random_constant(draft, &op.key);
		return op;
	}
	op.invert = roll_percent(&draft->dice, 25);
	if (op.kind == SL_OP_SET) {
		op.set = random_set(draft, &op.key, false);
		return op;
	}
	op.data = random_constant(draft, &op.key);
	op.data_end = random_constant(draft, &op.key);
	return op; /* a range that ends before it starts is empty, and allowed */
}

static struct sl_op random_any(struct draft *draft)
{
	u32 count = 1 + roll_below(&draft->dice, 3);
	struct sl_op *alternatives = room(draft, count * sizeof *alternatives);

	for (u32 i = 0; i < count; i++)
		alternatives[i] = random_comparison(draft);
	return (struct sl_op){.kind = SL_OP_ANY,
			      .invert = roll_percent(&draft->dice, 25),
			      .alternatives = alternatives,
			      .alternative_count = count};
}

/* Of which nothing is known where these programs run: one that is not spent. */
static struct sl_op random_limit(struct draft *draft)
{
	struct sl_program *program = draft->program;

	*push(draft, &program->limits) = (struct sl_limit){.rule = program->limits.count};
	return (struct sl_op){.kind = SL_OP_LIMIT,
			      .invert = roll_percent(&draft->dice, 50),
			      .limit = program->limits.count - 1,
			      .reason = "limit"};
}

/* Of few bits, so that matches on it meet what was set. */
static struct sl_op random_mark(struct draft *draft)
{
	static const u32 kept[] = {0, 0, ~0u, ~1u, 1, 0xfffffff0};
	struct sl_op op = {.kind = SL_OP_MARK};

	op.keep = pick(&draft->dice, kept);
	op.flip = roll_below(&draft->dice, 3);
	if (roll_percent(&draft->dice, 10))
		op.reason = "something random";
	return op;
}

/* The same: in a set that packets fill nothing is clear. */
static struct sl_op random_filled(struct draft *draft)
{
	struct sl_program *program = draft->program;
	struct sl_op op = {.kind = roll_percent(&draft->dice, 70) ? SL_OP_FILLED : SL_OP_FILL,
			   .key = random_key(draft),
			   .filled = program->filled.count,
			   .reason = "set"};

	if (op.key.length % 4 || op.key.length > SL_FILLED_KEY_MAX)
		return random_limit(draft);
	op.invert = op.kind == SL_OP_FILLED && roll_percent(&draft->dice, 50);
	*push(draft, &program->filled) =
		(struct sl_filled){.name = "set",
				   .table_name = "t",
				   .key_length = op.key.length,
				   .is_recent = roll_percent(&draft->dice, 30)};
	return op;
}

static struct sl_op random_match(struct draft *draft)
{
	u32 which = roll_below(&draft->dice, 100);

	if (which < 12)
		return (struct sl_op){.kind = SL_OP_STATE,
				      .worlds = (u8)roll_below(&draft->dice, SL_WORLDS_ALL + 1)};
	if (which < 20)
		return random_any(draft);
	if (which < 25)
		return (struct sl_op){.kind = SL_OP_UNKNOWN, .reason = "something random"};
	if (which < 27)
		return random_limit(draft);
	if (which < 30)
		return random_filled(draft);
	return random_comparison(draft);
}

static u32 random_counter(struct draft *draft, u64 handle)
{
	*push(draft, &draft->program->counters) = (struct sl_counter){
		draft->chain->table, draft->chain->name, draft->chain->family, handle};
	return draft->program->counters.count - 1;
}

static struct sl_op random_end(struct draft *draft)
{
	struct sl_op op = {.kind = SL_OP_VERDICT};

	if (roll_percent(&draft->dice, 85)) {
		op.verdict = random_verdict(draft);
		return op;
	}
	op.kind = SL_OP_VMAP;
	op.key = random_key(draft);
	op.set = random_set(draft, &op.key, true);
	return op;
}

/* mark & mask == value */
static struct sl_op random_mark_match(struct draft *draft)
{
	static const u8 masks[][4] = {{1}, {3}, {0xff, 0xff, 0xff, 0xff}}, zeroes[4];
	struct sl_part *part = room(draft, sizeof *part);
	struct sl_transform *mask = room(draft, sizeof *mask);
	u8 *value = room(draft, 4);

	*part = (struct sl_part){{SL_META, 4, SL_META_MARK}, 0};
	*mask = (struct sl_transform){
		.kind = SL_MASK, .length = 4, .mask = pick(&draft->dice, masks), .xor = zeroes};
	value[0] = (u8)roll_below(&draft->dice, 4);
	return (struct sl_op){.kind = SL_OP_COMPARE,
			      .compare = roll_percent(&draft->dice, 70) ? SL_EQ : SL_NE,
			      .key = {.length = 4,
				      .part_count = 1,
				      .transform_count = 1,
				      .parts = part,
				      .transforms = mask},
			      .data = value};
}

/* One of few tests, so that packets come as far as where it matters. */
static void fill_mark_rule(struct draft *draft, struct sl_rule *rule)
{
	struct dice *dice = &draft->dice;
	bool sets = !draft->program->device.mark_is_zero || roll_percent(dice, 50);

	if (roll_percent(dice, 40))
		*push(draft, &rule->ops) = random_match(draft);
	*push(draft, &rule->ops) = sets ? random_mark(draft) : random_mark_match(draft);
	if (!sets || roll_percent(dice, 20))
		*push(draft, &rule->ops) = random_end(draft);
}

static void add_rule(struct draft *draft, struct sl_chain *chain)
{
	struct dice *dice = &draft->dice;
	struct sl_rule *rule = push(draft, &chain->rules);
	u32 matches = roll_below(dice, 10) < 8 ? 1 + roll_below(dice, 2) : roll_below(dice, 4);

	rule->handle = chain->rules.count;
	if (draft->program->device.mark_moves && roll_percent(dice, 35)) {
		fill_mark_rule(draft, rule);
		return;
	}
	for (u32 i = 0; i < matches; i++)
		*push(draft, &rule->ops) = random_match(draft);
	if (roll_percent(dice, 25))
		*push(draft, &rule->ops) = (struct sl_op){
			.kind = SL_OP_COUNTER, .counter = random_counter(draft, rule->handle)};
	if (roll_percent(dice, 3))
		*push(draft, &rule->ops) =
			(struct sl_op){.kind = SL_OP_KERNEL, .reason = "something random"};
	if (roll_percent(dice, 10))
		*push(draft, &rule->ops) = random_match(draft);
	if (roll_percent(dice, 90))
		*push(draft, &rule->ops) = random_end(draft);
}

/* Runs: neighbours that differ in one value and perhaps in the verdict, as blocklists do. */

/* A prefix of `bits` of the key's one part, perhaps shortened to whole bytes as nft does. */
static void make_prefix(struct draft *draft, struct sl_op *op, u32 bits)
{
	u32 length = op->key.length, kept = (bits + 7) / 8;
	u8 *bytes = random_constant(draft, &op->key);
	bool is_short = kept && roll_percent(&draft->dice, 50);

	if (is_short) {
		struct sl_part *part = room(draft, sizeof *part);

		*part = op->key.parts[0];
		part->field.length = op->key.length = (u8)kept;
		op->key.parts = part;
		length = kept;
	}
	if (bits < 8 * length) {
		struct sl_transform *mask = room(draft, sizeof *mask);
		u8 *kept_bits = room(draft, length);

		for (u32 bit = 0; bit < bits; bit++)
			kept_bits[bit / 8] |= (u8)(0x80 >> bit % 8);
		*mask = (struct sl_transform){.kind = SL_MASK,
					      .length = (u8)length,
					      .mask = kept_bits,
					      .xor = room(draft, length)};
		op->key.transforms = mask;
		op->key.transform_count = 1;
		mask_bytes(bytes, length, kept_bits, mask->xor);
	}
	op->data = bytes;
}

static void add_run_rule(struct draft *draft, struct sl_chain *chain, struct sl_key key,
			 const struct sl_op *common, bool is_first)
{
	static const enum sl_verdict_kind kinds[] = {SL_VERDICT_DROP, SL_VERDICT_DROP,
						     SL_VERDICT_ACCEPT, SL_VERDICT_RETURN};
	static const u32 usual_bits[] = {0, 1, 7, 8, 16, 24, 28, 31, 32};
	struct dice *dice = &draft->dice;
	struct sl_rule *rule = push(draft, &chain->rules);
	struct sl_op op = {.kind = SL_OP_COMPARE, .key = key};
	u32 bits = roll_percent(dice, 40) ? pick(dice, usual_bits) : 128;

	make_prefix(draft, &op, bits < 8u * key.length ? bits : 8u * key.length);
	rule->handle = chain->rules.count;
	if (common && is_first)
		*push(draft, &rule->ops) = *common;
	*push(draft, &rule->ops) = op;
	if (common && !is_first)
		*push(draft, &rule->ops) = *common;
	if (roll_percent(dice, 50))
		*push(draft, &rule->ops) = (struct sl_op){
			.kind = SL_OP_COUNTER, .counter = random_counter(draft, rule->handle)};
	*push(draft, &rule->ops) =
		(struct sl_op){.kind = SL_OP_VERDICT, .verdict = {.kind = pick(dice, kinds)}};
}

static void add_run(struct draft *draft, struct sl_chain *chain)
{
	static const struct sl_field usual[] = {
		{SL_NETWORK, 4, 12},  {SL_NETWORK, 4, 16}, {SL_NETWORK, 16, 8},
		{SL_TRANSPORT, 2, 2}, {SL_NETWORK, 8, 12}, {SL_TRANSPORT, 8, 8},
	};
	struct sl_part *part = room(draft, sizeof *part);
	struct sl_op common = random_match(draft);
	bool has_common = roll_percent(&draft->dice, 60), is_first = roll_percent(&draft->dice, 50);

	part->field = pick(&draft->dice, usual);
	for (u32 i = 4 + roll_below(&draft->dice, 8); i > 0; i--)
		add_run_rule(draft, chain,
			     (struct sl_key){
				     .length = part->field.length, .part_count = 1, .parts = part},
			     has_common ? &common : NULL, is_first);
}

/* Stretches: many neighbours that test plain fields, each others, as firewalls do. */

static const struct sl_field plain_fields[] = {
	{SL_NETWORK, 4, 12},           {SL_NETWORK, 4, 12},          {SL_NETWORK, 4, 16},
	{SL_NETWORK, 16, 8},           {SL_NETWORK, 16, 24},         {SL_TRANSPORT, 2, 0},
	{SL_TRANSPORT, 2, 2},          {SL_TRANSPORT, 2, 2},         {SL_META, 1, SL_META_L4PROTO},
	{SL_META, 1, SL_META_PKTTYPE}, {SL_META, 4, SL_META_LENGTH}, {SL_NETWORK, 1, 8},
	{SL_TRANSPORT, 4, 0},          {SL_NETWORK, 3, 12},
};

/* What a table asks only of TCP. */
static const struct sl_field tcp_fields[] = {
	{SL_TRANSPORT, 1, 13}, {SL_TRANSPORT, 1, 13}, {SL_TRANSPORT, 2, 14},
	{SL_TRANSPORT, 4, 8},  {SL_TRANSPORT, 4, 6},  {SL_NETWORK, 1, 33},
};

static struct sl_op is_tcp(struct draft *draft)
{
	struct sl_part *part = room(draft, sizeof *part);
	u8 *protocol = room(draft, 1);

	part->field = (struct sl_field){SL_META, 1, SL_META_L4PROTO};
	*protocol = IPPROTO_TCP;
	return (struct sl_op){.kind = SL_OP_COMPARE,
			      .compare = SL_EQ,
			      .key = {.length = 1, .part_count = 1, .parts = part},
			      .data = protocol};
}

static struct sl_op plain_match(struct draft *draft, const struct sl_field *from, u32 count)
{
	static const u32 usual_bits[] = {1, 7, 8, 12, 16, 24, 28, 31};
	struct dice *dice = &draft->dice;
	struct sl_part *part = room(draft, sizeof *part);
	struct sl_op op = {.kind = SL_OP_COMPARE, .compare = SL_EQ};
	u32 which = roll_below(dice, 100);

	do
		part->field = from[roll_below(dice, count)];
	while (!is_known(draft, &part->field));
	op.key = (struct sl_key){.length = part->field.length, .part_count = 1, .parts = part};
	if (which < 20) {
		u32 bits = pick(dice, usual_bits);

		make_prefix(draft, &op, bits < 8u * op.key.length ? bits : 8u * op.key.length);
		return op;
	}
	op.data = random_constant(draft, &op.key);
	if (which < 35) {
		op.compare = (u8)roll_below(dice, SL_GE + 1);
	} else if (which < 55) {
		u8 *low = random_constant(draft, &op.key), *high = random_constant(draft, &op.key);

		put_in_order(low, high, op.key.length);
		op.kind = SL_OP_RANGE;
		op.invert = roll_percent(dice, 15);
		op.data = low;
		op.data_end = high;
	} else if (which < 62) {
		op.kind = SL_OP_SET;
		op.invert = roll_percent(dice, 15);
		op.set = random_set(draft, &op.key, false);
		op.set->is_constant = true;
		op.set->has_timeouts = false;
		for (u32 i = 0; i < op.set->elements.count; i++)
			op.set->elements.items[i].expires_at_ns = 0;
	}
	return op;
}

static void add_stretch_rule(struct draft *draft, struct sl_chain *chain, bool asks_states)
{
	static const enum sl_verdict_kind kinds[] = {
		SL_VERDICT_DROP,   SL_VERDICT_DROP,     SL_VERDICT_DROP,     SL_VERDICT_ACCEPT,
		SL_VERDICT_RETURN, SL_VERDICT_CONTINUE, SL_VERDICT_CONTINUE,
	};
	struct dice *dice = &draft->dice;
	struct sl_rule *rule = push(draft, &chain->rules);
	struct sl_verdict verdict = {.kind = pick(dice, kinds)};
	bool is_open = roll_percent(dice, 4);

	rule->handle = chain->rules.count;
	if (is_open) { /* the packet passes where the rest matches */
		verdict.kind = SL_VERDICT_ACCEPT;
		*push(draft, &rule->ops) =
			(struct sl_op){.kind = SL_OP_UNKNOWN, .reason = "something random"};
	}
	for (u32 i = 1 + roll_below(dice, 3); i > 0; i--)
		*push(draft, &rule->ops) =
			plain_match(draft, plain_fields, SL_ARRAY_SIZE(plain_fields));
	if (roll_percent(dice, 8)) {
		*push(draft, &rule->ops) = is_tcp(draft);
		*push(draft, &rule->ops) =
			plain_match(draft, tcp_fields, SL_ARRAY_SIZE(tcp_fields));
	}
	if (asks_states && roll_percent(dice, 25))
		*push(draft, &rule->ops) = (struct sl_op){
			.kind = SL_OP_STATE, .worlds = (u8)roll_below(dice, SL_WORLDS_ALL + 1)};
	if (verdict.kind == SL_VERDICT_CONTINUE || roll_percent(dice, 25))
		*push(draft, &rule->ops) = (struct sl_op){
			.kind = SL_OP_COUNTER, .counter = random_counter(draft, rule->handle)};
	if (roll_percent(dice, 3))
		*push(draft, &rule->ops) =
			(struct sl_op){.kind = SL_OP_KERNEL, .reason = "something random"};
	else if (verdict.kind != SL_VERDICT_CONTINUE)
		*push(draft, &rule->ops) =
			(struct sl_op){.kind = SL_OP_VERDICT, .verdict = verdict};
}

static void add_stretch(struct draft *draft, struct sl_chain *chain)
{
	bool asks_states = roll_percent(&draft->dice, 60);

	for (u32 i = 24 + roll_below(&draft->dice, 40); i > 0; i--)
		add_stretch_rule(draft, chain, asks_states);
}

/* Chains and path */

/* A family of tables and its staircase; stairs of INET are met at ingress too. */
static const struct {
	u32 family;
	u8 families;
} tables[] = {
	{NFPROTO_INET, SL_IP | SL_IP6},
	{NFPROTO_IPV4, SL_IP},
	{NFPROTO_IPV6, SL_IP6},
	{NFPROTO_NETDEV, SL_IP | SL_IP6},
};

static bool may_be_at_ingress(u32 family)
{
	return family == NFPROTO_NETDEV || family == NFPROTO_INET;
}

static void add_rules(struct draft *draft, struct sl_chain *chain, u32 first_stair, u32 stairs,
		      bool at_ingress)
{
	u32 count = roll_below(&draft->dice, draft->size + 1);

	draft->chain = chain;
	draft->first_stair = first_stair;
	draft->stair_count = stairs;
	draft->at_ingress = at_ingress;
	for (u32 i = 0; i < count; i++) {
		u32 which = roll_below(&draft->dice, 100);

		if (which < 6)
			add_run(draft, chain);
		else if (which < 12)
			add_stretch(draft, chain);
		else
			add_rule(draft, chain);
	}
}

static void add_stairs(struct draft *draft)
{
	for (u32 table = 0; table < SL_ARRAY_SIZE(tables); table++)
		for (u32 i = 0; i < FLIGHTS; i++)
			need(sl_program_add_chain(
				draft->program, tables[table].family, "filter",
				need(sl_arena_printf(draft->program->arena, "stair%u", i))));
	for (u32 i = 0; i < SL_ARRAY_SIZE(tables) * FLIGHTS; i++)
		add_rules(draft, draft->program->chains.items[i], i + 1, FLIGHTS - 1 - i % FLIGHTS,
			  may_be_at_ingress(tables[i / FLIGHTS].family));
}

static void add_base_chain(struct draft *draft, enum sl_hook hook, s32 priority)
{
	u32 table = hook == SL_HOOK_INGRESS ? 3 * roll_below(&draft->dice, 2)
					    : roll_below(&draft->dice, 3);
	struct sl_step step = {.kind = SL_STEP_CHAIN,
			       .families = tables[table].families,
			       .hook = hook,
			       .priority = priority,
			       .drops_by_policy = roll_percent(&draft->dice, 50),
			       .policy_counter = SL_NO_COUNTER};

	step.chain = need(sl_program_add_chain(draft->program, tables[table].family, "filter",
					       need(sl_arena_printf(draft->program->arena, "base%u",
								    draft->program->path.count))));
	add_rules(draft, step.chain, table * FLIGHTS, FLIGHTS, hook == SL_HOOK_INGRESS);
	if (roll_percent(&draft->dice, 30))
		step.policy_counter = random_counter(draft, 0);
	*push(draft, &draft->program->path) = step;
}

static void add_step(struct draft *draft, enum sl_step_kind kind, enum sl_hook hook)
{
	static const u8 families[] = {SL_IP | SL_IP6, SL_IP | SL_IP6, SL_IP | SL_IP6, SL_IP,
				      SL_IP6};
	u8 whose = kind == SL_STEP_ROUTE ? SL_IP | SL_IP6 : pick(&draft->dice, families);

	*push(draft, &draft->program->path) = (struct sl_step){.kind = kind,
							       .families = whose,
							       .hook = hook,
							       .policy_counter = SL_NO_COUNTER,
							       .reason = "somebody else"};
}

static void add_path(struct draft *draft)
{
	struct dice *dice = &draft->dice;

	if (roll_percent(dice, 25))
		add_base_chain(draft, SL_HOOK_INGRESS, 0);
	if (roll_percent(dice, 40))
		add_base_chain(draft, SL_HOOK_PREROUTING, -300);
	if (roll_percent(dice, 5))
		add_step(draft, SL_STEP_KERNEL, SL_HOOK_PREROUTING);
	if (roll_percent(dice, 60))
		add_step(draft, SL_STEP_CONNTRACK, SL_HOOK_PREROUTING);
	if (roll_percent(dice, 30))
		add_base_chain(draft, SL_HOOK_PREROUTING, -150);
	add_step(draft, SL_STEP_ROUTE, SL_HOOK_PREROUTING);
	for (s32 priority = 0; roll_percent(dice, priority ? 20 : 80); priority += 10)
		add_base_chain(draft, SL_HOOK_INPUT, priority);
	if (roll_percent(dice, 8))
		add_step(draft, SL_STEP_KERNEL,
			 roll_percent(dice, 50) ? SL_HOOK_INPUT : SL_HOOK_FORWARD);
	for (s32 priority = 0; roll_percent(dice, priority ? 20 : 60); priority += 10)
		add_base_chain(draft, SL_HOOK_FORWARD, priority);
}

/* The host around it */

static enum sl_route_mode random_mode(struct dice *dice)
{
	static const enum sl_route_mode modes[] = {
		SL_ROUTE_INPUT_ONLY, SL_ROUTE_INPUT_ONLY, SL_ROUTE_INPUT_ONLY,
		SL_ROUTE_LOCAL_ONLY, SL_ROUTE_LOCAL_ONLY, SL_ROUTE_LOOKUP,
		SL_ROUTE_LOOKUP,     SL_ROUTE_LOOKUP,     SL_ROUTE_PASS,
	};

	return pick(dice, modes);
}

static void add_host(struct draft *draft)
{
	static const u8 misses[] = {
		SL_WORLD_NEW | SL_WORLD_INVALID, SL_WORLD_NEW | SL_WORLD_INVALID | SL_WORLD_RELATED,
		SL_WORLD_NEW | SL_WORLD_INVALID | SL_WORLD_UNTRACKED, SL_WORLDS_ALL};
	struct sl_program *program = draft->program;
	struct dice *dice = &draft->dice;

	program->generation = (u32)roll(dice);
	program->device = (struct sl_device){
		.ifindex = 2, .name = "eth0", .type = 1, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 1}};
	program->device.group = roll_below(dice, 2);
	program->device.mark_is_zero = roll_percent(dice, 80);
	program->device.mark_moves = roll_percent(dice, 40);
	program->route_ip = random_mode(dice);
	program->route_ip6 = random_mode(dice);
	program->miss_worlds = pick(dice, misses);
	for (u32 i = roll_below(dice, 6); i > 0; i--) {
		struct sl_local_address *local = push(draft, &program->local);

		local->is_ip6 = roll_percent(dice, 50);
		(local->is_ip6 ? random_ip6 : random_ip)(dice, local->bytes);
	}
}

static struct sl_program *draw_program(struct dice dice, u32 size)
{
	struct draft draft = {.dice = dice, .program = need(sl_program_new()), .size = size};
	struct sl_diag diag = {""};

	add_host(&draft);
	add_stairs(&draft);
	add_path(&draft);
	if (sl_program_verify(draft.program, &diag)) {
		fprintf(stderr, "seed %llu: %s\n", (unsigned long long)dice.state, diag.text);
		abort();
	}
	return draft.program;
}

struct sl_program *sl_random_program(u64 seed, u32 size)
{
	return draw_program((struct dice){.state = seed}, size);
}

struct sl_program *sl_program_from_bytes(const u8 *bytes, u32 length, u32 size)
{
	return draw_program((struct dice){.bytes = bytes, .left = length}, size);
}
