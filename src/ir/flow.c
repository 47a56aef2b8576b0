// SPDX-License-Identifier: GPL-2.0-only
#include "ir/flow.h"

#include <netinet/in.h>
#include <stdlib.h>

/* A walk over all rules that a packet of the family can meet while its connection is not known. */
struct search {
	u8 family;
	u8 states;        /* what STATE may see of such a packet where the walk is */
	u8 *seen;         /* chains, by index */
	bool tells_apart; /* a rule asks for more than the connection */
	bool lets_in;     /* something is accepted, or left to the kernel */
	bool asks_kernel; /* something is left to the kernel, or marked */
};

/* The same in all packets of a TCP or UDP connection, as far as they come in by one device. */

static bool meta_is_of_flow(u32 meta)
{
	return meta != SL_META_LENGTH && meta != SL_META_PKTTYPE;
}

/* Not IPv6's next header: extension headers may come first in one packet, and not in another. */
static bool network_is_of_flow(u8 family, u32 from, u32 end)
{
	if (family == SL_IP)
		return (from >= 12 && end <= 20) || (from == 9 && end == 10);
	return from >= 8 && end <= 40;
}

static bool field_is_of_flow(u8 family, const struct sl_field *field)
{
	u32 from = field->offset, end = from + field->length;

	switch (field->base) {
	case SL_LINK:
		return from >= 12; /* the ethertype */
	case SL_NETWORK:
		return network_is_of_flow(family, from, end);
	case SL_TRANSPORT:
		return end <= 4; /* ports */
	case SL_TCP_OPTION:
	case SL_HAS_TCP_OPTION:
		return false;
	default:
		return meta_is_of_flow(from);
	}
}

static bool key_is_of_flow(u8 family, const struct sl_key *key)
{
	for (u32 i = 0; i < key->part_count; i++)
		if (!field_is_of_flow(family, &key->parts[i].field))
			return false;
	return true;
}

/* Which rules count */

static bool is_protocol(u8 family, const struct sl_key *key)
{
	const struct sl_field *field = key->parts ? &key->parts[0].field : NULL;

	if (!field || key->part_count != 1 || key->transform_count)
		return false;
	if (field->base == SL_META)
		return field->offset == SL_META_L4PROTO;
	return family == SL_IP && field->base == SL_NETWORK && field->offset == 9 &&
	       field->length == 1;
}

/* Only TCP and UDP are looked up; of other protocols nothing is dropped behind conntrack. */
static bool wants_other_protocol(u8 family, const struct sl_op *op)
{
	return op->kind == SL_OP_COMPARE && op->compare == SL_EQ && is_protocol(family, &op->key) &&
	       op->data[0] != IPPROTO_TCP && op->data[0] != IPPROTO_UDP;
}

static bool decides(const struct sl_op *op)
{
	return op->kind == SL_OP_VERDICT || op->kind == SL_OP_VMAP || op->kind == SL_OP_KERNEL ||
	       op->kind == SL_OP_LIMIT || op->kind == SL_OP_FILL || op->kind == SL_OP_MARK;
}

/* A rule that can match such a packet, and do something about it. */
static bool rule_counts(const struct search *search, const struct sl_rule *rule)
{
	bool does_something = false;

	for (u32 i = 0; i < rule->ops.count; i++) {
		const struct sl_op *op = &rule->ops.items[i];

		if (op->kind == SL_OP_STATE && !(op->worlds & search->states))
			return false;
		if (wants_other_protocol(search->family, op))
			return false;
		does_something |= decides(op);
	}
	return does_something;
}

/* The walk */

static void search_chain(struct search *search, const struct sl_chain *chain);

static void search_verdict(struct search *search, const struct sl_verdict *verdict)
{
	search->asks_kernel |= verdict->kind == SL_VERDICT_KERNEL;
	search->lets_in |= verdict->kind == SL_VERDICT_ACCEPT || verdict->kind == SL_VERDICT_KERNEL;
	if (verdict->chain)
		search_chain(search, verdict->chain);
}

static void search_map(struct search *search, const struct sl_set *map)
{
	for (u32 i = 0; i < map->elements.count; i++)
		search_verdict(search, &map->elements.items[i].verdict);
	if (map->has_catchall)
		search_verdict(search, &map->catchall);
	if (!map->is_constant)
		search->lets_in = true; /* elements to come */
}

static void search_op(struct search *search, const struct sl_op *op)
{
	search->tells_apart |= !key_is_of_flow(search->family, &op->key);
	for (u32 i = 0; i < op->alternative_count; i++)
		search_op(search, &op->alternatives[i]);
	/* What packets fill may have the one packet, and not the other. */
	search->tells_apart |= op->kind == SL_OP_FILLED || op->kind == SL_OP_FILL;
	if (op->kind == SL_OP_KERNEL || op->kind == SL_OP_LIMIT || op->kind == SL_OP_FILL)
		search->asks_kernel = search->lets_in = true;
	if (op->kind == SL_OP_MARK)
		search->asks_kernel = true;
	if (op->kind == SL_OP_VERDICT)
		search_verdict(search, &op->verdict);
	if (op->kind == SL_OP_VMAP)
		search_map(search, op->set);
}

static void search_rules(struct search *search, const struct sl_rule *rules, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		const struct sl_table *table = sl_rule_table(&rules[i]);

		if (table)
			search_rules(search, table->rules, table->count);
		if (!rule_counts(search, &rules[i]))
			continue;
		for (u32 k = 0; k < rules[i].ops.count; k++)
			search_op(search, &rules[i].ops.items[k]);
	}
}

static void search_chain(struct search *search, const struct sl_chain *chain)
{
	if (search->seen[chain->index])
		return;
	search->seen[chain->index] = 1;
	search_rules(search, chain->rules.items, chain->rules.count);
}

