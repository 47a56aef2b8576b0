// SPDX-License-Identifier: GPL-2.0-only
/*
 * The path: which base chains the device's packets meet, in which order, and where between them
 * the kernel does something of its own.
 *
 *	ingress      netdev chains, and inet's, of this device
 *	prerouting   by priority; conntrack at −200, nat chains at −100
 *	             routing
 *	input, forward   by priority; nat chains at 100
 *
 * sl_path_plan() finds the chains, so that what they lead to can be lifted; sl_path_lay() then
 * puts them in order, once it shows what is in them.
 */
#include "lift/path.h"

#include <errno.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <stdlib.h>
#include <string.h>

#include "ir/key.h"

/* Finding the base chains */

static u8 families_of(u32 family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return SL_IP;
	case NFPROTO_IPV6:
		return SL_IP6;
	case NFPROTO_INET:
	case NFPROTO_NETDEV:
		return SL_IP | SL_IP6;
	default: /* bridge and arp see nothing of a device that is no bridge port */
		return 0;
	}
}

static bool find_hook(u32 family, u32 number, enum sl_hook *ret_hook)
{
	static const u8 hooks[] = {
		[NF_INET_PRE_ROUTING] = SL_HOOK_PREROUTING,
		[NF_INET_LOCAL_IN] = SL_HOOK_INPUT,
		[NF_INET_FORWARD] = SL_HOOK_FORWARD,
	};

	if (family == NFPROTO_NETDEV || number == NF_INET_INGRESS) {
		*ret_hook = SL_HOOK_INGRESS;
		return number == (family == NFPROTO_NETDEV ? NF_NETDEV_INGRESS : NF_INET_INGRESS);
	}
	if (number >= SL_ARRAY_SIZE(hooks))
		return false; /* output and postrouting: what the host sends */
	*ret_hook = hooks[number];
	return true;
}

static bool names_device(const struct sl_lifter *lifter, const struct sl_nft_chain *chain)
{
	for (u32 i = 0; i < chain->devices.count; i++)
		if (sl_device_matches(lifter->link->name, chain->devices.items[i]))
			return true;
	return false;
}

/*
 * nf_nat registers its own hook, and runs the chains of type nat from there by their priorities:
 * that of the chain does not count against other hooks (nf_nat_register_fn).
 */
static void place_nat(struct sl_place_lift *place)
{
	place->is_nat = true;
	place->among_nat = place->priority;
	place->priority = place->hook == SL_HOOK_PREROUTING ? NF_IP_PRI_NAT_DST : NF_IP_PRI_NAT_SRC;
}

static bool find_place(const struct sl_lifter *lifter, struct sl_chain_lift *chain,
		       struct sl_place_lift *ret_place)
{
	const struct sl_nft_chain *source = chain->source;
	struct sl_place_lift place = {
		.chain = chain,
		.families = families_of(chain->table->family),
		.priority = source->priority,
	};

	if (!source->is_base || source->opaque_hook || !place.families ||
	    chain->table->flags & NFT_TABLE_F_DORMANT ||
	    !find_hook(chain->table->family, source->hook, &place.hook))
		return false;
	if (place.hook == SL_HOOK_INGRESS && !names_device(lifter, source))
		return false;
	if (source->type && !strcmp(source->type, "nat"))
		place_nat(&place);
	*ret_place = place;
	return true;
}

static u32 context_of(const struct sl_place_lift *place)
{
	static const u32 contexts[] = {
		[SL_HOOK_INGRESS] = SL_FROM_INGRESS,
		[SL_HOOK_PREROUTING] = SL_FROM_PREROUTING,
		[SL_HOOK_INPUT] = SL_FROM_INPUT,
		[SL_HOOK_FORWARD] = SL_FROM_FORWARD,
	};

	return contexts[place->hook] | (place->is_nat ? SL_FROM_NAT : 0);
}

/* At a hook, packets have been through what comes before. */
static bool is_met(const struct sl_lifter *lifter, enum sl_hook hook)
{
	return !lifter->front || hook >= SL_HOOK_INPUT;
}

void sl_path_plan(struct sl_lifter *lifter)
{
	for (u32 i = 0; i < lifter->chains.count; i++) {
		struct sl_chain_lift *chain = &lifter->chains.items[i];
		struct sl_place_lift place;

		if (find_place(lifter, chain, &place) && is_met(lifter, place.hook))
			sl_chain_reach(lifter, chain, context_of(&place));
	}
}

