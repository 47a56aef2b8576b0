// SPDX-License-Identifier: GPL-2.0-only
/* Which changes of a host a lift would notice. */
#include "lift/ruleset_builder.h"

#include <stdio.h>

/* Two hosts that are alike until `change` has been at the second. */
static bool notices(void (*change)(struct nft *nft))
{
	struct nft before = a_table(NFPROTO_INET), after = a_table(NFPROTO_INET);
	bool are_equal;

	add_link(&before, "br0", "bridge");
	add_link(&after, "br0", "bridge");
	change(&after);
	are_equal = sl_lift_hosts_equal(&before.host, &after.host, "eth0");
	assert_int_equal(sl_lift_hosts_equal(&after.host, &before.host, "eth0"), are_equal);
	nft_free(&before);
	nft_free(&after);
	return !are_equal;
}

#define CHANGE(name, statement)                                                                    \
	static void name(struct nft *nft)                                                          \
	{                                                                                          \
		statement;                                                                         \
	}

CHANGE(nothing, (void)nft)
CHANGE(somebody_elses_device, add_link(nft, "veth7", "veth"))
CHANGE(state_of_the_device, eth0(nft)->flags ^= 0x100)

CHANGE(index_of_the_device, eth0(nft)->ifindex += 7)
CHANGE(name_of_the_device, snprintf(eth0(nft)->name, sizeof eth0(nft)->name, "wan0"))
CHANGE(kind, snprintf(eth0(nft)->kind, sizeof eth0(nft)->kind, "bond"))
CHANGE(driver, snprintf(eth0(nft)->driver, sizeof eth0(nft)->driver, "virtio_net"))
CHANGE(type, eth0(nft)->type++)
CHANGE(mtu, eth0(nft)->mtu--)
CHANGE(group, eth0(nft)->group++)
CHANGE(mac, eth0(nft)->mac[5]++)
CHANGE(master, eth0(nft)->master = 999)
CHANGE(lower, eth0(nft)->lower++)
CHANGE(peer_elsewhere, eth0(nft)->has_netnsid ^= true)
CHANGE(forwarding, eth0(nft)->forwards_ip ^= true)
CHANGE(forwarding6, eth0(nft)->forwards_ip6 ^= true)
CHANGE(tc_ingress, eth0(nft)->has_tc_ingress ^= true)
CHANGE(taken, eth0(nft)->is_taken ^= true)
CHANGE(vlan_offload, eth0(nft)->strips_vlan ^= true)
CHANGE(below, eth0(nft)->is_below ^= true)
CHANGE(tag, eth0(nft)->vlan++)
CHANGE(tagged_otherwise, eth0(nft)->is_tagged_otherwise ^= true)
CHANGE(crowded_below, eth0(nft)->is_crowded_below ^= true)
CHANGE(vlan_devices, eth0(nft)->has_vlans ^= true)
CHANGE(upper_device, add_link(nft, "mac0", "macvlan")->lower = eth0(nft)->ifindex)

CHANGE(forwarding_of_all, nft->host.forwards_ip6 ^= true)
CHANGE(multicast, nft->host.routes_multicast ^= true)
CHANGE(legacy, nft->host.has_legacy_ip ^= true)
CHANGE(legacy6, nft->host.has_legacy_ip6 ^= true)
CHANGE(conntrack, nft->host.tracks_ip ^= true)
CHANGE(conntrack6, nft->host.tracks_ip6 ^= true)
static void add_rank(struct nft *nft)
{
	struct sl_legacy_hook *hook = sl_list_push(nft->host.arena, &nft->host.legacy_hooks);

	assert_non_null(hook);
	hook->rank = 1;
}

CHANGE(ranks, add_rank(nft))
CHANGE(nat, nft->host.nats_ip ^= true)
CHANGE(nat6, nft->host.nats_ip6 ^= true)
CHANGE(ipsec, nft->host.has_xfrm ^= true)

static void address(struct nft *nft)
{
	struct sl_address *one = sl_list_push(nft->rules->arena, &nft->host.local);

	*one = (struct sl_address){.bytes = {10, 0, 0, 1}};
}

static void hook(struct nft *nft)
{
	struct sl_foreign_hook *one = sl_list_push(nft->rules->arena, &nft->host.foreign_hooks);

	*one = (struct sl_foreign_hook){.name = "my_hook"};
}

static void what_a_lift_does_not_read_is_no_difference(void **state)
{
	(void)state;
	assert_false(notices(nothing));
	assert_false(notices(somebody_elses_device));
	assert_false(notices(state_of_the_device));
}

static void what_it_reads_of_the_device_is(void **state)
{
	void (*const changes[])(struct nft *) = {
		index_of_the_device,
		name_of_the_device,
		kind,
		driver,
		type,
		mtu,
		group,
		mac,
		master,
		lower,
		peer_elsewhere,
		forwarding,
		forwarding6,
		tc_ingress,
		taken,
		vlan_offload,
		vlan_devices,
		below,
		tag,
		tagged_otherwise,
		crowded_below,
		upper_device,
	};

	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(changes); i++)
		if (!notices(changes[i]))
			fail_msg("change %zu is not noticed", i);
}

