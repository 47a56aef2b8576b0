// SPDX-License-Identifier: GPL-2.0-only
#include "changes.h"

#include <string.h>

/*
 * A table that comes late, and churns. Its base chain decides in addition to whatever the ruleset
 * has; an add of what is there already changes nothing, so each of these stands alone.
 */
#define LATE "add table inet late; add chain inet late in { type filter hook input priority 5; }; "
#define LATE_SETS                                                                                  \
	LATE "add set inet late hosts { type ipv4_addr; }; "                                       \
	     "add set inet late nets { type ipv4_addr; flags interval; }; "                        \
	     "add map inet late ports { type inet_service : verdict; }; "

static const char *const rule_changes[] = {
	"nft '" LATE "add rule inet late in udp dport 53 counter drop'",
	"nft '" LATE "add rule inet late in tcp dport { 22, 80 } drop'",
	"nft '" LATE "insert rule inet late in ip saddr 10.77.1.2 accept'",
	"nft '" LATE "add rule inet late in meta l4proto icmp drop'",
	"nft '" LATE "flush chain inet late in'",
	"nft '" LATE_SETS "add rule inet late in ip saddr @hosts drop'",
	"nft '" LATE_SETS "add rule inet late in ip saddr @nets drop'",
	"nft '" LATE_SETS "add rule inet late in udp dport vmap @ports'",
	"nft '" LATE "add chain inet late in { policy drop; }'",
	"nft '" LATE "add chain inet late in { policy accept; }'",
	"nft delete table inet late",
	"nft add table inet late '{ flags dormant; }'",
	"nft 'add table netdev lateness; add chain netdev lateness in "
	"{ type filter hook ingress device in0 priority 3; }; "
	"add rule netdev lateness in udp dport 9000 drop'",
	"nft delete table netdev lateness",
	"nft flush ruleset",
	"iptables-nft -A INPUT -p udp --dport 9000 -j DROP",
	"iptables-nft -D INPUT -p udp --dport 9000 -j DROP",
	"iptables-nft -I FORWARD -p tcp -m multiport --dports 80,443 -j DROP",
};

static const char *const element_changes[] = {
	"nft '" LATE_SETS "add element inet late hosts { 10.77.1.2, 10.77.1.3 }'",
	"nft '" LATE_SETS "add element inet late hosts { 192.0.2.10 }'",
	"nft delete element inet late hosts '{ 10.77.1.2 }'",
	"nft flush set inet late hosts",
	"nft '" LATE_SETS "add element inet late nets { 192.0.2.0/26, 198.51.100.0/24 }'",
	"nft '" LATE_SETS "add element inet late nets { 10.77.1.3-10.77.1.4 }'",
	"nft delete element inet late nets '{ 192.0.2.0/26 }'",
	"nft '" LATE_SETS "add element inet late ports { 53 : drop, 9000 : drop, 80 : accept }'",
	"nft delete element inet late ports '{ 53 : drop }'",
	"nft '" LATE_SETS "add element inet late hosts { 10.77.1.4 }'; "
	"nft delete element inet late hosts '{ 10.77.1.4 }'; "
	"nft add element inet late hosts '{ 10.77.1.4 }'",
};

static const char *const host_changes[] = {
	"ip addr add 10.77.1.12/24 dev in0",
	"ip addr del 10.77.1.11/24 dev in0",
	"ip addr add fd00:77:1::12/64 dev in0 nodad noprefixroute",
	"ip addr del fd00:77:1::11/64 dev in0",
	"ip route add blackhole 203.0.113.128/25",
	"ip route add unreachable 198.51.100.128/25",
	"ip route replace 203.0.113.0/25 via 10.77.1.2 dev in0",
	"ip route del 203.0.113.0/24",
	"ip -6 route add blackhole 2001:db8:2:1::/64",
	"ip rule add from 192.0.2.0/24 blackhole",
	"echo 0 >/proc/sys/net/ipv4/ip_forward",
	"echo 1 >/proc/sys/net/ipv4/ip_forward",
	"echo 0 >/proc/sys/net/ipv6/conf/all/forwarding",
	"echo 1 >/proc/sys/net/ipv6/conf/all/forwarding",
	"echo 2 >/proc/sys/net/ipv4/conf/all/rp_filter",
	"echo 1 >/proc/sys/net/ipv4/conf/all/accept_local",
	"ip link set out0 mtu 1300",
	"ip link set in0 mtu 1400",
	"ip link set in0 promisc on",
	"ip link set in0 group 5",
	"ip link add late0 type veth peer name late1",
	"ip link del late0",
	"ip link add link in0 name above0 type macvlan mode bridge",
	"ip link del above0",
	"unshare -n ip link set lo up",
};

static const char *draw_change(struct sl_random *random)
{
	u32 dice = sl_random_below(random, 100);

	if (dice < 35)
		return sl_random_pick(random, rule_changes);
	return dice < 70 ? sl_random_pick(random, element_changes)
			 : sl_random_pick(random, host_changes);
}

static bool insert(struct sl_arena *arena, struct sl_script *script, u32 at,
		   const struct sl_act *act)
{
	if (!sl_list_push(arena, &script->acts))
		return false;
	memmove(&script->acts.items[at + 1], &script->acts.items[at],
		(script->acts.count - 1 - at) * sizeof *act);
	script->acts.items[at] = *act;
	return true;
}

bool sl_script_add_changes(struct sl_arena *arena, u64 seed, struct sl_script *script)
{
	struct sl_random random = {seed};

	for (u32 left = 1 + sl_random_below(&random, 4); left; left--) {
		struct sl_act act = {.kind = SL_ACT_DUT_CHANGES, .what = draw_change(&random)};
		u32 at = sl_random_below(&random, script->acts.count + 1);

		act.settles = sl_random_chance(&random, 60);
		if (!insert(arena, script, at, &act))
			return false;
	}
	return true;
}

static bool is_among(const char *command, const char *const *commands, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(commands[i], command))
			return true;
	return false;
}

bool sl_script_changes_host(const struct sl_script *script)
{
	for (u32 i = 0; i < script->acts.count; i++) {
		const struct sl_act *act = &script->acts.items[i];

		if (act->kind == SL_ACT_DUT_CHANGES &&
		    !is_among(act->what, rule_changes, SL_ARRAY_SIZE(rule_changes)) &&
		    !is_among(act->what, element_changes, SL_ARRAY_SIZE(element_changes)))
			return true;
	}
	return false;
}
