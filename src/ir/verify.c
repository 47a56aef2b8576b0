// SPDX-License-Identifier: GPL-2.0-only
/* What every stage may rely on. Each check says in its message what it found and where. */
#include "ir/verify_parts.h"

#include <linux/netfilter.h>
#include <string.h>

#include "ir/flow.h"
#include "ir/tcp_option.h"
#include "table.h"
#include "tcp_options.h"

#define LINK_HEADER 14
#define ETHERTYPE   12 /* in it; nf_tables puts a VLAN tag back there that the NIC has stripped */

static u32 round_up_to_word(u32 length)
{
	return (length + 3) & ~3u;
}

/* What belongs to the program: found at the place that its index names. */

bool sl_verify_has_chain(const struct sl_program *program, const struct sl_chain *chain)
{
	return chain && chain->index < program->chains.count &&
	       program->chains.items[chain->index] == chain;
}

static bool has_set(const struct sl_program *program, const struct sl_set *set)
{
	return set && set->index < program->sets.count && program->sets.items[set->index] == set;
}

static bool is_family(u32 family)
{
	return family == NFPROTO_INET || family == NFPROTO_IPV4 || family == NFPROTO_IPV6 ||
	       family == NFPROTO_NETDEV;
}

/* Keys */

static u32 meta_length(const struct sl_field *field)
{
	static const u8 lengths[SL_META_COUNT] = {
		[SL_META_NFPROTO] = 1,      [SL_META_L4PROTO] = 1,    [SL_META_PROTOCOL] = 2,
		[SL_META_IIF] = 4,          [SL_META_IIFNAME] = 16,   [SL_META_IIFTYPE] = 2,
		[SL_META_IIFGROUP] = 4,     [SL_META_LENGTH] = 4,     [SL_META_MARK] = 4,
		[SL_META_PKTTYPE] = 1,      [SL_META_DADDR_TYPE] = 4, [SL_META_WAY_BACK] = 4,
		[SL_META_WAY_BACK_IF] = 4,  [SL_META_CT_STATUS] = 4,  [SL_META_CT_MARK] = 4,
		[SL_META_CT_DIRECTION] = 1, [SL_META_HOOK_MARK] = 4,  [SL_META_OIF] = 4,
		[SL_META_OIFNAME] = 16,
	};

	return lengths[field->offset];
}

static int verify_meta(const struct verify *verify, const struct sl_field *field)
{
	if (field->offset >= SL_META_COUNT)
		return reject(verify, "metadata %u does not exist", field->offset);
	if (field->length > meta_length(field))
		return reject(verify, "metadata %u is %u bytes long, not %u", field->offset,
			      meta_length(field), field->length);
	if (field->offset == SL_META_MARK && !verify->program->device.mark_is_zero)
		return reject(verify, "the mark is read, but not known on this device");
	if (sl_field_is_fact(field) && !sl_program_is_at_hook(verify->program))
		return reject(verify, "metadata %u is read, but known at a netfilter hook only",
			      field->offset);
	return 0;
}

static int verify_tcp_option(const struct verify *verify, const struct sl_field *field)
{
	u32 length_max = field->base == SL_TCP_OPTION ? SL_TCP_OPTION_VALUE_MAX : 1;

	if (field->length > length_max)
		return reject(verify, "%u bytes of a TCP option, more than %u", field->length,
			      length_max);
	if (sl_tcp_option_from(field) + field->length > UINT8_MAX)
		return reject(verify, "field reaches past any TCP option");
	return 0;
}

static int verify_field(const struct verify *verify, const struct sl_field *field)
{
	if (!field->length)
		return reject(verify, "an empty field");
	switch (field->base) {
	case SL_LINK:
		if (field->offset + field->length > LINK_HEADER)
			return reject(verify, "field reaches past the Ethernet header");
		if (field->offset + field->length > ETHERTYPE && verify->program->device.hides_vlan)
			return reject(verify, "the ethertype is read, but a VLAN tag may hide it");
		return 0;
	case SL_NETWORK:
	case SL_TRANSPORT:
		return 0;
	case SL_META:
		return verify_meta(verify, field);
	case SL_TCP_OPTION:
	case SL_HAS_TCP_OPTION:
		return verify_tcp_option(verify, field);
	default:
		return reject(verify, "field base %u does not exist", field->base);
	}
}

