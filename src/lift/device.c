// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device: its constants for the program, and what about it forbids early drops altogether.
 *
 * An obstacle is anything that takes or changes packets between XDP and the rules without being
 * in them. The program is built all the same, so that `plan` can show what would be.
 */
#include "lift/lifter.h"

#include <errno.h>
#include <net/if_arp.h>
#include <string.h>

#define DEPTH_MAX 8 /* of devices upon each other; the kernel allows no more */

bool sl_device_matches(const char *name, const char *pattern)
{
	size_t length = strlen(pattern);

	if (length && pattern[length - 1] == '*')
		return !strncmp(name, pattern, length - 1);
	return !strcmp(name, pattern);
}

static bool is_one_of(const char *kind, const char *const *kinds)
{
	for (; *kinds; kinds++)
		if (!strcmp(kind, *kinds))
			return true;
	return false;
}

/*
 * Packets reach hardware, tun and a veth from elsewhere without a mark: the first two make new
 * skbs, the last clears it between namespaces only (skb_scrub_packet). Loopback is of no kind.
 */
static bool has_no_marks(const struct sl_link *link)
{
	if (link->type != ARPHRD_ETHER)
		return false;
	if (!strcmp(link->kind, "veth"))
		return link->has_netnsid;
	return !link->kind[0] || !strcmp(link->kind, "tun");
}

static int copy_local_addresses(struct sl_lifter *lifter)
{
	struct sl_program *program = lifter->program;

	for (u32 i = 0; i < lifter->host->local.count; i++) {
		const struct sl_address *from = &lifter->host->local.items[i];
		struct sl_local_address *to = sl_list_push(program->arena, &program->local);

		if (!to)
			return -ENOMEM;
		to->is_ip6 = from->is_ip6;
		memcpy(to->bytes, from->bytes, sizeof to->bytes);
	}
	return 0;
}

/*
 * IPv4 asks the receiving device whether it forwards; IPv6 asks the namespace, and newer kernels
 * the device besides.
 */
static void choose_routing(struct sl_lifter *lifter)
{
	const struct sl_host *host = lifter->host;
	const struct sl_link *link = lifter->link;
	bool forwards_ip6 = host->forwards_ip6 || link->forwards_ip6;
	struct sl_program *program = lifter->program;

	program->route_ip = link->forwards_ip ? SL_ROUTE_LOOKUP : SL_ROUTE_INPUT_ONLY;
	program->route_ip6 = forwards_ip6 ? SL_ROUTE_LOOKUP : SL_ROUTE_LOCAL_ONLY;
	if (host->routes_multicast)
		program->route_ip = program->route_ip6 = SL_ROUTE_PASS;
}

/* Where XDP cannot tell the device's packets from others, or others take some of them before. */
static bool wants_tc(const struct sl_host *host, const struct sl_link *link)
{
	const struct sl_link *below = sl_host_find_below(host, link);

	if (link->is_below)
		return !below || !sl_link_has_own_driver(below) || below->strips_vlan ||
		       link->is_tagged_otherwise || link->is_crowded_below;
	return !strcmp(link->kind, "bond") || (link->strips_vlan && link->has_vlans);
}

int sl_device_describe(struct sl_lifter *lifter)
{
	const struct sl_link *link = lifter->link;
	struct sl_device *device = &lifter->program->device;

	device->ifindex = link->ifindex;
	memcpy(device->name, link->name, sizeof device->name);
	device->type = (u16)link->type;
	device->group = link->group;
	device->mtu = link->mtu;
	memcpy(device->mac, link->mac, sizeof device->mac);
	/* At a hook, rules have seen the packet, and its tag is gone. */
	device->mark_is_zero = !lifter->front && has_no_marks(link);
	device->is_below = !lifter->front && link->is_below;
	device->hides_vlan = link->strips_vlan || device->is_below;
	device->vlan = link->vlan;
	device->has_members = !strcmp(link->kind, "bond");
	device->wants_tc = wants_tc(lifter->host, link);
	choose_routing(lifter);
	return copy_local_addresses(lifter);
}

/* Obstacles */

