/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What user space tells the data plane, and what the data plane tells user space.
 */
#ifndef SLUICE_ABI_STATE_H
#define SLUICE_ABI_STATE_H

#include <linux/types.h>

/* Layout of every pinned map; another value than ours means another sluice's pins. */
#define SL_ABI_VERSION 10

/*
 * Everything in the kernel that a compile assumed and that can change behind our back. The
 * watcher reads it before and after it reads the rules (bpf/snapshot.bpf.c); the data plane reads
 * it again before each DROP (bpf/guard.h) and passes the packet if anything differs.
 * Pointers are compared, never followed. A field that this kernel does not have is 0 on both
 * sides.
 */
struct sl_snapshot {
	__u64 net_cookie;  /* the namespace: the device may be moved */
	__u64 rx_handler;  /* bridge, bond, macvlan, … took the device: must be 0 */
	__u64 features;    /* the device's offloads: whether it strips VLAN tags */
	__u64 tc_filters;  /* the first at TC ingress, which take packets first; 0: none */
	__u64 hooks_ip[3]; /* netfilter hooks: prerouting, input, forward: legacy tables, … */
	__u64 hooks_ip6[3];
	__u64 hooks_ingress;
	__u64 below_hooks, below_features; /* a VLAN device's: of the device below it */
	__u64 name[2]; /* of the device; and its group: `ip link set … name …` */
	__u32 group;
	__u32 device_flags;  /* IFF_*, the kernel's own: the port of a VRF, of what not */
	__u32 vlan_devices;  /* how many are on top, in whatever namespace */
	__u32 tc_programs;   /* at TC ingress, filters and sluice's own included */
	__u32 below_tc;      /* the same of the device below */
	__u32 generation;    /* nf_tables' base_seq: any commit moves it */
	__u32 address_genid; /* an IPv4 address came or went */
	__u32 address_genid6;
	__u32 forwarding;                    /* net.ipv4.conf.DEV.forwarding */
	__u32 forwarding6;                   /* net.ipv6.conf.all.forwarding */
	__u32 mc_forwarding, mc_forwarding6; /* multicast routers: net.ipv{4,6}.conf.all.… */
	__u32 accept_local; /* net.ipv4.conf.{DEV,all}.accept_local, of which one is enough */
	/* A VLAN device's: which one is below it, and the tag: protocol << 16 | number; else 0. */
	__u32 below_ifindex, tag, padding;
	/*
	 * Where the device and nf_tables' generation lie: not compared, but read from on kernels
	 * whose state a program can't simply load.
	 */
	__u64 device_address, generation_address, below_address;
	/*
	 * Of the functions in those lists of hooks, which user space compares whenever it looks:
	 * two changes may bring another list to where the first was.
	 */
	__u64 hooks_hash;
	__u64 legacy_hash; /* likewise, of all that is in iptables-legacy's tables */
};

/*
 * The live cell: one per loaded program, written by the watcher, read for every packet.
 * To change it, or any set's map: epoch = 0, change, epoch = a value never used before. A packet
 * drops only if the epoch was the same, and not 0, before it looked at anything and after it had
 * compared `expected`; so none mixes two states, and stores need no order among themselves. The
 * program's loads stay in order on x86; processors that reorder loads (arm64) have no proof of it
 * here yet.
 */
struct sl_live {
	__u64 epoch;
	struct sl_snapshot expected;
	/*
	 * CLOCK_MONOTONIC: since when what passes is noted (bpf/batch.h), by this program or by
	 * those whose notes it goes on with. 0: nothing can be under way, as in a test run.
	 */
	__u64 began_ns;
	__u32 related_possible; /* conntrack expectations exist or may: a miss may be RELATED */
	__u32 padding;
};

/*
 * What became of each packet: an index of the map `fates`. As far behind are the same counts of
 * earlier generations, where no program writes; so one pin has it all, and who reads it while it
 * is replaced counts nothing twice.
 */
enum sl_fate_count {
	SL_DROPPED,          /* early */
	SL_PASSED_ODD,       /* not an ordinary packet (ir/packet.h) */
	SL_PASSED_RULES,     /* the rules accept it, or need the kernel */
	SL_PASSED_CONNTRACK, /* a connection exists or may exist */
	SL_PASSED_ROUTE,     /* neither local nor plainly forwarded */
	SL_PASSED_STALE,     /* it would have been dropped, but the rules have changed */
	SL_PASSED_UNDER_WAY, /* it would have been, but one ahead of it may add it to a set */
	/* The same of those that come as far as a netfilter hook (bpf/hook.h). */
	SL_HOOK_DROPPED,
	SL_HOOK_PASSED,
	SL_HOOK_STALE,
	SL_FATE_COUNTS,
};

struct sl_count {
	__u64 packets, bytes;
};

_Static_assert(sizeof(struct sl_snapshot) == 15 * 8 + 16 * 4 + 5 * 8, "shared with maps");
_Static_assert(sizeof(struct sl_live) == sizeof(struct sl_snapshot) + 24, "shared with maps");

#endif
