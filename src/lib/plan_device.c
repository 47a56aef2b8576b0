// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device's side of a plan: which rung of the ladder would be taken, found out without taking
 * it, and what attaching there changes besides the rules.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/offload.h"
#include "lib/plan.h"
#include "load/attach.h"
#include "load/dataplane.h"

/* Where one page must hold a packet, its headroom and the kernel's own trailer. */
#define XDP_MTU_MAX 3506

/* The device that the program would stand on. */
static const struct sl_link *place_of(const struct sl_plan *plan, enum sl_attach_mode mode)
{
	return sl_ladder_place(plan->compiled, plan->ladder.link, mode);
}

static const struct sl_link *find_peer(const struct sl_plan *plan, const struct sl_link *link)
{
	const struct sl_host *host = plan->compiled->host;

	for (u32 i = 0; i < host->links.count && link->lower && !link->has_netnsid; i++)
		if (host->links.items[i].ifindex == link->lower)
			return &host->links.items[i];
	return NULL;
}

static bool is_veth(const struct sl_link *link)
{
	return !strcmp(link->kind, "veth");
}

/* Why native XDP cannot be had, for all that can be known without asking for it; NULL: it can. */
static const char *find_refusal(struct sl_plan *plan)
{
	const struct sl_link *link = place_of(plan, SL_MODE_NATIVE),
			     *peer = is_veth(link) ? find_peer(plan, link) : NULL;
	struct sl_arena *arena = plan->legal->arena;
	u32 mtu = peer ? peer->mtu : link->mtu;
	char name[16];
	u32 id;

	if (plan->attached == SL_MODE_NATIVE)
		return NULL;
	id = sl_attach_find_xdp(link->ifindex, name);
	if (id)
		return sl_arena_printf(arena, "another XDP program is on it: %s (id %u)",
				       name[0] ? name : "without a name", id);
	if (sl_offload_has_xdp(link->ifindex) == SL_NO)
		return "the driver has no XDP";
	if (mtu > XDP_MTU_MAX)
		return sl_arena_printf(arena,
				       "the MTU of %s, %u, is too large for XDP (one page holds "
				       "about 3,500 bytes)",
				       peer ? peer->name : link->name, mtu);
	return NULL;
}

/* The verifier's opinion; whatever was loaded is gone again afterwards. */
static int try_load(const struct sl_plan *plan, enum sl_attach_mode mode, struct sl_diag *diag)
{
	struct sl_dataplane *dataplane;
	int error =
		sl_compiled_load(plan->compiled, mode == SL_MODE_TC ? SL_POINT_TC : SL_POINT_XDP,
				 NULL, &dataplane, diag);

	if (!error)
		sl_dataplane_free(dataplane);
	return error;
}

static bool takes(struct sl_plan *plan, enum sl_attach_mode mode)
{
	const char *refusal = mode == SL_MODE_NATIVE ? find_refusal(plan) : NULL;
	struct sl_diag why;

	if (!refusal && try_load(plan, mode, &why))
		refusal = why.text;
	if (refusal)
		sl_ladder_note(&plan->ladder, sl_mode_name(mode), "refused: %s", refusal);
	return !refusal;
}

static int add_effect(struct sl_plan *plan, const struct sl_side_effect *effect)
{
	struct sl_side_effect *slot = sl_list_push(plan->legal->arena, &plan->side_effects);

	if (!slot)
		return -ENOMEM;
	*slot = *effect;
	return 0;
}

static const char *say(enum sl_answer answer)
{
	return answer == SL_YES ? "on" : answer == SL_NO ? "off" : "not known";
}

/* Seen on 6.18: XDP on one end makes the other give up its large packets. */
static int add_veth_effects(struct sl_plan *plan)
{
	const struct sl_link *peer = find_peer(plan, plan->ladder.link);
	const char *name = peer ? peer->name
				: sl_arena_printf(plan->legal->arena,
						  "the peer of %s, in another network namespace",
						  plan->device);
	enum sl_answer tso = peer ? sl_offload_is_on(name, SL_OFFLOAD_TSO) : SL_NOT_KNOWN;
	int error = 0;

	if (!name)
		return -ENOMEM;
	if (tso != SL_NO)
		error = add_effect(plan, &(struct sl_side_effect){name, "tcp-segmentation-offload",
								  say(tso), "off"});
	if (!error)
		error = add_effect(plan,
				   &(struct sl_side_effect){name, "largest MTU", "65535", "3506"});
	return error;
}

static int find_effects(struct sl_plan *plan)
{
	const struct sl_link *link;
	enum sl_answer lro;

	if (plan->mode != SL_MODE_NATIVE || plan->attached == SL_MODE_NATIVE)
		return 0;
	link = place_of(plan, plan->mode);
	if (is_veth(link))
		return add_veth_effects(plan);
	lro = sl_offload_is_on(link->name, SL_OFFLOAD_LRO);
	if (lro == SL_YES || (!strcmp(link->driver, "virtio_net") && lro != SL_NO))
		return add_effect(plan, &(struct sl_side_effect){link->name,
								 "large-receive-offload", say(lro),
								 "off (or the driver refuses)"});
	return 0;
}

/* A socket bound to another device loses nothing, unless the program stands on that. */
static bool loses(const struct sl_plan *plan, const struct sl_listener *listener)
{
	return !listener->ifindex || listener->ifindex == plan->ladder.link->ifindex ||
	       listener->ifindex == place_of(plan, plan->mode)->ifindex;
}

static int find_listeners(struct sl_plan *plan, struct sl_diag *diag)
{
	struct sl_listeners *listeners = &plan->listeners;
	int error = sl_host_listeners(plan->legal->arena, listeners, diag);
	u32 kept = 0;

	for (u32 i = 0; i < listeners->count && !error; i++)
		if (loses(plan, &listeners->items[i]))
			listeners->items[kept++] = listeners->items[i];
	if (!error)
		listeners->count = kept;
	return error;
}

int sl_plan_device(struct sl_plan *plan, enum sl_wanted_mode wanted, struct sl_diag *diag)
{
	enum sl_attach_mode modes[4];

	plan->ladder = (struct sl_ladder){
		.compiled = plan->compiled,
		.link = sl_host_find_link(plan->compiled->host, plan->device),
		.wanted = wanted,
	};
	sl_ladder_plan(&plan->ladder, modes);
	for (u32 i = 0; modes[i] != SL_MODE_NONE && plan->mode == SL_MODE_NONE; i++)
		if (takes(plan, modes[i]))
			plan->mode = modes[i];
	if (find_effects(plan))
		return sl_fail_memory(diag);
	return find_listeners(plan, diag);
}