static const char *find_own_obstacle(const struct sl_link *link)
{
	static const char *const known[] = {"",          "veth",  "tun",  "vlan",
					    "netdevsim", "dummy", "bond", NULL};

	if (link->type != ARPHRD_ETHER)
		return "it carries no Ethernet frames of its own";
	if (!is_one_of(link->kind, known))
		return "sluice does not know what devices of its kind do to packets";
	if (link->is_taken)
		return "a device above, perhaps in another namespace, takes its packets";
	if (link->has_tc_ingress)
		return "a TC ingress filter sees packets before the rules";
	return NULL;
}

/* Why a device that sits on ours keeps packets from our rules, or NULL. */
static const char *find_upper_obstacle(const struct sl_link *link, const struct sl_link *upper)
{
	/* These get packets that went through the rules of the device below, or are its equal. */
	static const char *const harmless[] = {"veth",   "vlan", "vxlan", "geneve", "gre",
					       "gretap", "ipip", "sit",   "ip6tnl", "ip6gre",
					       "vti",    "vti6", "xfrm",  NULL};

	if (upper->lower != link->ifindex || upper->has_netnsid || upper == link)
		return NULL;
	return is_one_of(upper->kind, harmless) ? NULL : "takes packets from it before the rules";
}

static const struct sl_link *find_index(const struct sl_host *host, u32 ifindex)
{
	for (u32 i = 0; i < host->links.count; i++)
		if (host->links.items[i].ifindex == ifindex)
			return &host->links.items[i];
	return NULL;
}

/*
 * Whether packets may arrive that have come through a bridge, and carry its note of that. Drivers
 * make new packets, and a veth clears the note (skb_scrub_packet).
 */
static bool brings_bridged(const struct sl_host *host, const struct sl_link *link, u32 depth)
{
	static const char *const drivers[] = {"", "veth", "tun", "netdevsim", "dummy", NULL};
	const struct sl_link *lower;

	if (is_one_of(link->kind, drivers))
		return false;
	if (!strcmp(link->kind, "vlan") && depth) {
		lower = link->has_netnsid ? NULL : find_index(host, link->lower);
		return !lower || brings_bridged(host, lower, depth - 1);
	}
	if (strcmp(link->kind, "bond") != 0 || !depth)
		return true;
	for (u32 i = 0; i < host->links.count; i++) {
		lower = &host->links.items[i];
		if (lower->master == link->ifindex && brings_bridged(host, lower, depth - 1))
			return true;
	}
	return false;
}

bool sl_device_brings_bridged(const struct sl_host *host, const struct sl_link *link)
{
	return brings_bridged(host, link, DEPTH_MAX);
}

static int give(const char **ret_reason, const char *text)
{
	*ret_reason = text;
	return text ? 0 : -ENOMEM;
}

int sl_device_find_obstacle(struct sl_lifter *lifter, const char **ret_reason)
{
	struct sl_arena *arena = lifter->program->arena;
	const struct sl_link *link = lifter->link;
	const char *why = find_own_obstacle(link);

	if (link->master) {
		const struct sl_link *master = find_index(lifter->host, link->master);

		return give(ret_reason, sl_arena_printf(arena, "%s is a port of %s", link->name,
							master ? master->name : "another device"));
	}
	if (why)
		return give(ret_reason, sl_arena_printf(arena, "%s: %s", link->name, why));
	for (u32 i = 0; i < lifter->host->links.count; i++) {
		const struct sl_link *upper = &lifter->host->links.items[i];

		why = find_upper_obstacle(link, upper);
		if (why)
			return give(ret_reason, sl_arena_printf(arena, "%s sits on %s and %s",
								upper->name, link->name, why));
	}
	*ret_reason = NULL;
	return 0;
}

/* Hosts that differ in nothing that is read here, nor elsewhere in lift */

static bool links_equal(const struct sl_link *a, const struct sl_link *b)
{
	return a->ifindex == b->ifindex && !strcmp(a->kind, b->kind) &&
	       !strcmp(a->driver, b->driver) && a->master == b->master && a->lower == b->lower &&
	       a->has_netnsid == b->has_netnsid && a->type == b->type && a->mtu == b->mtu &&
	       a->group == b->group && !memcmp(a->mac, b->mac, sizeof a->mac) &&
	       a->forwards_ip == b->forwards_ip && a->forwards_ip6 == b->forwards_ip6 &&
	       a->has_tc_ingress == b->has_tc_ingress && a->is_taken == b->is_taken &&
	       a->has_vlans == b->has_vlans && a->strips_vlan == b->strips_vlan &&
	       a->is_below == b->is_below && a->vlan == b->vlan &&
	       a->is_tagged_otherwise == b->is_tagged_otherwise &&
	       a->is_crowded_below == b->is_crowded_below;
}

