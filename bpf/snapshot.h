/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One definition of what a snapshot holds and where it comes from, for the program that takes it
 * (snapshot.bpf.c) and the one that compares it (guard.h). READ(base, field) and READ2(base,
 * pointer, field) follow pointers: plain loads where the verifier trusts the pointer,
 * bpf_probe_read_kernel elsewhere.
 */
#ifndef SLUICE_BPF_SNAPSHOT_H
#define SLUICE_BPF_SNAPSHOT_H

#include "kernel.h"
#include "state.h"

#define NF_INET_PRE_ROUTING 0
#define NF_INET_LOCAL_IN    1
#define NF_INET_FORWARD     2

/* Before 6.17 the generation lies in memory of nf_tables' own, whose address user space finds. */
#define HAS_GENERATION_IN_NET() bpf_core_field_exists(((struct net *)0)->nft.base_seq)

/*
 * The kernel keeps a TC hook's programs twice and turns the copies over, and its filters beside
 * them; so the pointers to the present copies say little. These ask what lies behind them, which
 * most devices do not have.
 */
static __always_inline __u32 tcx_count(struct bpf_mprog_entry *entry)
{
	return entry ? BPF_CORE_READ(entry, parent, count) : 0;
}

static __always_inline struct mini_Qdisc *tcx_qdisc(struct bpf_mprog_entry *entry)
{
	struct tcx_entry *tcx;

	if (!entry)
		return NULL;
	tcx = (void *)BPF_CORE_READ(entry, parent) -
	      bpf_core_field_offset(struct tcx_entry, bundle);
	return BPF_CORE_READ(tcx, miniq);
}

/* The classifier that packets meet first; NULL: none. */
static __always_inline struct tcf_proto *first_filter(struct mini_Qdisc *qdisc)
{
	return qdisc ? BPF_CORE_READ(qdisc, filter_list) : NULL;
}

/*
 * 0, 1, or 2 for more: where sluice's own filter is the first, it is the only one if there is no
 * classifier behind its own, and no second filter in it. Those of BPF keep a list of theirs at the
 * start of `root`, in a module that need not be loaded yet, so its BTF is of no help.
 */
static __always_inline __u32 filter_count(struct tcf_proto *first)
{
	struct list_head *filters, *filter;

	if (!first)
		return 0;
	filters = BPF_CORE_READ(first, root);
	filter = BPF_CORE_READ(filters, next);
	return BPF_CORE_READ(first, next) || BPF_CORE_READ(filter, next) != filters ? 2 : 1;
}

#define QDISC(READ)                                                                                \
	(bpf_core_field_exists(dev->tcx_ingress) ? tcx_qdisc(READ(dev, tcx_ingress))               \
						 : READ(dev, miniq_ingress))

/*
 * For each field: SAME(name, expression over `dev` and `net`), in the order of cache lines. Which
 * of them a packet's verdict rests on depends on its family, and on what the path makes of
 * addresses; so the guard does not compare all of them every time.
 */