static int verify_parts(const struct verify *verify, const struct sl_key *key)
{
	u64 covered = 0, bytes;
	int error;

	if (!key->part_count || key->part_count > SL_KEY_PARTS_MAX || !key->parts)
		return reject(verify, "key of %u parts, not 1 to %u", key->part_count,
			      SL_KEY_PARTS_MAX);
	for (u32 i = 0; i < key->part_count; i++) {
		const struct sl_part *part = &key->parts[i];

		error = verify_field(verify, &part->field);
		if (error)
			return error;
		if (part->at + part->field.length > key->length)
			return reject(verify, "part %u reaches past the key's %u bytes", i,
				      key->length);
		bytes = (~0ULL >> (64 - part->field.length)) << part->at;
		if (covered & bytes)
			return reject(verify, "part %u overlaps another", i);
		covered |= bytes;
	}
	return 0;
}

static int verify_swap(const struct verify *verify, const struct sl_transform *transform)
{
	u32 width = transform->width;

	if (width != 2 && width != 4 && width != 8)
		return reject(verify, "swap of %u-byte words", width);
	if (transform->length % width)
		return reject(verify, "swap of %u bytes, not whole words of %u", transform->length,
			      width);
	return 0;
}

static int verify_transform(const struct verify *verify, const struct sl_key *key,
			    const struct sl_transform *transform)
{
	bool is_shift = transform->kind == SL_SHL || transform->kind == SL_SHR;
	u32 length = is_shift ? round_up_to_word(transform->length) : transform->length;

	if (!length || transform->at + length > round_up_to_word(key->length))
		return reject(verify, "transform of bytes %u to %u of a key of %u", transform->at,
			      transform->at + length, key->length);
	if (is_shift && transform->at % 4)
		return reject(verify, "shift that starts within a word, at byte %u", transform->at);
	if (is_shift && (!transform->width || transform->width > 31))
		return reject(verify, "shift by %u bits, not 1 to 31", transform->width);
	if (transform->kind == SL_MASK && (!transform->mask || !transform->xor))
		return reject(verify, "mask without its bytes");
	if (transform->kind == SL_SWAP)
		return verify_swap(verify, transform);
	if (!is_shift && transform->kind != SL_MASK)
		return reject(verify, "transform %u does not exist", transform->kind);
	return 0;
}

static int verify_key(const struct verify *verify, const struct sl_key *key)
{
	int error;

	if (!key->length || key->length > SL_KEY_MAX)
		return reject(verify, "key of %u bytes, not 1 to %u", key->length, SL_KEY_MAX);
	error = verify_parts(verify, key);
	if (!error && key->transform_count && !key->transforms)
		return reject(verify, "key without its transforms");
	for (u32 i = 0; !error && i < key->transform_count; i++)
		error = verify_transform(verify, key, &key->transforms[i]);
	return error;
}

/* Ops */

static int verify_verdict(const struct verify *verify, const struct sl_verdict *verdict)
{
	bool goes_elsewhere = verdict->kind == SL_VERDICT_JUMP || verdict->kind == SL_VERDICT_GOTO;

	if (verdict->kind > SL_VERDICT_KERNEL)
		return reject(verify, "verdict %u does not exist", verdict->kind);
	if (goes_elsewhere && !sl_verify_has_chain(verify->program, verdict->chain))
		return reject(verify, "jump to a chain that is not in the program");
	if (!goes_elsewhere && verdict->chain)
		return reject(verify, "verdict that goes nowhere names a chain");
	return 0;
}

