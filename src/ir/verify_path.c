// SPDX-License-Identifier: GPL-2.0-only
/* Where packets can go: along the path, and from chain to chain by jumps. */
#include "ir/verify_parts.h"

#include <linux/netfilter.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* Jumps */

typedef int target_fn(void *context, const struct sl_chain *target);

static int visit_verdict(const struct sl_verdict *verdict, target_fn *visit, void *context)
{
	return verdict->chain ? visit(context, verdict->chain) : 0;
}

static int visit_map(const struct sl_set *map, target_fn *visit, void *context)
{
	int error = map->has_catchall ? visit_verdict(&map->catchall, visit, context) : 0;

	for (u32 i = 0; !error && i < map->elements.count; i++)
		error = visit_verdict(&map->elements.items[i].verdict, visit, context);
	return error;
}

/* Calls `visit` for each chain that a rule of this one can jump or go to. */
static int visit_targets(const struct sl_chain *chain, target_fn *visit, void *context)
{
	int error = 0;

	for (u32 i = 0; !error && i < chain->rules.count; i++) {
		const struct sl_rule *rule = &chain->rules.items[i];
		const struct sl_op *last =
			rule->ops.count ? &rule->ops.items[rule->ops.count - 1] : NULL;

		if (last && last->kind == SL_OP_VERDICT)
			error = visit_verdict(&last->verdict, visit, context);
		else if (last && last->kind == SL_OP_VMAP)
			error = visit_map(last->set, visit, context);
	}
	return error;
}

enum { NOT_SEEN, ON_THE_WAY, SEEN };

/* A depth-first walk that stops where it is too deep, so that no program can eat the stack. */
struct descent {
	const struct verify *verify;
	u8 *seen;    /* per chain */
	u8 *heights; /* per chain that is SEEN: the most jumps that can nest from it on */
	u32 family;  /* of the chain that the walk began with */
	u32 depth;   /* jumps made so far */
	u32 height;  /* of the chain that is looked at, as far as it is known */
};

static int too_deep(const struct descent *descent, const struct sl_chain *chain)
{
	return reject(descent->verify, "chain %s %s is more than %u jumps deep, or leads there",
		      chain->table, chain->name, SL_JUMP_DEPTH_MAX);
}

static int descend(void *context, const struct sl_chain *chain)
{
	struct descent *descent = context;
	u32 index = chain->index, of_caller = descent->height;
	int error = 0;

	if (chain->family != descent->family)
		return reject(descent->verify, "chain %s %s is jumped to from another family",
			      chain->table, chain->name);
	if (descent->seen[index] == ON_THE_WAY)
		return reject(descent->verify, "chain %s %s can jump back to itself", chain->table,
			      chain->name);
	if (descent->depth > SL_JUMP_DEPTH_MAX)
		return too_deep(descent, chain);
	if (descent->seen[index] == NOT_SEEN) {
		descent->seen[index] = ON_THE_WAY;
		descent->height = 0;
		descent->depth++;
		error = visit_targets(chain, descend, descent);
		descent->depth--;
		descent->seen[index] = SEEN;
		descent->heights[index] = (u8)descent->height;
	}
	if (error)
		return error;
	if (descent->depth + descent->heights[index] > SL_JUMP_DEPTH_MAX)
		return too_deep(descent, chain);
	descent->height = descent->heights[index] + 1u;
	if (descent->height < of_caller)
		descent->height = of_caller;
	return 0;
}

int sl_verify_jumps(const struct verify *verify)
{
	u32 count = verify->program->chains.count;
	SL_CLEANUP(sl_free) u8 *marks = calloc(2, (size_t)count + 1);
	struct descent descent = {.verify = verify, .seen = marks, .heights = marks + count};
	int error = 0;

	if (!marks)
		return sl_fail_memory(verify->diag);
	for (u32 i = 0; !error && i < count; i++) {
		const struct sl_chain *chain = verify->program->chains.items[i];

		descent.height = 0;
		descent.family = chain->family;
		error = descend(&descent, chain);
	}
	return error;
}

/* Path */

/* What one family has met so far. */
struct journey {
	enum sl_hook hook;
	bool is_tracked, is_routed;
	s32 priorities[SL_HOOK_FORWARD + 1]; /* of the last base chain in each hook */
	bool has_chain[SL_HOOK_FORWARD + 1];
};

static int verify_chain_order(const struct verify *verify, const struct sl_step *step,
			      struct journey *journey)
{
	bool is_behind = step->hook == SL_HOOK_INPUT || step->hook == SL_HOOK_FORWARD;

	if (is_behind && !journey->is_routed)
		return reject(verify, "an input or forward chain before routing");
	if (!is_behind && journey->is_routed)
		return reject(verify, "an ingress or prerouting chain behind routing");
	if (step->hook == SL_HOOK_INGRESS &&
	    (journey->is_tracked || journey->has_chain[SL_HOOK_PREROUTING]))
		return reject(verify, "an ingress chain behind prerouting");
	if (journey->has_chain[step->hook] && step->priority < journey->priorities[step->hook])
		return reject(verify, "priority %d behind %d in one hook", step->priority,
			      journey->priorities[step->hook]);
	journey->has_chain[step->hook] = true;
	journey->priorities[step->hook] = step->priority;
	return 0;
}

