// SPDX-License-Identifier: GPL-2.0-only
/*
 * The path of a packet that has come as far as a netfilter hook: the chains of input or of forward,
 * from the first of nf_tables' on. Whatever it met before is done, with conntrack, NAT and routing;
 * so what the packet is and where it came from matters no more, only who stands between.
 */
#include "lift/path.h"

#include <limits.h>
#include <linux/netfilter_ipv4.h>
#include <string.h>

struct hook {
	u8 family;
	enum sl_hook hook;
};

/* In the order of SL_PLACE_*. */
static const struct hook hooks[SL_PLACES] = {
	{SL_IP, SL_HOOK_INPUT},
	{SL_IP, SL_HOOK_FORWARD},
	{SL_IP6, SL_HOOK_INPUT},
	{SL_IP6, SL_HOOK_FORWARD},
};

static bool is_at(const struct sl_place_lift *place, const struct hook *hook)
{
	return place->hook == hook->hook && place->families & hook->family;
}

/* nf_tables' first chain at the hook; NULL: none. */
static const struct sl_place_lift *find_first(const struct sl_places_lift *places,
					      const struct hook *hook)
{
	for (u32 i = 0; i < places->list.count; i++)
		if (!places->list.items[i].foreign && is_at(&places->list.items[i], hook))
			return &places->list.items[i];
	return NULL;
}

/* Others that have had the packet by the time that it comes to where the program can be. */
static void forget_earlier(struct sl_places_lift *places, const struct hook *hook, s32 first)
{
	for (u32 i = 0; i < places->list.count; i++) {
		struct sl_place_lift *place = &places->list.items[i];

		if (place->foreign && is_at(place, hook) &&
		    place->priority < (s64)first - SL_HOOK_SLOTS)
			place->families &= (u8)~hook->family;
	}
}

/* Some chain drops, and none of others' hooks that it could not be asked ahead of comes first. */
static bool may_drop(const struct sl_places_lift *places, const struct hook *hook)
{
	for (u32 i = 0; i < places->list.count; i++) {
		const struct sl_place_lift *place = &places->list.items[i];

		if (!is_at(place, hook))
			continue;
		if (place->foreign || place->may_drop)
			return !place->foreign;
	}
	return false;
}

/* What the front leaves to others, besides the odd packet: fragments and the like are few. */
static bool front_leaves(const struct sl_program *front, u8 family)
{
	for (u32 i = 0; i < front->path.count; i++) {
		const struct sl_step *step = &front->path.items[i];

		if (step->families & family &&
		    (step->kind == SL_STEP_CONNTRACK || step->kind == SL_STEP_KERNEL))
			return true;
	}
	return false;
}

static bool forwards(const struct sl_lifter *lifter, u8 family)
{
	enum sl_route_mode mode =
		family == SL_IP ? lifter->program->route_ip : lifter->program->route_ip6;

	return mode != SL_ROUTE_INPUT_ONLY && mode != SL_ROUTE_LOCAL_ONLY;
}

static u8 legacy_families(const struct sl_host *host)
{
	return (u8)((host->has_legacy_ip ? SL_IP : 0) | (host->has_legacy_ip6 ? SL_IP6 : 0));
}

/* What nobody will stand ahead of is not of this path. */
static void forget(struct sl_places_lift *places, const struct hook *hook)
{
	for (u32 i = 0; i < places->list.count; i++)
		if (is_at(&places->list.items[i], hook))
			places->list.items[i].families &= (u8)~hook->family;
}

static bool is_worth_it(const struct sl_lifter *lifter, const struct sl_places_lift *places,
			const struct hook *hook)
{
	return may_drop(places, hook) && !sl_path_has_opaque_hook(lifter) &&
	       front_leaves(lifter->front, hook->family) &&
	       !(legacy_families(lifter->host) & hook->family) &&
	       (hook->hook == SL_HOOK_INPUT || forwards(lifter, hook->family));
}

static void choose_places(struct sl_lifter *lifter, struct sl_places_lift *places)
{
	for (u32 i = 0; i < SL_PLACES; i++) {
		const struct hook *hook = &hooks[i];
		const struct sl_place_lift *first = find_first(places, hook);
		struct sl_hook_place *place = &lifter->program->places[i];

		if (first && first->priority > INT_MIN + SL_HOOK_SLOTS) {
			place->priority = first->priority;
			forget_earlier(places, hook, place->priority);
			place->is_used = is_worth_it(lifter, places, hook);
		}
		if (!place->is_used)
			forget(places, hook);
	}
}

/* nf_nat rewrites what comes back from addresses that the host's own packets were sent to. */
static int add_nat(struct sl_lifter *lifter, const struct sl_places_lift *places, u32 next)
{
	if (next >= places->list.count || places->list.items[next].hook != SL_HOOK_INPUT)
		return 0;
	return sl_path_add_kernel(lifter, SL_IP | SL_IP6, SL_HOOK_INPUT, NF_IP_PRI_NAT_SRC,
				  "NAT may change addresses between the hook and this chain");
}

int sl_path_lay_hooks(struct sl_lifter *lifter)
{
	const u8 all = SL_IP | SL_IP6;
	struct sl_places_lift places = {0};
	u32 next = 0;
	int error = sl_path_find_places(lifter, &places);

	if (error)
		return error;
	choose_places(lifter, &places);
	error = sl_path_add_step(lifter, &(struct sl_step){.kind = SL_STEP_TRACKED,
							   .families = all,
							   .hook = SL_HOOK_PREROUTING,
							   .priority = NF_IP_PRI_CONNTRACK});
	if (!error)
		error = sl_path_add_step(lifter, &(struct sl_step){.kind = SL_STEP_ROUTE,
								   .families = all,
								   .hook = SL_HOOK_PREROUTING,
								   .priority = INT_MAX});
	if (!error)
		error = sl_path_add_groups(lifter, &places, &next, SL_HOOK_INPUT,
					   NF_IP_PRI_NAT_SRC);
	if (!error)
		error = add_nat(lifter, &places, next);
	if (!error)
		error = sl_path_add_groups(lifter, &places, &next, SL_HOOK_FORWARD, INT64_MAX);
	return error;
}