static int verify_set_op(const struct verify *verify, const struct sl_op *op)
{
	if (!has_set(verify->program, op->set))
		return reject(verify, "lookup in a set that is not in the program");
	if (op->set->key_length != op->key.length)
		return reject(verify, "key of %u bytes, but set %s holds keys of %u",
			      op->key.length, op->set->name, op->set->key_length);
	if (op->set->is_vmap != (op->kind == SL_OP_VMAP))
		return reject(verify, "set %s is %sa verdict map", op->set->name,
			      op->set->is_vmap ? "" : "not ");
	return 0;
}

/* COMPARE, RANGE, SET, VMAP: the ops that have a key. */
static int verify_keyed_op(const struct verify *verify, const struct sl_op *op)
{
	int error = verify_key(verify, &op->key);

	if (error)
		return error;
	if (op->kind == SL_OP_SET || op->kind == SL_OP_VMAP)
		return verify_set_op(verify, op);
	if (!op->data)
		return reject(verify, "comparison without data");
	if (op->kind == SL_OP_COMPARE && op->compare > SL_GE)
		return reject(verify, "comparison %u does not exist", op->compare);
	if (op->kind == SL_OP_RANGE && !op->data_end)
		return reject(verify, "range without an end");
	return 0;
}

static int verify_any(const struct verify *verify, const struct sl_op *op)
{
	int error = 0;

	if (!op->alternative_count || !op->alternatives)
		return reject(verify, "a choice without alternatives");
	for (u32 i = 0; !error && i < op->alternative_count; i++) {
		if (op->alternatives[i].kind > SL_OP_SET)
			return reject(verify, "alternative %u is not a comparison", i);
		error = verify_keyed_op(verify, &op->alternatives[i]);
	}
	return error;
}

static bool can_invert(const struct sl_op *op)
{
	return op->kind == SL_OP_RANGE || op->kind == SL_OP_SET || op->kind == SL_OP_ANY ||
	       op->kind == SL_OP_FILLED || op->kind == SL_OP_LIMIT;
}

static int verify_filled(const struct verify *verify, const struct sl_op *op)
{
	const struct sl_filled *filled;

	if (op->filled >= verify->program->filled.count)
		return reject(verify, "set %u that packets fill does not exist", op->filled);
	filled = &verify->program->filled.items[op->filled];
	if (op->key.length != filled->key_length)
		return reject(verify, "a key of %u bytes for %s's %u", op->key.length, filled->name,
			      filled->key_length);
	return op->reason ? verify_key(verify, &op->key) : reject(verify, "no reason given");
}

static int verify_lanes(const struct verify *verify, const struct sl_table *run)
{
	int error = 0;

	if (run->lane_count > SL_TABLE_LANES_MAX)
		return reject(verify, "%u lanes, more than %u", run->lane_count,
			      SL_TABLE_LANES_MAX);
	for (u32 i = 0; !error && i < run->lane_count; i++) {
		error = verify_key(verify, &run->lanes[i]);
		if (!error && run->lanes[i].length > sizeof(u32))
			error = reject(verify, "lane %u has %u bytes", i, run->lanes[i].length);
	}
	return error;
}

static int verify_ops(const struct verify *verify, const struct sl_rule *rule);

static int verify_run(const struct verify *verify, const struct sl_table *run)
{
	if (!run || !run->rules || !run->count)
		return reject(verify, "a table without rules");
	if (run->root >= verify->program->image_words)
		return reject(verify, "a table that is not in the image");

	int error = verify_lanes(verify, run);

	for (u32 i = 0; !error && i < run->count; i++) {
		const struct sl_rule *rule = &run->rules[i];

		error = sl_rule_table(rule) ? reject(verify, "a table in a table")
					    : verify_ops(verify, rule);
		if (error)
			error = sl_fail_in(verify->diag, error, "rule %u of a run (handle %llu)", i,
					   (unsigned long long)rule->handle);
	}
	return error;
}