static int verify_order(const struct verify *verify, const struct sl_step *step,
			struct journey *journey)
{
	switch (step->kind) {
	case SL_STEP_CHAIN:
		return verify_chain_order(verify, step, journey);
	case SL_STEP_CONNTRACK:
	case SL_STEP_TRACKED:
		if (journey->is_tracked)
			return reject(verify, "a second conntrack");
		if (journey->is_routed)
			return reject(verify, "conntrack behind routing");
		journey->is_tracked = true;
		return 0;
	case SL_STEP_ROUTE:
		if (journey->is_routed)
			return reject(verify, "a second routing");
		journey->is_routed = true;
		return 0;
	case SL_STEP_KERNEL:
		return 0;
	}
	return reject(verify, "step %u does not exist", step->kind);
}

static bool is_chain_for(const struct sl_step *step)
{
	switch (step->chain->family) {
	case NFPROTO_IPV4:
		return step->families == SL_IP;
	case NFPROTO_IPV6:
		return step->families == SL_IP6;
	case NFPROTO_NETDEV:
		return step->hook == SL_HOOK_INGRESS;
	default:
		return true;
	}
}

static int verify_step(const struct verify *verify, const struct sl_step *step)
{
	const struct sl_program *program = verify->program;

	if (!step->families || step->families & ~(SL_IP | SL_IP6))
		return reject(verify, "families %#x are not IPv4 or IPv6", step->families);
	if (step->hook > SL_HOOK_FORWARD)
		return reject(verify, "hook %u does not exist", step->hook);
	if (step->kind == SL_STEP_KERNEL && !step->reason)
		return reject(verify, "no reason given");
	if (step->kind != SL_STEP_CHAIN)
		return 0;
	if (!sl_verify_has_chain(program, step->chain))
		return reject(verify, "chain is not in the program");
	if (!is_chain_for(step))
		return reject(verify, "chain %s %s never sees such packets", step->chain->table,
			      step->chain->name);
	if (step->policy_counter != SL_NO_COUNTER &&
	    step->policy_counter >= program->counters.count)
		return reject(verify, "policy counter %u does not exist", step->policy_counter);
	return 0;
}

int sl_verify_path(const struct verify *verify)
{
	struct journey ip = {0}, ip6 = {0};

	for (u32 i = 0; i < verify->program->path.count; i++) {
		const struct sl_step *step = &verify->program->path.items[i];
		int error = verify_step(verify, step);

		if (!error && step->families & SL_IP)
			error = verify_order(verify, step, &ip);
		if (!error && step->families & SL_IP6)
			error = verify_order(verify, step, &ip6);
		if (error)
			return sl_fail_in(verify->diag, error, "step %u of the path", i);
	}
	return 0;
}

/* Ingress: the packet's length is not known before ip_rcv() has trimmed it. */

static bool key_reads_length(const struct sl_key *key)
{
	for (u32 i = 0; i < key->part_count; i++)
		if (key->parts[i].field.base == SL_META &&
		    key->parts[i].field.offset == SL_META_LENGTH)
			return true;
	return false;
}

static bool op_reads_length(const struct sl_op *op)
{
	for (u32 i = 0; op->kind == SL_OP_ANY && i < op->alternative_count; i++)
		if (key_reads_length(&op->alternatives[i].key))
			return true;
	return key_reads_length(&op->key);
}

static bool rules_read_length(const struct sl_rule *rules, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		const struct sl_table *run = sl_rule_table(&rules[i]);

		if (run && rules_read_length(run->rules, run->count))
			return true;
		for (u32 j = 0; j < rules[i].ops.count; j++)
			if (op_reads_length(&rules[i].ops.items[j]))
				return true;
	}
	return false;
}

struct ingress {
	const struct verify *verify;
	bool *seen; /* per chain */
};

static int verify_ingress_chain(void *context, const struct sl_chain *chain)
{
	struct ingress *ingress = context;

	if (ingress->seen[chain->index])
		return 0;
	ingress->seen[chain->index] = true;
	if (rules_read_length(chain->rules.items, chain->rules.count))
		return reject(ingress->verify,
			      "chain %s %s reads the packet's length, not known at ingress",
			      chain->table, chain->name);
	return visit_targets(chain, verify_ingress_chain, ingress);
}

int sl_verify_ingress(const struct verify *verify)
{
	const struct sl_program *program = verify->program;
	SL_CLEANUP(sl_free) bool *seen = calloc((size_t)program->chains.count + 1, sizeof *seen);
	struct ingress ingress = {verify, seen};
	int error = 0;

	if (!seen)
		return sl_fail_memory(verify->diag);
	for (u32 i = 0; !error && i < program->path.count; i++) {
		const struct sl_step *step = &program->path.items[i];

		if (step->kind == SL_STEP_CHAIN && step->hook == SL_HOOK_INGRESS)
			error = verify_ingress_chain(&ingress, step->chain);
	}
	return error;
}