#define SL_EACH_COMMON_FIELD(SAME, READ, READ2)                                                    \
	SAME(device_flags, (__u32)READ##_BITS(dev, priv_flags))                                    \
	SAME(rx_handler, (__u64)READ(dev, rx_handler))                                             \
	SAME(hooks_ingress, (__u64)READ(dev, nf_hooks_ingress))                                    \
	SAME(net_cookie, READ(net, net_cookie))                                                    \
	SAME(generation, GENERATION(net))

/*
 * At XDP, where tags can be stripped. While there is no VLAN device the pointer is NULL, and what
 * is read from it 0.
 */
#define SL_EACH_VLAN_FIELD(SAME, READ, READ2)                                                      \
	if (bpf_core_field_exists(dev->vlan_info)) {                                               \
		SAME(features, (__u64)READ(dev, features))                                         \
		SAME(vlan_devices, (__u32)READ2(dev, vlan_info, grp.nr_vlan_devs))                 \
	}

/* Of devices that have something at TC ingress, or should have. */
#define SL_HAS_TC(READ)                                                                            \
	(bpf_core_field_exists(dev->tcx_ingress) ? !!READ(dev, tcx_ingress)                        \
						 : !!READ(dev, miniq_ingress))
#define TC_PROGRAMS(READ)                                                                          \
	(filter_count(first_filter(QDISC(READ))) +                                                 \
	 (bpf_core_field_exists(dev->tcx_ingress) ? tcx_count(READ(dev, tcx_ingress)) : 0))
#define SL_EACH_TC_FIELD(SAME, READ)                                                               \
	SAME(tc_filters, (__u64)first_filter(QDISC(READ)))                                         \
	SAME(tc_programs, TC_PROGRAMS(READ))

/* `dev` is the device below a VLAN device: what packets with tags meet before it. */
#define SL_EACH_BELOW_FIELD(SAME, READ)                                                            \
	SAME(below_hooks, (__u64)READ(dev, nf_hooks_ingress))                                      \
	SAME(below_features, (__u64)READ(dev, features))                                           \
	SAME(below_tc, TC_PROGRAMS(READ))

#define SL_EACH_IP_FIELD(SAME, READ, READ2)                                                        \
	SAME(forwarding, (__u32)READ2(dev, ip_ptr, cnf.data[0]))                                   \
	SAME(mc_forwarding,                                                                        \
	     (__u32)READ2(net, ipv4.devconf_all, data[IPV4_DEVCONF_MC_FORWARDING - 1]))            \
	SAME(accept_local,                                                                         \
	     (__u32)(READ2(dev, ip_ptr, cnf.data[IPV4_DEVCONF_ACCEPT_LOCAL - 1]) |                 \
		     READ2(net, ipv4.devconf_all, data[IPV4_DEVCONF_ACCEPT_LOCAL - 1])))           \
	SAME(hooks_ip[0], (__u64)READ(net, nf.hooks_ipv4[NF_INET_PRE_ROUTING]))                    \
	SAME(hooks_ip[1], (__u64)READ(net, nf.hooks_ipv4[NF_INET_LOCAL_IN]))

#define SL_EACH_IP6_FIELD(SAME, READ, READ2)                                                       \
	SAME(forwarding6, (__u32)READ2(net, ipv6.devconf_all, forwarding))                         \
	SAME(mc_forwarding6, (__u32)READ2(net, ipv6.devconf_all, mc_forwarding.counter))           \
	SAME(hooks_ip6[0], (__u64)READ(net, nf.hooks_ipv6[NF_INET_PRE_ROUTING]))                   \
	SAME(hooks_ip6[1], (__u64)READ(net, nf.hooks_ipv6[NF_INET_LOCAL_IN]))

/* Where the path asks whose an address is, or forwards. */
#define SL_EACH_IP_ROUTE_FIELD(SAME, READ, READ2)                                                  \
	SAME(hooks_ip[2], (__u64)READ(net, nf.hooks_ipv4[NF_INET_FORWARD]))                        \
	SAME(address_genid, (__u32)READ(net, ipv4.dev_addr_genid.counter))

#define SL_EACH_IP6_ROUTE_FIELD(SAME, READ, READ2)                                                 \
	SAME(hooks_ip6[2], (__u64)READ(net, nf.hooks_ipv6[NF_INET_FORWARD]))                       \
	SAME(address_genid6, (__u32)READ(net, ipv6.dev_addr_genid.counter))

/* Where rules ask for the device's name or group. The name is read as two words. */
#define SL_EACH_DEVICE_FIELD(SAME, READ)                                                           \
	SAME(name[0], NAME_WORD(dev, 0))                                                           \
	SAME(name[1], NAME_WORD(dev, 8))                                                           \
	SAME(group, (__u32)READ(dev, group))

#define PROBE_NAME_WORD(dev, at)                                                                   \
	({                                                                                         \
		__u64 word = 0;                                                                    \
                                                                                                   \
		bpf_probe_read_kernel(                                                             \
			&word, sizeof word,                                                        \
			(void *)(dev) + bpf_core_field_offset(struct net_device, name) + (at));    \
		word;                                                                              \
	})

#define SL_EACH_SNAPSHOT_FIELD(SAME, READ, READ2)                                                  \
	SL_EACH_DEVICE_FIELD(SAME, READ)                                                           \
	SL_EACH_COMMON_FIELD(SAME, READ, READ2)                                                    \
	SL_EACH_VLAN_FIELD(SAME, READ, READ2)                                                      \
	SL_EACH_TC_FIELD(SAME, READ)                                                               \
	SL_EACH_IP_FIELD(SAME, READ, READ2)                                                        \
	SL_EACH_IP6_FIELD(SAME, READ, READ2)                                                       \
	SL_EACH_IP_ROUTE_FIELD(SAME, READ, READ2)                                                  \
	SL_EACH_IP6_ROUTE_FIELD(SAME, READ, READ2)

#endif