static int verify_op(const struct verify *verify, const struct sl_op *op)
{
	if (op->invert && !can_invert(op))
		return reject(verify, "inverted, which it cannot be");
	switch (op->kind) {
	case SL_OP_COMPARE:
	case SL_OP_RANGE:
	case SL_OP_SET:
	case SL_OP_VMAP:
		return verify_keyed_op(verify, op);
	case SL_OP_STATE:
		if (op->worlds & ~SL_WORLDS_ALL)
			return reject(verify, "worlds %#x do not exist", op->worlds);
		return 0;
	case SL_OP_ANY:
		return verify_any(verify, op);
	case SL_OP_UNKNOWN:
	case SL_OP_KERNEL:
		return op->reason ? 0 : reject(verify, "no reason given");
	case SL_OP_LIMIT:
		if (op->limit >= verify->program->limits.count)
			return reject(verify, "limit %u does not exist", op->limit);
		return op->reason ? 0 : reject(verify, "no reason given");
	case SL_OP_MARK:
		return verify->program->device.mark_moves
			       ? 0
			       : reject(verify, "the mark is set, but said to stay as it is");
	case SL_OP_FILLED:
	case SL_OP_FILL:
		return verify_filled(verify, op);
	case SL_OP_COUNTER:
		if (op->counter >= verify->program->counters.count)
			return reject(verify, "counter %u does not exist", op->counter);
		return 0;
	case SL_OP_VERDICT:
		return verify_verdict(verify, &op->verdict);
	case SL_OP_TABLE:
		return verify_run(verify, op->table);
	}
	return reject(verify, "op %u does not exist", op->kind);
}

static int verify_ops(const struct verify *verify, const struct sl_rule *rule)
{
	int error = 0;

	for (u32 i = 0; !error && i < rule->ops.count; i++) {
		const struct sl_op *op = &rule->ops.items[i];
		bool ends = op->kind == SL_OP_VERDICT || op->kind == SL_OP_VMAP;

		error = verify_op(verify, op);
		if (!error && ends && i + 1 < rule->ops.count)
			error = reject(verify, "a verdict that is not the rule's last op");
		if (!error && op->kind == SL_OP_TABLE && rule->ops.count > 1)
			error = reject(verify, "a table that is not the rule's only op");
		if (error)
			error = sl_fail_in(verify->diag, error, "op %u", i);
	}
	return error;
}

static int verify_rule(const struct verify *verify, const struct sl_chain *chain, u32 index)
{
	const struct sl_rule *rule = &chain->rules.items[index];
	int error = verify_ops(verify, rule);

	if (!error)
		return 0;
	return sl_fail_in(verify->diag, error, "chain %s %s, rule %u (handle %llu)", chain->table,
			  chain->name, index, (unsigned long long)rule->handle);
}

static int verify_chain(const struct verify *verify, u32 index)
{
	const struct sl_chain *chain = verify->program->chains.items[index];
	int error = 0;

	if (!chain || chain->index != index || !chain->name || !chain->table)
		return reject(verify, "chain %u is unnamed or has another index", index);
	if (!is_family(chain->family))
		return reject(verify, "chain %s %s: family %u is not inet, ip, ip6 or netdev",
			      chain->table, chain->name, chain->family);
	for (u32 i = 0; !error && i < chain->rules.count; i++)
		error = verify_rule(verify, chain, i);
	return error;
}

/* Sets */

static int verify_fields(const struct verify *verify, const struct sl_set *set)
{
	u32 at = 0, end = 0;

	if (set->field_count > SL_FIELDS_MAX)
		return reject(verify, "%u fields, more than %u", set->field_count, SL_FIELDS_MAX);
	if (!set->field_count)
		return set->kind == SL_SET_BOXES ? reject(verify, "boxes without fields") : 0;
	for (u32 i = 0; i < set->field_count; i++) {
		if (!set->field_lengths[i])
			return reject(verify, "field %u is empty", i);
		if (set->field_lengths[i] > SL_KEY_MAX)
			return reject(verify, "field %u is larger than a key", i);
		end = at + set->field_lengths[i];
		at = round_up_to_word(end);
	}
	if (end > set->key_length || at != round_up_to_word(set->key_length))
		return reject(verify, "fields fill %u bytes, the key has %u", end, set->key_length);
	return 0;
}