/* What a chain does, over all that it leads to */

struct doings {
	u8 *seen; /* by the chain's index */
	bool effects, drops, sets_mark, reads_mark;
};

static void see_chain(struct doings *doings, const struct sl_chain *chain);

static void see_verdict(struct doings *doings, const struct sl_verdict *verdict)
{
	if (verdict->kind == SL_VERDICT_DROP)
		doings->drops = true;
	if (verdict->kind == SL_VERDICT_KERNEL)
		doings->effects = true;
	if (verdict->chain)
		see_chain(doings, verdict->chain);
}

static void see_op(struct doings *doings, const struct sl_op *op)
{
	if (op->kind == SL_OP_COUNTER || op->kind == SL_OP_KERNEL || op->kind == SL_OP_LIMIT ||
	    op->kind == SL_OP_FILL)
		doings->effects = true;
	doings->sets_mark |= op->kind == SL_OP_MARK;
	doings->reads_mark |= sl_op_reads_mark(op);
	if (op->kind == SL_OP_VERDICT)
		see_verdict(doings, &op->verdict);
	if (op->kind != SL_OP_VMAP)
		return;
	for (u32 i = 0; i < op->set->elements.count; i++)
		see_verdict(doings, &op->set->elements.items[i].verdict);
	if (op->set->has_catchall)
		see_verdict(doings, &op->set->catchall);
}

static void see_chain(struct doings *doings, const struct sl_chain *chain)
{
	if (doings->seen[chain->index])
		return;
	doings->seen[chain->index] = 1;
	for (u32 i = 0; i < chain->rules.count; i++)
		for (u32 k = 0; k < chain->rules.items[i].ops.count; k++)
			see_op(doings, &chain->rules.items[i].ops.items[k]);
}

static int find_doings(struct sl_lifter *lifter, struct sl_place_lift *place)
{
	const struct sl_nft_chain *source = place->chain->source;
	struct doings doings = {0};

	doings.seen = calloc(lifter->program->chains.count + 1, 1);
	if (!doings.seen)
		return -ENOMEM;
	see_chain(&doings, place->chain->chain);
	free(doings.seen);
	place->has_effects = doings.effects || source->has_counters;
	place->may_drop = doings.drops || source->policy != NF_ACCEPT;
	place->sets_mark = doings.sets_mark;
	place->reads_mark = doings.reads_mark;
	return 0;
}

/* Steps */

int sl_path_add_step(struct sl_lifter *lifter, const struct sl_step *step)
{
	struct sl_program *program = lifter->program;
	struct sl_step *slot = sl_list_push(program->arena, &program->path);

	if (!slot)
		return -ENOMEM;
	*slot = *step;
	if (step->kind != SL_STEP_CHAIN)
		slot->policy_counter = SL_NO_COUNTER;
	return 0;
}

int sl_path_add_kernel(struct sl_lifter *lifter, u8 families, enum sl_hook hook, s32 priority,
		       const char *reason)
{
	struct sl_step step = {
		.kind = SL_STEP_KERNEL,
		.families = families,
		.hook = hook,
		.priority = priority,
		.reason = reason,
	};

	return families ? sl_path_add_step(lifter, &step) : 0;
}

/* A drop by policy in a nat chain, or a policy that is neither: what then happens is not known. */
static const char *find_odd_policy(const struct sl_place_lift *place)
{
	s32 policy = place->chain->source->policy;

	if (policy != NF_ACCEPT && policy != NF_DROP)
		return "a base chain's policy is neither accept nor drop";
	if (policy == NF_DROP && place->is_nat)
		return "drop by policy in a nat chain, which only new connections meet";
	return NULL;
}

static int add_chain(struct sl_lifter *lifter, const struct sl_place_lift *place, u8 families)
{
	const struct sl_nft_chain *source = place->chain->source;
	const char *odd = find_odd_policy(place);
	struct sl_step step = {
		.kind = SL_STEP_CHAIN,
		.families = families,
		.hook = place->hook,
		.priority = place->priority,
		.chain = place->chain->chain,
		.drops_by_policy = source->policy == NF_DROP,
		.policy_counter = SL_NO_COUNTER,
	};
	int error = 0;

	if (!families)
		return 0;
	if (odd)
		return sl_path_add_kernel(lifter, families, place->hook, place->priority, odd);
	if (source->has_counters)
		error = sl_counter_add(lifter, place->chain, 0, &step.policy_counter);
	if (error == -ENOENT)
		return sl_path_add_kernel(
			lifter, families, place->hook, place->priority,
			"a policy's counter that sluice does not keep ahead of here");
	return error ? error : sl_path_add_step(lifter, &step);
}

