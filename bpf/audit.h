/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the audit's two programs share: the tables, and how a packet is known again. The maps belong
 * to the witness (audit.bpf.c); each data plane that is audited uses the same ones.
 */
#ifndef SLUICE_BPF_AUDIT_H
#define SLUICE_BPF_AUDIT_H

#include "../abi/audit.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "kernel.h"

/* Packets that wait to be freed. Full: those to come are counted as not examined. */
struct audit_table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SL_AUDIT_KEYS);
	__type(key, struct sl_audit_key);
	__type(value, struct sl_audit_entry);
} audit_even SEC(".maps"), audit_odd SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct sl_audit_control);
} audit_control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SL_AUDIT_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} audit_counts SEC(".maps");

static __always_inline const struct sl_audit_control *audit_control_now(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&audit_control, &zero);
}

static __always_inline void audit_count(__u32 index, __u64 packets)
{
	__u64 *count = bpf_map_lookup_elem(&audit_counts, &index);

	if (count)
		*count += packets;
}

static __always_inline void audit_key_transport(struct sl_audit_key *key, const __be32 *transport)
{
	key->head = transport[0];
	key->tail = transport[1];
	if (key->protocol == IPPROTO_UDP)
		key->tail &= bpf_htonl(0xffff0000);
}

/* `ip` and `ip6` are copies, with 8 bytes of transport behind them. */
static __always_inline void audit_key_ip(struct sl_audit_key *key, const struct iphdr *ip)
{
	__builtin_memset(key, 0, sizeof *key);
	key->source[0] = ip->saddr;
	key->destination[0] = ip->daddr;
	key->protocol = ip->protocol;
	audit_key_transport(key, (const __be32 *)(ip + 1));
}

static __always_inline void audit_key_ip6(struct sl_audit_key *key, const struct ipv6hdr *ip6)
{
	__builtin_memset(key, 0, sizeof *key);
	__builtin_memcpy(key->source, &ip6->saddr, sizeof key->source);
	__builtin_memcpy(key->destination, &ip6->daddr, sizeof key->destination);
	key->is_ip6 = 1;
	key->protocol = ip6->nexthdr;
	audit_key_transport(key, (const __be32 *)(ip6 + 1));
}

#endif