static bool is_ordered(const struct sl_set *set, const struct sl_element *element)
{
	if (set->kind != SL_SET_BOXES)
		return memcmp(element->key, element->key_end, set->key_length) <= 0;
	for (u32 field = 0, at = 0; field < set->field_count; field++) {
		u32 length = set->field_lengths[field];

		if (memcmp(element->key + at, element->key_end + at, length) > 0)
			return false;
		at += round_up_to_word(length);
	}
	return true;
}

static int verify_element(const struct verify *verify, const struct sl_set *set,
			  const struct sl_element *element)
{
	if (!element->key || !element->key_end)
		return reject(verify, "no key");
	if (set->kind == SL_SET_EXACT &&
	    memcmp(element->key, element->key_end, set->key_length) != 0)
		return reject(verify, "a range in a set of single values");
	if (!is_ordered(set, element))
		return reject(verify, "a range that ends before it starts");
	if (element->expires_at_ns && !set->has_timeouts)
		return reject(verify, "expires, in a set without timeouts");
	return set->is_vmap ? verify_verdict(verify, &element->verdict) : 0;
}

static int verify_elements(const struct verify *verify, const struct sl_set *set)
{
	const struct sl_element *before = NULL;
	int error = 0;

	for (u32 i = 0; !error && i < set->elements.count; i++) {
		const struct sl_element *element = &set->elements.items[i];

		error = verify_element(verify, set, element);
		if (!error && before && set->kind != SL_SET_BOXES &&
		    memcmp(before->key_end, element->key, set->key_length) >= 0)
			error = reject(verify, "not behind the element before it");
		if (error)
			return sl_fail_in(verify->diag, error, "element %u", i);
		before = element;
	}
	return 0;
}

static int verify_set(const struct verify *verify, u32 index)
{
	const struct sl_set *set = verify->program->sets.items[index];
	int error;

	if (!set || set->index != index || !set->name || !set->table)
		return reject(verify, "set %u is unnamed or has another index", index);
	if (set->kind > SL_SET_BOXES)
		error = reject(verify, "kind %u does not exist", set->kind);
	else if (!set->key_length || set->key_length > SL_KEY_MAX)
		error = reject(verify, "keys of %u bytes, not 1 to %u", set->key_length,
			       SL_KEY_MAX);
	else
		error = verify_fields(verify, set);
	if (!error)
		error = verify_elements(verify, set);
	if (!error && set->is_vmap && set->has_catchall)
		error = verify_verdict(verify, &set->catchall);
	if (!error)
		return 0;
	return sl_fail_in(verify->diag, error, "set %s %s", set->table, set->name);
}

static int verify_program(const struct verify *verify)
{
	const struct sl_program *program = verify->program;

	if (!program->miss_worlds || program->miss_worlds & ~SL_WORLDS_ALL)
		return reject(verify, "a conntrack miss cannot mean the worlds %#x",
			      program->miss_worlds);
	if (program->route_ip > SL_ROUTE_PASS || program->route_ip6 > SL_ROUTE_PASS)
		return reject(verify, "routing mode does not exist");
	if (!memchr(program->device.name, 0, sizeof program->device.name))
		return reject(verify, "the device's name does not end");
	for (u32 i = 0; i < program->counters.count; i++)
		if (!program->counters.items[i].table || !program->counters.items[i].chain)
			return reject(verify, "counter %u does not say where it stands", i);
	return 0;
}

/* Sets and chains come before what walks from one to the next through them. */
int sl_program_verify(const struct sl_program *program, struct sl_diag *diag)
{
	struct verify verify = {.program = program, .diag = diag};
	int error = verify_program(&verify);

	for (u32 i = 0; !error && i < program->sets.count; i++)
		error = verify_set(&verify, i);
	for (u32 i = 0; !error && i < program->chains.count; i++)
		error = verify_chain(&verify, i);
	if (!error)
		error = sl_verify_path(&verify);
	if (!error)
		error = sl_verify_jumps(&verify);
	if (!error)
		error = sl_verify_ingress(&verify);
	return error;
}
