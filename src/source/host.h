/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What decides a packet's path besides the rules: the namespace's devices, addresses and
 * settings, and whoever else listens on the way.
 *
 * Enters: rtnetlink, /proc/sys/net, /proc/net, ethtool. Leaves: this structure.
 * Promised: where something cannot be read, the field says the cautious thing (a hook that may be
 * there, forwarding that may be on).
 */
#ifndef SLUICE_SOURCE_HOST_H
#define SLUICE_SOURCE_HOST_H

#include <net/if.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/types.h"

struct sl_link {
	u32 ifindex;
	char name[IF_NAMESIZE];
	char kind[16];    /* IFLA_INFO_KIND: "veth", "bridge", "macvlan", …; "" for hardware */
	u32 master;       /* ifindex of its bridge, bond, VRF; 0 without */
	u32 lower;        /* IFLA_LINK: the device below (or veth's peer); 0 without */
	bool has_netnsid; /* `lower` lives in another network namespace */
	u32 type;         /* ARPHRD_* */
	u32 mtu;          /* bytes */
	u32 group;
	u8 mac[6];
	u32 flags;      /* IFF_* */
	bool is_taken;  /* an rx_handler takes its packets; compile.c finds out */
	bool has_vlans; /* VLAN devices are on it, perhaps in other namespaces; compile.c likewise
			 */
	bool is_below;  /* sluice stands on `lower`, for frames with the tag `vlan`; likewise */
	u16 vlan;
	bool is_tagged_otherwise; /* not by 802.1Q */
	bool is_crowded_below;    /* filters or hooks on `lower` see packets before */
	/* Of the device asked for only, and of a VLAN device's lower one. */
	char driver[32]; /* "virtio_net", "ixgbe", "veth" …; "" where the device tells none */
	bool forwards_ip, forwards_ip6; /* net.ipv4/6.conf.DEV.forwarding */
	bool has_tc_ingress;            /* an ingress or clsact qdisc that holds a filter, or that
					   could not be read */
	bool strips_vlan;               /* ethtool rx-vlan-offload is on; a veth's frames
					   come with their tags beside them in any case */
};

struct sl_address {
	bool is_ip6;
	u8 bytes[16]; /* network order; IPv4 in the first four */
};

/*
 * A netfilter hook that is neither nf_tables', conntrack's, NAT's nor legacy tables': a BPF
 * netfilter program, Open vSwitch, IPVS, a module of somebody's own. What it does is not known.
 */
struct sl_foreign_hook {
	u32 family; /* NFPROTO_IPV4, _IPV6; _NETDEV: the ingress hook of the device asked for */
	u32 hook;   /* NF_INET_*, NF_NETDEV_INGRESS */
	s32 priority;
	const char *name; /* the kernel's function, or why it is not known */
};

/* A legacy table's hook, and where it stands among those of the same priority. */
struct sl_legacy_hook {
	u32 family, hook;
	s32 priority;
	s32 rank; /* −1: before all others; 1: behind them; 0: neither, or there are several */
};

struct sl_host {
	struct sl_arena *arena;
	SL_LIST(struct sl_link) links;
	SL_LIST(struct sl_address) local;   /* every address of the namespace, all devices */
	bool forwards_ip6;                  /* net.ipv6.conf.all.forwarding */
	bool routes_multicast;              /* a multicast routing daemon holds the mroute socket */
	bool has_legacy_ip, has_legacy_ip6; /* iptables-legacy tables are registered */
	SL_LIST(struct sl_foreign_hook) foreign_hooks; /* filled in by load/foreign.c; live only */
	SL_LIST(struct sl_legacy_hook) legacy_hooks;   /* likewise */
	bool tracks_ip, tracks_ip6; /* conntrack is registered, whoever asked; load/foreign.c */
	bool nats_ip, nats_ip6;     /* NAT is, whoever has chains of it; likewise */
	bool has_xfrm;              /* an IPsec state or policy exists */
	bool knows_filled; /* the kernel tells how it keeps sets that packets fill; compile.c */
	bool knows_recent; /* the same of xt_recent's lists */
};

/* A packet socket: what XDP drops, it does not see. */
struct sl_listener {
	u32 pid;          /* 0 where it could not be found out */
	char process[16]; /* its name; "" without a pid */
	u32 ifindex;      /* 0: every device */
	u32 protocol;     /* ETH_P_*; 3 is all of them */
};

struct sl_listeners {
	struct sl_listener *items;
	u32 count, capacity;
};

/*
 * Reads the calling thread's network namespace, and asks `device` (NULL: none) for what only it is
 * asked for. 0, or -errno with `diag` filled in.
 */
int sl_host_read(const char *device, struct sl_host **ret_host, struct sl_diag *diag);
void sl_host_free(struct sl_host *host); /* NULL is fine */

const struct sl_link *sl_host_find_link(const struct sl_host *host, const char *name);
/* The device that a VLAN device is on; NULL of others, and where it is in another namespace. */
const struct sl_link *sl_host_find_below(const struct sl_host *host, const struct sl_link *link);
/*
 * Frames come to it from a driver, and not by way of another device, which takes tags off: it is
 * hardware, a tap or a veth.
 */
bool sl_link_has_own_driver(const struct sl_link *link);

/*
 * Lists the packet sockets of the calling thread's network namespace and their owners, one entry
 * for each process that holds one; all in `arena`.
 */
int sl_host_listeners(struct sl_arena *arena, struct sl_listeners *ret_listeners,
		      struct sl_diag *diag);

#endif
