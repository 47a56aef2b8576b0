// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "api/handle.h"
#include "lib/plan.h"

struct sluice_plan {
	char device[IFNAMSIZ];
	struct sl_plan plan;
	/* In its arena: */
	SL_LIST(struct sluice_decided) decided;
	SL_LIST(struct sluice_obstacle) obstacles;
	SL_LIST(const char *) warnings;
};

struct planning {
	const char *path; /* NULL: live rules */
	struct sl_plan_wish wish;
	struct sluice_plan *told;
};

_Static_assert((int)SLUICE_NOT_MET == (int)SL_DECIDED_NOT_MET &&
		       (int)SLUICE_EARLY == (int)SL_DECIDED_EARLY &&
		       (int)SLUICE_AT_HOOK == (int)SL_DECIDED_HOOK &&
		       (int)SLUICE_MAYBE == (int)SL_DECIDED_MAYBE &&
		       (int)SLUICE_KERNEL == (int)SL_DECIDED_KERNEL &&
		       (int)SLUICE_BEHIND == (int)SL_DECIDED_BEHIND,
	       "one is cast to the other");

static const char *text_of(const struct sl_plan *plan, const struct sl_decided *item)
{
	if (!item->rule)
		return item->drops ? "drop" : "accept";
	return sl_rule_text(&plan->texts, item->table->handle, item->rule->handle, item->meaning);
}

static int tell_rule(struct sluice_plan *told, const struct sl_decided *item)
{
	struct sl_arena *arena = told->plan.legal->arena;
	const struct sluice_rule rule = {
		.family = sl_family_name(item->table->family),
		.table = item->table->name,
		.chain = item->chain->name,
		.handle = item->rule ? item->rule->handle : 0,
		.text = text_of(&told->plan, item),
	};
	struct sluice_decided *slot = sl_list_push(arena, &told->decided);

	if (!slot)
		return -ENOMEM;
	*slot = (struct sluice_decided){
		.rule = sl_rule_told(arena, &rule),
		.decision = (enum sluice_decision)item->decision,
		.reason = item->reason,
		.drops = item->drops,
		.counts = item->has_counter,
		.kernel = {item->packets, item->bytes},
	};
	return slot->rule ? 0 : -ENOMEM;
}

static int tell_obstacle(struct sluice_plan *told, const struct sl_obstacle *obstacle)
{
	struct sluice_obstacle *slot = sl_list_push(told->plan.legal->arena, &told->obstacles);

	if (!slot)
		return -ENOMEM;
	*slot = (struct sluice_obstacle){
		.place = sl_plan_obstacle_place(&told->plan, obstacle),
		.reason = obstacle->reason,
		.rules_behind = obstacle->rules_behind,
		.packets = obstacle->packets,
	};
	return 0;
}

static int warn(struct sluice_plan *told, const char *text)
{
	const char **slot = sl_list_push(told->plan.legal->arena, &told->warnings);

	if (!slot || !text)
		return -ENOMEM;
	*slot = text;
	return 0;
}

static int warn_all(struct sluice_plan *told)
{
	const struct sl_plan *plan = &told->plan;
	struct sl_arena *arena = plan->legal->arena;
	const char *costs[SL_PLAN_COSTS];
	u32 cost_count = sl_plan_costs(plan, costs);
	int error = 0;

	for (u32 i = 0; i < plan->side_effects.count && !error; i++) {
		const struct sl_side_effect *effect = &plan->side_effects.items[i];

		error = warn(told, sl_arena_printf(arena, "%s: %s: %s becomes %s", effect->device,
						   effect->feature, effect->before, effect->after));
	}
	for (u32 i = 0; i < plan->listeners.count && !error; i++) {
		const struct sl_listener *listener = &plan->listeners.items[i];

		error = warn(told, sl_arena_printf(
					   arena, "%s (process %u) will not see early drops",
					   listener->pid ? listener->process : "?", listener->pid));
	}
	for (u32 i = 0; i < cost_count && !error; i++)
		error = warn(told, sl_arena_printf(arena, "cost: %s", costs[i]));
	if (!error && plan->compiled->code_is_cut)
		error = warn(told, "the code grew too long: the last rules of a hook are left to "
				   "the kernel");
	return error;
}