static int add_foreign(struct sl_lifter *lifter, const struct sl_place_lift *place, u8 families)
{
	const char *reason = sl_arena_printf(lifter->program->arena,
					     "somebody else's netfilter hook: %s", place->foreign);

	return reason ? sl_path_add_kernel(lifter, families, place->hook, place->priority, reason)
		      : -ENOMEM;
}

static int add_place(struct sl_lifter *lifter, const struct sl_place_lift *place, u8 families)
{
	return place->foreign ? add_foreign(lifter, place, families)
			      : add_chain(lifter, place, families);
}

/* Ordering */

static int compare(s64 a, s64 b)
{
	return (a > b) - (a < b);
}

static int by_hook_and_priority(const void *left, const void *right)
{
	const struct sl_place_lift *a = left, *b = right;
	int order = compare(a->hook, b->hook);

	if (!order)
		order = compare(a->priority, b->priority);
	if (!order)
		order = compare(a->among_nat, b->among_nat);
	if (!order)
		order = compare(a->rank, b->rank);
	return order ? order : compare(a->order, b->order);
}

static bool share_priority(const struct sl_place_lift *a, const struct sl_place_lift *b)
{
	return a->hook == b->hook && a->priority == b->priority;
}

static bool is_marked_for(const struct sl_place_lift *a, const struct sl_place_lift *b)
{
	return a->sets_mark && (b->sets_mark || b->reads_mark);
}

/*
 * Whether it matters which of two chains comes first: one may drop what leaves a trace in the
 * other, or mark packets for it. Their order is that of registration, which the dump does not tell;
 * the list of hooks does, if one of them is a legacy table's and stands at either end.
 */
static bool is_order_unsure(const struct sl_place_lift *a, const struct sl_place_lift *b)
{
	if (a->is_nat && b->is_nat && a->among_nat != b->among_nat)
		return false;
	if (a->rank != b->rank)
		return false;
	return (a->may_drop && b->has_effects) || (b->may_drop && a->has_effects) ||
	       is_marked_for(a, b) || is_marked_for(b, a);
}

static u8 find_unsure_families(const struct sl_place_lift *group, u32 count)
{
	u8 families = 0;

	for (u32 i = 0; i < count; i++)
		for (u32 k = 0; k < i; k++)
			if (is_order_unsure(&group[i], &group[k]))
				families |= group[i].families & group[k].families;
	return families;
}

/* Chains that share hook and priority. */
static int add_group(struct sl_lifter *lifter, const struct sl_place_lift *group, u32 count)
{
	u8 unsure = find_unsure_families(group, count);
	int error = sl_path_add_kernel(
		lifter, unsure, group->hook, group->priority,
		"two base chains share a priority, and their order is not known");

	for (u32 i = 0; !error && i < count; i++)
		error = add_place(lifter, &group[i], group[i].families & (u8)~unsure);
	return error;
}

/* Conntrack has the same priority: registered before or after, nobody can tell. */
static int add_group_at_conntrack(struct sl_lifter *lifter, const struct sl_place_lift *group,
				  u32 count)
{
	u8 families = 0;
	int error;

	for (u32 i = 0; i < count; i++)
		families |= group[i].families;
	error = sl_path_add_kernel(lifter, families & lifter->census.tracked, group->hook,
				   group->priority, "a base chain shares conntrack's priority");
	for (u32 i = 0; !error && i < count; i++)
		error = add_place(lifter, &group[i],
				  group[i].families & (u8)~lifter->census.tracked);
	return error;
}

/* The kernel's own places */

static int add_conntrack(struct sl_lifter *lifter)
{
	struct sl_step step = {
		.kind = SL_STEP_CONNTRACK,
		.families = lifter->census.tracked,
		.hook = SL_HOOK_PREROUTING,
		.priority = NF_IP_PRI_CONNTRACK,
	};

	return step.families ? sl_path_add_step(lifter, &step) : 0;
}

static bool has_flowtable(const struct sl_lifter *lifter)
{
	const struct sl_ruleset *rules = lifter->rules;

	for (u32 i = 0; i < rules->tables.count; i++) {
		const struct sl_nft_table *table = rules->tables.items[i];

		for (u32 k = 0; k < table->flowtables.count; k++) {
			const struct sl_nft_flowtable *flowtable = &table->flowtables.items[k];

			for (u32 d = 0; d < flowtable->devices.count; d++)
				if (sl_device_matches(lifter->link->name,
						      flowtable->devices.items[d]))
					return true;
		}
	}
	return false;
}