/* Each base chain by itself: an accept ends only the one that it is in. */
static struct search search_step(const struct sl_program *program, const struct sl_step *step,
				 u8 family)
{
	struct search search = {.family = family, .states = SL_WORLD_NEW};

	/* Ahead of conntrack every packet looks invalid. */
	if (step->hook <= SL_HOOK_PREROUTING)
		search.states |= SL_WORLD_INVALID;
	search.seen = calloc(program->chains.count, 1);
	if (!search.seen)
		return (struct search){.tells_apart = true, .lets_in = true, .asks_kernel = true};
	search_chain(&search, step->chain);
	free(search.seen);
	search.lets_in |= !step->drops_by_policy;
	return search;
}

/*
 * Whether it matters that the chain's rules tell packets of a connection apart. Ahead of conntrack
 * they meet a packet with the same result whether its connection is known or not. So what they drop
 * of a known one, the kernel drops as well; and what they accept or let by meets the rules behind
 * conntrack, where the packet that began the connection met them alike. Unless they mark some, or
 * leave them to the kernel: marks, or the lack of tracking, may let those in for another reason.
 */
static bool minds_difference(const struct search *search, bool tracks)
{
	return search->tells_apart && (tracks || search->asks_kernel);
}

bool sl_program_tracks(const struct sl_program *program, u8 families)
{
	for (u32 i = 0; i < program->path.count; i++)
		if ((program->path.items[i].kind == SL_STEP_CONNTRACK ||
		     program->path.items[i].kind == SL_STEP_TRACKED) &&
		    program->path.items[i].families & families)
			return true;
	return false;
}

bool sl_program_is_at_hook(const struct sl_program *program)
{
	for (u32 i = 0; i < program->path.count; i++)
		if (program->path.items[i].kind == SL_STEP_TRACKED)
			return true;
	return false;
}

static bool asks_facts(const struct sl_op *op)
{
	for (u32 i = 0; i < op->key.part_count; i++)
		if (sl_field_is_fact(&op->key.parts[i].field))
			return true;
	for (u32 i = 0; i < op->alternative_count; i++)
		if (asks_facts(&op->alternatives[i]))
			return true;
	return false;
}

static bool rules_ask_facts(const struct sl_rule *rules, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		const struct sl_table *table = sl_rule_table(&rules[i]);

		if (table && rules_ask_facts(table->rules, table->count))
			return true;
		for (u32 k = 0; k < rules[i].ops.count; k++)
			if (asks_facts(&rules[i].ops.items[k]))
				return true;
	}
	return false;
}

bool sl_program_asks_facts(const struct sl_program *program)
{
	for (u32 i = 0; i < program->chains.count; i++)
		if (rules_ask_facts(program->chains.items[i]->rules.items,
				    program->chains.items[i]->rules.count))
			return true;
	return false;
}

/* One of the two matches, and not the other. */
static bool tells_invalid(const struct sl_op *op)
{
	const u8 asked = op->worlds & (SL_WORLD_NEW | SL_WORLD_INVALID);

	return op->kind == SL_OP_STATE && (asked == SL_WORLD_NEW || asked == SL_WORLD_INVALID);
}

static bool rules_tell_invalid(const struct sl_rule *rules, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		const struct sl_table *table = sl_rule_table(&rules[i]);

		if (table && rules_tell_invalid(table->rules, table->count))
			return true;
		for (u32 k = 0; k < rules[i].ops.count; k++)
			if (tells_invalid(&rules[i].ops.items[k]))
				return true;
	}
	return false;
}

bool sl_program_asks_form(const struct sl_program *program)
{
	if (program->miss_worlds != (SL_WORLD_NEW | SL_WORLD_INVALID) ||
	    !sl_program_tracks(program, SL_IP | SL_IP6) || sl_program_is_at_hook(program))
		return false;
	for (u32 i = 0; i < program->chains.count; i++)
		if (rules_tell_invalid(program->chains.items[i]->rules.items,
				       program->chains.items[i]->rules.count))
			return true;
	return false;
}

static bool forwards(enum sl_route_mode mode)
{
	return mode != SL_ROUTE_INPUT_ONLY && mode != SL_ROUTE_LOCAL_ONLY;
}

static bool family_minds_batch(const struct sl_program *program, u8 family)
{
	bool is_router = forwards(family == SL_IP ? program->route_ip : program->route_ip6);
	bool may_be_forwarded = true;
	bool is_redirected = false, tells_apart = false, tracks = false;

	for (u32 i = 0; i < program->path.count; i++) {
		const struct sl_step *step = &program->path.items[i];

		if (!(step->families & family))
			continue;
		tracks |= step->kind == SL_STEP_CONNTRACK;
		if (step->kind != SL_STEP_CHAIN)
			continue;

		struct search search = search_step(program, step, family);

		tells_apart |= minds_difference(&search, tracks);
		/*
		 * By TPROXY, say, to a process that answers for others; no forward chain sees it.
		 */
		is_redirected |= step->hook <= SL_HOOK_PREROUTING && search.asks_kernel;
		if (step->hook == SL_HOOK_FORWARD && !search.lets_in)
			may_be_forwarded = false;
	}
	return tracks && (tells_apart || (is_router && (may_be_forwarded || is_redirected)));
}

/* Any at all: what the optimiser found that nobody meets is not worth a walk. */
bool sl_program_asks_filled(const struct sl_program *program)
{
	return program->filled.count;
}

bool sl_program_minds_batch(const struct sl_program *program)
{
	return family_minds_batch(program, SL_IP) || family_minds_batch(program, SL_IP6);
}