/* The next device that a reason may speak of, from *at on: our master, or what sits on us. */
static const struct sl_link *next_relative(const struct sl_host *host, const struct sl_link *link,
					   u32 *at)
{
	while (*at < host->links.count) {
		const struct sl_link *other = &host->links.items[(*at)++];

		if (other->lower == link->ifindex || other->ifindex == link->master)
			return other;
	}
	return NULL;
}

static bool relatives_equal(const struct sl_host *a, const struct sl_link *link_a,
			    const struct sl_host *b, const struct sl_link *link_b)
{
	u32 at_a = 0, at_b = 0;

	for (;;) {
		const struct sl_link *one = next_relative(a, link_a, &at_a),
				     *other = next_relative(b, link_b, &at_b);

		if (!one || !other)
			return one == other;
		if (strcmp(one->name, other->name) != 0 || strcmp(one->kind, other->kind) != 0 ||
		    one->has_netnsid != other->has_netnsid)
			return false;
	}
}

static bool addresses_equal(const struct sl_host *a, const struct sl_host *b)
{
	if (a->local.count != b->local.count)
		return false;
	for (u32 i = 0; i < a->local.count; i++)
		if (a->local.items[i].is_ip6 != b->local.items[i].is_ip6 ||
		    memcmp(a->local.items[i].bytes, b->local.items[i].bytes,
			   sizeof a->local.items[i].bytes) != 0)
			return false;
	return true;
}

static bool hooks_equal(const struct sl_host *a, const struct sl_host *b)
{
	if (a->foreign_hooks.count != b->foreign_hooks.count)
		return false;
	for (u32 i = 0; i < a->foreign_hooks.count; i++) {
		const struct sl_foreign_hook *one = &a->foreign_hooks.items[i],
					     *other = &b->foreign_hooks.items[i];

		if (one->family != other->family || one->hook != other->hook ||
		    one->priority != other->priority || strcmp(one->name, other->name) != 0)
			return false;
	}
	return true;
}

static bool ranks_equal(const struct sl_host *a, const struct sl_host *b)
{
	if (a->legacy_hooks.count != b->legacy_hooks.count)
		return false;
	for (u32 i = 0; i < a->legacy_hooks.count; i++) {
		const struct sl_legacy_hook *one = &a->legacy_hooks.items[i],
					    *other = &b->legacy_hooks.items[i];

		if (one->family != other->family || one->hook != other->hook ||
		    one->priority != other->priority || one->rank != other->rank)
			return false;
	}
	return true;
}

static bool settings_equal(const struct sl_host *a, const struct sl_host *b)
{
	return a->forwards_ip6 == b->forwards_ip6 && a->routes_multicast == b->routes_multicast &&
	       a->has_legacy_ip == b->has_legacy_ip && a->has_legacy_ip6 == b->has_legacy_ip6 &&
	       a->tracks_ip == b->tracks_ip && a->tracks_ip6 == b->tracks_ip6 &&
	       a->nats_ip == b->nats_ip && a->nats_ip6 == b->nats_ip6 &&
	       a->has_xfrm == b->has_xfrm && a->knows_filled == b->knows_filled &&
	       a->knows_recent == b->knows_recent;
}

/* The devices below VLAN devices. */
static bool strip_alike(const struct sl_link *a, const struct sl_link *b)
{
	return a && b ? a->strips_vlan == b->strips_vlan && !strcmp(a->kind, b->kind) : a == b;
}

bool sl_lift_hosts_equal(const struct sl_host *a, const struct sl_host *b, const char *device)
{
	const struct sl_link *link_a = sl_host_find_link(a, device),
			     *link_b = sl_host_find_link(b, device);

	return link_a && link_b && links_equal(link_a, link_b) &&
	       strip_alike(sl_host_find_below(a, link_a), sl_host_find_below(b, link_b)) &&
	       relatives_equal(a, link_a, b, link_b) && addresses_equal(a, b) &&
	       sl_device_brings_bridged(a, link_a) == sl_device_brings_bridged(b, link_b) &&
	       hooks_equal(a, b) && ranks_equal(a, b) && settings_equal(a, b);
}