static int add_route(struct sl_lifter *lifter)
{
	struct sl_step step = {
		.kind = SL_STEP_ROUTE,
		.families = SL_IP | SL_IP6,
		.hook = SL_HOOK_PREROUTING,
		.priority = INT_MAX,
	};
	int error = 0;

	if (lifter->host->has_xfrm)
		error = sl_path_add_kernel(lifter, step.families, step.hook, step.priority,
					   "IPsec policies may take the packet");
	if (!error && has_flowtable(lifter))
		error = sl_path_add_kernel(
			lifter, step.families, step.hook, step.priority,
			"a flowtable of this device may take the packet past the rules");
	return error ? error : sl_path_add_step(lifter, &step);
}

/* Legacy tables that are not among the rules. They begin with raw, where that may be loaded. */
static int add_legacy(struct sl_lifter *lifter)
{
	const bool are_there[] = {lifter->host->has_legacy_ip, lifter->host->has_legacy_ip6};
	static const u8 families[] = {SL_IP, SL_IP6};
	int error = 0;

	for (u32 i = 0; i < SL_ARRAY_SIZE(families) && !error; i++) {
		const char *obstacle = lifter->rules->legacy_obstacles[i];

		if (!are_there[i] || lifter->rules->holds_legacy[i])
			continue;
		obstacle =
			sl_arena_strdup(lifter->program->arena,
					obstacle ? obstacle : "iptables-legacy rules are present");
		error = obstacle ? sl_path_add_kernel(lifter, families[i], SL_HOOK_PREROUTING,
						      NF_IP_PRI_RAW, obstacle)
				 : -ENOMEM;
	}
	return error;
}

/* Laying it all out */

/* br_netfilter's, where there is any bridge, keeps packets that came through one from meeting
 * prerouting a second time, and lets all others be. */
static bool is_idle(const struct sl_lifter *lifter, const struct sl_foreign_hook *hook)
{
	return !strcmp(hook->name, "ip_sabotage_in") &&
	       !sl_device_brings_bridged(lifter->host, lifter->link);
}

static int add_foreign_places(struct sl_lifter *lifter, struct sl_places_lift *places)
{
	for (u32 i = 0; i < lifter->host->foreign_hooks.count; i++) {
		const struct sl_foreign_hook *hook = &lifter->host->foreign_hooks.items[i];
		struct sl_place_lift *place, found = {
						     .families = families_of(hook->family),
						     .priority = hook->priority,
						     .order = lifter->chains.count + i,
						     .has_effects = true,
						     .foreign = hook->name,
					     };

		if (is_idle(lifter, hook) || !find_hook(hook->family, hook->hook, &found.hook) ||
		    !is_met(lifter, found.hook))
			continue;
		place = sl_list_push(lifter->program->arena, &places->list);
		if (!place)
			return -ENOMEM;
		*place = found;
	}
	return 0;
}

static s32 find_rank(const struct sl_lifter *lifter, const struct sl_place_lift *place)
{
	const struct sl_host *host = lifter->host;

	if (!place->chain->table->is_legacy || place->is_nat)
		return 0;
	for (u32 i = 0; i < host->legacy_hooks.count; i++) {
		const struct sl_legacy_hook *hook = &host->legacy_hooks.items[i];

		if (hook->family == place->chain->table->family &&
		    hook->hook == place->chain->source->hook && hook->priority == place->priority)
			return hook->rank;
	}
	return 0;
}

int sl_path_find_places(struct sl_lifter *lifter, struct sl_places_lift *places)
{
	if (add_foreign_places(lifter, places))
		return -ENOMEM;
	for (u32 i = 0; i < lifter->chains.count; i++) {
		struct sl_place_lift place, *slot;
		int error;

		if (!find_place(lifter, &lifter->chains.items[i], &place) ||
		    !is_met(lifter, place.hook))
			continue;
		place.order = i;
		place.rank = find_rank(lifter, &place);
		error = find_doings(lifter, &place);
		if (error)
			return error;
		slot = sl_list_push(lifter->program->arena, &places->list);
		if (!slot)
			return -ENOMEM;
		*slot = place;
	}
	if (places->list.count)
		qsort(places->list.items, places->list.count, sizeof *places->list.items,
		      by_hook_and_priority);
	return 0;
}