static int tell(struct sluice_plan *told)
{
	const struct sl_decisions *decisions = &told->plan.decisions;
	int error = 0;

	for (u32 i = 0; i < decisions->items.count && !error; i++)
		error = tell_rule(told, &decisions->items.items[i]);
	for (u32 i = 0; i < decisions->obstacles.count && !error; i++)
		if (!sl_plan_obstacle_is_copy(decisions, i))
			error = tell_obstacle(told, &decisions->obstacles.items[i]);
	return error ? error : warn_all(told);
}

static int plan_live(const struct planning *planning, struct sl_plan *plan, struct sl_diag *diag)
{
	const char *device = planning->wish.device;
	struct sl_observer *observer;
	int error;

	if (!if_nametoindex(device))
		return sl_fail(diag, ENODEV, "no device %s in this network namespace", device);
	error = sl_observer_open(&observer, diag);
	if (error)
		return error;
	error = sl_plan_live(&planning->wish, observer, plan, diag);
	sl_observer_free(observer);
	return error;
}

static int make_plan(struct sluice *sluice, void *context)
{
	struct planning *planning = context;
	struct sl_plan *plan = &planning->told->plan;
	int error = planning->path
			    ? sl_plan_file(&planning->wish, planning->path, plan, &sluice->diag)
			    : plan_live(planning, plan, &sluice->diag);

	if (error)
		return error;
	return tell(planning->told) ? sl_fail_memory(&sluice->diag) : 0;
}

static int plan(struct sluice *sluice, const char *path, const char *device,
		const struct sluice_options *options, struct sluice_plan **ret_plan)
{
	struct planning planning = {.path = path};
	struct sluice_plan *told;
	struct sl_wishes wishes;
	int error = sl_wishes_read(sluice, options, &wishes);

	if (error)
		return error;
	told = calloc(1, sizeof *told);
	if (!told)
		return sl_fail_memory(&sluice->diag);
	planning.told = told;
	if (device)
		snprintf(told->device, sizeof told->device, "%s", device);
	planning.wish = (struct sl_plan_wish){device ? told->device : NULL, wishes.mode,
					      wishes.memory_limit};
	error = sl_visit(sluice, make_plan, &planning);
	if (error)
		sluice_plan_free(told);
	else
		*ret_plan = told;
	return error;
}

int sluice_plan_device(struct sluice *sluice, const char *device,
		       const struct sluice_options *options, struct sluice_plan **ret_plan)
{
	return plan(sluice, NULL, device, options, ret_plan);
}

int sluice_plan_file(struct sluice *sluice, const char *path, const char *device,
		     const struct sluice_options *options, struct sluice_plan **ret_plan)
{
	return plan(sluice, path, device, options, ret_plan);
}

void sluice_plan_free(struct sluice_plan *told)
{
	if (!told)
		return;
	sl_plan_free(&told->plan);
	free(told);
}

enum sluice_mode sluice_plan_mode(const struct sluice_plan *told)
{
	return sl_mode_told(told->plan.mode);
}

const char *sluice_plan_refusals(const struct sluice_plan *told)
{
	return told->plan.ladder.text;
}

double sluice_plan_share(const struct sluice_plan *told)
{
	return sl_decisions_share(&told->plan.decisions);
}

uint32_t sluice_plan_rules(const struct sluice_plan *told, enum sluice_decision decision)
{
	return (unsigned int)decision <= SLUICE_BEHIND ? told->plan.decisions.counts[decision] : 0;
}

const struct sluice_decided *sluice_plan_decided(const struct sluice_plan *told, size_t index)
{
	return index < told->decided.count ? &told->decided.items[index] : NULL;
}

const struct sluice_obstacle *sluice_plan_obstacle(const struct sluice_plan *told, size_t index)
{
	return index < told->obstacles.count ? &told->obstacles.items[index] : NULL;
}

const char *sluice_plan_warning(const struct sluice_plan *told, size_t index)
{
	return index < told->warnings.count ? told->warnings.items[index] : NULL;
}