static void what_it_reads_of_the_namespace_is(void **state)
{
	void (*const changes[])(struct nft *) = {
		forwarding_of_all, multicast, legacy, legacy6, conntrack,
		conntrack6,        nat,       nat6,   ranks,   ipsec,
		address,           hook};

	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(changes); i++)
		if (!notices(changes[i]))
			fail_msg("change %zu is not noticed", i);
}

/* The names of others are in the reasons that `plan` gives. */
static void relatives_are_told_by_what_is_said_of_them(void **state)
{
	struct nft before = a_table(NFPROTO_INET), after = a_table(NFPROTO_INET);

	(void)state;
	add_link(&before, "mac0", "macvlan")->lower = eth0(&before)->ifindex;
	add_link(&after, "mac0", "macvlan")->lower = eth0(&after)->ifindex;
	assert_true(sl_lift_hosts_equal(&before.host, &after.host, "eth0"));
	snprintf(after.host.links.items[1].name, sizeof after.host.links.items[1].name, "mac1");
	assert_false(sl_lift_hosts_equal(&before.host, &after.host, "eth0"));
	nft_free(&before);
	nft_free(&after);
}

/* Packets that came through a bridge can then arrive. */
static void bridge_in_a_bond_is_told(void **state)
{
	struct nft before = a_table(NFPROTO_INET), after = a_table(NFPROTO_INET);

	(void)state;
	for (struct nft *nft = &before; nft; nft = nft == &before ? &after : NULL) {
		snprintf(eth0(nft)->kind, sizeof eth0(nft)->kind, "bond");
		add_link(nft, "eth1", "")->master = eth0(nft)->ifindex;
		add_link(nft, "br0", "bridge");
	}
	assert_true(sl_lift_hosts_equal(&before.host, &after.host, "eth0"));
	after.host.links.items[2].master = eth0(&after)->ifindex;
	assert_false(sl_lift_hosts_equal(&before.host, &after.host, "eth0"));
	nft_free(&before);
	nft_free(&after);
}

/* Where only TC can tell whose a packet is. */
static void what_xdp_cannot_see_is_said(void **state)
{
	static const struct {
		const char *kind;
		bool strips, has_vlans, wants_tc, has_members;
	} vectors[] = {
		{"", false, false, false, false},   {"", true, false, false, false},
		{"", false, true, false, false},    {"", true, true, true, false},
		{"bond", false, false, true, true}, {"vlan", false, true, false, false},
	};

	(void)state;
	for (size_t i = 0; i < SL_ARRAY_SIZE(vectors); i++) {
		struct nft nft = a_table(NFPROTO_INET);
		struct sl_link *link = eth0(&nft);
		struct sl_program *program;

		snprintf(link->kind, sizeof link->kind, "%s", vectors[i].kind);
		link->strips_vlan = vectors[i].strips;
		link->has_vlans = vectors[i].has_vlans;
		program = lift(&nft);
		assert_int_equal(program->device.wants_tc, vectors[i].wants_tc);
		assert_int_equal(program->device.has_members, vectors[i].has_members);
		sl_program_free(program);
		nft_free(&nft);
	}
}

static void expect_tc_wanted(struct nft *nft)
{
	struct sl_program *program = lift(nft);

	assert_true(program->device.wants_tc);
	sl_program_free(program);
}

/* Frames with its tag; nothing where the device below cannot tell them from others. */
static void vlan_device_is_judged_by_its_tag_below(void **state)
{
	struct nft nft = a_table(NFPROTO_INET);
	struct sl_link *below = add_link(&nft, "wan0", "");
	struct sl_program *program;

	(void)state;
	below->ifindex = 77;
	snprintf(eth0(&nft)->kind, sizeof eth0(&nft)->kind, "vlan");
	eth0(&nft)->lower = 77;
	eth0(&nft)->is_below = true;
	eth0(&nft)->vlan = 100;
	program = lift(&nft);
	assert_true(program->device.is_below);
	assert_int_equal(program->device.vlan, 100);
	assert_true(program->device.hides_vlan);
	assert_false(program->device.wants_tc);
	sl_program_free(program);
	below->strips_vlan = true;
	expect_tc_wanted(&nft);
	below->strips_vlan = false;
	snprintf(below->kind, sizeof below->kind, "bond");
	expect_tc_wanted(&nft);
	nft_free(&nft);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_lift_does_not_read_is_no_difference),
		cmocka_unit_test(what_it_reads_of_the_device_is),
		cmocka_unit_test(what_it_reads_of_the_namespace_is),
		cmocka_unit_test(relatives_are_told_by_what_is_said_of_them),
		cmocka_unit_test(bridge_in_a_bond_is_told),
		cmocka_unit_test(what_xdp_cannot_see_is_said),
		cmocka_unit_test(vlan_device_is_judged_by_its_tag_below),
	};

	return cmocka_run_group_tests_name("lift/device", tests, NULL, NULL);
}