/* The hook of such a chain may be any, and its device ours. */
bool sl_path_has_opaque_hook(const struct sl_lifter *lifter)
{
	for (u32 i = 0; i < lifter->chains.count; i++) {
		const struct sl_chain_lift *chain = &lifter->chains.items[i];

		if (chain->source->opaque_hook && families_of(chain->table->family) &&
		    !(chain->table->flags & NFT_TABLE_F_DORMANT))
			return true;
	}
	return false;
}

static bool comes_before(const struct sl_place_lift *place, s32 priority)
{
	return place->hook == SL_HOOK_INGRESS ||
	       (place->hook == SL_HOOK_PREROUTING && place->priority < priority);
}

/*
 * Flows of a flowtable skip everything behind ingress. They have a connection, so that behind
 * conntrack a miss says that the packet is of none; before it, or where sluice would look in the
 * wrong zone, nothing does.
 */
static bool may_skip_chains(const struct sl_lifter *lifter, const struct sl_places_lift *places)
{
	if (!has_flowtable(lifter))
		return false;
	return lifter->census.sets_zone ||
	       (places->list.count &&
		comes_before(&places->list.items[0], NF_IP_PRI_CONNTRACK + 1));
}

static int add_obstacles(struct sl_lifter *lifter, const struct sl_places_lift *places)
{
	const u8 all = SL_IP | SL_IP6;
	const char *reason;
	int error = sl_device_find_obstacle(lifter, &reason);

	if (!error && reason)
		error = sl_path_add_kernel(lifter, all, SL_HOOK_INGRESS, INT_MIN, reason);
	if (!error && sl_path_has_opaque_hook(lifter))
		error = sl_path_add_kernel(
			lifter, all, SL_HOOK_INGRESS, INT_MIN,
			"a base chain's hook holds what sluice does not understand");
	if (!error && may_skip_chains(lifter, places))
		error = sl_path_add_kernel(
			lifter, all, SL_HOOK_INGRESS, INT_MIN,
			"a flowtable of this device may take the packet past the rules");
	return error;
}

int sl_path_add_groups(struct sl_lifter *lifter, const struct sl_places_lift *places, u32 *next,
		       enum sl_hook hook, s64 end)
{
	int error = 0;

	while (!error && *next < places->list.count) {
		const struct sl_place_lift *group = &places->list.items[*next];
		u32 count = 1;

		if (group->hook > hook || (group->hook == hook && group->priority >= end))
			break;
		while (*next + count < places->list.count && share_priority(group, &group[count]))
			count++;
		if (group->hook == SL_HOOK_PREROUTING && group->priority == NF_IP_PRI_CONNTRACK)
			error = add_group_at_conntrack(lifter, group, count);
		else
			error = add_group(lifter, group, count);
		*next += count;
	}
	return error;
}

/*
 * A miss is a new connection, or none that conntrack would have; one that a helper expects where
 * helpers are assigned; and anything where it is looked up in the wrong zone.
 */
static u8 find_miss_worlds(const struct sl_census *census)
{
	if (census->sets_zone)
		return SL_WORLDS_ALL;
	return SL_WORLD_NEW | SL_WORLD_INVALID | (census->assigns_helper ? SL_WORLD_RELATED : 0);
}

int sl_path_lay(struct sl_lifter *lifter)
{
	struct sl_places_lift places = {0};
	u32 next = 0;
	int error;

	if (lifter->front)
		return sl_path_lay_hooks(lifter);
	error = sl_path_find_places(lifter, &places);
	lifter->program->miss_worlds = find_miss_worlds(&lifter->census);
	if (!error)
		error = add_obstacles(lifter, &places);
	if (!error)
		error = sl_path_add_groups(lifter, &places, &next, SL_HOOK_PREROUTING,
					   NF_IP_PRI_RAW);
	if (!error)
		error = add_legacy(lifter);
	if (!error)
		error = sl_path_add_groups(lifter, &places, &next, SL_HOOK_PREROUTING,
					   NF_IP_PRI_CONNTRACK);
	if (!error)
		error = add_conntrack(lifter);
	if (!error)
		error = sl_path_add_groups(lifter, &places, &next, SL_HOOK_PREROUTING, INT64_MAX);
	if (!error)
		error = add_route(lifter);
	if (!error)
		error = sl_path_add_groups(lifter, &places, &next, SL_HOOK_FORWARD, INT64_MAX);
	return error;
}
